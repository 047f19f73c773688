# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's decision: approve, except, authorize, document a root cause, release; its events, and their projection.

Each public function looks at the ledger and gives the events that the decision adds to it: none where it stands there
already, so that a repeated call changes nothing. `by` is the person; `now` the instant. Raises DecisionError,
which names what exists, for a decision about nothing that is known.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import PatchingError
from ..flow.fields import suggestion
from ..flow.records import KINDS, RINGS, ROLES, Endpoint, update_key
from ..flow.register import Failure
from . import boots, shapes
from .event import Event, EventError, canonical, instant, text_of

if TYPE_CHECKING:
    from .rows import Row, Rows
    from .store import Ledger

NO_KB = re.compile(r"kb(?!\d+$).*", re.IGNORECASE)
NAMED = 20
"""How many names a message lists."""


class DecisionError(PatchingError):
    """A person's decision that cannot be recorded as it was given."""


def known_in(words: Iterable[str]) -> str:
    """The words as a list for a message, shortened where there are many."""
    found = sorted(words)
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (", ".join(found[:NAMED]) or "none") + more


def approve(
    ledger: Ledger,
    now: datetime,
    *,
    updates: Sequence[str],
    decision: str,
    by: str,
    reason: str,
    client: str | None = None,
    until: str | None = None,
    promote: bool = False,
    code: str | None = None,
) -> list[Event]:
    """Approve, decline or defer `updates` (KB numbers or ids), for all clients or one; `promote` waives the soak."""
    if decision == "deferred" and until is None:
        raise DecisionError("a deferred update needs `until`, the instant at which it is looked at again")
    if decision != "deferred" and until is not None:
        raise DecisionError(f"`until` belongs to a deferred update; this decision is {decision}")
    if promote and decision != "approved":
        raise DecisionError(f"`promote` waives the soak of an approved update; this decision is {decision}")
    if decision != "approved" and not code:
        raise DecisionError(f"a {decision} update goes on the exception register: it needs a reason `code` too")
    again_at = None if until is None else _instant("until", until)
    if again_at is not None and again_at <= now:
        raise DecisionError(f"`until` is {until}: that is past; it says when the update is looked at again")
    rows = {row["update"]: row for row in ledger.rows("approvals") if row["client"] == client}
    spelled = _spellings(ledger)
    events = []
    for update in dict.fromkeys(update_key(update) for update in updates):
        body = {
            "update": update,
            "decision": decision,
            "client": client,
            "until": None if again_at is None else text_of(again_at),
            "promote": promote,
            "code": code,
            "by": by,
            "reason": reason,
        }
        said = {key: body[key] for key in ("decision", "until", "promote", "code")}
        if any(row is None or not said.items() <= row.items() for row in _standing(rows, update, spelled)):
            events.append(Event("approval.recorded", None, now, body))
    return events


def _standing(rows: Mapping[str, Row], update: str, spelled: Iterable[Sequence[str]]) -> list[Row | None]:
    """What `rows` (of one client, or of all) say under the name `update`, None for nothing; and what they say last of
    each known update that bears it, by whichever of its names: another may have been decided on since."""
    named = [[rows[key] for key in keys if key in rows] for keys in spelled if update in keys]
    return [rows.get(update), *(max(of_one, key=lambda row: str(row["at"])) for of_one in named if of_one)]


def unseen(ledger: Ledger, updates: Iterable[str]) -> list[str]:
    """Those of `updates` (KB numbers or ids) that no scan has found yet. DecisionError for what is no update at all."""
    updates = list(updates)
    for update in updates:
        if not update.strip() or NO_KB.fullmatch(update.strip()):
            raise DecisionError(f"update {update!r}: a KB number such as KB5046613, or an update's id, is wanted")
    known = {key for keys in _spellings(ledger) for key in keys}
    return [update for update in updates if update_key(update) not in known]


def _spellings(ledger: Ledger) -> list[tuple[str, ...]]:
    """Of each update that was ever found: its id and its KB numbers, as a decision may name it."""
    return [(update_key(row["id"]), *(json.loads(row["record"]).get("kb") or ())) for row in ledger.rows("updates")]


def except_from(
    ledger: Ledger,
    now: datetime,
    *,
    scope: Mapping[str, str],
    by: str,
    reason: str,
    code: str,
    expires: str | None = None,
    signed_by: str | None = None,
    signed_at: str | None = None,
) -> list[Event]:
    """Except `scope` from patching until `expires`; it counts only once the client's signatory has signed (R2)."""
    check_exception_scope(scope)
    if (signed_by is None) != (signed_at is None):
        raise DecisionError("a signature is both: `signed_by`, the client's signatory, and `signed_at`, the instant")
    ends = None if expires is None else _instant("expires", expires)
    if ends is not None and ends <= now:
        raise DecisionError(f"`expires` is {expires}: that is past; an exception ends in the future, or is ended")
    when = None if signed_at is None else _instant("signed_at", signed_at)
    if when is not None and when > now:
        raise DecisionError(f"`signed_at` is {signed_at}: nobody has signed in the future; now is {_minute(now)}")
    until = None if ends is None else text_of(ends)
    events = []
    row = _exception(ledger, scope)
    if row is None or row["expires"] != until or row["code"] != code:
        key = str(uuid.uuid4())
        if row is not None:
            events.append(_revoked(row["id"], now, by, f"replaced: {reason}"))
        granted = {"id": key, "scope": dict(scope), "expires": until, "code": code, "by": by, "reason": reason}
        events.append(Event("exception.granted", None, now, granted))
        row = {"id": key, "signed_by": None, "signed_at": None}
    stands = row["signed_by"], row["signed_at"]
    if signed_by is not None and when is not None and stands != (signed_by, text_of(when)):
        signed = {"id": row["id"], "signed_by": signed_by, "signed_at": text_of(when), "by": by}
        events.append(Event("exception.signed", None, now, signed))
    return events


def is_excepted(ledger: Ledger, scope: Mapping[str, str]) -> bool:
    """Whether an exception of exactly `scope` stands."""
    return _exception(ledger, scope) is not None


def revoke(ledger: Ledger, now: datetime, *, scope: Mapping[str, str], by: str, reason: str) -> list[Event]:
    """End the exception of exactly `scope`."""
    check_exception_scope(scope)
    row = _exception(ledger, scope)
    return [] if row is None else [_revoked(row["id"], now, by, reason)]


def check_exception_scope(scope: Mapping[str, str]) -> None:
    """One of client, endpoint and role, or a location with its client."""
    keys = set(scope)
    if keys not in ({"client"}, {"endpoint"}, {"role"}, {"client", "location"}):
        raise DecisionError(
            "an exception covers one of: a client, a client's location, an endpoint, a role; "
            f"this one names {known_in(keys)}"
        )
    if "role" in scope and scope["role"] not in ROLES:
        hint = suggestion(scope["role"], ROLES)
        raise DecisionError(f"there is no role {scope['role']!r}{hint}; there is: {known_in(ROLES)}")


def _exception(ledger: Ledger, scope: Mapping[str, str]) -> dict[str, Any] | None:
    wanted = canonical(dict(scope))
    for row in ledger.rows("exceptions"):
        if row["scope"] == wanted and row["revoked_at"] is None:
            return row
    return None


def _revoked(key: str, now: datetime, by: str, reason: str) -> Event:
    return Event("exception.revoked", None, now, {"id": key, "by": by, "reason": reason})


def _instant(name: str, given: str) -> datetime:
    try:
        return instant(given)
    except EventError as exc:
        raise DecisionError(f"`{name}`: {exc}") from None


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def check_code(codes: Mapping[str, str] | None, code: str | None) -> None:
    """The reason `code` is one of the policy's `codes` (code: meaning); None: the policy takes any."""
    if codes is not None and code is not None and code not in codes:
        hint = suggestion(code, codes)
        there = ", ".join(f"{one} ({meaning})" if meaning else one for one, meaning in codes.items())
        raise DecisionError(f"there is no reason code {code!r}{hint}; the policy has: {there}")


def authorize(
    ledger: Ledger, now: datetime, *, scope: Mapping[str, str], cycle: str, by: str, reason: str
) -> list[Event]:
    """A technician's go for one cycle: an endpoint, or a tier (client, ring and kind)."""
    if set(scope) not in ({"endpoint"}, {"client", "ring", "kind"}):
        raise DecisionError(
            "an authorization is for an endpoint, or for a tier: client, ring and kind together; "
            f"this one names {known_in(scope)}"
        )
    check_words({**scope, "cycle": cycle})
    key = (canonical(dict(scope)), cycle)
    if key in {(row["scope"], row["cycle"]) for row in ledger.rows("authorizations")}:
        return []
    body = {"scope": dict(scope), "cycle": cycle, "by": by, "reason": reason}
    return [Event("authorization.given", None, now, body)]


def check_words(scope: Mapping[str, str]) -> None:
    """The ring, the kind and the cycle that `scope` names exist."""
    for key, words in (("ring", RINGS), ("kind", KINDS)):
        if key in scope and scope[key] not in words:
            raise DecisionError(f"there is no {key} {scope[key]!r}; there is: {', '.join(words)}")
    if "cycle" in scope and (wrong := shapes.cycle(scope["cycle"])):
        raise DecisionError(f"cycle is {scope['cycle']!r}; it must be {wrong}")


def root_cause(
    ledger: Ledger,
    now: datetime,
    *,
    by: str,
    code: str,
    text: str,
    endpoint: str | None = None,
    update: str | None = None,
    failure: str | None = None,
) -> list[Event]:
    """Document why a failure happened, which lets its endpoint be patched again (section 8, 5).

    One failure by its id, or the open ones of an endpoint, or those of one update (id or KB) there.
    """
    if (failure is None) == (endpoint is None):
        raise DecisionError("name either the `failure` by its id, or its `endpoint`")
    rows = ledger.rows("failures")
    if failure is not None:
        found = [row for row in rows if row["id"] == failure]
    else:
        found = failures_of(ledger, endpoint)
        if update is not None:
            keys = _update_ids(ledger, update)
            found = [row for row in found if row["update"] is not None and update_key(row["update"]) in keys]
    if not found:
        open_ones = {f"{row['endpoint']} ({row['text']})" for row in rows if row["root_cause"] is None}
        raise DecisionError(
            f"no failure of {failure or endpoint}{f' with the update {update}' if update else ''} is on the ledger; "
            f"failures without a root cause: {known_in(open_ones)}"
        )
    return [
        Event(
            "failure.root_cause",
            row["endpoint"],
            now,
            {"failure": row["id"], "by": by, "code": code, "text": text},
        )
        for row in found
        if row["root_cause"] is None
    ]


def failures_of(ledger: Ledger, name: str | None) -> list[Row]:
    """The failures of the endpoint that the ledger saw by this name last, also from before it was called so."""
    known = (row for row in ledger.rows("endpoints", "name", "client", "id") if row["name"] == name)
    endpoint = next((Endpoint.parse(row) for row in known), Endpoint(name or ""))
    keys = ("endpoint", "client", "endpoint_id")
    of_it = ((row, Failure.parse({key: row[key] for key in keys})) for row in ledger.rows("failures"))
    return [row for row, failure in of_it if failure.is_of(endpoint)]


def _update_ids(ledger: Ledger, update: str) -> set[str]:
    key = update_key(update)
    return {keys[0] for keys in _spellings(ledger) if key in keys} | {key}


def release(
    ledger: Ledger,
    now: datetime,
    *,
    by: str,
    reason: str,
    hold: str | None = None,
    scope: Mapping[str, str] | None = None,
    endpoint: str | None = None,
) -> list[Event]:
    """Release holds: by id, of exactly a scope (of each cycle, unless it names one), or of an endpoint's failures."""
    if [hold is not None, bool(scope), endpoint is not None].count(True) != 1:
        raise DecisionError("name one of: the `hold` by its id, the scope it has, the `endpoint` that caused it")
    rows = ledger.rows("holds")
    if hold is not None:
        found = [row for row in rows if row["id"] == hold]
    elif scope:
        check_words(scope)
        # failures hold a tier in its cycle, which who releases the tier need not know
        held = [(row, json.loads(row["scope"])) for row in rows]
        found = [row for row, of in held if of.items() >= scope.items() and of.keys() - scope.keys() <= {"cycle"}]
    else:
        failures = {row["id"] for row in failures_of(ledger, endpoint)}
        found = [row for row in rows if row["failure"] in failures]
    if not found:
        standing = {f"{row['scope']} ({row['reason']})" for row in rows if row["released"] is None}
        raise DecisionError(f"no such hold is on the ledger; holds that stand: {known_in(standing)}")
    return [
        Event("hold.released", None, now, {"id": row["id"], "by": by, "reason": reason})
        for row in found
        if row["released"] is None
    ]


def _failure_root_cause(event: Event, rows: Rows) -> None:
    cause = {name: event.body[name] for name in ("by", "code", "text")} | {"at": text_of(event.at)}
    rows.change(rows.of.failures, {"id": event.body["failure"]}, root_cause=canonical(cause))
    failure = rows.get(rows.of.failures, id=event.body["failure"])
    if failure is not None and failure["step"] == "validate":
        boots.restart_again(event, rows)


def _hold_placed(event: Event, rows: Rows) -> None:
    body = event.body
    rows.put(
        rows.of.holds,
        {"id": body["id"]},
        scope=canonical(body["scope"]),
        reason=body["reason"],
        at=text_of(event.at),
        by=body.get("by"),
        failure=body.get("failure"),
        released=None,
    )


def _hold_released(event: Event, rows: Rows) -> None:
    released = {"by": event.body["by"], "at": text_of(event.at), "reason": event.body["reason"]}
    rows.change(rows.of.holds, {"id": event.body["id"]}, released=canonical(released))


def _approval_recorded(event: Event, rows: Rows) -> None:
    """The last decision for an update and scope stands; the earlier ones stay in the events."""
    body = event.body
    rows.put(
        rows.of.approvals,
        {"update": body["update"], "scope": body["client"] or ""},
        **{name: body[name] for name in ("decision", "by", "reason", "client", "until")},
        at=text_of(event.at),
        code=body.get("code"),
        promote=int(body["promote"]),
    )


def _exception_granted(event: Event, rows: Rows) -> None:
    body = event.body
    rows.put(
        rows.of.exceptions,
        {"id": body["id"]},
        scope=canonical(body["scope"]),
        reason=body["reason"],
        code=body.get("code"),
        granted_by=body["by"],
        granted_at=text_of(event.at),
        expires=body["expires"],
        follows=body.get("follows"),
    )


def _exception_signed(event: Event, rows: Rows) -> None:
    body = event.body
    rows.change(rows.of.exceptions, {"id": body["id"]}, signed_by=body["signed_by"], signed_at=body["signed_at"])


def _exception_revoked(event: Event, rows: Rows) -> None:
    revoked = {"by": event.body["by"], "reason": event.body["reason"]}
    rows.change(rows.of.exceptions, {"id": event.body["id"]}, revoked_at=text_of(event.at), revoked=canonical(revoked))


def _authorization_given(event: Event, rows: Rows) -> None:
    body = event.body
    rows.put(
        rows.of.authorizations,
        {"scope": canonical(body["scope"]), "cycle": body["cycle"]},
        by=body["by"],
        at=text_of(event.at),
        reason=body["reason"],
    )


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "failure.root_cause": _failure_root_cause,
    "hold.placed": _hold_placed,
    "hold.released": _hold_released,
    "approval.recorded": _approval_recorded,
    "exception.granted": _exception_granted,
    "exception.signed": _exception_signed,
    "exception.revoked": _exception_revoked,
    "authorization.given": _authorization_given,
}
