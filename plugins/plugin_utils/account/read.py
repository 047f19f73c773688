# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where an account reads the ledger: rows and the steps' events, in bulk, of one state of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import PatchingError
from ..flow import Update
from ..flow.closure import Tier
from ..ledger import Event, Ledger, descriptions, instant, text_of
from ..ledger.people import known_in
from ..ledger.register import CHUNK
from ..ledger.schema import tables
from ..requirements import sqlalchemy as sa
from . import then
from .model import Scope
from .then import Lent

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select, Table

Row = dict[str, Any]

STEPS = (
    "install.finished",
    "install.found",
    "reboot.confirmed",
    "validation.finished",
)
"""The kinds that tell what was done on an endpoint."""


class AccountError(PatchingError):
    """There is nothing to give an account of: the text names what there is."""


@dataclass(frozen=True, slots=True)
class Read:
    """Rows as the register has them (instants as text, documents decoded), and events in order."""

    scope: Scope
    start: datetime
    end: datetime
    at: datetime
    final: bool
    cycle: Row
    events: int
    head: str
    tiers: list[Row]
    members: dict[Tier, list[str]]
    """Of an open tier, who was in it when it opened."""
    endpoints: dict[str, Row]
    flaws: list[Row]
    updates: dict[str, Update]
    steps: dict[str, list[Event]]
    searches: dict[str, datetime]
    """When each endpoint was last searched in the cycle; the register's own forgets it when something was installed."""
    decisions: dict[str, tuple[datetime, dict[str, Any]]]
    missed: list[Event]
    approvals: list[Row]
    exceptions: list[Row]
    holds: list[Row]
    failures: list[Row]
    authorizations: list[Row]
    tickets: list[Row]
    reports: list[Row]
    """The compliance reports on tickets: their ticket's ``xref``, when they were made, and when they were there."""
    runs: list[Row]
    policies: list[Event]
    """Those that came into force in the cycle, and the one before them."""


def read(ledger: Ledger, scope: Scope, now: datetime) -> Read:
    """What an account of `scope` rests on. Raises AccountError for a cycle, client or tier the ledger does not know."""
    of = tables()
    with ledger.reading() as connection:
        cycle = _cycle(connection, scope)
        start, end = instant(cycle["start"]), instant(cycle["end"])
        rows = [row for row in _all(connection, of.tiers) if row["cycle"] == scope.cycle]
        tiers = _decoded((row for row in rows if scope.covers(row["client"], row["ring"], row["kind"])), "proof")
        at, final = _at(tiers, end, now)
        members = _members(connection, scope)
        endpoints = _endpoints(connection, scope, tiers, members, end)
        _refuse_unknown(scope, rows, endpoints)
        filed = _filed(tiers)
        others = (name for tier, names in members.items() if tier.client != scope.client for name in names)
        moved = then.told_as(connection, _moved(endpoints, filed, scope.client))
        lent = then.lent(scope.client, others, endpoints, moved)
        endpoints = {name: _as_filed(row, filed.get(name), moved, at) for name, row in endpoints.items()}
        flaws = list(then.flaws(_flaws(connection, list(endpoints), start, min(at, end)), start, at, lent.left))
        told = min((instant(row["identified"]) for row in flaws), default=start)
        failures = [
            row
            for row in _decoded(_all(connection, of.failures), "root_cause")
            if lent.is_theirs(row["endpoint"], row["client"])
        ]
        signed = then.signatures(connection, at)
        unsigned = dict.fromkeys(("signed_by", "signed_at"))
        known = {row["update"] for row in flaws} | {row["update"] for row in failures if row["update"]}
        seq, head = connection.execute(sa.select(of.head.c.seq, of.head.c.hash)).one()
        return Read(
            scope=scope,
            start=start,
            end=end,
            at=at,
            final=final,
            cycle=cycle,
            events=seq,
            head=head,
            tiers=tiers,
            members=members,
            endpoints=endpoints,
            flaws=flaws,
            updates=_updates(connection, known, at),
            steps=_steps(connection, list(endpoints), start, at, lent),
            searches=_searches(connection, list(endpoints), start, min(at, end), lent),
            decisions=_decisions(connection, endpoints, min(at, end) if final else at, lent),
            missed=_missed(connection, start, at),
            approvals=then.approvals(connection, at),
            exceptions=[
                row | signed.get(row["id"], unsigned)
                for row in _decoded(_all(connection, of.exceptions), "scope", "revoked")
            ],
            holds=_decoded(_all(connection, of.holds), "scope", "released"),
            failures=failures,
            authorizations=_decoded(_all(connection, of.authorizations), "scope"),
            tickets=[
                row
                for row in _decoded(_since(connection, of.tickets, of.tickets.c.wanted_at, min(told, start)), "body")
                if lent.is_theirs(row["endpoint"] or row["body"].get("endpoint_name"), row["body"].get("client"))
            ],
            reports=_reports(connection, min(told, start)),
            runs=_decoded(_since(connection, of.runs, of.runs.c.opened_at, start), "opening"),
            policies=_policies(connection, start, at),
        )


def _cycle(connection: Connection, scope: Scope) -> Row:
    known = {row["id"]: row for row in _all(connection, tables().cycles)}
    if scope.cycle not in known:
        raise AccountError(f"there is no cycle {scope.cycle!r} on the ledger; there is: {known_in(known)}")
    return known[scope.cycle]


def _at(tiers: Sequence[Row], end: datetime, now: datetime) -> tuple[datetime, bool]:
    """The instant to tell of: of a cycle that is over and closed its end, or the last closure, whatever `now` is."""
    closed = [row["closed_at"] for row in tiers]
    if now >= end and closed and all(closed):
        return max(end, instant(max(closed))), True
    return now, False


def _members(connection: Connection, scope: Scope) -> dict[Tier, list[str]]:
    table = tables().events
    query = sa.select(table.c.body).where(table.c.kind == "tier.opened").order_by(table.c.seq)
    found = {}
    for body in map(json.loads, connection.execute(query).scalars()):
        if body["cycle"] == scope.cycle:
            found[Tier(body["cycle"], body["client"], body["ring"], body["kind"])] = body["endpoints"]
    return found


def _endpoints(
    connection: Connection, scope: Scope, tiers: Sequence[Row], members: dict[Tier, list[str]], end: datetime
) -> dict[str, Row]:
    """The rows of the endpoints of the scope: those of its tiers, and those that it has seen and are in none."""
    table = tables().endpoints
    proven = {row["endpoint"] for tier in tiers for row in tier["proof"] or ()}
    theirs = {name for tier, names in members.items() for name in names if scope.covers(*_place(tier))}
    seen = sa.and_(table.c.last_cycle >= scope.cycle[:7], table.c.known_since < text_of(end))
    if scope.client is not None:
        seen = sa.and_(seen, table.c.client == scope.client)
    found = {}
    rows = [dict(row) for row in connection.execute(sa.select(table).where(seen)).mappings()]
    missing = sorted((proven | theirs) - {row["name"] for row in rows})
    for row in (*rows, *_chunked(connection, sa.select(table), table, "name", missing)):
        if row["name"] in proven or scope.covers(row["client"], row["ring"], row["kind"]):
            found[row["name"]] = row
    return dict(sorted(found.items()))


def _filed(tiers: Sequence[Row]) -> dict[str, Row]:
    """By endpoint, the closed tier that it is proven in; of several, the one that closed last."""
    closed = sorted((tier for tier in tiers if tier["proof"]), key=lambda tier: str(tier["closed_at"]))
    return {line["endpoint"]: tier for tier in closed for line in tier["proof"]}


def _moved(endpoints: dict[str, Row], filed: dict[str, Row], client: str | None) -> dict[str, str]:
    """The endpoints that are another's by now, with the client that they were of in the account."""
    was = {name: filed[name]["client"] if name in filed else client for name in endpoints}
    return {name: of for name, of in was.items() if of is not None and endpoints[name]["client"] != of}


def _as_filed(row: Row, tier: Row | None, told: then.Told, at: datetime) -> Row:
    """The row with the client, the ring and the kind of the tier that it is proven in, which it may have left since."""
    if tier is None:
        return row
    known = then.known_as(told, row["name"], at) if row["client"] != tier["client"] else {}
    return row | known | {key: tier[key] for key in ("client", "ring", "kind")}


def _place(tier: Tier) -> tuple[str, str, str]:
    return tier.client, tier.ring, tier.kind


def _refuse_unknown(scope: Scope, tiers: Sequence[Row], endpoints: dict[str, Row]) -> None:
    if endpoints or scope == Scope(scope.cycle):
        return
    clients = {row["client"] for row in tiers}
    if scope.client is not None and scope.client not in clients:
        raise AccountError(f"no client {scope.client!r} has a tier in {scope.cycle}; there is: {known_in(clients)}")
    known = [f"{row['client']} {row['ring']} {row['kind']}" for row in tiers if scope.client in (None, row["client"])]
    raise AccountError(f"there is no tier {scope} on the ledger; there is: {known_in(known)}")


def _flaws(connection: Connection, names: list[str], start: datetime, until: datetime) -> Iterator[Row]:
    """Those that stood on an endpoint at some time of the cycle: known by its end, and not over before it began."""
    table, begin = tables().flaws, text_of(start)
    query = sa.select(table).where(
        table.c.identified < text_of(until),
        sa.or_(table.c.corrected_at.is_(None), table.c.corrected_at >= begin),
        sa.or_(table.c.gone_at.is_(None), table.c.gone_at >= begin),
    )
    yield from _chunked(connection, query, table, "endpoint", names)


def _updates(connection: Connection, ids: Iterable[str], at: datetime) -> dict[str, Update]:
    table = tables().updates
    rows = _chunked(connection, sa.select(table), table, "id", sorted(ids))
    return {row["id"]: descriptions.as_of(row, text_of(at)) for row in rows}


def _steps(
    connection: Connection, names: list[str], start: datetime, at: datetime, lent: Lent
) -> dict[str, list[Event]]:
    table = tables().events
    query = sa.select(table).where(table.c.kind.in_(STEPS), table.c.at >= text_of(start), table.c.at <= text_of(at))
    found: dict[str, list[Event]] = {}
    for row in _chunked(connection, query, table, "endpoint", names):
        event = _event(row)
        if lent.is_theirs(event.endpoint, then.client_of(event.body)):
            found.setdefault(row["endpoint"], []).append(event)
    return found


def _searches(
    connection: Connection, names: list[str], start: datetime, at: datetime, lent: Lent
) -> dict[str, datetime]:
    table = tables().events
    within = sa.and_(table.c.kind == "scan.finished", table.c.at >= text_of(start), table.c.at <= text_of(at))
    last = sa.select(table.c.endpoint, sa.func.max(table.c.at).label("at")).where(within).group_by(table.c.endpoint)
    found: dict[str, datetime] = {}
    for some in range(0, len(names), CHUNK):
        chunk = last.where(table.c.endpoint.in_(names[some : some + CHUNK]))
        found |= {row["endpoint"]: instant(row["at"]) for row in connection.execute(chunk).mappings()}
    for name in lent.names:
        found.pop(name, None)
    for event in then.events_of(connection, "scan.finished", lent.names, at):
        if event.at >= start and lent.is_theirs(event.endpoint, then.client_of(event.body)):
            found[str(event.endpoint)] = event.at
    return found


def _decisions(
    connection: Connection, endpoints: dict[str, Row], at: datetime, lent: Lent
) -> dict[str, tuple[datetime, dict[str, Any]]]:
    """What was last decided for each endpoint by `at`: the register's, or an earlier one where that is later."""
    found = {}
    later = []
    for name, row in endpoints.items():
        if name in lent.names:
            continue
        if row["decided_at"] is not None and row["decided_at"] <= text_of(at):
            found[name] = instant(row["decided_at"]), json.loads(row["last_decision"])
        elif row["decided_at"] is not None:
            later.append(name)
    table = tables().events
    of_kind = sa.and_(table.c.kind == "plan.decided", table.c.at <= text_of(at))
    last = sa.select(sa.func.max(table.c.seq).label("seq")).where(of_kind).group_by(table.c.endpoint)
    for start in range(0, len(later), CHUNK):
        some = last.where(table.c.endpoint.in_(later[start : start + CHUNK])).scalar_subquery()
        for told in connection.execute(sa.select(table).where(table.c.seq.in_(some))).mappings():
            found[told["endpoint"]] = instant(told["at"]), json.loads(told["body"])["decision"]
    for event in then.events_of(connection, "plan.decided", lent.names, at):
        if lent.is_theirs(event.endpoint, then.client_of(event.body)):
            found[str(event.endpoint)] = event.at, event.body["decision"]
    return found


def _missed(connection: Connection, start: datetime, at: datetime) -> list[Event]:
    table = tables().events
    query = sa.select(table).where(
        table.c.kind == "window.missed", table.c.at >= text_of(start), table.c.at <= text_of(at)
    )
    return [_event(dict(row)) for row in connection.execute(query.order_by(table.c.seq)).mappings()]


def _policies(connection: Connection, start: datetime, at: datetime) -> list[Event]:
    table = tables().events
    query = sa.select(table).where(table.c.kind == "policy.in_force", table.c.at <= text_of(at)).order_by(table.c.seq)
    found = [_event(dict(row)) for row in connection.execute(query).mappings()]
    before = [event for event in found if event.at <= start][-1:]
    return [*before, *(event for event in found if event.at > start)]


def _event(row: Row) -> Event:
    return Event(row["kind"], row["endpoint"], instant(row["at"]), json.loads(row["body"]))


def _all(connection: Connection, table: Table) -> Iterator[Row]:
    query = sa.select(table).order_by(*table.primary_key.columns)
    return (dict(row) for row in connection.execute(query).mappings())


def _since(connection: Connection, table: Table, column: Any, moment: datetime) -> Iterator[Row]:
    query = sa.select(table).where(column >= text_of(moment)).order_by(*table.primary_key.columns)
    return (dict(row) for row in connection.execute(query).mappings())


def _reports(connection: Connection, start: datetime) -> list[Row]:
    table = tables().deliveries
    query = sa.select(table.c.subject, table.c.wanted_at, table.c.sent_at).where(
        table.c.channel == "attachment", table.c.sent_at.is_not(None), table.c.wanted_at >= text_of(start)
    )
    return [dict(row) for row in connection.execute(query.order_by(table.c.number)).mappings()]


def _chunked(
    connection: Connection, query: Select[Any], table: Table, column: str, values: Sequence[str]
) -> Iterator[Row]:
    """The rows of `query` whose `column` is one of `values`, by key within each chunk."""
    ordered = query.order_by(*table.primary_key.columns)
    for start in range(0, len(values), CHUNK):
        chunk = ordered.where(table.c[column].in_(values[start : start + CHUNK]))
        yield from (dict(row) for row in connection.execute(chunk).mappings())


def _decoded(rows: Iterable[Row], *documents: str) -> list[Row]:
    return [row | {name: json.loads(row[name] or "null") for name in documents} for row in rows]
