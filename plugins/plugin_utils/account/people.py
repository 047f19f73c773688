# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of an account that are about the whole: what people decided, what was held, what failed, what ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..flow.records import update_key
from ..ledger import instant
from .model import (
    Authorization,
    ExceptionRow,
    FailureRow,
    Flaw,
    HoldRow,
    MissedWindow,
    PolicyRow,
    RecordedApproval,
    Run,
    TicketRow,
)
from .read import Read, Row
from .standing import is_open


def approvals(read: Read, flaws: Sequence[Flaw]) -> list[RecordedApproval]:
    """The recorded decisions that stood for an update of the scope."""
    labels = {}
    for one in flaws:
        labels.update(dict.fromkeys((update_key(one.update), *one.kb), one.label))
    found = [
        RecordedApproval(
            update=row["update"],
            label=labels[row["update"]],
            decision=row["decision"],
            client=row["client"],
            by=row["by"],
            at=instant(row["at"]),
            reason=row["reason"],
            code=row["code"],
            until=_instant(row["until"]),
            promote=bool(row["promote"]),
        )
        for row in read.approvals
        if row["update"] in labels and instant(row["at"]) <= read.at and _of_client(read, row["client"])
    ]
    return sorted(found, key=lambda one: (one.at, one.update, one.client or ""))


def exceptions(read: Read) -> list[ExceptionRow]:
    """The exceptions that stood at some time of the cycle and concern the scope, those that lapse first first."""
    found = []
    concerning = _concerning(read)
    for row in read.exceptions:
        granted, revoked = instant(row["granted_at"]), _instant(row["revoked_at"])
        if granted > read.at or (revoked is not None and revoked < read.start) or row["id"] not in concerning:
            continue
        if revoked is not None and revoked > read.at:
            revoked = None
        expires = _instant(row["expires"])
        if expires is not None and expires < read.start:
            continue
        signed = _instant(row["signed_at"])
        found.append(
            ExceptionRow(
                id=row["id"],
                scope=row["scope"],
                reason=row["reason"],
                code=row["code"],
                granted_by=row["granted_by"],
                granted=granted,
                signed_by=row["signed_by"],
                signed=signed,
                expires=expires,
                revoked=revoked,
                state=_exception_state(read.at, row["signed_by"], expires, revoked),
            )
        )
    last = datetime.max.replace(tzinfo=read.at.tzinfo)
    return sorted(found, key=lambda one: (one.expires or last, one.granted, one.id))


def _exception_state(at: datetime, signed_by: str | None, expires: datetime | None, revoked: datetime | None) -> str:
    if revoked is not None:
        return "revoked"
    if signed_by is None:
        return "unsigned"
    return "expired" if expires is not None and expires <= at else "signed"


def _concerning(read: Read) -> set[str]:
    """The exceptions, by id, that concern the scope; with those that did until the RMM called what they are for
    something else in this cycle."""
    found = {row["id"] for row in read.exceptions if _concerns(read, row["scope"])}
    former = {
        row["id"]: row["follows"]
        for row in read.exceptions
        # of an endpoint of a place that was merged into another, what it follows may be another client's
        if instant(row["granted_at"]) >= read.start and (read.scope.client is None or "endpoint" not in row["scope"])
    }
    new = found
    while new := {former[one] for one in new if former.get(one)} - found:
        found |= new
    return found


def _concerns(read: Read, scope: Mapping[str, str]) -> bool:
    if "endpoint" in scope:
        return scope["endpoint"] in read.endpoints
    keys = [key for key in ("client", "location", "role") if key in scope]
    return any(all(row[key] == scope[key] for key in keys) for row in read.endpoints.values())


def holds(read: Read) -> list[HoldRow]:
    """The holds that were in force on something of the scope at some time of the cycle, in the order of placing."""
    found = []
    for row in read.holds:
        placed, released = instant(row["at"]), row["released"]
        ended = None if released is None else _by(read, released["at"])
        if placed > read.at or (ended is not None and ended < read.start) or not _holds(read, row["scope"]):
            continue
        found.append(
            HoldRow(
                id=row["id"],
                scope=row["scope"],
                reason=row["reason"],
                placed=placed,
                by=row["by"],
                failure=row["failure"],
                released=ended,
                released_by=released["by"] if ended else None,
                released_reason=released["reason"] if ended else None,
            )
        )
    return sorted(found, key=lambda one: (one.placed, one.id))


def _holds(read: Read, scope: Mapping[str, str]) -> bool:
    if scope.get("cycle", read.scope.cycle)[:7] != read.scope.cycle[:7]:
        return False
    own = read.scope
    pairs = ((scope.get(key), getattr(own, key)) for key in ("client", "ring", "kind"))
    return all(None in pair or pair[0] == pair[1] for pair in pairs)


def failures(read: Read, tickets: Sequence[TicketRow]) -> list[FailureRow]:
    """The failures of the cycle, and earlier ones that were open in it, in order."""
    found = []
    for row in read.failures:
        if row["endpoint"] not in read.endpoints or instant(row["at"]) > read.at:
            continue
        cause = row["root_cause"]
        settled = None if cause is None else instant(cause["at"])
        if row["cycle"] != read.scope.cycle[:7] and not (
            instant(row["at"]) < read.end and (settled is None or settled >= read.start)
        ):
            continue
        update = read.updates.get(row["update"]) if row["update"] else None
        keys = ("id", "endpoint", "client", "ring", "kind", "step", "update", "hresult", "name", "text", "cycle")
        found.append(
            FailureRow(
                **{key: row[key] for key in keys},
                label=update.label if update else None,
                cls=row["class"],
                at=instant(row["at"]),
                next_window=_instant(row["next_window"]),
                cause=None if is_open(row, read.at) else cause,
                tickets=_tickets(row, tickets),
            )
        )
    return sorted(found, key=lambda one: (one.at, one.id))


def _tickets(row: Row, tickets: Sequence[TicketRow]) -> tuple[int, ...]:
    """The failure's own; of a ticket that does not name one, those wanted of its endpoint at the same instant."""
    same = {
        one.ticket
        for one in tickets
        if one.ticket is not None
        and (
            one.failure == row["id"]
            or (one.failure is None and one.endpoint == row["endpoint"] and one.wanted == instant(row["at"]))
        )
    }
    return tuple(sorted(same))


def authorizations(read: Read) -> list[Authorization]:
    """The goes that were given in the cycle for something of the scope."""
    found = []
    for row in read.authorizations:
        scope = row["scope"]
        mine = (
            scope["endpoint"] in read.endpoints
            if "endpoint" in scope
            else read.scope.covers(scope["client"], scope["ring"], scope["kind"])
        )
        if row["cycle"] == read.scope.cycle and mine and instant(row["at"]) <= read.at:
            found.append(Authorization(scope, row["by"], instant(row["at"]), row["reason"]))
    return sorted(found, key=lambda one: (one.at, sorted(one.scope.items())))


def missed_windows(read: Read) -> list[MissedWindow]:
    """The windows that passed without a run while endpoints of the scope had something due, with these."""
    found = []
    for event in read.missed:
        body = event.body
        mine = tuple(name for name in body["endpoints"] if name in read.endpoints)
        if mine:
            span = instant(body["start"]), instant(body["end"])
            found.append(MissedWindow(body["window"], body["zone"], *span, mine))
    return found


def runs(read: Read) -> list[Run]:
    """The runs that began in the cycle; whose runs they were does not depend on the client."""
    found = []
    for row in read.runs:
        opening = row["opening"]
        if opening is not None and read.start <= instant(row["opened_at"]) <= read.at:
            found.append(
                Run(
                    id=row["id"],
                    opened=instant(row["opened_at"]),
                    closed=_by(read, row["closed_at"]),
                    by=opening["by"],
                    playbook=opening.get("playbook"),
                    simulated=opening["simulated"],
                )
            )
    return sorted(found, key=lambda one: (one.opened, one.id))


def policies(read: Read) -> list[PolicyRow]:
    """The policies of the cycle, in the order in which they came into force."""
    return [
        PolicyRow(event.at, event.body["sha256"], event.body["document"].get("deadlines") or {})
        for event in read.policies
    ]


def _of_client(read: Read, client: str | None) -> bool:
    return read.scope.client is None or client in (None, read.scope.client)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


def _by(read: Read, text: str | None) -> datetime | None:
    moment = _instant(text)
    return None if moment is None or moment > read.at else moment
