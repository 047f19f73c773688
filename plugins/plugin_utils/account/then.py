# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was so at the account's instant, of what the register has only as it is now.

A month that is over is reported for years. What people decide later, what a later search shows again, and where a
machine is filed by then, change nothing in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..ledger import Event, instant, text_of
from ..ledger.flaws import MOMENTS, as_of
from ..ledger.register import CHUNK
from ..ledger.schema import tables
from ..requirements import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy import Connection

Row = dict[str, Any]
MADE = {"scanned_at": (), "installed_at": ("install.finished", "install.found")} | {
    "rebooted_at": ("reboot.confirmed",),
    "validated_at": ("validation.finished",),
}
"""The instants of an endpoint's state, and the kinds of events that set them."""


@dataclass(frozen=True, slots=True)
class Lent:
    """The endpoints of one client's account that were another's in the cycle too: only what they did as this client's
    is of it. `left` has the last instant of those that are this client's no more."""

    client: str
    names: frozenset[str]
    left: Mapping[str, datetime]

    def is_theirs(self, name: str | None, client: str | None) -> bool:
        """Whether something of the endpoint, told when it was of `client`, is of the account."""
        return name not in self.names or client in (None, self.client)


Told = Mapping[str, list[tuple[datetime, Row]]]
"""By endpoint, when something was told of it as one client's, with what was known of it then."""


def told_as(connection: Connection, clients: Mapping[str, str]) -> Told:
    """Of endpoints that have changed hands, what was told of each as the one's that is named with it."""
    table, names = tables().events, sorted(clients)
    found: dict[str, list[tuple[datetime, Row]]] = {}
    for start in range(0, len(names), CHUNK):
        query = sa.select(table.c.endpoint, table.c.at, table.c.body).order_by(table.c.seq)
        for row in connection.execute(query.where(table.c.endpoint.in_(names[start : start + CHUNK]))):
            body = json.loads(row.body)
            if client_of(body) == clients[row.endpoint]:
                found.setdefault(row.endpoint, []).append((instant(row.at), body.get("about") or {}))
    return found


def lent(client: str | None, others: Iterable[str], endpoints: Mapping[str, Row], told: Told) -> Lent:
    """`others` are the endpoints of other clients' tiers, `told` is of those of `endpoints` that are this client's no
    more."""
    if client is None:
        return Lent("", frozenset(), {})
    gone = {name for name, row in endpoints.items() if row["client"] != client}
    left = {name: max(at for at, dummy in told[name]) for name in gone & told.keys()}
    return Lent(client, frozenset(gone | endpoints.keys() & set(others)), left)


def known_as(told: Told, name: str, at: datetime) -> Row:
    """What was known last, by then, of where an endpoint is and what it is for."""
    known = next((about for then, about in reversed(told.get(name, [])) if then <= at and about), {})
    return {key: known.get(key) for key in ("location", "role", "criticality", "redundancy_group")}


def client_of(body: Mapping[str, Any]) -> str | None:
    """Whose an endpoint was when the event happened; None where it does not say."""
    return (body.get("about") or {}).get("client") or body.get("client")


def flaws(rows: Iterable[Row], start: datetime, at: datetime, left: Mapping[str, datetime]) -> Iterator[Row]:
    """The flaws as they were, of those that were not over before the cycle began."""
    begin = text_of(start)
    for row in rows:
        until = text_of(min(at, left.get(row["endpoint"], at)))
        if row["identified"] > until:
            continue
        then = as_of(row, until)
        then |= {name: None for name in MOMENTS if name.endswith("_at") and then[name] and then[name] > until}
        if all(then[name] is None or then[name] >= begin for name in ("gone_at", "corrected_at")):
            yield then


def approvals(connection: Connection, at: datetime) -> list[Row]:
    """The decisions on updates that stood, with the columns of the register's table."""
    table = tables().events
    query = sa.select(table).where(table.c.kind == "approval.recorded", table.c.at <= text_of(at))
    found: dict[tuple[str, str], Row] = {}
    for row in connection.execute(query.order_by(table.c.seq)).mappings():
        body = json.loads(row["body"])
        names = ("update", "decision", "by", "reason", "client", "until", "promote")
        told = {name: body[name] for name in names} | {"at": row["at"], "code": body.get("code")}
        found[body["update"], body["client"] or ""] = told
    return list(found.values())


def signatures(connection: Connection, at: datetime) -> dict[str, Row]:
    """By exception, the `signed_by` and `signed_at` that were on the ledger."""
    table = tables().events
    query = sa.select(table.c.body).where(table.c.kind == "exception.signed", table.c.at <= text_of(at))
    bodies = map(json.loads, connection.execute(query.order_by(table.c.seq)).scalars())
    return {body["id"]: {name: body[name] for name in ("signed_by", "signed_at")} for body in bodies}


def state(row: Row, steps: Sequence[Event], searched: datetime | None, start: datetime) -> dict[str, datetime | None]:
    """The instants of an endpoint's state at the end of a cycle that is over, by what it did in it and, where that was
    nothing, before it."""
    found: dict[str, datetime | None] = {}
    for name, kinds in MADE.items():
        done = [event.at for event in steps if event.kind in kinds and _went_well(event)]
        before = None if row[name] is None or instant(row[name]) >= start else instant(row[name])
        found[name] = max(done, default=searched if name == "scanned_at" and searched else before)
    return found


def _went_well(event: Event) -> bool:
    match event.kind:
        case "install.finished":
            return any(result["ok"] for result in event.body["results"])
        case "validation.finished":
            return bool(event.body["healthy"])
    return True


def events_of(connection: Connection, kind: str, names: Collection[str], at: datetime) -> Iterator[Event]:
    """The events of one kind of these few endpoints by then, in order."""
    table = tables().events
    query = sa.select(table).where(table.c.kind == kind, table.c.at <= text_of(at), table.c.endpoint.in_(sorted(names)))
    for row in connection.execute(query.order_by(table.c.seq)).mappings():
        yield Event(kind, row["endpoint"], instant(row["at"]), json.loads(row["body"]))
