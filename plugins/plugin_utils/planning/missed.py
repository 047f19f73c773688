# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A missed night: a window passed without a run although endpoints were due in it.

Whatever starts the runs may have been down, and tells nobody. The next run finds out: it asks the flow what was due at
the opening of each endpoint's last window. Catching up needs nothing more, since what was due still is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..flow import Endpoint, Planner, Policy, Register, Update, windows
from ..flow.scope import missing_classification
from ..ledger import Event, text_of
from .prose import names_of

DUE = frozenset({"install", "reboot"})


@dataclass(slots=True)
class Missed:
    """A window ``[start, end)`` of a zone, in its wall time, that passed without a run, and who was due in it; the last
    run before that any of these was in, `last_run`."""

    window: str
    zone: str
    start: datetime
    end: datetime
    last_run: datetime
    endpoints: list[str] = field(default_factory=list)

    def event(self, now: datetime) -> Event:
        body = {"window": self.window, "zone": self.zone, "endpoints": sorted(self.endpoints)}
        return Event("window.missed", None, now, body | {"start": text_of(self.start), "end": text_of(self.end)})


def missed_windows(
    endpoints: Collection[Endpoint],
    updates: Mapping[str, Sequence[Update] | None],
    register: Register,
    policy: Policy,
    last_runs: Mapping[str, datetime],
    now: datetime,
    pilots: Collection[Endpoint] = (),
) -> list[Missed]:
    """The last window of each kind and zone, where all of it passed since the last run of endpoints (`last_runs`, by
    name) that were due in it.

    What was due is asked of the register as it stood when the window opened. An endpoint that had not been searched
    by then was not due, as far as anybody knew. Before its first run nothing was missed.
    """
    planners: dict[datetime, Planner] = {}
    found: dict[tuple[str, str, datetime], Missed] = {}
    for endpoint in endpoints:
        state = register.endpoints.get(endpoint.name)
        last_run = last_runs.get(endpoint.name)
        if missing_classification(endpoint) or last_run is None or state is None or state.scanned_at is None:
            continue
        zone = endpoint.time_zone or ""
        spec = windows.install_spec(endpoint, policy.settings(endpoint))
        span = windows.last_window(spec, zone, now)
        if span is None or span[0] < last_run or span[0] < state.scanned_at:
            continue
        if span[0] not in planners:
            planners[span[0]] = Planner(policy, register, span[0], [*pilots, *endpoints])
        if planners[span[0]].standing(endpoint, updates.get(endpoint.name)).action in DUE:
            key = (spec.name, zone, span[0])
            one = found.setdefault(key, Missed(spec.name, zone, *span, last_run))
            one.endpoints.append(endpoint.name)
            one.last_run = max(one.last_run, last_run)
    return sorted(found.values(), key=lambda missed: (missed.start, missed.window, missed.zone))


def in_words(missed: Sequence[Missed]) -> str:
    """One line for people; empty where nothing was missed."""
    if not missed:
        return ""
    last_run = max(one.last_run for one in missed).astimezone(UTC)
    names = sorted({name for one in missed for name in one.endpoints})
    which = ", ".join(dict.fromkeys(f"{one.window} of {one.start:%a %d %b %H:%M} ({one.zone})" for one in missed))
    return (
        f"Missed: no run since {last_run:%Y-%m-%d %H:%M} UTC was for them, so the window {which} passed although "
        f"{len(names)} endpoint(s) were due: {names_of(names)}. They are caught up from now on.\n"
    )
