# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows that an endpoint missed, counted in a row: it was away when its turn came, or no run was there (node 18).

The count ends when the endpoint is caught up: something was installed on it, it was rebooted, or nothing is left to do
for it. A window is counted once, whatever the number of runs in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .event import Event, canonical, instant, text_of

if TYPE_CHECKING:
    from .rows import Row, Rows

NO_MISSED: dict[str, Any] = {
    **dict.fromkeys(("missed_since", "missed_start", "missed_end", "missed_why")),
    "missed_windows": 0,
}
CAUGHT_UP = frozenset({"none", "skip"})
"""Actions of a decision that leaves nothing to be caught up."""


TRIES_KEPT = 10
Try = tuple[str | None, datetime, str]
"""Who was asked to wake it (None: nobody was there), when, and why that failed."""


@dataclass(frozen=True, slots=True)
class Missed:
    """`windows` missed in a row, the first of which began at `since`; ``[start, end)`` is the last of them, and `why`
    it was missed: ``offline``, ``asleep``, or ``no run``. The last may be open still."""

    windows: int
    since: datetime
    start: datetime
    end: datetime
    why: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Missed | None:
        """Of a row of the register; None where nothing was missed."""
        if not row["missed_windows"]:
            return None
        since, start, end = (instant(row[key]) for key in ("missed_since", "missed_start", "missed_end"))
        return cls(row["missed_windows"], since, start, end, row["missed_why"])

    def over(self, now: datetime) -> int:
        """How many are missed for good: one that is open at `now` may yet be used."""
        return self.windows - (self.end > now)


def _window_away(event: Event, rows: Rows) -> None:
    row, body = rows.endpoint(event), event.body
    rows.touch(event, **_one_more(row, body["start"], body["end"], body["why"]))


def _window_missed(event: Event, rows: Rows) -> None:
    """A whole night without a run, for each endpoint that was due in it."""
    body = event.body
    for name in dict.fromkeys(body["endpoints"]):
        row = rows.get(rows.of.endpoints, name=name)
        counted = _one_more(row or dict.fromkeys(rows.of.endpoints.c.keys()), body["start"], body["end"], "no run")
        if counted:
            rows.put(rows.of.endpoints, {"name": name}, **counted)


def _one_more(row: Row, start: str, end: str, why: str) -> Row:
    start, end = text_of(instant(start)), text_of(instant(end))
    if row["missed_start"] is not None and start <= row["missed_start"]:
        return {}
    return {
        "missed_windows": 1 + (row["missed_windows"] or 0),
        "missed_since": row["missed_since"] or start,
        "missed_start": start,
        "missed_end": end,
        "missed_why": why,
    }


def _caught_up(event: Event, rows: Rows) -> None:
    rows.touch(event, **NO_MISSED)


def _wake_sent(event: Event, rows: Rows) -> None:
    rows.touch(event, woken_at=text_of(event.at), wake_peer=event.body["peer"])


def _wake_failed(event: Event, rows: Rows) -> None:
    tried = json.loads(rows.endpoint(event)["wake_tried"] or "[]")
    tried.append([event.body["peer"], text_of(event.at), event.body["message"]])
    rows.touch(event, wake_tried=canonical(tried[-TRIES_KEPT:]))


def tries(row: Mapping[str, Any]) -> tuple[Try, ...]:
    """Of a row of the register, by time."""
    return tuple((peer, instant(at), message) for peer, at, message in json.loads(row["wake_tried"] or "[]"))


def settled_by(decision: Mapping[str, Any]) -> Row:
    """What a decision, as a record, does to the count."""
    return NO_MISSED if decision.get("action") in CAUGHT_UP else {}


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "wake.failed": _wake_failed,
    "wake.sent": _wake_sent,
    "window.away": _window_away,
    "window.caught_up": _caught_up,
    "window.missed": _window_missed,
}
