# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.notices.soaks import TITLE
from lab.fleet import load_fleet
from lab.fleet_model import Computer
from lab.month.machines import NIGHT, OFFICE, SERVERS, Entry, awaited_boot, in_window
from lab.month.script import CHICAGO, LOS_ANGELES, NEW_YORK, Breaks, Decides, Hour, Mends, Step
from lab.month.story import STORY
from lab.month.watch import worth_reading

FLEET = load_fleet(Path(__file__).parent.parent.parent.parent / "lab" / "fleets" / "demo.yml")


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (Hour("2026-10-13 10:00", LOS_ANGELES), "2026-10-13T17:00"),
        (Hour("2026-11-01 01:30", NEW_YORK), "2026-11-01T05:30"),
        (Hour("2026-11-01 01:30", NEW_YORK, again=True), "2026-11-01T06:30"),
        (Hour("2026-11-01 02:05", CHICAGO), "2026-11-01T08:05"),
    ],
)
def test_an_hour_is_an_instant(hour: Hour, expected: str) -> None:
    assert hour.instant == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_the_story_goes_forward_and_leaves_each_run_its_time() -> None:
    """A run on a slow machine takes the lab up to half an hour."""
    instants = []
    for step in STORY:
        instants += [act.at.instant for act in step.before if act.at is not None]
        instants.append(step.hour.instant)
    assert instants == sorted(instants)
    assert all(later - earlier >= timedelta(minutes=15) for earlier, later in pairwise(instants))


def test_the_story_names_machines_that_there_are() -> None:
    for act in (act for step in STORY for act in step.before):
        if isinstance(act, Decides):
            assert act.arguments.get("endpoint", "ACME-DC01") in FLEET.computers
        elif not isinstance(act, Breaks | Mends):
            assert act.machine in FLEET.computers


def test_a_persons_words_are_those_that_somebody_types() -> None:
    decides = Decides("t.brandt", "release", {"client": "Acme Dental", "ring": "pilot"})
    assert decides.words == ["-e", "client='Acme Dental'", "-e", "ring=pilot", "-e", "by=t.brandt"]


def _computer(**more: Any) -> Computer:
    given = {"id": 1, "name": "A", "key": "A", "kind": "workstation", "os": "Windows 11", "release": "24H2"}
    given |= {"os_version": "10", "client": "C", "location": "L", "client_id": 1, "location_id": 1}
    return Computer(**{**given, "time_zone": NEW_YORK, **more})


@pytest.mark.parametrize(
    ("instant", "window", "expected"),
    [
        ("2026-10-14T06:00:00Z", NIGHT, True),
        ("2026-10-14T05:59:59Z", NIGHT, False),
        ("2026-10-14T08:00:00Z", NIGHT, False),
        ("2026-11-01T06:30:00Z", NIGHT, False),
        ("2026-11-01T07:00:00Z", NIGHT, True),
        ("2026-11-01T06:30:00Z", SERVERS, True),
        ("2026-11-01T08:20:00Z", SERVERS, False),
        ("2026-10-14T13:00:00Z", OFFICE, True),
        ("2026-10-17T15:00:00Z", OFFICE, False),
    ],
)
def test_the_account_reads_windows_off_the_wall(instant: str, window: tuple[str, str], expected: bool) -> None:
    assert in_window(datetime.fromisoformat(instant), _computer(), window) is expected


Happened = tuple[str, dict[str, Any]]
ASKED: Happened = ("reboot.requested", {})
DOWN: Happened = ("shutdown", {"pending": ["file renames"]})
DOWN_FOR_UPDATES: Happened = ("shutdown", {"pending": ["windows_update"]})


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], None),
        ([DOWN], None),
        ([DOWN_FOR_UPDATES, "1"], "1"),
        ([ASKED, DOWN, "1"], "1"),
        ([DOWN_FOR_UPDATES, "1", DOWN, "2"], "1"),
        ([DOWN_FOR_UPDATES, "1", ASKED, DOWN, "2"], "2"),
        ([ASKED, DOWN_FOR_UPDATES], None),
    ],
)
def test_a_boot_counts_that_somebody_waited_for(history: list[str | Happened], expected: str | None) -> None:
    """Whatever else its user restarts a machine for, the ledger need not know."""
    told = [("boot", {"boot_id": one}) if isinstance(one, str) else one for one in history]
    hour = Hour("2026-10-14 02:05").instant
    assert awaited_boot([Entry("A", event, hour, more) for event, more in told]) == expected


def test_of_a_runs_words_the_long_tables_are_left_out() -> None:
    said = "\n".join(
        [
            "All rings at 2026-10-13T17:09+00:00: 1 scan",
            "",
            " endpoint   action",
            " ─────────────────",
            " A          scan",
            "",
            "Cycle 2026-10 is open.",
            "failed: A: A: the install failed",
            "What this run did: 1 FAILED",
            "",
            " endpoint   state",
            "Tiers: 0 closed now, 1 open",
            "",
            " tier   open   state",
        ]
    )
    assert list(worth_reading(said, set())) == [
        "All rings at 2026-10-13T17:09+00:00: 1 scan",
        "Cycle 2026-10 is open.",
        "What this run did: 1 FAILED",
        " endpoint   state",
        "Tiers: 0 closed now, 1 open",
    ]


def test_what_an_earlier_run_said_is_not_said_again() -> None:
    told: set[str] = set()
    soaks = [f"{TITLE}:", "  KB1: waits", "  KB2: waits"]
    assert list(worth_reading("\n".join(soaks), told)) == soaks
    assert list(worth_reading("\n".join([*soaks, "What this run did: –"]), told)) == ["What this run did: –"]
    assert list(worth_reading(f"{TITLE}:\n  KB1: waits\n  KB2: soaks", told)) == [f"{TITLE}:", "  KB2: soaks"]


def test_a_step_says_where_its_hour_is() -> None:
    step = Step(Hour("2026-11-01 01:30", NEW_YORK, again=True), "why")
    assert str(step.hour) == "Sun 01 Nov 2026, 01:30 in New York, for the second time"
