# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a ticket, for the technician who gets it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..flow import Endpoint
from ..visible import one_line
from .delivery import SUMMARY_LENGTH

XREF_LENGTH = 100
LOST = re.compile(r"[^A-Za-z0-9._-]")
"""What a key cannot hold."""

STEPS = {
    "scan": "the search for updates",
    "install": "the install",
    "reboot": "the reboot",
    "validate": "the validation after the reboot",
    "posture": "the look at the machine",
    "remind": "the reminder",
}


@dataclass(frozen=True, slots=True)
class Failing:
    """One thing that failed: an update (its title or KB), or the step as a whole (`subject` empty)."""

    subject: str
    hresult: str | None
    name: str | None
    meaning: str
    advice: str
    cls: str

    def in_words(self) -> str:
        """What failed, by which code, what that means and what to check: a line for logs and terminals."""
        code = " ".join(part for part in (self.hresult, self.name) if part)
        what = ", ".join(part for part in (self.subject, code) if part)
        told = " ".join(ended(part) for part in (self.meaning, self.advice) if part)
        return ": ".join(part for part in (what, told) if part)


def ended(text: str) -> str:
    """`text` with a full stop, so that another sentence can follow."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def xref(*parts: str) -> str:
    """The key that ties a ticket to what it is about: readable, at most 100 characters, the same every time."""
    whole = "/".join(["msp.patching", *(re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-") for part in parts)])
    if len(whole) <= XREF_LENGTH:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:12]
    return f"{whole[: XREF_LENGTH - 13]}-{digest}"


def marked(client: str) -> list[str]:
    """The client in a key of something that is all of the client's: other names that look alike there have another."""
    return [client, *([hashlib.sha256(client.encode()).hexdigest()[:8]] if LOST.search(client) else [])]


def failure_xref(client: str | None, endpoint: str, step: str) -> str:
    """The key of the ticket of what fails in one step of one endpoint."""
    return xref(client or "", endpoint, step)


def cause_of(endpoint: Endpoint, step: str, failing: Sequence[Failing], cycle: str) -> dict[str, str]:
    """The parent ticket of all that fails so at a client in a cycle: ``xref``, ``summary`` and ``text``."""
    first = failing[0]
    code = " ".join(part for part in (first.hresult, first.name) if part)
    what = f"{STEPS[step]} fails" + (f" with {code}" if code else f" ({first.cls})")
    lines = [
        f"On more than one machine of {endpoint.client or 'no known client'} {what} in cycle {cycle}.",
        "",
        f"What it means: {first.meaning}",
        f"What to check: {first.advice}",
        "",
        "Each machine has its ticket below this one, with what failed on it and how its root cause is documented.",
    ]
    return {
        "xref": xref("cause", cycle, *marked(endpoint.client), step, first.hresult or first.cls),
        "summary": _short(f"Patching {cycle}: {what} on several machines"),
        "text": "\n".join(lines),
    }


def summary(endpoint: Endpoint, step: str, failing: Sequence[Failing]) -> str:
    """One line of at most 100 characters: the machine, the step, and what failed."""
    what = ", ".join(dict.fromkeys(one.hresult or one.subject for one in failing if one.hresult or one.subject))
    return _short(f"Patching: {endpoint.name}: {STEPS[step]} failed" + (f" ({what})" if what else ""))


def _short(line: str) -> str:
    return line if len(line) <= SUMMARY_LENGTH else line[: SUMMARY_LENGTH - 1] + "…"


def failure_text(
    endpoint: Endpoint,
    step: str,
    failing: Sequence[Failing],
    *,
    at: datetime,
    cycle: str,
    next_window: datetime | None,
    on_call: bool,
    queue: str | None = None,
    holds: Sequence[Mapping[str, str]] = (),
) -> str:
    """What failed, what it means, what to check, when it is tried again, and what has to happen first."""
    where = f"{endpoint.name} ({endpoint.client}, {endpoint.location or 'location unknown'})"
    lines = [f"{where}: {STEPS[step]} failed at {local(at, endpoint)}, cycle {cycle}.", ""]
    for one in failing:
        code = " ".join(part for part in (one.hresult, one.name) if part)
        lines.append("What failed: " + ": ".join(part for part in (one.subject, code) if part or not code))
        lines.append(f"What it means: {one.meaning} (class: {one.cls})")
        lines.append(f"What to check: {one.advice}")
        lines.append("")
    lines.append(f"Next window: {local(next_window, endpoint) if next_window else 'none is known'}.")
    lines.append("Nothing is tried again on this machine until a root cause is documented:")
    lines.append(f"  ansible-playbook msp.patching.root_cause -e endpoint={endpoint.name} -e code=CODE -e \"text='…'\"")
    if holds:
        scopes = "; ".join(scope_in_words(scope) for scope in holds)
        lines.append(f"Held until somebody releases it: {scopes}. To release what this failure holds:")
        lines.append(f"  ansible-playbook msp.patching.release -e endpoint={endpoint.name} -e \"reason='…'\"")
    if queue:
        lines.append(f"For: {queue}.")
    if on_call:
        lines.append("This happened outside the client's business hours: on-call is asked to look.")
    return "\n".join(lines)


def scope_in_words(scope: Mapping[str, str]) -> str:
    """What a hold holds: ``cycle 2026-11, client Acme, ring pilot, kind server``."""
    return ", ".join(f"{key} {scope[key]}" for key in ("cycle", "client", "ring", "kind") if key in scope)


def cured_text(endpoint: Endpoint, step: str, *, at: datetime, closes: bool) -> str:
    """That a failure whose root cause was documented is over."""
    seen = "found by a search" if step in ("scan", "posture") else "seen by a search or a healthy validation"
    end = "This ticket closes with it." if closes else "If nothing else is to be done, close this ticket."
    return f"{endpoint.name}: {STEPS[step]} has gone well since, {seen} at {local(at, endpoint)}. {end}"


def check_lines(checks: Sequence[dict[str, Any]]) -> str:
    """The checks of a validation that did not pass, with what was seen, as a sentence."""
    failed = [check for check in checks if not check["ok"]]
    return ended("; ".join(one_line(f"{check['name']}: {check['seen']}") for check in failed))


def local(moment: datetime, endpoint: Endpoint) -> str:
    """An instant in the endpoint's wall time, with its offset and zone; in UTC where that is not known."""
    zone = endpoint.time_zone
    local = moment.astimezone(ZoneInfo(zone)) if zone else moment
    return f"{local:%Y-%m-%d %H:%M %z} ({zone or 'UTC'})"
