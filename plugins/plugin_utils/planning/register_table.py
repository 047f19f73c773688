# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception register as people read it: one table, what needs somebody first. A look; it changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from ..evidence.recorder import Recorder
from ..flow.fields import suggestion
from ..ledger import Ledger
from ..ledger.overview import overview
from ..ledger.people import DecisionError, known_in
from ..notices.exceptions import KINDS, Entry, entries
from ..notices.outlook import Outlook
from .hosts import HostVars, read_endpoints
from .look import instant_of
from .prose import Prose, scope_words
from .tables import render

TITLES = {"do_not_patch": "do not patch", "agent_disabled": "agent disabled", "location_disabled": "location disabled"}


def register_of(
    recorder: Recorder, hostvars: HostVars, hosts: Collection[str], *, client: str | None = None, revoked: bool = False
) -> tuple[list[Entry], datetime, list[str]]:
    """The entries at the run's instant, that instant, and what is to be warned of; `hosts` are the endpoints looked at.
    Raises DecisionError for a `client` that neither they nor the ledger know."""
    fleet, warnings = read_endpoints(hostvars, hosts)
    ledger = Ledger.open(recorder.settings.ledger, create=False)
    now = instant_of(recorder)
    known = overview(ledger, named=True)
    clients = {one.client for one in fleet.values()} | {one.client for one in known.seen.values()} - {""}
    if client is not None and client not in clients:
        hint = suggestion(client, clients)
        raise DecisionError(f"there is no client {client!r} in the inventory{hint}; there is: {known_in(clients)}")
    found = entries(Outlook(known, fleet, recorder.policy, now), client=client, revoked=revoked)
    return found, now, warnings


def register_table(found: Sequence[Entry], now: datetime) -> str:
    """All of them as a table; instants are UTC."""
    prose = Prose(None, now)
    counted = Counter(one.kind for one in found)
    told = ", ".join(f"{counted[kind]} {TITLES.get(kind, kind)}" for kind in KINDS if counted[kind])
    title = f"Exception register at {prose.when(now)}: {told or 'nothing stands on it'}"
    return render(
        title,
        ("what", "state", "for", "endpoints", "why", "by", "since", "until", "signed", "from"),
        (
            (
                f"{TITLES.get(one.kind, one.kind)}{f' {one.update}' if one.update else ''}",
                one.state,
                scope_words(one.scope) if one.scope else "all clients",
                _endpoints(one),
                ": ".join(filter(None, (one.code, one.reason))) or "–",
                one.by or "–",
                _day(one.since),
                _day(one.until),
                f"{one.signed_by}, {_day(one.signed_at)}" if one.signed_by else "–",
                one.source,
            )
            for one in found
        ),
    )


def _endpoints(one: Entry) -> str:
    if one.scope.get("endpoint"):
        return "1" if one.endpoints else "not in the inventory"
    return str(len(one.endpoints))


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "–"
