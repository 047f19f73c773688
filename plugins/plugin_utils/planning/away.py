# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that are away when their turn comes: told with the windows they have missed, counted once a window.

The flow itself counts nothing (`decide` is a pure function of its arguments); what it decided is completed here, for
people, with what the ledger knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..flow import Decision, Endpoint, Planner, Policy, Update, windows
from ..flow.closure import AWAY
from ..flow.reboots import PENDING
from ..flow.times import localized
from ..flow.windows import Window
from ..ledger import Event, Progress, text_of
from ..ledger.kinds import about
from .prose import count

if TYPE_CHECKING:
    from ..ledger.away import Missed
    from .plan import Plan

WHY = {"posture.offline": "offline", "posture.asleep": "asleep"}


def missed_in_words(missed: Missed | None, now: datetime, zone: str | None) -> str:
    """``3 windows missed since 14 Oct``; empty where none was."""
    if missed is None or not missed.over(now):
        return ""
    since = localized(missed.since, zone or "UTC")
    return f"{count(missed.over(now), 'window')} missed since {since.day} {since:%b}"


def with_missed(decision: Decision, missed: Missed | None, now: datetime, zone: str | None) -> Decision:
    """The decision; where it waits for an endpoint that is away, the reason tells how many windows that has missed."""
    words = missed_in_words(missed, now, zone) if decision.node in AWAY else ""
    return replace(decision, reason=f"{decision.reason}; {words}") if words else decision


def turn_of(planner: Planner, policy: Policy, endpoint: Endpoint, updates: Sequence[Update] | None) -> Window | None:
    """The window in which it is the turn of an endpoint that is away, for its install or the reboot that is pending;
    None where it is not its turn now. An endpoint that only waits for a search, at any hour, misses nothing."""
    standing = planner.standing(endpoint, updates)
    if standing.node not in AWAY:
        return None
    settings = policy.settings(endpoint)
    rebooting = (PENDING, "yes") in standing.path
    spec = windows.reboot_spec(endpoint, settings) if rebooting else windows.install_spec(endpoint, settings)
    if spec is None:
        return None
    window = windows.current_window(spec, endpoint.time_zone or "UTC", planner.now)
    return window if windows.may_start(window, settings, planner.now) else None


def away_events(plan: Plan) -> Iterator[Event]:
    """An event for each endpoint that is away in its window, once a window."""
    for name, window in plan.turns.items():
        decision, progress = plan.decisions[name], plan.progress[name]
        if _is_counted(progress, window):
            continue
        endpoint = plan.endpoints[name]
        body = {
            "window": window.name,
            "zone": endpoint.time_zone or "UTC",
            "start": text_of(window.start),
            "end": text_of(window.end),
            "why": WHY[decision.node],
        }
        yield Event("window.away", name, plan.now, body | about(endpoint))


def _is_counted(progress: Progress, window: Window) -> bool:
    return progress.missed is not None and progress.missed.start >= window.start
