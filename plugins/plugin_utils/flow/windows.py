# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of section 3 in the endpoint's local wall time, by the rulings of R4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from . import times
from .fields import RecordError
from .policy import Policy, Settings, WindowSpec
from .records import Endpoint

_ONE_DAY = timedelta(days=1)
# A window that opens on one weekday only, which a year's freeze of the calendar cannot hide.
_DAYS_AHEAD = 370
_DAYS_BACK = 8


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open span ``[start, end)`` in the endpoint's wall time; ``open`` where it holds ``now``."""

    name: str
    open: bool
    start: datetime
    end: datetime

    def as_record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "open": self.open,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
        }


@lru_cache(maxsize=65536)
def window_of_day(spec: WindowSpec, zone_name: str, day: date) -> tuple[datetime, datetime] | None:
    """The window that opens on a local day; None where it does not open or the clock leaves nothing of it."""
    if day.weekday() not in spec.days:
        return None
    closing_day = day if spec.end > spec.start else day + _ONE_DAY
    start = times.wall_instant(datetime.combine(day, spec.start), zone_name)
    end = times.wall_instant(datetime.combine(closing_day, spec.end), zone_name, second=True)
    if end <= start:  # both fell into one gap
        return None
    return times.localized(start, zone_name), times.localized(end, zone_name)


def windows_from(spec: WindowSpec, zone_name: str, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The windows that have not ended at ``now``, in order of their opening."""
    # two days back: one for a window that crosses midnight, one for a zone that skipped a whole day
    day = times.local_day(now, zone_name) - 2 * _ONE_DAY
    for dummy in range(_DAYS_AHEAD):
        span = window_of_day(spec, zone_name, day)
        if span is not None and span[1] > now:
            yield span
        day += _ONE_DAY


def current_window(spec: WindowSpec, zone_name: str, now: datetime) -> Window:
    """The window that is open at ``now``, else the next."""
    start, end = next(windows_from(spec, zone_name, now))
    return Window(spec.name, start <= now, start, end)


def next_opening(spec: WindowSpec, zone_name: str, now: datetime) -> datetime:
    """The start of the first window that opens after ``now``."""
    return next(start for start, dummy in windows_from(spec, zone_name, now) if start > now)


def last_window(spec: WindowSpec, zone_name: str, now: datetime) -> tuple[datetime, datetime] | None:
    """The last window that has ended at ``now``; None where none has in a week."""
    day = times.local_day(now, zone_name)
    for dummy in range(_DAYS_BACK):
        span = window_of_day(spec, zone_name, day)
        if span is not None and span[1] <= now:
            return span
        day -= _ONE_DAY
    return None


def may_start(window: Window, settings: Settings, now: datetime) -> bool:
    """Whether work may start in the window: it is open, and enough of it is left (R4)."""
    return window.open and window.end - now >= settings.minimum_remaining


def install_spec(endpoint: Endpoint, settings: Settings) -> WindowSpec:
    """The window in which updates are installed on this endpoint."""
    if endpoint.kind == "server":
        return settings.server
    return settings.daytime if endpoint.track == "daytime" else settings.overnight


def reboot_spec(endpoint: Endpoint, settings: Settings) -> WindowSpec | None:
    """The window of an unattended reboot; None where a technician reboots (sections 5 and 6)."""
    if endpoint.policy_group in ("do_not_patch", "manual"):
        return None
    if endpoint.kind == "server":
        unattended = endpoint.policy_group == "auto_install_auto_reboot" and endpoint.unattended_reboot is True
        return settings.server if unattended else None
    return settings.forced_reboot if endpoint.track == "daytime" else settings.overnight


def _zone_of(endpoint: Endpoint) -> str:
    wanted = {"kind": endpoint.kind, "time_zone": endpoint.time_zone}
    if endpoint.kind != "server":
        wanted["track"] = endpoint.track
    missing = [key for key, value in wanted.items() if value is None]
    if missing or endpoint.time_zone is None:
        raise RecordError(f"endpoint {endpoint.name}: {', '.join(missing)} unknown; a window needs it")
    return endpoint.time_zone


def install_window(endpoint: Endpoint, policy: Policy, now: datetime) -> Window:
    """The endpoint's install window that is open at ``now``, else the next."""
    zone_name = _zone_of(endpoint)
    return current_window(install_spec(endpoint, policy.settings(endpoint)), zone_name, now)


def reboot_window(endpoint: Endpoint, policy: Policy, now: datetime) -> Window | None:
    """Likewise for an unattended reboot; None where there is none."""
    zone_name = _zone_of(endpoint)
    spec = reboot_spec(endpoint, policy.settings(endpoint))
    return None if spec is None else current_window(spec, zone_name, now)
