# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles and tiers on the ledger: what opens them, what closes them, and who belongs to one.

A cycle opens by itself when a run first finds it open (R1). An out-of-band cycle is opened by hand: by the playbook
``out_of_band`` (`lanes`), or as a lane of the policy, which the first run inside it puts on the ledger with the name
and the reason given there.
Tiers are those of the monthly cycle; what an out-of-band cycle brings is proven with them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint, cycle_at, cycle_span
from ..flow.closure import Proof, Tier
from ..flow.settings import Lane
from ..requirements import sqlalchemy as sa
from .event import Event, canonical, text_of
from .schema import tables

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from .rows import Rows
    from .store import Guard, Ledger

TIER = ("cycle", "client", "ring", "kind")


def tiers_of(endpoints: Iterable[Endpoint], cycle: str) -> dict[Tier, list[str]]:
    """The tiers of the endpoints, and who is in each; one without client, ring or kind is in none."""
    found: dict[Tier, list[str]] = {}
    for endpoint in endpoints:
        if endpoint.client and endpoint.ring and endpoint.kind:
            tier = Tier(cycle, endpoint.client, endpoint.ring, endpoint.kind)
            found.setdefault(tier, []).append(endpoint.name)
    return found


def opening_events(
    ledger: Ledger, endpoints: Collection[Endpoint], lanes: Iterable[Lane], now: datetime
) -> tuple[list[Event], Guard]:
    """The events of the cycles that are open at `now` and of the tiers of `endpoints`, of those that the ledger does
    not have yet; and the guard to append them with, which is true where another run was faster."""
    others = _others_were_at(ledger)
    known = {row["id"] for row in ledger.rows("cycles", "id")}
    cycle = cycle_at(now)
    events = []
    if cycle not in known:
        start, end = cycle_span(cycle)
        events.append(Event("cycle.opened", None, now, {"cycle": cycle, "start": text_of(start), "end": text_of(end)}))
    for lane in {lane.cycle: lane for lane in lanes if lane.start <= now < lane.end}.values():
        if lane.cycle not in known:
            body = {"cycle": lane.cycle, "start": text_of(lane.start), "end": text_of(lane.end)}
            events.append(Event("cycle.opened", None, now, body | {"by": lane.by, "reason": lane.reason}))
    there = set(tiers_in(ledger, cycle))
    for tier, names in sorted(tiers_of(endpoints, cycle).items()):
        if tier not in there:
            events.append(Event("tier.opened", None, now, {**tier.as_record(), "endpoints": sorted(names)}))
    return events, others


def closing_events(ledger: Ledger, proofs: Iterable[Proof], now: datetime) -> tuple[list[Event], Guard]:
    """The events of those tiers that close, with their proof, and the guard as in `opening_events`."""
    others = _others_were_at(ledger)
    still = set(open_tiers(ledger))
    events = [
        Event("tier.closed", None, now, {**proof.tier.as_record(), "proof": [row.as_record() for row in proof.rows]})
        for proof in proofs
        if proof.closes and proof.tier in still
    ]
    return events, others


def open_tiers(ledger: Ledger) -> list[Tier]:
    """The tiers that were opened and not closed, of any cycle."""
    return _tiers(ledger, tables().tiers.c.closed_at.is_(None))


def tiers_in(ledger: Ledger, cycle: str) -> list[Tier]:
    """The tiers of a cycle that were opened, closed or not."""
    return _tiers(ledger, tables().tiers.c.cycle == cycle)


def _tiers(ledger: Ledger, which: ColumnElement[bool]) -> list[Tier]:
    """Without their proofs: these name every endpoint of every month."""
    table = tables().tiers
    query = sa.select(*(table.c[key] for key in TIER)).where(which)
    with ledger.reading() as connection:
        return sorted(Tier(*row) for row in connection.execute(query))


def seen_in(ledger: Ledger, cycle: str) -> dict[Tier, list[str]]:
    """Who was decided for in a cycle, by the tier the ledger last saw him in."""
    table = tables().endpoints
    query = sa.select(*(table.c[key] for key in ("name", "client", "ring", "kind"))).where(table.c.last_cycle >= cycle)
    with ledger.reading() as connection:
        known = [Endpoint.parse(row) for row in connection.execute(query).mappings()]
    return tiers_of(known, cycle)


def failures(ledger: Ledger, *, before: datetime) -> dict[str, str]:
    """By the name that an endpoint had, the text of the first of its failures without a root cause, of those opened
    `before`."""
    table = tables().failures
    unexplained = table.c.root_cause.is_(None) & (table.c.at < text_of(before))
    query = sa.select(table).where(unexplained).order_by(table.c.at.desc(), table.c.id)
    with ledger.reading() as connection:
        return {row["endpoint"]: row["text"] for row in connection.execute(query).mappings()}


def _others_were_at(ledger: Ledger) -> Guard:
    """Whether another run opened or closed something since this was asked; rows are only ever added."""
    with ledger.reading() as connection:
        then = _counts(connection)
    return lambda connection: _counts(connection) != then


def _counts(connection: Connection) -> list[int | None]:
    of = tables()
    return [
        connection.execute(sa.select(sa.func.count()).select_from(of.cycles)).scalar(),
        connection.execute(sa.select(sa.func.count()).select_from(of.tiers)).scalar(),
        connection.execute(sa.select(sa.func.count(of.tiers.c.closed_at))).scalar(),
    ]


def _cycle_opened(event: Event, rows: Rows) -> None:
    body = event.body
    rows.put(
        rows.of.cycles,
        {"id": body["cycle"]},
        start=body["start"],
        end=body["end"],
        opened_at=text_of(event.at),
        lane=_lane(body),
        **{key: body.get(key) for key in ("by", "reason")},
    )


def _lane(body: Mapping[str, Any]) -> str | None:
    """Of a cycle that was opened by hand; None for the month's and for the policy's."""
    told = {key: body.get(key) for key in ("updates", "soak_days", "client")}
    return canonical(told) if told["updates"] else None


def _cycle_ended(event: Event, rows: Rows) -> None:
    rows.change(rows.of.cycles, {"id": event.body["cycle"]}, end=text_of(event.at))


def _tier_opened(event: Event, rows: Rows) -> None:
    rows.put(rows.of.tiers, _key(event), opened_at=text_of(event.at))


def _tier_closed(event: Event, rows: Rows) -> None:
    rows.put(rows.of.tiers, _key(event), closed_at=text_of(event.at), proof=canonical(list(event.body["proof"])))


def _key(event: Event) -> dict[str, Any]:
    return {key: event.body[key] for key in TIER}


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "cycle.opened": _cycle_opened,
    "cycle.ended": _cycle_ended,
    "tier.opened": _tier_opened,
    "tier.closed": _tier_closed,
}
