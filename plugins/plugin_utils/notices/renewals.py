# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions that people have to do something about (R2): to be signed, about to expire, or expired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..flow import Endpoint
from ..flow.register import Exclusion
from ..flow.scope import is_expired, is_signed
from ..planning.prose import count, playbook, scope_words
from .letters import Letter, endpoints_of, utc, where
from .outlook import Outlook, by_client, days

EXPIRED, UNSIGNED, LAPSING, SIGNED = "expired", "unsigned", "lapsing", "signed"

TOLD = (EXPIRED, UNSIGNED, LAPSING)
"""The states of which there is a ticket."""

Row = Mapping[str, Any]
"""A row of the register's table ``exceptions``, its scope as a mapping."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """An exception that needs somebody: `row` of the register, its `state`, and the endpoints that it covers."""

    row: Row
    state: str
    expires: datetime | None
    endpoints: tuple[Endpoint, ...]


def state_of(row: Row, now: datetime, ahead: timedelta) -> str:
    """Where an exception that was not revoked stands: ``expired``, ``unsigned``, ``lapsing`` where it expires within
    the time `ahead`, else ``signed``."""
    exclusion = exclusion_of(row)
    if is_expired(exclusion, now):
        return EXPIRED
    if not is_signed(exclusion, now):
        return UNSIGNED
    if exclusion.expires is not None and exclusion.expires - ahead <= now:
        return LAPSING
    return SIGNED


def exclusion_of(row: Row) -> Exclusion:
    """The row as the flow has it."""
    return Exclusion.parse({key: row[key] for key in ("scope", "reason", "signed_by", "signed_at", "expires")})


def covers(scope: Mapping[str, str], endpoint: Endpoint) -> bool:
    """Whether an exception of this scope covers the endpoint."""
    return all(
        value == (endpoint.name if key == "endpoint" else getattr(endpoint, key)) for key, value in scope.items()
    )


def renewals(outlook: Outlook) -> list[Renewal]:
    """The exceptions that are neither revoked nor in order."""
    return list(_renewals(outlook))


def _renewals(outlook: Outlook) -> Iterator[Renewal]:
    for row in outlook.known.exceptions:
        if row["revoked_at"] is not None:
            continue
        state = state_of(row, outlook.now, _ahead(outlook, row["scope"]))
        if state != SIGNED:
            yield Renewal(row, state, exclusion_of(row).expires, _covered(outlook, row["scope"]))


def _covered(outlook: Outlook, scope: Mapping[str, str]) -> tuple[Endpoint, ...]:
    return tuple(one for one in outlook.fleet.values() if covers(scope, one))


def _ahead(outlook: Outlook, scope: Mapping[str, str]) -> timedelta:
    return outlook.settings(**place(outlook, scope)).renewal_ahead


def place(outlook: Outlook, scope: Mapping[str, str]) -> dict[str, str | None]:
    """Client, location and name by which the policy may have figures of its own."""
    if "endpoint" not in scope:
        return {"client": scope.get("client"), "location": scope.get("location")}
    name = scope["endpoint"]
    there = outlook.fleet.get(name) or outlook.known.seen.get(name)
    return {"name": name, "client": there.client, "location": there.location} if there else {"name": name}


def letters(outlook: Outlook, found: Iterable[Renewal]) -> list[Letter]:
    """A ticket each, once for an exception and what is the matter with it."""
    return [_letter(outlook, one) for one in found]


def _letter(outlook: Outlook, one: Renewal) -> Letter:
    row, its = one.row, place(outlook, one.row["scope"])
    whom, clients = scope_words(row["scope"]), by_client(one.endpoints)
    name = row["scope"].get("endpoint")
    what, why = _matter(outlook, one)
    client = its.get("client") or None
    lines = [
        f"The exception from patching for {whom} {what}.",
        "",
        f"Reason: {row['code'] or 'no code'}: {row['reason']}",
        f"Granted by: {row['granted_by']} on {_when(row['granted_at'])}",
        f"Signed by: {_signature(row)}",
        f"Expires: {utc(one.expires) if one.expires else 'never'}",
        f"Covers: {endpoints_of(clients)}" if clients else "Covers: no endpoint of the inventory",
        *where(clients),
        "",
        why,
        *_commands(outlook, one),
    ]
    return Letter(
        topic="exception",
        key=(row["id"], one.state),
        about=(its.get("client") or "all-clients", "exception", name or whom, row["id"][:8]),
        summary=f"Patching: exception for {whom} {SUMMARIES[one.state]}",
        lines=lines,
        priority=outlook.settings(**its).notice_priority,
        client=client,
        endpoint=outlook.fleet.get(name) if name else None,
    )


SUMMARIES = {
    EXPIRED: "has expired: renew or end it",
    UNSIGNED: "awaits the client's signature",
    LAPSING: "is to be renewed",
}


def _matter(outlook: Outlook, one: Renewal) -> tuple[str, str]:
    held = "What it covers is held: neither patched nor left out"
    if one.state == EXPIRED and one.expires is not None:
        return f"expired on {utc(one.expires)}", f"{held}, until it is renewed or ended."
    if one.state == LAPSING and one.expires is not None:
        left = count(days(one.expires - outlook.now), "day")
        return (
            f"expires on {utc(one.expires)}, in {left}",
            "From then on what it covers is held, neither patched nor left out, unless it is renewed or ended.",
        )
    former, came = _former(outlook, one.row), ""
    if former is not None and _is_anothers(outlook, one.row, former):
        came = "The RMM had this endpoint at another client before, and an exception covered it there. "
    elif former is not None:
        was = scope_words(former["scope"])
        moved = "endpoint" in one.row["scope"] and "endpoint" not in former["scope"]
        before = f"The RMM had this endpoint at {was} before" if moved else f"The RMM called this {was} before"
        came = f"{before}, and that is what its exception was for, signed by {_signature(former)}. "
    return "stands without the client's signed approval", f"{came}{held}, until the client has signed."


def _former(outlook: Outlook, row: Row) -> Row | None:
    """The exception that this one follows: the RMM called what it covered something else."""
    return next((one for one in outlook.known.exceptions if row["follows"] and one["id"] == row["follows"]), None)


def _is_anothers(outlook: Outlook, row: Row, former: Row) -> bool:
    """Whether the exception that it follows is another client's, of which its ticket says nothing."""
    moved = "endpoint" in row["scope"] and "client" in former["scope"]
    return moved and former["scope"]["client"] != place(outlook, row["scope"]).get("client")


def _commands(outlook: Outlook, one: Renewal) -> list[str]:
    row = one.row
    given: dict[str, str | None] = {**row["scope"], "code": row["code"], "reason": row["reason"]}
    signed: dict[str, str | None] = {"signed_by": None, "signed_at": None}
    ended = f"End it: {playbook('except', **row['scope'], state='absent', reason=None)}"
    if one.state == UNSIGNED:
        expires: dict[str, str | None] = {"expires": f"{one.expires:%Y-%m-%dT%H:%M:%SZ}"} if one.expires else {}
        former = _former(outlook, row)
        more = []
        ours = former is not None and not _is_anothers(outlook, row, former)
        if former is not None and ours and former["revoked_at"] is None and not _covered(outlook, former["scope"]):
            more = [f"End the former: {playbook('except', **former['scope'], state='absent', reason=None)}"]
        return [f"Sign it: {playbook('except', **given, **expires, **signed)}", ended, *more]
    return [f"Renew it: {playbook('except', **given, expires=None, **signed)}", ended]


def _signature(row: Row) -> str:
    return f"{row['signed_by']} on {_when(row['signed_at'])}" if row["signed_by"] else "nobody yet"


def _when(text: str | None) -> str:
    return utc(datetime.fromisoformat(text)) if text else "an unknown day"


def in_words(found: Iterable[Renewal]) -> str:
    """One line for a run; empty where every exception is in order."""
    counts = {state: [one for one in found if one.state == state] for state in TOLD}
    parts = [f"{len(some)} {state}" for state, some in counts.items() if some]
    return f"Exceptions that need somebody, each on a ticket: {', '.join(parts)}.\n" if parts else ""
