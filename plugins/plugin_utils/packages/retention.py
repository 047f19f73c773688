# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages are due, how long each is kept, and which may go: from the ledger alone (section 9).

A tier's package is due when the tier has closed, a client's when the last of its tiers in a cycle has, and that of all
clients when every tier of a cycle that is over has, once the closure is signed. A package that does not reach as far as
the event with which its scope last closed is not that one. Packages are deleted when the policy's time for them has
passed; events of the ledger never are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..account import Scope
from ..ledger import Event, instant, text_of
from ..ledger.event import canonical
from ..ledger.schema import tables
from ..requirements import sqlalchemy as sa

if TYPE_CHECKING:
    from ..ledger import Ledger
    from .make import Made

DAYS = {"d": 1, "w": 7, "y": 365}
Row = dict[str, Any]


def due(ledger: Ledger, now: datetime) -> list[Scope]:
    """The scopes whose package is to be written, tiers first."""
    reach: dict[str, int] = {}
    for row in ledger.rows("packages"):
        reach[row["scope"]] = max(row["until"], reach.get(row["scope"], 0))
    ends = {row["id"]: row["end"] for row in ledger.rows("cycles")}
    signed = max((row["seq"] for row in ledger.rows("checkpoints", "seq")), default=0)
    closures = _closures(ledger)
    found = []
    for scope, closed in _closed(ledger.rows("tiers", "cycle", "client", "ring", "kind", "closed_at"), ends, now):
        if reach.get(canonical(scope_record(scope)), 0) < closures.get(closed, 1) <= signed:
            found.append(scope)
    return sorted(found, key=lambda scope: (scope.client is None, scope.ring is None, str(scope)))


def _closures(ledger: Ledger) -> dict[str, int]:
    """By the instant of a closure, as the register has it, the number of its event; of several at once the last."""
    events = tables().events
    query = sa.select(events.c.at, sa.func.max(events.c.seq)).where(events.c.kind == "tier.closed")
    with ledger.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(query.group_by(events.c.at))}


def _closed(tiers: Sequence[Row], ends: Mapping[str, str], now: datetime) -> Iterator[tuple[Scope, str]]:
    """Every scope that is closed, and when its last tier was."""
    of_scope: dict[Scope, list[str | None]] = {}
    for row in tiers:
        tier = Scope(row["cycle"], row["client"], row["ring"], row["kind"])
        for scope in (tier, Scope(row["cycle"], row["client"]), Scope(row["cycle"])):
            of_scope.setdefault(scope, []).append(row["closed_at"])
    for scope, closures in of_scope.items():
        whole = [closed for closed in closures if closed is not None]
        over = scope.client is not None or ends.get(scope.cycle, "9") <= text_of(now)
        if over and len(whole) == len(closures):
            yield scope, max(whole)


def scope_record(scope: Scope) -> dict[str, str]:
    """The scope as events have it."""
    return {name: value for name, value in scope.as_record().items() if value is not None}


def written_event(package: Made, where: str, retain_until: datetime | None, now: datetime) -> Event:
    body = {
        "scope": scope_record(package.scope),
        "name": package.name,
        "where": where,
        "sha256": package.sha256,
        "size": package.size,
        "until": package.checkpoint.seq,
        "retain_until": None if retain_until is None else text_of(retain_until),
    }
    return Event("package.written", None, now, body)


def deleted_event(row: Mapping[str, Any], by: str, reason: str, now: datetime) -> Event:
    return Event(
        "package.deleted", None, now, {"sha256": row["sha256"], "where": row["where"], "by": by, "reason": reason}
    )


def keep_until(keep: str, now: datetime) -> datetime | None:
    """How long a package that is written now is kept, by the policy's `evidence.keep`; None for ever."""
    return None if keep == "forever" else now + timedelta(days=int(keep[:-1]) * DAYS[keep[-1]])


def expired(ledger: Ledger, now: datetime) -> list[Row]:
    """The packages whose time has passed and that are not deleted yet, oldest first."""
    rows = [row for row in ledger.rows("packages") if row["deleted_at"] is None and row["retain_until"]]
    return sorted((row for row in rows if instant(row["retain_until"]) <= now), key=lambda row: row["written_at"])
