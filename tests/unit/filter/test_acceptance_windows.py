# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 3 through the filters patch_tuesday, window and reboot_window: R1, R4, and what clocks do to windows."""

from __future__ import annotations

from datetime import date, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from tests.unit.filter.asking import NEW_YORK, Record, ask, instant, later, local, same, server, workstation

AUTO = {"policy_group": "auto_install_auto_reboot", "unattended_reboot": True}


def window(endpoint: Record, now: str, policy: Record | None = None, of: str = "window") -> Record | None:
    found = ask(f"e | msp.patching.{of}(n, policy=p)", e=endpoint, n=now, p=policy or {})
    if found is None:
        return None
    assert isinstance(found, dict)
    assert set(found) == {"name", "open", "start", "end"}
    assert isinstance(found["name"], str)
    assert instant(found["start"]) < instant(found["end"])
    assert instant(now) < instant(found["end"])
    assert found["open"] is (instant(found["start"]) <= instant(now))
    return found


def span(endpoint: Record, now: str, of: str = "window") -> tuple[datetime, datetime]:
    found = window(endpoint, now, of=of)
    assert found is not None
    return instant(found["start"]), instant(found["end"])


@pytest.mark.parametrize(
    ("month", "day"),
    [
        ("2026-11", "2026-11-10"),
        ("2026-12", "2026-12-08"),
        ("2026-09", "2026-09-08"),
        ("2026-01", "2026-01-13"),
        ("2024-02", "2024-02-13"),
        ("2025-07", "2025-07-08"),
        ("2025-10", "2025-10-14"),
    ],
)
def test_patch_tuesday(month: str, day: str) -> None:
    found = ask("m | msp.patching.patch_tuesday", m=month)
    assert found == day
    assert isinstance(found, str)


def test_patch_tuesday_is_the_second_tuesday_of_every_month() -> None:
    months = [f"{year}-{month:02}" for year, month in product(range(2020, 2032), range(1, 13))]
    days = [date.fromisoformat(day) for day in ask("m | map('msp.patching.patch_tuesday') | list", m=months)]
    assert [f"{day:%Y-%m}" for day in days] == months
    assert all(day.isoweekday() == 2 and 8 <= day.day <= 14 for day in days)


# now, start, end: all as wall time in the endpoint's zone, unless an offset tells which of two it is
OVERNIGHT = [
    (NEW_YORK, "2026-11-12T02:30", "2026-11-12T02:00", "2026-11-12T04:00"),
    (NEW_YORK, "2026-11-12T02:00", "2026-11-12T02:00", "2026-11-12T04:00"),
    (NEW_YORK, "2026-11-12T03:59:59", "2026-11-12T02:00", "2026-11-12T04:00"),
    (NEW_YORK, "2026-11-12T04:00", "2026-11-13T02:00", "2026-11-13T04:00"),
    (NEW_YORK, "2026-11-12T01:59:59", "2026-11-12T02:00", "2026-11-12T04:00"),
    (NEW_YORK, "2026-11-14T12:00", "2026-11-15T02:00", "2026-11-15T04:00"),  # daily: a Sunday too
    # the clock skips 02:00-03:00
    (NEW_YORK, "2026-03-07T12:00", "2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"),
    (NEW_YORK, "2026-03-08T01:59:59-05:00", "2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"),
    (NEW_YORK, "2026-03-08T07:00Z", "2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"),
    # 01:00-02:00 occurs twice, 02:00 once
    (NEW_YORK, "2026-10-31T12:00", "2026-11-01T02:00-05:00", "2026-11-01T04:00-05:00"),
    (NEW_YORK, "2026-11-01T01:30-04:00", "2026-11-01T02:00-05:00", "2026-11-01T04:00-05:00"),
    (NEW_YORK, "2026-11-01T01:30-05:00", "2026-11-01T02:00-05:00", "2026-11-01T04:00-05:00"),
    # Europe: 02:00-03:00 is skipped in March, and occurs twice in October
    ("Europe/Berlin", "2026-03-28T12:00", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"),
    ("Europe/Berlin", "2026-10-24T12:00", "2026-10-25T02:00+02:00", "2026-10-25T04:00+01:00"),
    ("Europe/Berlin", "2026-10-25T02:30+01:00", "2026-10-25T02:00+02:00", "2026-10-25T04:00+01:00"),
    ("Europe/London", "2026-03-28T12:00", "2026-03-29T02:00+01:00", "2026-03-29T04:00+01:00"),
    # half an hour, from 02:00 to 02:30, and back to 01:30
    ("Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-04T02:30+11:00", "2026-10-04T04:00+11:00"),
    ("Australia/Lord_Howe", "2026-04-04T12:00", "2026-04-05T02:00+10:30", "2026-04-05T04:00+10:30"),
    # two hours: 01:00 to 03:00, and back
    ("Antarctica/Troll", "2026-03-28T12:00", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"),
    ("Antarctica/Troll", "2026-10-24T12:00", "2026-10-25T02:00+02:00", "2026-10-25T04:00+00:00"),
    ("Asia/Kathmandu", "2026-11-12T12:00", "2026-11-13T02:00+05:45", "2026-11-13T04:00+05:45"),
    ("Pacific/Apia", "2026-11-12T12:00", "2026-11-13T02:00+13:00", "2026-11-13T04:00+13:00"),
    ("Pacific/Kiritimati", "2026-11-12T12:00", "2026-11-13T02:00+14:00", "2026-11-13T04:00+14:00"),
    # there was no 30 December 2011, so no window opened on it
    ("Pacific/Apia", "2011-12-29T12:00", "2011-12-31T02:00+14:00", "2011-12-31T04:00+14:00"),
    ("America/Phoenix", "2026-03-07T12:00", "2026-03-08T02:00-07:00", "2026-03-08T04:00-07:00"),
]
SERVER = [
    (NEW_YORK, "2026-11-12T12:00", "2026-11-12T21:20", "2026-11-13T03:20"),
    (NEW_YORK, "2026-11-12T21:20", "2026-11-12T21:20", "2026-11-13T03:20"),
    (NEW_YORK, "2026-11-12T21:19:59", "2026-11-12T21:20", "2026-11-13T03:20"),
    (NEW_YORK, "2026-11-13T00:00", "2026-11-12T21:20", "2026-11-13T03:20"),
    (NEW_YORK, "2026-11-13T03:19:59", "2026-11-12T21:20", "2026-11-13T03:20"),
    (NEW_YORK, "2026-11-13T03:20", "2026-11-13T21:20", "2026-11-14T03:20"),
    (NEW_YORK, "2026-12-31T23:59", "2026-12-31T21:20", "2027-01-01T03:20"),
    (NEW_YORK, "2026-03-07T23:00", "2026-03-07T21:20-05:00", "2026-03-08T03:20-04:00"),
    (NEW_YORK, "2026-03-08T03:10-04:00", "2026-03-07T21:20-05:00", "2026-03-08T03:20-04:00"),
    (NEW_YORK, "2026-10-31T23:00", "2026-10-31T21:20-04:00", "2026-11-01T03:20-05:00"),
    (NEW_YORK, "2026-11-01T01:30-05:00", "2026-10-31T21:20-04:00", "2026-11-01T03:20-05:00"),
    ("Europe/Berlin", "2026-03-28T23:00", "2026-03-28T21:20+01:00", "2026-03-29T03:20+02:00"),
    ("Europe/Berlin", "2026-10-24T23:00", "2026-10-24T21:20+02:00", "2026-10-25T03:20+01:00"),
    # at midnight
    ("Africa/Cairo", "2026-04-23T23:00", "2026-04-23T21:20+02:00", "2026-04-24T03:20+03:00"),
    ("Africa/Cairo", "2026-10-29T23:30+02:00", "2026-10-29T21:20+03:00", "2026-10-30T03:20+02:00"),
    ("America/Sao_Paulo", "2026-11-12T12:00", "2026-11-12T21:20-03:00", "2026-11-13T03:20-03:00"),
    ("America/Sao_Paulo", "2018-11-03T23:00", "2018-11-03T21:20-03:00", "2018-11-04T03:20-02:00"),
    ("America/Nuuk", "2026-03-28T22:30", "2026-03-28T21:20-02:00", "2026-03-29T03:20-01:00"),
    # its end on the day that was not is the first instant after it
    ("Pacific/Apia", "2011-12-29T23:00", "2011-12-29T21:20-10:00", "2011-12-31T00:00+14:00"),
]
DAYTIME = [
    (NEW_YORK, "2026-11-12T09:00", "2026-11-12T09:00", "2026-11-12T17:00"),
    (NEW_YORK, "2026-11-12T16:59:59", "2026-11-12T09:00", "2026-11-12T17:00"),
    (NEW_YORK, "2026-11-12T17:00", "2026-11-13T09:00", "2026-11-13T17:00"),
    (NEW_YORK, "2026-11-12T08:59:59", "2026-11-12T09:00", "2026-11-12T17:00"),
    (NEW_YORK, "2026-11-13T17:00", "2026-11-16T09:00", "2026-11-16T17:00"),  # Friday evening
    (NEW_YORK, "2026-11-14T12:00", "2026-11-16T09:00", "2026-11-16T17:00"),
    (NEW_YORK, "2026-11-15T23:59", "2026-11-16T09:00", "2026-11-16T17:00"),
    (NEW_YORK, "2026-10-30T18:00", "2026-11-02T09:00-05:00", "2026-11-02T17:00-05:00"),
    ("Asia/Kathmandu", "2026-11-12T08:00", "2026-11-12T09:00+05:45", "2026-11-12T17:00+05:45"),
    # Monday there, still Sunday in UTC
    ("Pacific/Apia", "2026-11-16T09:30", "2026-11-16T09:00+13:00", "2026-11-16T17:00+13:00"),
]
CASES = [
    *[("overnight", workstation(), *case) for case in OVERNIGHT],
    *[("server", server(), *case) for case in SERVER],
    *[("daytime", workstation(track="daytime"), *case) for case in DAYTIME],
]


def moment(text: str, zone: str) -> str:
    given = datetime.fromisoformat(text)
    return text if given.tzinfo else local(text, zone)


@pytest.mark.parametrize(
    ("endpoint", "zone", "now", "start", "end"),
    [pytest.param(*case[1:], id=f"{case[0]} {case[2]} {case[3]}") for case in CASES],
)
def test_the_install_window(endpoint: Record, zone: str, now: str, start: str, end: str) -> None:
    found = window(endpoint | {"time_zone": zone}, moment(now, zone))
    assert found is not None
    assert same(found["start"], moment(start, zone))
    assert same(found["end"], moment(end, zone))


@pytest.mark.parametrize("now", ["2026-11-12T07:30:00Z", "2026-11-12T07:30:00+00:00", "2026-11-12T13:15:00+05:45"])
def test_the_same_instant_has_the_same_window_however_its_offset_is_written(now: str) -> None:
    assert span(workstation(), now) == span(workstation(), "2026-11-12T02:30:00-05:00")


@pytest.mark.parametrize("zone", [NEW_YORK, "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Chatham"])
@pytest.mark.parametrize("endpoint", [workstation(), server()], ids=["overnight", "server"])
def test_windows_are_half_open(endpoint: Record, zone: str) -> None:
    machine = endpoint | {"time_zone": zone}
    start, end = span(machine, "2026-11-12T12:00:00Z")
    at_start, at_end = window(machine, start.isoformat()), window(machine, end.isoformat())
    before = window(machine, later(start.isoformat(), microseconds=-1))
    last = window(machine, later(end.isoformat(), microseconds=-1))
    assert at_start is not None
    assert at_start["open"] is True
    assert before is not None
    assert before["open"] is False
    assert last is not None
    assert last["open"] is True
    assert at_end is not None
    assert at_end["open"] is False


def test_a_window_stays_open_when_too_little_of_it_is_left_to_start_work() -> None:
    found = window(workstation(), local("2026-11-12T03:50"))
    assert found is not None
    assert found["open"] is True


def test_the_times_are_told_in_local_time() -> None:
    found = window(workstation(time_zone="Asia/Kathmandu"), "2026-11-12T12:00:00Z")
    assert found is not None
    assert instant(found["start"]).utcoffset() == datetime(2026, 11, 13, tzinfo=ZoneInfo("Asia/Kathmandu")).utcoffset()


def test_a_window_that_crosses_midnight_belongs_to_the_day_it_opens() -> None:
    policy = {"windows": {"server": {"days": ["fri"]}}}
    found = window(server(), local("2026-11-14T01:00"), policy)  # a Saturday
    assert found is not None
    assert found["open"] is True
    assert same(found["start"], local("2026-11-13T21:20"))
    found = window(server(), local("2026-11-13T01:00"), policy)  # Friday morning
    assert found is not None
    assert found["open"] is False
    assert same(found["start"], local("2026-11-13T21:20"))


# --- reboot_window


@pytest.mark.parametrize(
    "changes",
    [
        {"policy_group": "manual"},
        {"policy_group": "do_not_patch"},
        {"policy_group": "auto_install_manual_reboot"},
        {"policy_group": "auto_install_manual_reboot", "unattended_reboot": True},
        {"policy_group": "manual", "unattended_reboot": True},
        {"policy_group": "auto_install_auto_reboot", "unattended_reboot": False},
        {"policy_group": "auto_install_auto_reboot", "unattended_reboot": None},
    ],
)
def test_no_server_reboots_unattended_but_by_both_group_and_approval(changes: Record) -> None:
    assert window(server(**changes), local("2026-11-12T22:00"), of="reboot_window") is None


def test_an_approved_server_reboots_in_its_window() -> None:
    assert span(server(**AUTO), local("2026-11-12T12:00"), "reboot_window") == (
        instant(local("2026-11-12T21:20")),
        instant(local("2026-11-13T03:20")),
    )


@pytest.mark.parametrize("track", ["overnight", "daytime"])
def test_workstations_reboot_unattended_at_night(track: str) -> None:
    assert span(workstation(track=track), local("2026-11-12T12:00"), "reboot_window") == (
        instant(local("2026-11-13T02:00")),
        instant(local("2026-11-13T04:00")),
    )


def test_a_workstation_that_is_not_patched_has_no_unattended_reboot() -> None:
    assert window(workstation(policy_group="do_not_patch"), local("2026-11-12T12:00"), of="reboot_window") is None


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-03-07T12:00", "2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"),
        ("2026-10-31T12:00", "2026-11-01T02:00-05:00", "2026-11-01T04:00-05:00"),
    ],
)
def test_a_forced_reboot_keeps_to_the_clock(now: str, start: str, end: str) -> None:
    found = window(workstation(track="daytime"), local(now), of="reboot_window")
    assert found is not None
    assert same(found["start"], start)
    assert same(found["end"], end)
