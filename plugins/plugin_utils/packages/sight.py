# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the ledger is of a package's scope, and may be shown to whom the package is for.

A package of all clients shows everything that happened in its cycle. One of a client, or of one of its tiers, shows
what concerns its endpoints, the client as a whole, and everybody; an event that names anybody else is not shown.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..account import Scope, client_of
from ..ledger.checkpoints import Checkpoint
from ..ledger.schema import tables
from ..requirements import sqlalchemy as sa
from .seal import PackageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ..ledger import Ledger

EVERYBODYS = frozenset({"updates.described", "key.introduced", "checkpoint.signed"})
NOBODYS = frozenset({"cycle.opened", "run.opened", "run.planned", "run.closed", "package.written", "package.deleted"})
"""That these happen makes no package a new one."""
DECISIONS = frozenset({"approval.recorded", "exception.granted", "exception.signed", "exception.revoked"})
"""Of people, and in force in later cycles too."""
SECTIONS = ("clients", "locations", "endpoints")
CHUNK = 500


def names_others(document: Mapping[str, Any], client: str | None) -> bool:
    """Whether a policy document says anything of one client, location or endpoint that is not of `client` alone."""
    rows = document.get("freezes", ())
    return any(document.get(section) for section in SECTIONS) or any(
        row.get("client") not in (None, client) or (row.get("location") and row.get("client") is None) for row in rows
    )


class Sight:
    """What a package of `scope` with the endpoints `names` shows."""

    def __init__(self, ledger: Ledger, scope: Scope, names: Collection[str]) -> None:
        self.scope = scope
        self.names = frozenset(names)
        self._ledger = ledger
        self._ids = set() if self.is_whole else self._known_ids()

    @property
    def is_whole(self) -> bool:
        return self.scope == Scope(self.scope.cycle)

    def shows(self, event: Mapping[str, Any]) -> bool:
        """Whether an event (its keys kind, endpoint and body) may be shown."""
        kind, endpoint, body = event["kind"], event["endpoint"], event["body"]
        if self.is_whole or kind in EVERYBODYS:
            return True
        if endpoint is not None:
            return endpoint in self.names and self._is_clients(body)
        if kind == "run.opened":
            return body.get("limit") is None
        if kind == "exception.granted":
            return body["id"] in self._ids
        if kind == "run.closed":
            return self.names.issuperset(body["hosts"])
        if kind == "policy.in_force":
            return not names_others(body["document"], self.scope.client)
        if kind == "cycle.opened":  # an emergency may be one client's
            return body.get("client") in (None, self.scope.client)
        if kind == "approval.recorded":
            return body["client"] in (None, self.scope.client)
        if "scope" in body:
            return self._covers(body["scope"])
        if "id" in body and "client" not in body:
            return body["id"] in self._ids
        if "endpoints" in body and not {"client", "clients"} & body.keys():  # of a run it has all that it planned for
            return self.names.issuperset(body["endpoints"])
        return "client" in body and self.scope.covers(body["client"], body.get("ring"), body.get("kind"))

    def _is_clients(self, body: Mapping[str, Any]) -> bool:
        """Whether an endpoint was this client's when it happened: the RMM may file it elsewhere within a cycle."""
        return self.scope.client is None or client_of(body) in (None, self.scope.client)

    def _covers(self, scope: Mapping[str, Any]) -> bool:
        """Whether the scope of an exception, a hold, an authorization or a package is about these endpoints."""
        if "endpoint" in scope:
            return scope["endpoint"] in self.names
        ring, kind = scope.get("ring", self.scope.ring), scope.get("kind", self.scope.kind)
        client = scope.get("client", self.scope.client)
        return self.scope.covers(client, ring, kind)

    def _known_ids(self) -> set[str]:
        """The ids of the holds, exceptions and tickets that it shows: later events name them by these alone. Of an
        exception that follows a client or a location to its new name, the former is shown too."""
        rows = {table: self._ledger.rows(table) for table in ("holds", "exceptions")}
        found = {row["id"] for some in rows.values() for row in some if self._covers(json.loads(row["scope"]))}
        former = {
            row["id"]: row["follows"]
            for row in rows["exceptions"]
            if row["follows"] and "endpoint" not in json.loads(row["scope"])
        }
        new = found
        while new := {former[one] for one in new if one in former} - found:
            found |= new
        for row in self._ledger.rows("tickets"):
            client = json.loads(row["body"]).get("client")
            if client == self.scope.client or (row["endpoint"] in self.names and client is None):
                found.add(row["id"])
        return found

    def numbers(self, until: int | None = None) -> list[int]:
        """The numbers of the events that it shows and that make it a package, in order, as far as `until`."""
        events = tables().events
        with self._ledger.reading() as connection:
            start = self._start(connection)
            end = sa.true() if until is None else events.c.seq <= until
            if self.is_whole:
                within = sa.select(events.c.seq).where(events.c.seq >= start, end).order_by(events.c.seq)
                return [*self._earlier(connection, start), *connection.execute(within).scalars()]
            found = {*self._earlier(connection, start), start}
            names = sorted(self.names)
            for first in range(0, len(names), CHUNK):
                theirs = events.c.endpoint.in_(names[first : first + CHUNK])
                query = sa.select(events.c.seq).where(events.c.seq >= start, end, theirs)
                found.update(connection.execute(query).scalars())
            others = sa.select(events).where(events.c.seq >= start, end, events.c.endpoint.is_(None))
            found.update(seq for seq, _kind, shown in self._rows(connection, others) if shown)
        return sorted(found)

    def _start(self, connection: Connection) -> int:
        events = tables().events
        query = sa.select(events.c.seq, events.c.body).where(events.c.kind == "cycle.opened").order_by(events.c.seq)
        for row in connection.execute(query):
            if json.loads(row.body)["cycle"] == self.scope.cycle:
                return int(row.seq)
        raise PackageError(f"there is no cycle {self.scope.cycle!r} on the ledger")

    def _earlier(self, connection: Connection, start: int) -> list[int]:
        """People's decisions from before the cycle that may be in force in it."""
        events = tables().events
        query = sa.select(events).where(events.c.seq < start, events.c.kind.in_(DECISIONS))
        return [seq for seq, _kind, shown in self._rows(connection, query) if shown]

    def _rows(self, connection: Connection, query: Any) -> Iterator[tuple[int, str, bool]]:
        """Number and kind of each event, and whether it is of the scope; what is everybody's makes none longer."""
        for row in connection.execute(query).mappings():
            event = {"kind": row["kind"], "endpoint": row["endpoint"], "body": json.loads(row["body"])}
            alone = row["kind"] in EVERYBODYS or row["kind"].startswith(("run.", "package.", "policy.", "cycle."))
            yield row["seq"], row["kind"], not alone and self.shows(event)

    def checkpoint(self) -> Checkpoint:
        """The checkpoint that the package ends with: the first that covers all that is of the scope; of a scope whose
        tiers are closed, the first behind their closure. So the same package is made until something new happens.

        The last one where none covers it yet: what is not signed is in no package. There has to be one. Raises
        PackageError where it is the closure that none covers: that the scope is closed is said in the package.
        """
        closed = self._closed()
        points = [Checkpoint(**row) for row in self._ledger.rows("checkpoints")]
        if closed is not None and closed > points[-1].seq:
            raise PackageError(
                f"the closure of {self.scope} is not signed yet (event {closed}): the run that closed it signs at its "
                "end, and the next one where it could not; ask again after that"
            )
        last = closed or max(self._of_scope(), default=0)
        return next((point for point in points if point.seq >= last), points[-1])

    def _of_scope(self) -> list[int]:
        if not self.is_whole:
            return self.numbers()
        events = tables().events
        with self._ledger.reading() as connection:
            query = sa.select(sa.func.max(events.c.seq)).where(events.c.kind.not_in([*EVERYBODYS, *NOBODYS]))
            return [connection.execute(query).scalar() or 0]

    def _closed(self) -> int | None:
        """The number of the last closure, where every tier of the scope is closed."""
        tiers = [
            row
            for row in self._ledger.rows("tiers", "cycle", "client", "ring", "kind", "closed_at")
            if row["cycle"] == self.scope.cycle and self.scope.covers(row["client"], row["ring"], row["kind"])
        ]
        if not tiers or any(row["closed_at"] is None for row in tiers):
            return None
        found = 0
        for seq, _run, event in self._ledger.events(kinds=["tier.closed"]):
            body = event.body
            if body["cycle"] == self.scope.cycle and self.scope.covers(body["client"], body["ring"], body["kind"]):
                found = seq
        return found
