# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception register as rows: everything that is not patched because somebody said so, and who, why, until when.

Exceptions (R2), updates that were declined or deferred, drivers that were approved (section 4), endpoints in Do Not
Patch, and the flags of agents and locations that disable patching. Needs an `Outlook`: the ledger's overview, the
policy, the instant, and the inventory's endpoints. The overview is one that was asked for the updates named by
decisions (`named`). Where there is no inventory (a package that is made offline) an
empty one will do: endpoints then stand as the ledger last saw them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint
from ..flow.fields import plain
from ..flow.records import Update, update_keys
from ..ledger.event import instant
from ..visible import one_line
from .renewals import covers, exclusion_of, place, state_of

if TYPE_CHECKING:
    from ..ledger.overview import Seen
    from .outlook import Outlook

LEDGER = "ledger"
NODES = {
    "scope.location_disabled": "location_disabled",
    "scope.agent_disabled": "agent_disabled",
    "scope.do_not_patch": "do_not_patch",
}
FROM_RMM = {
    "location_disabled": "RMM: patching is disabled at the location",
    "agent_disabled": "RMM: patching is disabled on the agent",
    "do_not_patch": "RMM: policy group Do Not Patch",
}
KINDS = ("exception", "do_not_patch", "agent_disabled", "location_disabled", "declined", "deferred", "driver")
STATES = (
    "expired",
    "unsigned",
    "lapsing",
    "signed",
    "declined",
    "deferred",
    "back in review",
    "approved",
    "set",
    "revoked",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `kind` is one of KINDS, `state` one of STATES; `scope` has client, location, endpoint or role, nothing
    for all; `since` is when it was recorded or first known, None where no run has seen it yet; `endpoints` are those of
    the inventory that it keeps from being patched, or where its update applies."""

    kind: str
    state: str
    scope: Mapping[str, str]
    source: str
    client: str | None = None
    update: str | None = None
    title: str | None = None
    code: str | None = None
    reason: str | None = None
    by: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    signed_by: str | None = None
    signed_at: datetime | None = None
    endpoints: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """As JSON types."""
        record = {name: plain(getattr(self, name)) for name in self.__slots__}
        return record | {"scope": dict(self.scope)}


def entries(outlook: Outlook, *, client: str | None = None, revoked: bool = False) -> list[Entry]:
    """The register, by kind and then by what needs somebody first; of one `client` (with what holds for all), and with
    the exceptions that were `revoked` where that is asked for."""
    found = [*_exceptions(outlook, revoked=revoked), *_of_the_rmm(outlook), *_decisions(outlook)]
    chosen = [one for one in found if client is None or one.client in (None, client)]
    return sorted(chosen, key=_order)


def _order(one: Entry) -> tuple[Any, ...]:
    return KINDS.index(one.kind), STATES.index(one.state), one.client or "", sorted(one.scope.items()), one.update or ""


def _exceptions(outlook: Outlook, *, revoked: bool) -> Iterator[Entry]:
    for row in outlook.known.exceptions:
        ended = row["revoked"]
        if ended is not None and not revoked:
            continue
        its = place(outlook, row["scope"])
        exclusion = exclusion_of(row)
        state = state_of(row, outlook.now, outlook.settings(**its).renewal_ahead)
        yield Entry(
            kind="exception",
            state="revoked" if ended else state,
            scope=row["scope"],
            source=LEDGER,
            client=its.get("client") or None,
            code=row["code"],
            reason=row["reason"] if ended is None else f"{row['reason']}; ended by {ended['by']}: {ended['reason']}",
            by=row["granted_by"],
            since=instant(row["granted_at"]),
            until=instant(row["revoked_at"]) if ended else exclusion.expires,
            signed_by=exclusion.signed_by,
            signed_at=exclusion.signed_at,
            endpoints=() if ended else tuple(_names(one for one in _fleet(outlook) if covers(row["scope"], one))),
        )


def _fleet(outlook: Outlook) -> Iterable[Endpoint]:
    if outlook.fleet:
        return outlook.fleet.values()
    return [Endpoint(name=one.name, client=one.client, location=one.location) for one in outlook.known.seen.values()]


def _names(endpoints: Iterable[Endpoint]) -> list[str]:
    return sorted(one.name for one in endpoints)


def _of_the_rmm(outlook: Outlook) -> Iterator[Entry]:
    locations: dict[tuple[str, str], list[str]] = {}
    for name, client, location, kinds in _flags(outlook):
        if "location_disabled" in kinds:
            locations.setdefault((client, location), []).append(name)
        for kind in kinds:
            if kind != "location_disabled":
                since = _since(outlook.known.seen.get(name), kind)
                yield Entry(
                    kind, "set", {"endpoint": name}, FROM_RMM[kind], client or None, since=since, endpoints=(name,)
                )
    for (client, location), names in locations.items():
        known = [_since(outlook.known.seen.get(name), "location_disabled") for name in names]
        since = min((at for at in known if at is not None), default=None)
        scope = {key: value for key, value in (("client", client), ("location", location)) if value}
        kind = "location_disabled"
        yield Entry(kind, "set", scope, FROM_RMM[kind], client or None, since=since, endpoints=tuple(sorted(names)))


def _flags(outlook: Outlook) -> Iterator[tuple[str, str, str, list[str]]]:
    """Name, client and location of each endpoint that the RMM takes out of patching, and how."""
    if not outlook.fleet:
        for seen in outlook.known.seen.values():
            kind = NODES.get(seen.node or "")
            if kind:
                yield seen.name, seen.client, seen.location, [kind]
    for name, endpoint in outlook.fleet.items():
        flags = {
            "location_disabled": endpoint.location_disabled,
            "agent_disabled": endpoint.agent_disabled,
            "do_not_patch": endpoint.policy_group == "do_not_patch",
        }
        yield name, endpoint.client, endpoint.location, [kind for kind, is_set in flags.items() if is_set]


def _since(seen: Seen | None, kind: str) -> datetime | None:
    """When a run first decided by it; of several flags the first in the flow settles it, so that of another the day is
    not known."""
    return seen.decided_at if seen is not None and NODES.get(seen.node or "") == kind else None


def _decisions(outlook: Outlook) -> Iterator[Entry]:
    named = {key: update for update in outlook.known.named.values() for key in update_keys(update)}
    waiting: dict[str, list[Endpoint]] = {}
    for endpoint in _fleet(outlook):
        for key in outlook.known.applies.get(endpoint.name, ()):
            waiting.setdefault(key, []).append(endpoint)
    for row in outlook.known.approvals:
        update = named.get(row["update"])
        kind = _kind(row, update)
        if kind is None:
            continue
        until = instant(row["until"]) if row["until"] else None
        there = {one.id for one in outlook.known.updates.values() if row["update"] in update_keys(one)}
        covered = {one.name for key in there for one in waiting.get(key, ()) if row["client"] in (None, one.client)}
        yield Entry(
            kind=kind,
            state=_state(row, until, outlook.now),
            scope={"client": row["client"]} if row["client"] else {},
            source=LEDGER,
            client=row["client"],
            update=f"KB{row['update']}" if row["update"].isdigit() else row["update"],
            title=one_line(update.title) if update else None,
            code=row["code"],
            reason=row["reason"],
            by=row["by"],
            since=instant(row["at"]),
            until=until,
            endpoints=tuple(sorted(covered)),
        )


def _kind(row: Mapping[str, Any], update: Update | None) -> str | None:
    """Approving a driver puts it on the register; other approvals are none of it (section 4)."""
    if row["decision"] != "approved":
        return str(row["decision"])
    is_driver = update is not None and any(category.casefold() == "drivers" for category in update.categories)
    return "driver" if is_driver else None


def _state(row: Mapping[str, Any], until: datetime | None, now: datetime) -> str:
    if row["decision"] == "deferred" and until is not None and until <= now:
        return "back in review"
    return str(row["decision"])
