# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All endpoints at once: what applies where, and what people were told of it.

What people have to be told is asked of the whole fleet at every run, so it is read in a handful of statements,
however many endpoints there are. What was told stands on the ledger: promotions (R5), coverage gaps and tickets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ..flow import Register, Update
from ..flow.records import update_keys
from ..requirements import sqlalchemy as sa
from . import register as reading
from .event import Event, instant, text_of
from .register import CHUNK
from .schema import Tables, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .rows import Rows
    from .store import Guard, Ledger

_BUILD = re.compile(r'"os_build":"([^"]+)"')
SEEN = ("name", "id", "client", "location", "ring", "kind", "role")
STANDING = ("scanned_at", "decided_at", "last_decision", "posture")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the ledger knows of one endpoint: who it was when a run last saw it, its last search, its OS build, and the
    node that settled its last decision with the reason, since when."""

    name: str
    id: int | None = None
    client: str = ""
    location: str = ""
    ring: str | None = None
    kind: str | None = None
    scanned_at: datetime | None = None
    build: str | None = None
    node: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None


class Place(NamedTuple):
    """Where an endpoint is: a client, and its location; with the RMM's number for the endpoint and its ring, where
    these are known."""

    client: str
    location: str
    id: int | None = None
    ring: str | None = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """An update's soak that has passed for a kind of endpoints, of one client or of all (None)."""

    update: str
    kind: str
    client: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap in the pilot's coverage that people were told of, since when."""

    id: str
    since: datetime
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The ledger's knowledge of all endpoints.

    `applies` has the update ids of every endpoint whose last search still stands, `first_seen` when a search first
    found each of them. `register` is without the endpoints' own states and with the soak of what applies somewhere.
    `exceptions` and `approvals` are the register's whole rows, with what the flow does not need; `named` are the
    updates that approvals name, by id, where it was asked for them: they may apply nowhere any more.
    """

    seen: Mapping[str, Seen] = field(default_factory=dict)
    applies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    updates: Mapping[str, Update] = field(default_factory=dict)
    first_seen: Mapping[str, datetime] = field(default_factory=dict)
    register: Register = field(default_factory=Register)
    exceptions: tuple[Mapping[str, Any], ...] = ()
    approvals: tuple[Mapping[str, Any], ...] = ()
    named: Mapping[str, Update] = field(default_factory=dict)
    promotions: Mapping[tuple[str, str, str | None], Promotion] = field(default_factory=dict)
    gaps: Mapping[str, Gap] = field(default_factory=dict)


def overview(ledger: Ledger, *, named: bool = False) -> Overview:
    """Everything of it in one look at the ledger; with `named` the updates that approvals name too."""
    of = tables()
    with ledger.reading() as connection:
        seen = _seen(connection, of)
        updates, first_seen = _updates(connection, of)
        return Overview(
            seen=seen,
            applies=_applies(connection, of, seen),
            updates=updates,
            first_seen=first_seen,
            register=_register(connection, of),
            exceptions=tuple(
                row | {"scope": json.loads(row["scope"]), "revoked": json.loads(row["revoked"] or "null")}
                for row in _all(connection, of.exceptions)
            ),
            approvals=tuple(_all(connection, of.approvals)),
            named=_named(connection, of) if named else {},
            promotions=_promotions(connection, of),
            gaps=_gaps(connection, of),
        )


def promotions(ledger: Ledger) -> dict[tuple[str, str, str | None], Promotion]:
    """The soaks that have passed and are on record, by update id, kind and client."""
    with ledger.reading() as connection:
        return _promotions(connection, tables())


def places(ledger: Ledger) -> dict[str, Place]:
    """Where each endpoint was when a run last saw it."""
    table = tables().endpoints
    with ledger.reading() as connection:
        columns = (table.c[name] for name in ("name", "client", "location", "id", "ring"))
        return {
            name: Place(client or "", location or "", number, ring)
            for name, client, location, number, ring in connection.execute(sa.select(*columns))
        }


def recorded(ids: Collection[str]) -> Guard:
    """Whether the ledger has an exception or a hold by one of the `ids`."""

    def there(connection: Connection) -> bool:
        of = tables()
        columns = of.exceptions.c.id, of.holds.c.id
        return any(connection.execute(sa.select(one).where(one.in_(sorted(ids))).limit(1)).first() for one in columns)

    return there


def tickets_wanted(ledger: Ledger, ids: Collection[str]) -> set[str]:
    """Those of the tickets, by id, that the ledger has, sent or not."""
    with ledger.reading() as connection:
        return _wanted(connection, ids)


def tickets_about(ledger: Ledger, topic: str) -> list[dict[str, Any]]:
    """The bodies of the wanted tickets of a topic, sent or not, oldest first; without the notes on them."""
    table = tables().tickets
    query = sa.select(table.c.body).where(table.c.xref.like(f"msp.patching/%/{topic}/%"))
    with ledger.reading() as connection:
        bodies = [
            json.loads(body) for body in connection.execute(query.order_by(table.c.wanted_at, table.c.id)).scalars()
        ]
    return [body for body in bodies if body.get("topic") == topic and body.get("action", "tell") == "tell"]


def told_since(known: Overview, tickets: Collection[str]) -> Guard:
    """Whether another run told people of something since `known` was read, or wants one of the `tickets` by now."""

    def changed(connection: Connection) -> bool:
        of = tables()
        return bool(
            _wanted(connection, tickets)
            or set(_gaps(connection, of)) != set(known.gaps)
            or set(_promotions(connection, of)) != set(known.promotions)
        )

    return changed


def _wanted(connection: Connection, ids: Collection[str]) -> set[str]:
    column, wanted = tables().tickets.c.id, sorted(ids)
    chunks = (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK))
    return {
        found for chunk in chunks for found in connection.execute(sa.select(column).where(column.in_(chunk))).scalars()
    }


def _all(connection: Connection, table: Any) -> Iterable[dict[str, Any]]:
    query = sa.select(table).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(query).mappings()]


def _seen(connection: Connection, of: Tables) -> dict[str, Seen]:
    query = sa.select(*(of.endpoints.c[name] for name in (*SEEN, *STANDING)))
    found = {}
    for row in connection.execute(query).mappings():
        build = _BUILD.search(row["posture"] or "")
        decision = json.loads(row["last_decision"] or "{}")
        found[row["name"]] = Seen(
            name=row["name"],
            id=row["id"],
            client=row["client"] or "",
            location=row["location"] or "",
            ring=row["ring"],
            kind=row["kind"],
            scanned_at=_instant(row["scanned_at"]),
            build=build[1] if build else None,
            node=decision.get("node"),
            reason=decision.get("reason"),
            decided_at=_instant(row["decided_at"]),
        )
    return found


def _applies(connection: Connection, of: Tables, seen: Mapping[str, Seen]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {name: [] for name, one in seen.items() if one.scanned_at is not None}
    columns = of.applicable.c.endpoint, of.applicable.c.update
    for endpoint, update in connection.execute(sa.select(*columns).order_by(*columns)):
        if endpoint in found:
            found[endpoint].append(update)
    return {name: tuple(ids) for name, ids in found.items()}


def _somewhere(of: Tables) -> Any:
    return sa.select(of.applicable.c.update).distinct()


def _updates(connection: Connection, of: Tables) -> tuple[dict[str, Update], dict[str, datetime]]:
    records, first = {}, {}
    for row in connection.execute(sa.select(of.updates).where(of.updates.c.id.in_(_somewhere(of)))).mappings():
        records[row["id"]] = Update.parse(json.loads(row["record"]))
        first[row["id"]] = instant(row["first_seen"])
    return records, first


def _named(connection: Connection, of: Tables) -> dict[str, Update]:
    keys = set(connection.execute(sa.select(of.approvals.c.update)).scalars())
    known = (
        Update.parse(json.loads(record)) for record in connection.execute(sa.select(of.updates.c.record)).scalars()
    )
    return {update.id: update for update in known if not keys.isdisjoint(update_keys(update))}


def _register(connection: Connection, of: Tables) -> Register:
    record = reading.register_record(connection, of, ())
    rows = connection.execute(sa.select(of.soak).where(of.soak.c.update.in_(_somewhere(of)))).mappings()
    register = Register.parse(record | {"soak": [reading.soak_record(row) for row in rows]})
    return replace(register, pilots=reading.pilots(connection, of))


def _promotions(connection: Connection, of: Tables) -> dict[tuple[str, str, str | None], Promotion]:
    rows = _all(connection, of.promotions)
    return {
        (row["update"], row["kind"], row["client"]): Promotion(
            row["update"], row["kind"], row["client"], instant(row["at"])
        )
        for row in rows
    }


def _gaps(connection: Connection, of: Tables) -> dict[str, Gap]:
    return {row["id"]: Gap(row["id"], instant(row["since"]), row["client"]) for row in _all(connection, of.gaps)}


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


def _soak_passed(event: Event, rows: Rows) -> None:
    """The first of them stands: an update leaves the pilot once."""
    body = event.body
    key = {"update": body["update"], "kind": body["kind"], "scope": body["client"] or ""}
    if rows.get(rows.of.promotions, **key) is None:
        told = {name: body[name] for name in ("client", "since", "reason")}
        rows.put(rows.of.promotions, key, at=text_of(event.at), **told)


def _gap_opened(event: Event, rows: Rows) -> None:
    body = event.body
    if rows.get(rows.of.gaps, id=body["id"]) is None:
        told = {name: body[name] for name in ("aspect", "value", "kind", "client")}
        rows.put(rows.of.gaps, {"id": body["id"]}, since=text_of(event.at), **told)


def _gap_closed(event: Event, rows: Rows) -> None:
    rows.delete(rows.of.gaps, id=event.body["id"])


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "soak.passed": _soak_passed,
    "coverage.gap_opened": _gap_opened,
    "coverage.gap_closed": _gap_closed,
}
