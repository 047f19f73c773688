# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel of the RMM's cycle tracker: extra data fields (EDFs) of clients in ConnectWise Automate (section 9).

Of each client, three fields say how far the month is: ``2026-11``, ``3 of 4 tiers closed; open: regular workstations``,
and when the last one closed. On clients, not on computers: a tier is one of a client, and who looks at the tracker
wants to know which clients are done; how a machine stands, the RMM's own patch data tells already. And for what it
costs: the API knows these fields record by record, so that a client is one request to read and at most three to write,
and ten thousand computers would be forty thousand requests to the one server that the technicians work on. Titles are
resolved at run time, since the ids of EDFs differ per server.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..automate import AutomateClient, AutomateError
from ..automate.client import CLIENTS
from ..automate.errors import UnreachableError
from ..automate.extra_fields import ExtraField, is_secret
from ..automate.pages import Row, row_id
from ..errors import UnavailableError
from ..flow.closure import Tier
from ..ledger import Event, text_of
from ..ledger.deliveries import Pending
from .channel import Budget, Channel, Told

if TYPE_CHECKING:
    from ..evidence.recorder import Recorder
    from ..evidence.settings import TrackerTitles

CLOSED = "closed"
PARALLEL_CLIENTS = 50
"""Clients that are read at once; the client of the API keeps few of these requests under way at a time."""


def tracked(closing: Collection[Tier], tiers: Iterable[Mapping[str, Any]], now: datetime) -> list[Event]:
    """What the tracker of each client is to say now that the tiers `closing` close; `tiers` are the ledger's rows."""
    known: dict[tuple[str, str], dict[Tier, bool]] = defaultdict(dict)
    for row in tiers:
        tier = Tier(*(row[key] for key in ("cycle", "client", "ring", "kind")))
        known[tier.client, tier.cycle][tier] = row["closed_at"] is not None
    events = []
    for client, cycle in sorted({(tier.client, tier.cycle) for tier in closing}):
        mine = known[client, cycle] | {tier: True for tier in closing if (tier.client, tier.cycle) == (client, cycle)}
        still = sorted(f"{tier.ring} {tier.kind}s" for tier, closed in mine.items() if not closed)
        state = (
            CLOSED if not still else f"{len(mine) - len(still)} of {len(mine)} tiers closed; open: {', '.join(still)}"
        )
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"msp.patching/tracker/{client}/{cycle}/{text_of(now)}"))
        body = {"id": key, "client": client, "cycle": cycle, "state": state}
        events.append(Event("tracker.wanted", None, now, body | {"closed_at": None if still else text_of(now)}))
    return events


class TrackerChannel(Channel):
    """Writes the tracker's fields where they say something else."""

    name = "tracker"
    things = "write(s) of the RMM's cycle tracker"

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._settings = recorder.settings.automate

    @property
    def missing(self) -> str | None:
        return None if self._settings else "no RMM is set (automate_url)"

    def deliver(self, pending: Sequence[Pending], budget: Budget) -> Iterator[Told]:
        """Of several writes for one client the last of its latest cycle is made; the others are superseded by it."""
        settings, titles = self._settings, self._recorder.settings.tracker
        if settings is None or titles is None:
            return
        last: dict[str, Pending] = {}
        for one in pending:
            if one.body["cycle"] >= last.get(one.body["client"], one).body["cycle"]:
                last[one.body["client"]] = one
        try:
            with AutomateClient(settings) as automate:
                yield from self._write(automate, titles, last, pending, budget)
        except UnreachableError as exc:
            raise UnavailableError(str(exc)) from exc
        except AutomateError as exc:
            yield f"the RMM's cycle tracker: {exc}"

    def _write(
        self,
        automate: AutomateClient,
        titles: TrackerTitles,
        last: Mapping[str, Pending],
        pending: Sequence[Pending],
        budget: Budget,
    ) -> Iterator[Told]:
        ids = {str(row.get("Name")): row_id(row, "Id") for row in automate.read(CLIENTS, {"includefields": "Id,Name"})}
        if unknown := sorted(set(last) - set(ids)):
            yield f"the RMM's cycle tracker: the RMM has no client {', '.join(repr(name) for name in unknown)}"
        names = [name for name in last if name in ids]
        for start in range(0, len(names), PARALLEL_CLIENTS):
            some = names[start : start + PARALLEL_CLIENTS]
            found = automate.extra_fields(CLIENTS.path, [ids[name] for name in some])
            for name in some:
                budget.check()
                written = yield from self._of_client(automate, titles, ids[name], found[ids[name]], last[name].body)
                if written is None:
                    return  # the fields are the same for every client: none of them has any
                yield self._confirmed(name, written, last[name], pending)

    def _of_client(
        self, automate: AutomateClient, titles: TrackerTitles, number: int, rows: Sequence[Row], body: Mapping[str, Any]
    ) -> Generator[str, None, list[str] | None]:
        """Gives back the titles that were written; None where the RMM has none of the fields."""
        wanted = {
            titles.cycle: body["cycle"],
            titles.state: body["state"],
            titles.closed: (body["closed_at"] or "")[:19],
        }
        fields = {title: row for title in wanted if (row := field_of(rows, title)) is not None}
        if missing := [title for title in wanted if title not in fields]:
            yield (
                f"the RMM has no extra data field of clients titled {', '.join(repr(title) for title in missing)}: the "
                "cycle tracker is not written there; create them as text fields, or name others (tracker_titles)"
            )
        if not fields:
            return None
        there = {title: str(ExtraField.parse(row).value or "") for title, row in fields.items()}
        if there.get(titles.cycle, "") > body["cycle"]:
            return []  # it tells of a later cycle already
        changed = [title for title in fields if there[title] != wanted[title]]
        for title in changed:
            automate.set_extra_field(CLIENTS.path, number, fields[title], wanted[title])
        return changed

    def _confirmed(
        self, client: str, changed: Sequence[str], written: Pending, pending: Sequence[Pending]
    ) -> list[Event]:
        now, events = self._recorder.clock.now(), []
        for one in pending:
            if one.body["client"] != client:
                continue
            told: dict[str, Any] = {"id": one.id, "client": client, "changed": []}
            told |= {"changed": list(changed)} if one is written else {"superseded": True}
            events.append(Event("tracker.written", None, now, told))
        return events


def field_of(rows: Iterable[Row], title: str) -> Row | None:
    """The field called `title`, or ``section/title``; of several of one title the first. Secret ones are nobody's."""
    section, slash, bare = title.rpartition("/")
    for row in rows:
        there = str(row.get("Title") or "").casefold()
        in_section = str(row.get("Section") or "").casefold() == section.strip().casefold()
        if not is_secret(row) and (
            there == title.casefold() or (slash and in_section and there == bare.strip().casefold())
        ):
            return row
    return None
