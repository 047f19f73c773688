# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found goes on the client's compliance ticket: 3.14.1 [d], flaws are reported in the time that is set.

At the end of a run, each client's ticket gets one note that names the updates which searches have found on its machines
and which no note of this cycle has named for them yet. What was found on a machine and is corrected by then needs none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..flow import Update, cycle_at
from ..ledger import Event, text_of
from ..ledger.cycles import tiers_in
from ..ledger.installs import DEFINITIONS
from ..ledger.schema import tables
from ..requirements import sqlalchemy as sa
from .compliance import LISTED, note, xref_of

if TYPE_CHECKING:
    from ..ledger import Ledger

Found = dict[str, list[str]]
"""Update id → endpoints."""
SETTLES = timedelta(hours=12)
"""Definition updates come several times a day and go in within hours; one that has not by then is told like others."""


def found(ledger: Ledger, now: datetime) -> list[Event]:
    """The notes for the compliance tickets of the cycle at `now`: what was found that they do not have yet."""
    cycle = cycle_at(now)
    clients = {tier.client for tier in tiers_in(ledger, cycle)}
    seen = _open(ledger)
    told = _told(ledger, {xref_of(cycle, client) for client in clients & set(seen)})
    updates = _updates(ledger, {update for by_client in seen.values() for update, dummy, dummy in by_client})
    lately = text_of(now - SETTLES)
    events = []
    for client in sorted(clients & set(seen)):
        fresh: Found = defaultdict(list)
        there = told.get(xref_of(cycle, client), set())
        for update, endpoint, identified in seen[client]:
            passing = DEFINITIONS in updates[update].categories and identified > lately
            if (update, endpoint) not in there and not passing:
                fresh[update].append(endpoint)
        if fresh:
            ordered = sorted(fresh.items(), key=lambda row: updates[row[0]].label)
            lines = [
                f"Found by searches on machines of {client}:",
                *(_line(updates[key], some) for key, some in ordered),
            ]
            event = note(cycle, client, now, "\n".join(lines))
            events.append(Event(event.kind, None, now, {**event.body, "found": dict(ordered)}))
    return events


def _line(update: Update, endpoints: Sequence[str]) -> str:
    released = f"released {update.released:%Y-%m-%d}" if update.released else ""
    facts = ", ".join(one for one in (*update.described, update.severity, released) if one)
    names = ", ".join(endpoints[:LISTED]) + (f" and {len(endpoints) - LISTED} more" if len(endpoints) > LISTED else "")
    kbs = [f"KB{kb}" for kb in update.kb if f"KB{kb}" not in update.title]
    called = " ".join([*kbs, *([update.called] if update.title or not kbs else [])])
    return f"- {called}{f' ({facts})' if facts else ''}, on {len(endpoints)}: {names}"


def _open(ledger: Ledger) -> dict[str, list[tuple[str, str, str]]]:
    """By client, what is on its endpoints and not proven corrected: update, endpoint, and when it was identified."""
    of = tables()
    query = (
        sa.select(of.endpoints.c.client, of.flaws.c.update, of.flaws.c.endpoint, of.flaws.c.identified)
        .join(of.endpoints, of.endpoints.c.name == of.flaws.c.endpoint)
        .where(of.flaws.c.gone_at.is_(None), of.flaws.c.corrected_at.is_(None), of.endpoints.c.client.is_not(None))
        .order_by(of.flaws.c.update, of.flaws.c.endpoint)
    )
    by_client: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    with ledger.reading() as connection:
        for client, update, endpoint, identified in connection.execute(query):
            by_client[client].append((update, endpoint, identified))
    return by_client


def _told(ledger: Ledger, xrefs: Iterable[str]) -> dict[str, set[tuple[str, str]]]:
    """What notes that were wanted before name, by the ticket's key."""
    table = tables().tickets
    named: dict[str, set[tuple[str, str]]] = defaultdict(set)
    keys = sorted(xrefs)
    with ledger.reading() as connection:
        for start in range(0, len(keys), 500):
            query = sa.select(table.c.xref, table.c.body).where(table.c.xref.in_(keys[start : start + 500]))
            for xref, text in connection.execute(query):
                body: Mapping[str, Any] = json.loads(text)
                named[xref] |= {(update, name) for update, names in (body.get("found") or {}).items() for name in names}
    return named


def _updates(ledger: Ledger, wanted: set[str]) -> dict[str, Update]:
    known = ledger.updates(wanted)
    return {key: known.get(key) or Update(key) for key in wanted}
