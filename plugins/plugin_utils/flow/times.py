# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar arithmetic: Patch Tuesday, cycles, and wall times of a zone as instants (R1, R4).

Instants are aware datetimes in UTC. Two datetimes that share a ``ZoneInfo`` are compared by wall time in
Python, which is wrong on the nights that matter here; so no ``ZoneInfo`` is left on a datetime that leaves
this room: :func:`localized` gives the same instant with a fixed offset.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..errors import PatchingError
from .fields import EARLIEST_YEAR, LATEST_YEAR

_TUESDAY = 1
_RELEASE_TIME = time(10, 0)
_RELEASE_ZONE = "America/Los_Angeles"
_CYCLE = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?:-([a-z0-9]+))?", re.ASCII)
_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)


class CalendarError(PatchingError):
    """A month, a cycle or an instant is not one; the text names it."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def localized(instant: datetime, zone_name: str) -> datetime:
    """The same instant as the zone's wall time, with the offset it has there fixed."""
    local = instant.astimezone(zone(zone_name))
    offset = local.utcoffset()
    return local.replace(tzinfo=timezone(offset) if offset is not None else UTC, fold=0)


def local_day(instant: datetime, zone_name: str) -> date:
    return instant.astimezone(zone(zone_name)).date()


def wall_instant(wall: datetime, zone_name: str, *, second: bool = False) -> datetime:
    """The instant of a naive wall time in a zone (R4).

    One that the clock skips becomes the first instant after the gap; of one that occurs twice it is the first
    occurrence, or the second with ``second``.
    """
    where = zone(zone_name)
    early = wall.replace(tzinfo=where, fold=0).astimezone(UTC)
    late = wall.replace(tzinfo=where, fold=1).astimezone(UTC)
    if early == late:
        return early
    if early < late:  # occurs twice
        return late if second else early
    return _first_after_gap(late, early, where)


def _first_after_gap(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The instant between the two, to the second, at which the zone's offset changes."""
    changed = after.astimezone(where).utcoffset()
    low, high = 0, int((after - before) / _ONE_SECOND)
    while low < high:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(where).utcoffset() == changed:
            high = middle
        else:
            low = middle + 1
    return before + timedelta(seconds=high)


def patch_tuesday(month: str) -> date:
    """The second Tuesday of a month given as ``2026-11`` (R1)."""
    found = _CYCLE.fullmatch(month)
    if found is None or found[3] is not None or not EARLIEST_YEAR < int(found[1]) < LATEST_YEAR:
        raise CalendarError(f"month {month!r}: a year and a month such as 2026-11 is wanted")
    return _second_tuesday(int(found[1]), int(found[2]))


def _second_tuesday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(_TUESDAY - first.weekday()) % 7 + 7)


@lru_cache(maxsize=256)
def _opening(year: int, month: int) -> datetime:
    return wall_instant(datetime.combine(_second_tuesday(year, month), _RELEASE_TIME), _RELEASE_ZONE)


def cycle_at(now: datetime) -> str:
    """The cycle that is open at an instant: it opens on Patch Tuesday at 10:00 America/Los_Angeles (R1)."""
    if now.utcoffset() is None:
        raise CalendarError(f"now is {now.isoformat()}: an instant with an offset is wanted")
    local = now.astimezone(zone(_RELEASE_ZONE))
    year, month = local.year, local.month
    if now < _opening(year, month):
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return f"{year:04}-{month:02}"


@lru_cache(maxsize=256)
def cycle_span(cycle: str) -> tuple[datetime, datetime]:
    """From the opening of a cycle to the opening of the next; an out-of-band cycle spans that of its month."""
    found = _CYCLE.fullmatch(cycle)
    if found is None or not EARLIEST_YEAR < int(found[1]) < LATEST_YEAR:
        raise CalendarError(
            f"cycle {cycle!r}: a month such as 2026-11, or one with a suffix such as 2026-11-oob1, is wanted"
        )
    year, month = int(found[1]), int(found[2])
    following = (year, month + 1) if month < 12 else (year + 1, 1)
    return _opening(year, month), _opening(*following)


def is_cycle(text: str) -> bool:
    try:
        cycle_span(text)
    except CalendarError:
        return False
    return True
