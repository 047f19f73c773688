# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a failure besides its ticket and its holds: on-call is alerted, and told when it is over. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..deliveries.alerts import triggered
from ..flow import failures
from ..ledger import Event, text_of
from ..ledger.register import OpenFailure
from ..psa import tickets

if TYPE_CHECKING:
    from .judge import Standing


def alert(opened: Sequence[Event], what: failures.Consequences, standing: Standing) -> list[Event]:
    """Section 8, 3: on-call is alerted once, of all that one look found to have failed."""
    if not (standing.alerts and what.on_call):
        return []
    endpoint, first = standing.endpoint, opened[0].body
    details = {
        "step": first["step"],
        "failed": [event.body["text"] for event in opened],
        "role": endpoint.role,
        "location": endpoint.location,
        "cycle": standing.cycle,
        "next_window": first["next_window"],
        "ticket_key": tickets.failure_xref(endpoint.client, endpoint.name, first["step"]),
    }
    summary = f"{endpoint.name} ({endpoint.client or 'client unknown'}): {first['text']}"
    return [
        triggered(
            endpoint,
            standing.now,
            failures=[event.body["id"] for event in opened],
            summary=summary,
            priority=what.priority,
            details=details,
        )
    ]


def cured(over: Callable[[OpenFailure], bool], standing: Standing) -> list[Event]:
    """The documented failures that this look shows to be over, and a note on the ticket of each step."""
    progress = standing.progress
    ended = [one for one in progress.documented if over(one)]
    left = {_key(one) for one in (*progress.failures, *progress.documented) if one not in ended}
    events = [standing.event("failure.cured", failure=one.id, step=one.step) for one in ended]
    steps = {_key(one): one.step for one in ended}
    for key, step in sorted(steps.items()):
        events.append(_cured_note(key, step, standing, close=standing.close_cured and key not in left))
    return events


def _key(failure: OpenFailure) -> str:
    return tickets.failure_xref(failure.client, failure.endpoint, failure.step)


def _cured_note(key: str, step: str, standing: Standing, *, close: bool) -> Event:
    endpoint, now = standing.endpoint, standing.now
    body = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"msp.patching/{key}/{text_of(now)}/cured")),
        "xref": key,
        "summary": f"Patching: {endpoint.name}",
        "text": tickets.cured_text(endpoint, step, at=now, closes=close),
        "priority": 3,
        "client": endpoint.client or None,
        "topic": "failure",
        "action": "close" if close else "note",
    }
    return Event("ticket.wanted", endpoint.name, now, body)
