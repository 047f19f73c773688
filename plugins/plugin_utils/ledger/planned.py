# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a run planned for, by client and ring, and so when each had its last run.

Of several schedules over one ledger one may fail while the others go on: that anybody had a run says nothing then. Nor
does it, of a client's ring, that somebody ran for one of its endpoints.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from ..flow import Endpoint
from ..requirements import sqlalchemy as sa
from .event import Event, instant, text_of
from .schema import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .rows import Rows
    from .store import Ledger

PEOPLES = frozenset({"approve.yml", "authorize.yml", "except.yml", "out_of_band.yml", "root_cause.yml", "release.yml"})
"""Playbooks whose runs put a person's decision on the ledger and patch nobody."""
RUNS_AT_ONCE = 20
"""How many runs are looked at at once for the last one that could have patched."""


def planned_event(endpoints: Iterable[Endpoint], now: datetime, left_out: Iterable[Endpoint] = ()) -> Event:
    """The event that a run plans for these endpoints: their clients, and the rings of each; the endpoints themselves
    where a ring has others that are not of the run, `left_out`."""
    in_part = {(one.client, one.ring) for one in left_out}
    rings: dict[str, set[str]] = {}
    names = set()
    for one in endpoints:
        if one.ring and (one.client, one.ring) in in_part:
            names.add(one.name)
        elif one.ring:
            rings.setdefault(one.client, set()).add(one.ring)
    only = {"endpoints": sorted(names)} if names else {}
    clients = {client: sorted(rings[client]) for client in sorted(rings)}
    return Event("run.planned", None, now, {"clients": clients, **only})


def last_runs(ledger: Ledger, endpoints: Iterable[Endpoint]) -> dict[str, datetime]:
    """By endpoint, when the last run that planned for it, or all of its client's ring, ended or was last heard of;
    without those that had none. A run that did not say for whom, and could have patched, was everybody's."""
    wanted = list(endpoints)
    parts = {(one.client, one.ring or "") for one in wanted}
    with ledger.reading() as connection:
        theirs = {part: at for part, at in _runs_that_said(connection) if part in parts}
        since = min(theirs.values()) if parts == set(theirs) else None
        everybodys = _last_of_everybody(connection, since)
        own = dict(_runs_for_one(connection))
    found = {}
    for one in wanted:
        known = [
            at for at in (theirs.get((one.client, one.ring or "")), own.get(one.name), everybodys) if at is not None
        ]
        if known:
            found[one.name] = max(known)
    return found


def _runs_that_said(connection: Connection) -> Iterator[tuple[tuple[str, str], datetime]]:
    runs, planned = tables().runs, tables().planned
    columns = planned.c.client, planned.c.ring, runs.c.opened_at, runs.c.closed_at
    query = sa.select(*columns).join(runs, runs.c.id == planned.c.run).where(runs.c.opened_at.is_not(None))
    for client, ring, opened, closed in connection.execute(query):
        yield (client, ring), instant(closed or opened)


def _runs_for_one(connection: Connection) -> Iterator[tuple[str, datetime]]:
    runs, endpoints = tables().runs, tables().endpoints
    columns = endpoints.c.name, runs.c.opened_at, runs.c.closed_at
    query = sa.select(*columns).join(runs, runs.c.id == endpoints.c.planned_run).where(runs.c.opened_at.is_not(None))
    for name, opened, closed in connection.execute(query):
        yield name, instant(closed or opened)


def _last_of_everybody(connection: Connection, since: datetime | None) -> datetime | None:
    """The last run that did not say for whom it planned; one that began before `since` is of no interest."""
    table = tables().runs
    query = (
        sa.select(table.c.opened_at, table.c.closed_at, table.c.opening)
        .where(table.c.planned.is_(None), table.c.opening.is_not(None))
        .order_by(table.c.opened_at.desc())
    )
    if since is not None:
        query = query.where(table.c.opened_at > text_of(since))
    for start in itertools.count(0, RUNS_AT_ONCE):
        rows = connection.execute(query.limit(RUNS_AT_ONCE).offset(start)).all()
        for row in rows:
            if json.loads(row.opening).get("playbook") not in PEOPLES:
                return instant(row.closed_at or row.opened_at)
        if not rows:
            break
    return None


def _run_planned(event: Event, rows: Rows) -> None:
    rows.put(rows.of.runs, {"id": rows.run}, planned=1)
    for client, rings in event.body["clients"].items():
        for ring in rings:
            rows.put(rows.of.planned, {"client": client, "ring": ring}, run=rows.run)
    for name in event.body.get("endpoints", ()):
        rows.change(rows.of.endpoints, {"name": name}, planned_run=rows.run)


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {"run.planned": _run_planned}
