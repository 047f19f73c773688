# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times in the field's words become rules that AWX takes, and that fire when they should."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.awx.schedules import ScheduleError, awx_rule
from ansible_collections.msp.patching.plugins.plugin_utils.flow import patch_tuesday
from lab.awx import schedules
from lab.awx.errors import RefusedError

NEW_YORK = "America/New_York"
YEARS = range(2026, 2031)
MONTHS = [f"{year}-{month:02}" for year in YEARS for month in range(1, 13)]


@pytest.mark.parametrize("days", range(15))
def test_days_after_patch_tuesday_are_just_that(days: int) -> None:
    """As AWX's own library has it, for five years."""
    rule = awx_rule({"after_patch_tuesday": days, "at": "21:25"}, NEW_YORK)
    schedules.check(rule)
    found = schedules.fires(rule, datetime(2025, 12, 31, tzinfo=UTC), most=len(MONTHS))
    local = [one.astimezone(ZoneInfo(NEW_YORK)) for one in found]
    assert [one.date() for one in local] == [
        date.fromisoformat(str(patch_tuesday(month))) + timedelta(days=days) for month in MONTHS
    ]
    assert {f"{one:%H:%M}" for one in local} == {"21:25"}


@given(
    st.one_of(
        st.fixed_dictionaries({"every_minutes": st.integers(5, 1440)}),
        st.fixed_dictionaries({"weekdays": st.lists(st.sampled_from(["MO", "WE", "SU"]), min_size=1, unique=True)}),
        st.fixed_dictionaries({"after_patch_tuesday": st.lists(st.integers(0, 14), min_size=1)}),
        st.just({"daily": True}),
    ),
    st.times().map(lambda one: f"{one:%H:%M}"),
)
def test_whatever_can_be_said_is_taken_and_fires(times: dict[str, Any], at: str) -> None:
    rule = awx_rule({**times, "at": at}, NEW_YORK)
    schedules.check(rule)
    assert schedules.fires(rule, datetime(2026, 11, 1, tzinfo=UTC), most=1)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, "one of every_minutes"),
        ({"daily": True, "weekdays": ["MO"]}, "one of every_minutes"),
        ({"name": "pilot", "nights": 3}, "pilot: nights: there is"),
        ({"every_minutes": 0}, "every_minutes is 0"),
        ({"every_minutes": True}, "every_minutes is True"),
        ({"weekdays": ["2TU"]}, "weekdays is"),
        ({"after_patch_tuesday": 15}, "days from 0 to 14"),
        ({"after_patch_tuesday": []}, "days from 0 to 14"),
        ({"daily": True, "at": 1265}, "a time in quotes"),
        ({"daily": True, "start": "soon"}, "a date such as"),
        ({"rrule": "FREQ=MONTHLY;INTERVAL=1;BYDAY=2TU"}, "after_patch_tuesday"),
        ({"rrule": "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,2TU"}, "never run"),
        ({"rrule": "FREQ=DAILY"}, "INTERVAL"),
        ({"rrule": "FREQ=SECONDLY;INTERVAL=5"}, "SECONDLY"),
        ({"rrule": "FREQ=DAILY;INTERVAL=1;COUNT=2;UNTIL=20270101T000000Z"}, "COUNT and UNTIL"),
        ({"rrule": "FREQ=DAILY;INTERVAL=1;UNTIL=20270101T000000Z;COUNT=2"}, "COUNT and UNTIL"),
        ({"rrule": "freq=daily;interval=1;until=20270101T000000Z;count=2"}, "COUNT and UNTIL"),
        ({"rrule": "FREQ=DAILY;INTERVAL=1;COUNT=1000"}, "more than 999"),
        ({"rrule": "FREQ=DAILY;INTERVAL=0"}, "INTERVAL of 1 or more"),
        ({"rrule": "FREQ=DAILY;INTERVAL=;BYHOUR=1"}, "INTERVAL of 1 or more"),
        ({"rrule": "FREQ=DAILY;INTERVAL=two"}, "INTERVAL of 1 or more"),
        ({"rrule": "FREQ=DAILY;INTERVAL=1 RRULE:FREQ=WEEKLY"}, "rrule 'FREQ=WEEKLY': AWX wants an INTERVAL"),
        ({"rrule": "FREQ=DAILY;INTERVAL=1 EXRULE:FREQ=WEEKLY;INTERVAL=0"}, "INTERVAL of 1 or more"),
        ({"rrule": ""}, "INTERVAL"),
        ({"name": "pilot", "rrule": "FREQ=DAILY"}, "pilot: rrule 'FREQ=DAILY'"),
        ({"name": "pilot", "daily": True, "at": 1265}, "pilot: at is 1265"),
    ],
)
def test_what_awx_would_not_run_is_refused_by_name(times: dict[str, Any], said: str) -> None:
    with pytest.raises(ScheduleError, match=said.replace("(", r"\(")):
        awx_rule(times, NEW_YORK)


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=TU;BYSETPOS=2",
        "FREQ=DAILY;INTERVAL=1;COUNT=999",
        "FREQ=DAILY;INTERVAL=10;UNTIL=20280101T000000Z",
        "FREQ=DAILY;INTERVAL=1 EXRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=SU",
        "FREQ=DAILY;INTERVAL=1;COUNT=20 RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;UNTIL=20280101T000000Z",
    ],
)
def test_a_rule_that_awx_takes_is_taken_as_it_is_written(rule: str) -> None:
    made = awx_rule({"rrule": rule}, NEW_YORK)
    assert made.endswith(f" RRULE:{rule.removeprefix('RRULE:')}")
    schedules.check(made)
    assert schedules.fires(made, datetime(2026, 1, 1, tzinfo=UTC), most=1)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ScheduleError, match="Eastern"):
        awx_rule({"daily": True}, "Eastern")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("DTSTART:20260101T000000Z RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=2TU", "numeric prefix"),
        ("DTSTART:20260101T000000Z RRULE:FREQ=DAILY;INTERVAL=1 EXDATE:20260102T000000Z", "EXDATE"),
        ("DTSTART:20260101T000000Z RRULE:FREQ=DAILY", "INTERVAL required"),
        ("DTSTART:20260101T000000Z RRULE:FREQ=SECONDLY;INTERVAL=1", "SECONDLY"),
        ("DTSTART:20260101T000000Z RRULE:FREQ=DAILY;INTERVAL=1;COUNT=2;UNTIL=20270101T000000Z", "COUNT and UNTIL"),
        ("DTSTART:20260101T000000 RRULE:FREQ=DAILY;INTERVAL=1", "naive"),
        ("DTSTART;TZID=Eastern:20260101T000000 RRULE:FREQ=DAILY;INTERVAL=1", "TZID"),
        ("RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART required"),
    ],
)
def test_the_labs_awx_refuses_what_awx_refuses(rule: str, said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        schedules.check(rule)
    assert said in str(refused.value.body["rrule"])


def test_the_labs_awx_takes_a_numbered_day_behind_a_plain_one_and_never_runs_it() -> None:
    """As seen on AWX: a trap, and the reason for a filter of our own."""
    rule = "DTSTART:20260101T000000Z RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,2TU"
    schedules.check(rule)


def test_a_time_that_the_clock_skips_is_left_out() -> None:
    rule = awx_rule({"daily": True, "at": "02:30"}, NEW_YORK)
    found = schedules.fires(rule, datetime(2026, 3, 7, 12, tzinfo=UTC), most=2)
    assert [f"{one.astimezone(ZoneInfo(NEW_YORK)):%m-%d %H:%M}" for one in found] == ["03-09 02:30", "03-10 02:30"]
