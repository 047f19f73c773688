# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows of section 3, on the nights when clocks change too."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.flow import RecordError, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.settings import WindowSpec
from ansible_collections.msp.patching.plugins.plugin_utils.flow.windows import (
    Window,
    current_window,
    install_window,
    next_opening,
    reboot_window,
    window_of_day,
)
from tests.examples import examples
from tests.unit.flow.build import DEFAULTS, NIGHT, NOON, at, server, workstation

FIGURES = DEFAULTS.settings()
SPECS = (FIGURES.overnight, FIGURES.daytime, FIGURES.server)
DAILY = frozenset(range(7))


def shown(window: Window | None) -> tuple[Any, ...]:
    assert window is not None
    return window.name, window.open, window.start.isoformat(), window.end.isoformat()


INSTALL = [
    ({}, "2026-11-12 02:00", True, "2026-11-12T02:00:00-05:00", "2026-11-12T04:00:00-05:00"),
    ({}, "2026-11-12 04:00", False, "2026-11-13T02:00:00-05:00", "2026-11-13T04:00:00-05:00"),
    ({"track": "daytime"}, "2026-11-13 09:00", True, "2026-11-13T09:00:00-05:00", "2026-11-13T17:00:00-05:00"),
    ({"track": "daytime"}, "2026-11-13 17:00", False, "2026-11-16T09:00:00-05:00", "2026-11-16T17:00:00-05:00"),
    ({"track": "daytime"}, "2026-11-14 12:00", False, "2026-11-16T09:00:00-05:00", "2026-11-16T17:00:00-05:00"),
]


@pytest.mark.parametrize(("changes", "now", "is_open", "start", "end"), INSTALL)
def test_workstations(changes: dict[str, Any], now: str, is_open: bool, start: str, end: str) -> None:
    assert shown(install_window(workstation(**changes), DEFAULTS, at(now)))[1:] == (is_open, start, end)


@pytest.mark.parametrize(
    ("now", "is_open", "day"),
    [
        ("2026-11-12 21:19", False, 12),
        ("2026-11-12 21:20", True, 12),
        ("2026-11-13 03:19", True, 12),
        ("2026-11-13 03:20", False, 13),
    ],
)
def test_a_server_window_crosses_midnight_and_belongs_to_the_day_it_opens(now: str, is_open: bool, day: int) -> None:
    window = install_window(server(), DEFAULTS, at(now))
    assert (window.name, window.open) == ("server", is_open)
    assert window.start == at(f"2026-11-{day} 21:20")
    assert window.end == at(f"2026-11-{day + 1} 03:20")


def test_the_day_a_window_opens_decides_whether_it_does() -> None:
    policy = load_policy({"windows": {"server": {"days": ["fri"]}}})
    assert install_window(server(), policy, at("2026-11-14 01:00")).open  # Saturday morning, opened on Friday
    assert not install_window(server(), policy, at("2026-11-13 01:00")).open  # Friday morning, not opened on Thursday


@pytest.mark.parametrize(
    ("zone", "day", "spec", "hours"),
    [
        ("America/New_York", "2027-03-14", "02:00-04:00", 1),  # 02:00 is skipped: 03:00–04:00
        ("America/New_York", "2026-11-01", "02:00-04:00", 2),
        ("America/New_York", "2026-11-01", "01:00-02:00", 2),  # first 01:00 to 02:00 after the second
        ("America/New_York", "2026-11-01", "00:30-01:30", 2),  # ends at the second 01:30
        ("America/New_York", "2026-10-31", "21:20-03:20", 7),
        ("America/New_York", "2027-03-13", "21:20-03:20", 5),
        ("Europe/London", "2027-03-28", "01:00-02:00", None),  # both skipped: nothing is left of it
        ("Pacific/Apia", "2011-12-30", "02:00-04:00", None),  # the whole day is skipped
        ("America/New_York", "2026-11-12", "09:00-09:00", 24),  # an end at the start is a day later
    ],
)
def test_nights_when_the_clock_changes(zone: str, day: str, spec: str, hours: float | None) -> None:
    start, end = (time.fromisoformat(part) for part in spec.split("-"))
    span = window_of_day(WindowSpec("test", start, end, DAILY), zone, date.fromisoformat(day))
    assert (None if span is None else (span[1] - span[0]) / timedelta(hours=1)) == hours


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "server"),
        ({"unattended_reboot": None}, None),
        ({"unattended_reboot": False}, None),
        ({"policy_group": "auto_install_manual_reboot"}, None),
        ({"policy_group": "manual"}, None),
        ({"policy_group": "do_not_patch"}, None),
    ],
)
def test_a_server_has_a_reboot_window_only_where_it_may_reboot_unattended(
    changes: dict[str, Any], name: str | None
) -> None:
    window = reboot_window(server(**changes), DEFAULTS, NIGHT)
    assert (window.name if window else None) == name


def test_a_daytime_workstation_is_rebooted_at_night() -> None:
    window = shown(reboot_window(workstation(track="daytime"), DEFAULTS, NOON))
    assert window[0:3] == ("workstation_forced_reboot", False, "2026-11-13T02:00:00-05:00")


@pytest.mark.parametrize("lacking", ["kind", "time_zone", "track"])
def test_a_window_names_what_it_lacks(lacking: str) -> None:
    with pytest.raises(RecordError, match=lacking):
        install_window(workstation(**{lacking: None}), DEFAULTS, NOON)


ZONES = sorted(available_timezones())


@cache
def transitions(zone: str) -> tuple[datetime, ...]:
    """Every change of offset in ten years, to the second."""
    where, found = ZoneInfo(zone), []
    step, moment, end = timedelta(days=7), datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    while moment < end:
        if where.utcoffset(moment.astimezone(where)) != where.utcoffset((moment + step).astimezone(where)):
            before = moment.astimezone(where).utcoffset()
            seconds = range(int(step.total_seconds()))
            index = bisect_left(
                seconds,
                True,  # noqa: FBT003
                key=lambda n: (moment + timedelta(seconds=n)).astimezone(where).utcoffset() != before,
            )
            found.append(moment + timedelta(seconds=index))
        moment += step
    return tuple(found)


def check_around(zone: str, moment: datetime, spec: WindowSpec) -> None:
    """Windows are ordered, half-open, within an hour or so of their length, and found from any instant in them."""
    day = moment.astimezone(ZoneInfo(zone)).date()
    spans = [window_of_day(spec, zone, day + timedelta(days=n)) for n in range(-3, 5)]
    known = [span for span in spans if span is not None]
    for span in known:
        assert span[0] < span[1], (zone, span)
        for inside in (span[0], span[1] - timedelta(seconds=1)):
            found = current_window(spec, zone, inside)
            assert found.open
            assert (found.start, found.end) == span
        assert current_window(spec, zone, span[1]).start >= span[1]
    for earlier, later in pairwise(known):
        assert earlier[1] <= later[0], (zone, earlier, later)
    assert next_opening(spec, zone, moment) > moment


@pytest.mark.slow
def test_every_zone_and_every_transition_of_ten_years() -> None:
    """One spec a transition, in turn, keeps this quick; the property below mixes them freely."""
    checked = 0
    for number, zone in enumerate(ZONES):
        for index, moment in enumerate(transitions(zone)):
            check_around(zone, moment, SPECS[(number + index) % len(SPECS)])
            checked += 1
    assert checked > 2000


@settings(max_examples=examples(80))
@given(
    zone=st.sampled_from(ZONES),
    seconds=st.integers(0, 10 * 366 * 86400),
    start=st.times(),
    hours=st.integers(1, 22),
)
def test_any_window_at_any_instant(zone: str, seconds: int, start: time, hours: int) -> None:
    """Up to 22 hours: longer ones meet their successor on the night that is an hour longer."""
    start = start.replace(second=0, microsecond=0)
    end = (datetime.combine(date(2026, 1, 1), start) + timedelta(hours=hours)).time()
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    check_around(zone, moment, WindowSpec("any", start, end, DAILY))
