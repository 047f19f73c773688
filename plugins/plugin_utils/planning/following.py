# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was said of a client, a location or an endpoint follows it when the RMM calls it something else.

Nothing that is patched is left to a guess: what kept it from being patched goes on to keep it, until somebody has said
more. So an exception follows unsigned, which holds what it covers (R2); a hold that stands follows, and so does an
update that was declined or deferred. Where the policy has something of a client's own, the client is held until it is
written there by the new name. A failure needs nothing of this: it knows its endpoint by the RMM's number. What lets
something be patched (an approval, a technician's go) does not follow.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint, Policy, Register
from ..flow.register import Approval, Exclusion, Hold
from ..ledger import Event, Ledger
from ..ledger.event import canonical
from ..ledger.overview import recorded
from ..notices.letters import Letter
from .prose import count, playbook, scope_words
from .renamed import Names, Scope

if TYPE_CHECKING:
    from ..ledger.store import Guard

BY = "msp.patching"
"""Who puts it on the ledger."""
NAMED = 5
"""How much of it is told in full."""
Row = Mapping[str, Any]


def following(ledger: Ledger, policy: Policy, names: Names, now: datetime) -> list[Event]:
    """The events that the ledger lacks; none where nothing is called otherwise, or somebody has dealt with it."""
    return [*_exceptions(ledger, names, now), *_of_clients(ledger, policy, names, now)]


def _exceptions(ledger: Ledger, names: Names, now: datetime) -> Iterator[Event]:
    rows: list[Row] = [row | {"scope": json.loads(row["scope"])} for row in ledger.rows("exceptions")]
    standing = [row for row in rows if row["revoked_at"] is None]
    taken = {canonical(row["scope"]) for row in standing}
    followers: dict[str, set[str]] = {}
    for row in rows:
        if row["follows"]:
            followers.setdefault(row["follows"], set()).add(canonical(row["scope"]))
    for row in standing:
        followed = followers.get(row["id"], set())
        for scope in names.now(row["scope"]):
            if _is_decided(row["scope"], scope, names, followed, taken):
                continue
            taken.add(canonical(scope))
            body = {
                "id": _id(row["id"], scope),
                "scope": scope,
                "expires": row["expires"],
                "code": row["code"],
                "by": BY,
                "reason": row["reason"],
                "follows": row["id"],
            }
            yield Event("exception.granted", None, now, body)


def _is_decided(former: Scope, scope: Scope, names: Names, followed: Set[str], taken: Set[str]) -> bool:
    """Whether nothing is to follow from `former` to `scope` any more. Who has signed for it ahead, or has ended what
    followed, has decided; `followed` are the scopes that did, `taken` those that an exception stands for."""
    known = followed | taken
    if canonical(dict(scope)) in known:
        return True
    if "endpoint" not in scope:  # the endpoints of a place have followed one by one, to where others were before them
        return all(canonical({"endpoint": one.name}) in known for one in names.moved(former, scope))
    if "endpoint" in former:
        return bool(followed) and followed.isdisjoint(taken)
    one = names.endpoint(scope["endpoint"])
    theirs = ({"client": one.client}, {"client": one.client, "location": one.location})
    return any(canonical(place) in known for place in theirs)


def _of_clients(ledger: Ledger, policy: Policy, names: Names, now: datetime) -> Iterator[Event]:
    clients = names.clients()
    if not clients:
        return
    holds = [row | {"scope": json.loads(row["scope"])} for row in ledger.rows("holds")]
    approvals = ledger.rows("approvals")
    for old, new in clients:
        stops = [*_holds(holds, old, new, now), *_policy(holds, policy, old, new, now)]
        yield from stops
        yield from _approvals(approvals, old, new, now)
        if stops:
            yield _letter(policy, old, new, stops).event(now)


def _holds(rows: Sequence[Row], old: str, new: str, now: datetime) -> Iterator[Event]:
    known = {row["id"] for row in rows}
    for row in rows:
        if row["released"] is None and row["scope"].get("client") == old:
            scope = row["scope"] | {"client": new}
            key = _id(row["id"], scope)
            if key not in known:
                body = {"reason": f"{row['reason']}{_was(old)}", "failure": row["failure"], "by": row["by"]}
                yield Event("hold.placed", None, now, {"id": key, "scope": scope, **body})


def _approvals(rows: Sequence[Row], old: str, new: str, now: datetime) -> Iterator[Event]:
    decided = {row["update"] for row in rows if row["client"] == new}
    for row in rows:
        if row["client"] == old and row["decision"] != "approved" and row["update"] not in decided:
            kept = {key: row[key] for key in ("update", "decision", "until", "code")}
            reason = f"{row['reason']}, decided by {row['by']}{_was(old)}"
            yield Event(
                "approval.recorded", None, now, {**kept, "client": new, "promote": False, "by": BY, "reason": reason}
            )


def _policy(holds: Sequence[Row], policy: Policy, old: str, new: str, now: datetime) -> Iterator[Event]:
    paths = _said_of(policy, old, new, now)
    key = _id(f"policy/{old}", {"client": new})
    if paths and key not in {row["id"] for row in holds}:
        words = ", ".join(paths)
        reason = f"client {old} is called {new} in the RMM now, and the policy has {words}: write the new name there"
        yield Event("hold.placed", None, now, {"id": key, "scope": {"client": new}, "reason": reason, "by": BY})


def _letter(policy: Policy, old: str, new: str, stops: Sequence[Event]) -> Letter:
    return Letter(
        topic="exception",
        key=("renamed", old, new, *sorted(event.body["id"] for event in stops)),
        about=(new, "renamed", old),
        summary=f"Patching: client {old} is called {new} now, and is held",
        lines=[
            f"In the RMM client {old} is called {new} now. Policy and holds go by the RMM's names. So that nothing is",
            "patched against them, these holds stand until somebody has looked:",
            *(f"  - {scope_words(event.body['scope'])}: {event.body['reason']}" for event in stops),
            "",
            f"Release them: {playbook('release', client=new, reason=None)}",
            "(one of a ring or a kind with these words too)",
        ],
        priority=policy.settings(Endpoint(client=new)).notice_priority,
        client=new,
    )


def _said_of(policy: Policy, old: str, new: str, now: datetime) -> list[str]:
    """Where the policy says something of the client `old` that it does not say of `new`."""
    clients = policy.document["clients"]
    paths = [f"clients.{old}"] if old in clients and new not in clients else []
    theirs = sorted(place for client, place in policy.locations if client == old)
    paths += [f"locations.{old}.{place}" for place in theirs if (new, place) not in policy.locations]
    freezes = [freeze for freeze in policy.settings().freezes if not freeze.is_over(now)]
    there = {freeze.name for freeze in freezes if freeze.client == new}
    return paths + [f"the freeze {one.name}" for one in freezes if one.client == old and one.name not in there]


def _was(old: str) -> str:
    return f" (it was called client {old})"


def _id(key: str, scope: Mapping[str, str]) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"msp.patching/{key}/follows/{canonical(dict(scope))}"))


def followed_since(events: Sequence[Event]) -> Guard | None:
    """Whether another run has put some of it on the ledger by now."""
    ids = {event.body["id"] for event in events if "id" in event.body}
    return recorded(ids) if ids else None


def with_followed(register: Register, events: Sequence[Event]) -> Register:
    """The register as it would be with these events, which a check does not record."""
    exceptions = [
        Exclusion.parse({"scope": event.body["scope"], "reason": event.body["code"], "expires": event.body["expires"]})
        for event in events
        if event.kind == "exception.granted"
    ]
    holds = [
        Hold.parse({"scope": event.body["scope"], "reason": event.body["reason"], "at": event.at.isoformat()})
        for event in events
        if event.kind == "hold.placed"
    ]
    approvals = [
        Approval.parse({key: event.body[key] for key in ("update", "decision", "client", "until", "by", "reason")})
        for event in events
        if event.kind == "approval.recorded"
    ]
    return replace(
        register,
        exceptions=(*register.exceptions, *exceptions),
        holds=(*register.holds, *holds),
        approvals=(*register.approvals, *approvals),
    )


def in_words(events: Sequence[Event]) -> list[str]:
    """What follows to which name, in a sentence; none where nothing does."""
    parts = [
        f"the exception for {scope_words(event.body['scope'])}, which holds until the client has signed for that name"
        for event in events
        if event.kind == "exception.granted"
    ]
    holds = [event.body for event in events if event.kind == "hold.placed"]
    parts += [f"a hold on {scope_words(body['scope'])}: {body['reason']}" for body in holds]
    decided = Counter(event.body["client"] for event in events if event.kind == "approval.recorded")
    parts += [f"{count(number, 'declined or deferred update')} of {client}" for client, number in decided.items()]
    told = "; ".join(parts[:NAMED] + ([f"and {len(parts) - NAMED} more"] if len(parts) > NAMED else []))
    return [f"the RMM calls something else now what people had decided about, and that follows: {told}"] if told else []
