# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R1 and the wall times of R4."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import (
    CalendarError,
    cycle_at,
    cycle_span,
    patch_tuesday,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow.times import localized, wall_instant


@pytest.mark.parametrize(
    ("month", "day"),
    [
        ("2026-11", "2026-11-10"),
        ("2026-09", "2026-09-08"),
        ("2026-12", "2026-12-08"),
        ("2025-07", "2025-07-08"),
        ("2024-10", "2024-10-08"),
        ("2025-04", "2025-04-08"),
        ("2026-02", "2026-02-10"),
        ("2025-10", "2025-10-14"),
    ],
)
def test_patch_tuesday_is_the_second_tuesday(month: str, day: str) -> None:
    assert patch_tuesday(month).isoformat() == day


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "November", "2026-11-oob1", "", "1026-11", "2026-11 "])
def test_what_is_no_month_is_named(month: str) -> None:
    with pytest.raises(CalendarError, match="2026-11"):
        patch_tuesday(month)


@pytest.mark.parametrize(
    ("now", "cycle"),
    [
        ("2026-11-10T17:59:59+00:00", "2026-10"),
        ("2026-11-10T18:00:00+00:00", "2026-11"),  # 10:00 in Los Angeles, winter
        ("2026-07-14T16:59:59+00:00", "2026-06"),
        ("2026-07-14T17:00:00+00:00", "2026-07"),  # 10:00 in Los Angeles, summer
        ("2026-01-01T00:00:00+00:00", "2025-12"),
        ("2026-11-11T05:00:00+13:00", "2026-10"),  # the day after in Auckland, and not yet
    ],
)
def test_a_cycle_opens_on_patch_tuesday_at_ten_in_los_angeles(now: str, cycle: str) -> None:
    assert cycle_at(datetime.fromisoformat(now)) == cycle


def test_a_cycle_ends_where_the_next_opens() -> None:
    start, end = cycle_span("2026-12")
    assert (start, end) == (cycle_span("2026-12-oob1")[0], cycle_span("2027-01")[0])
    assert start == datetime(2026, 12, 8, 18, tzinfo=UTC)


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(CalendarError, match="offset"):
        cycle_at(datetime(2026, 11, 10, 18))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("zone", "wall", "second", "instant"),
    [
        ("America/New_York", "2027-03-14 02:00", False, "2027-03-14T07:00:00+00:00"),  # skipped: 03:00 EDT
        ("America/New_York", "2027-03-14 02:59", True, "2027-03-14T07:00:00+00:00"),
        ("America/New_York", "2027-03-14 03:00", False, "2027-03-14T07:00:00+00:00"),
        ("America/New_York", "2026-11-01 01:30", False, "2026-11-01T05:30:00+00:00"),  # twice: EDT, then EST
        ("America/New_York", "2026-11-01 01:30", True, "2026-11-01T06:30:00+00:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:15", False, "2026-10-03T15:30:00+00:00"),  # a gap of half an hour
        ("Pacific/Apia", "2011-12-30 12:00", False, "2011-12-30T10:00:00+00:00"),  # a day that was not
        ("America/Havana", "2026-11-01 00:30", True, "2026-11-01T05:30:00+00:00"),
        ("Asia/Kolkata", "2026-11-01 02:00", True, "2026-10-31T20:30:00+00:00"),
    ],
)
def test_wall_times_that_the_clock_skips_or_repeats(zone: str, wall: str, second: bool, instant: str) -> None:
    found = wall_instant(datetime.fromisoformat(wall), zone, second=second)
    assert found == datetime.fromisoformat(instant)


def test_a_local_time_keeps_its_offset_and_compares_by_instant() -> None:
    early, late = (localized(datetime(2026, 11, 1, hour, 30, tzinfo=UTC), "America/New_York") for hour in (5, 6))
    assert late - early == timedelta(hours=1)
    assert (early.isoformat(), late.isoformat()) == ("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00")
