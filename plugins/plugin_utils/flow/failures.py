# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failure standard, section 8: what an error code means, when to try again, what a failure sets in motion."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from ..errors import PatchingError
from . import times, windows
from .policy import Policy
from .records import Endpoint

CLASSES = ("environment", "update", "transient", "unknown")
DATA_FILE = Path(__file__).with_name("data") / "hresults.json"
_HEX = re.compile(r"0x[0-9a-f]{1,8}", re.IGNORECASE)
_DECIMAL = re.compile(r"-?[0-9]{1,10}", re.ASCII)


class CodeError(PatchingError):
    """An error code is none; the text names it."""


@dataclass(frozen=True, slots=True)
class HResult:
    """An error code of Windows: ``code`` as ``0x80070643``, ``cls`` one of :data:`CLASSES`."""

    code: str
    name: str
    text: str
    cls: str
    advice: str


@cache
def table() -> dict[str, HResult]:
    """The codes that are known, by ``0x80070643``."""
    rows = json.loads(DATA_FILE.read_text(encoding="utf-8"))
    return {
        row["code"]: HResult(row["code"], row["name"], row["text"], row["class"], row["advice"])
        for row in rows["hresults"]
    }


def hresult(code: int | str) -> HResult:
    """What a code means: a signed or unsigned number, or hexadecimal text. One not known is of class unknown."""
    spelled = _spelled(code)
    found = table().get(spelled)
    if found is not None:
        return found
    return HResult(
        code=spelled,
        name="UNKNOWN",
        text="A code that is not in the table of known ones.",
        cls="unknown",
        advice="Read the Windows Update log of the endpoint and look the code up; then add it to the table.",
    )


def _spelled(code: int | str) -> str:
    wrong = CodeError(f"error code {code!r}: a number of 32 bits or a text such as 0x80070643 is wanted")
    if isinstance(code, bool):
        raise wrong
    if isinstance(code, str):
        text = code.strip()
        if _HEX.fullmatch(text):
            code = int(text, 16)
        elif _DECIMAL.fullmatch(text):
            code = int(text)
        else:
            raise wrong
    if not -(2**31) <= code < 2**32:
        raise wrong
    return f"0x{code & 0xFFFFFFFF:08X}"


def retry_after(attempt: int, policy: Policy, endpoint: Endpoint | None = None) -> timedelta | None:
    """How long to wait before attempt ``attempt`` (1 being the first retry) of what failed in passing.

    It doubles from one attempt to the next; None where the policy has no attempt left: it counts as failed.
    """
    settings = policy.settings(endpoint)
    if not 1 <= attempt <= settings.retries:
        return None
    return doubling(settings.retry_after, attempt, settings.retry_after_at_most)


def doubling(first: timedelta, attempt: int, at_most: timedelta) -> timedelta:
    """The wait before attempt ``attempt``, of which ``first`` is the wait before the first."""
    doubled: timedelta = first * 2 ** min(attempt - 1, 20)
    return min(doubled, at_most)


@dataclass(frozen=True, slots=True)
class Consequences:
    """``priority`` of the ticket (1 the most urgent), its ``queue``, whether ``on_call`` is alerted, and the
    scopes that are held, as a row of the register's ``holds`` has them.
    """

    priority: int
    queue: str
    on_call: bool
    holds: tuple[dict[str, str], ...]


def consequences(endpoint: Endpoint, policy: Policy, now: datetime, *, cycle: str | None = None) -> Consequences:
    """What a failure of this endpoint sets in motion at an instant; ``cycle`` is that of now unless given."""
    settings = policy.settings(endpoint)
    kind = endpoint.kind or "workstation"
    criticality = settings.criticality_of(endpoint)
    priority = settings.priority[(criticality or "P2") if kind == "server" else "workstation"]
    return Consequences(
        priority=priority,
        queue=settings.queue[kind],
        on_call=kind in settings.on_call_kinds and _after_hours(endpoint, policy, now),
        holds=tuple(_holds(endpoint, policy, cycle or times.cycle_at(now))),
    )


def _after_hours(endpoint: Endpoint, policy: Policy, now: datetime) -> bool:
    """Outside the client's business hours; an unknown zone is taken for after hours, so that somebody looks."""
    if endpoint.time_zone is None:
        return True
    hours = policy.settings(endpoint).business_hours
    return not windows.current_window(hours, endpoint.time_zone, now).open


def _holds(endpoint: Endpoint, policy: Policy, cycle: str) -> list[dict[str, str]]:
    """Its tier; and production of its kind, where the failure is a P1 server's or one in the pilot."""
    known = {"client": endpoint.client, "ring": endpoint.ring, "kind": endpoint.kind}
    tier = {key: value for key, value in known.items() if value}
    holds = [{"cycle": cycle, **tier}]
    settings = policy.settings(endpoint)
    is_p1_server = endpoint.kind == "server" and settings.criticality_of(endpoint) == "P1"
    if is_p1_server or endpoint.ring == "pilot":
        block = {"ring": "production", **({"kind": endpoint.kind} if endpoint.kind else {})}
        if settings.soak_scope[endpoint.kind or "workstation"] == "client" and endpoint.client:
            block["client"] = endpoint.client
        holds.append(block)
    return holds
