# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change freezes: ranges and calendars, for whom, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import (
    Endpoint,
    PolicyError,
    Register,
    decide,
    load_policy,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow.freezes import frozen
from tests.unit.flow.build import NIGHT, at, decision, server, soaked, update, workstation

WEEK = {"name": "week", "start": "2026-11-10T00:00:00-05:00", "end": "2026-11-14T00:00:00-05:00"}


def frozen_until(
    freezes: list[dict[str, Any]], now: str = "2026-11-12 02:30", endpoint: Endpoint | None = None
) -> str | None:
    found = decision(endpoint or workstation(), [update()], at(now), {"soak": [soaked()]}, {"freezes": freezes})
    if found.node != "schedule.freeze":
        return None
    assert found.action == "wait"
    assert found.until is not None
    return found.until.isoformat()


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ({}, True),
        ({"client": "Acme"}, True),
        ({"client": "Other"}, False),
        ({"client": "Acme", "location": "Main"}, True),
        ({"client": "Acme", "location": "Branch"}, False),
        ({"role": "file_server"}, True),
        ({"role": "sql_server"}, False),
        ({"client": "Acme", "role": "sql_server"}, False),
    ],
)
def test_a_freeze_covers_all_a_client_a_location_or_a_role(scope: dict[str, str], covered: bool) -> None:
    assert (frozen_until([WEEK | scope], endpoint=server()) is not None) is covered


@pytest.mark.parametrize(
    ("start", "end", "until"),
    [
        (
            "2026-11-12T02:30:00-05:00",
            "2026-11-12T03:00:00-05:00",
            "2026-11-12T03:00:00-05:00",
        ),  # from its first moment
        ("2026-11-12T02:30:01-05:00", "2026-11-12T03:00:00-05:00", None),
        ("2026-11-12T02:00:00-05:00", "2026-11-12T02:30:00-05:00", None),  # half-open
        ("2026-11-12", "2026-11-12", "2026-11-13T00:00:00-05:00"),  # a date is the last day of its range
        ("2026-11-11", "2026-11-11", None),
        ("2026-11-12T02:00", "2026-11-12T05:00", "2026-11-12T05:00:00-05:00"),  # local time of the endpoint
        ("2026-11-12T07:30:00Z", "2026-11-12T09:00:00Z", "2026-11-12T04:00:00-05:00"),
    ],
)
def test_ranges(start: str, end: str, until: str | None) -> None:
    assert frozen_until([{"name": "range", "start": start, "end": end}]) == until


def test_a_date_is_meant_in_the_endpoints_own_zone() -> None:
    auckland = workstation(time_zone="Pacific/Auckland", track="daytime")
    freeze = [{"name": "day", "start": "2026-11-12", "end": "2026-11-12"}]
    assert frozen_until(freeze, "2026-11-11 16:00", auckland) == "2026-11-13T00:00:00+13:00"  # Thursday 10:00 there
    assert frozen_until(freeze, "2026-11-12 16:00", auckland) is None


def test_a_freeze_that_ends_at_a_time_that_occurs_twice_ends_at_the_second() -> None:
    freeze = [{"name": "night", "start": "2026-11-01T00:00", "end": "2026-11-01T01:30"}]
    policy = {"freezes": freeze, "windows": {"workstation_overnight": {"start": "00:00"}}}
    found = decision(workstation(), [update()], at("2026-11-01 01:15"), policy=policy)  # the second 01:15
    assert (found.node, found.until) == ("schedule.freeze", at("2026-11-01 01:30"))


@pytest.mark.parametrize(
    ("wall", "span"),
    [
        ("20260308T023000/20260308T050000", "2026-03-08T07:00:00Z/2026-03-08T09:00:00Z"),  # begins in the gap
        ("20260308T003000/20260308T023000", "2026-03-08T05:30:00Z/2026-03-08T07:00:00Z"),  # ends in it
        ("20261101T013000/20261101T053000", "2026-11-01T05:30:00Z/2026-11-01T10:30:00Z"),  # begins at a time twice
        ("20261101T003000/20261101T013000", "2026-11-01T04:30:00Z/2026-11-01T06:30:00Z"),  # ends at one
    ],
)
def test_a_calendars_wall_times_are_those_of_the_model(wall: str, span: str) -> None:
    """R4, in the zone that the calendar names: the endpoint is in another."""
    lines = [
        f"{key};TZID=America/New_York:{text}" for key, text in zip(("DTSTART", "DTEND"), wall.split("/"), strict=True)
    ]
    freezes = load_policy({"freezes": [{"name": "ics", "ics": calendar(*lines)}]}).settings().freezes
    start, end = (datetime.fromisoformat(text) for text in span.split("/"))
    second = timedelta(seconds=1)
    seen = [frozen(freezes, "Asia/Kathmandu", at) for at in (start - second, start, end - second, end)]
    assert [one and one[1] for one in seen] == [None, end, end, None]


def test_freezes_that_follow_on_each_other_end_together() -> None:
    second = {"name": "next", "start": "2026-11-14", "end": "2026-11-15"}
    apart = {"name": "later", "start": "2026-11-16T00:00:01-05:00", "end": "2026-11-18"}
    assert frozen_until([apart, second, WEEK]) == "2026-11-16T00:00:00-05:00"


def calendar(*lines: str) -> str:
    event = ("BEGIN:VEVENT", "UID:1", "SUMMARY:freeze", *lines, "END:VEVENT")
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *event, "END:VCALENDAR", ""))


CALENDARS = [
    (("DTSTART;VALUE=DATE:20261112", "DTEND;VALUE=DATE:20261113"), "2026-11-13T00:00:00-05:00"),
    (("DTSTART;VALUE=DATE:20261111", "DTEND;VALUE=DATE:20261112"), None),
    (("DTSTART:20261112T070000Z", "DTEND:20261112T080000Z"), "2026-11-12T03:00:00-05:00"),
    (("DTSTART:20261112T020000", "DURATION:PT2H"), "2026-11-12T04:00:00-05:00"),  # floating: local time
    (("DTSTART;TZID=America/Chicago:20261112T010000", "DURATION:PT1H"), "2026-11-12T03:00:00-05:00"),
    # the second Thursday of every month since 2020
    (("DTSTART;VALUE=DATE:20200109", "DTEND;VALUE=DATE:20200110", "RRULE:FREQ=MONTHLY;BYDAY=2TH"),
     "2026-11-13T00:00:00-05:00"),
    (("DTSTART;VALUE=DATE:20200108", "DTEND;VALUE=DATE:20200109", "RRULE:FREQ=MONTHLY;BYDAY=2WE"), None),
    (("DTSTART;VALUE=DATE:20200109", "DTEND;VALUE=DATE:20200110", "RRULE:FREQ=MONTHLY;BYDAY=2TH",
      "EXDATE;VALUE=DATE:20261112"), None),
    # from before Christmas into January, every year; long past months are searched as well
    (("DTSTART;VALUE=DATE:20200901", "DTEND;VALUE=DATE:20210115", "RRULE:FREQ=YEARLY"), "2027-01-15T00:00:00-05:00"),
    (("DTSTART;VALUE=DATE:20261112", "DTEND;VALUE=DATE:20261113", "STATUS:CANCELLED"), None),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "until"), CALENDARS)
def test_calendars(lines: tuple[str, ...], until: str | None) -> None:
    assert frozen_until([{"name": "ics", "ics": calendar(*lines)}]) == until


def in_own_zone(offset: str) -> str:
    """A calendar as Outlook writes it where somebody has set a zone of his own: the name is the same everywhere."""
    zone = (
        "BEGIN:VTIMEZONE",
        "TZID:Customized Time Zone",
        "BEGIN:STANDARD",
        "DTSTART:16010101T000000",
        f"TZOFFSETFROM:{offset}",
        f"TZOFFSETTO:{offset}",
        "END:STANDARD",
        "END:VTIMEZONE",
    )
    times = (f"{key};TZID=Customized Time Zone:20261112T0{hour}0000" for key, hour in (("DTSTART", 2), ("DTEND", 4)))
    return calendar(*times).replace("BEGIN:VEVENT", "\r\n".join((*zone, "BEGIN:VEVENT")))


def test_a_zone_that_a_calendar_defines_is_its_own() -> None:
    freezes = [{"name": one, "client": f"of {one}", "ics": in_own_zone(one)} for one in ("+0100", "-0500")]
    nodes = {
        row["name"]: decision(workstation(client=row["client"]), [update()], policy={"freezes": freezes}).node
        for row in freezes
    }
    assert nodes == {"+0100": "deploy.install", "-0500": "schedule.freeze"}


def test_a_daily_calendar_freezes_from_end_to_start_and_the_search_ends() -> None:
    daily = calendar("DTSTART;VALUE=DATE:20200101", "DTEND;VALUE=DATE:20200102", "RRULE:FREQ=DAILY")
    assert frozen_until([{"name": "for ever", "ics": daily}]) is not None


def test_a_calendar_is_read_from_beside_the_document(tmp_path: Path) -> None:
    (tmp_path / "freeze.ics").write_text(calendar(*CALENDARS[0][0]), encoding="utf-8")
    policy = load_policy({"freezes": [{"name": "file", "ics": "freeze.ics", "client": "Acme"}]}, tmp_path)
    assert decide(workstation(), [update()], Register(), policy, NIGHT).node == "schedule.freeze"


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        ({"ics": "missing.ics"}, r"freezes\[0\].ics is 'missing.ics'.*cannot be read"),
        ({"ics": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"}, r"freezes\[0\].ics.*no event"),
        ({"ics": "BEGIN:NONSENSE"}, r"freezes\[0\].ics"),
        ({"start": "2026-11-12", "end": "2026-11-11"}, r"freezes\[0\].end is '2026-11-11'.*not after"),
        ({"start": "2026-11-31", "end": "2026-12-01"}, r"freezes\[0\].start is '2026-11-31'"),
    ],
)
def test_a_freeze_that_is_not_right_is_named(tmp_path: Path, freeze: dict[str, str], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        load_policy({"freezes": [{"name": "x", **freeze}]}, tmp_path)


def test_a_relative_calendar_needs_a_folder() -> None:
    with pytest.raises(PolicyError, match="absolute path"):
        load_policy({"freezes": [{"name": "x", "ics": "freeze.ics"}]})
