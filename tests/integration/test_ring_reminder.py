# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Daytime workstations on the lab's calendar: told once a day, and restarted by force after three days, by night.

11 November 2026 is a Wednesday. Whoever installs on it at nine is forced on Sunday: on Saturday between two and four
it is not three days yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from lab.client import LabClient

from .conftest import ansible_in, running_lab
from .ring import BIG, SMALL, ZONE, Ansible, Night, between, sentence, single, workstation, write_fleet

pytestmark = pytest.mark.xdist_group("reminder")

NEEDED = "this computer has to restart"
CALM = 20
"""Lab seconds a second: a run is over within minutes on a busy machine too, so that the hour is what the test says."""


def daytime(**more: Any) -> dict[str, Any]:
    return workstation(track="Daytime", **more)


def local(instant: str) -> str:
    """``Thu 10:00``, in New York."""
    return f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(ZONE)):%a %H:%M}"


def at(wall: str) -> str:
    """``2026-11-12 10:00`` in New York's winter time, for the lab's clock."""
    return f"{wall.replace(' ', 'T')}:00-05:00"


def told(night: Night, machine: str) -> list[str]:
    """When its users were told, by the machine's own account."""
    return [local(entry["at"]) for entry in night.happened(machine, "notice")]


def start(lab: LabClient, ansible: Ansible, folder: Path) -> Night:
    """Nine in the morning on Wednesday: what is due is installed, and it is too early to tell anybody."""
    night = Night(lab, ansible, folder)
    lab.set_clock(at("2026-11-11 09:05"))
    night.run().ok()
    return night


# -- a week of one workstation whose user never restarts, and of one whose user comes and goes ------------------------

HOURS = [
    "2026-11-11 09:30",
    "2026-11-11 10:00",
    "2026-11-12 03:00",
    "2026-11-12 09:40",
    "2026-11-12 10:00",
    "2026-11-12 16:00",
    "2026-11-14 02:30",
    "2026-11-14 12:00",
    "2026-11-15 01:40",
    "2026-11-15 02:00",
]
COMES = "2026-11-12 16:00"


@dataclass
class Week:
    night: Night
    runs: dict[str, Any]
    boots: dict[str, int]


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    folder = tmp_path_factory.mktemp("week")
    machines = {"STAYS": daytime(user_logged_on=True), "COMES": daytime()}
    with running_lab(folder / "lab", write_fleet(folder / "fleet.yml", single(machines), speed=CALM)) as lab:
        week = Week(start(lab, ansible_in(folder), folder), {}, {})
        for hour in HOURS:
            lab.set_clock(at(hour))
            if hour == COMES:
                lab.update_machine("COMES", users=["kim"])
            week.runs[hour] = week.night.run().ok()
            week.boots[hour] = week.night.boots("STAYS")
        yield week


def test_it_is_installed_in_business_hours_and_nothing_restarts(week: Week) -> None:
    for machine in ("STAYS", "COMES"):
        assert sorted(week.night.installed(machine)) == [BIG, SMALL]
        for entry in week.night.happened(machine, "install.started"):
            assert "Wed 09:00" <= local(entry["at"]) < "Wed 17:00"


def test_the_user_is_told_at_ten_and_once_a_day(week: Week) -> None:
    """On Wednesday, Thursday and Saturday; nobody looked on Friday."""
    days = [hour.split() for hour in told(week.night, "STAYS")]
    assert [day for day, dummy in days] == ["Wed", "Thu", "Sat"]
    assert [clock[:2] for dummy, clock in days] == ["10", "10", "12"]


def test_nobody_is_told_who_is_not_there(week: Week) -> None:
    days = [hour.split() for hour in told(week.night, "COMES")]
    assert [day for day, dummy in days] == ["Thu", "Sat"], "on Thursday at four the first user came"
    assert days[0][1].startswith("16:")


def test_the_user_reads_what_is_due_and_when_it_is_forced(week: Week) -> None:
    notices = week.night.happened("STAYS", "notice")
    assert {entry["by"] for entry in notices} == {"win_tell"}
    for entry in notices:
        assert NEEDED in entry["msg"]
        assert "restarts by itself at 2026-11-15 02:00" in entry["msg"]
        assert entry["users"] == ["jdoe"]


def test_each_reminder_is_on_the_ledger_and_nothing_else_is(week: Week) -> None:
    for machine in ("STAYS", "COMES"):
        shown = [event.at.isoformat() for event in week.night.events("reminder.shown", endpoint=machine)]
        assert [local(instant)[:3] for instant in shown] == [hour[:3] for hour in told(week.night, machine)]
    assert week.night.events("failure.opened", "step.failed", "hold.placed", "endpoint.unreachable") == []


def test_it_is_forced_after_three_days_in_the_next_night_and_at_no_other_time(week: Week) -> None:
    night = week.night
    for machine in ("STAYS", "COMES"):
        (asked,) = night.happened(machine, "reboot.requested")
        assert "Sun 02:00" <= local(asked["at"]) < "Sun 04:00"
        (boot,) = night.happened(machine, "boot")
        assert "Sun 02:00" <= local(boot["at"]) < "Sun 04:00"
        pending = night.happened(machine, "install.succeeded")[-1]["at"]
        assert between(pending, asked["at"]).days == 3
    assert {hour for hour, boots in week.boots.items() if boots} == {"2026-11-15 02:00"}


def test_after_the_restart_it_is_validated_and_nobody_is_told_any_more(week: Week) -> None:
    for machine in ("STAYS", "COMES"):
        assert [body["healthy"] for body in week.night.bodies("validation.finished", machine)][-1:] == [True]
        assert week.night.decision(machine) == ("none", "approval.nothing_approved")
    assert week.night.lab.unsimulated() == []


def test_the_summary_says_who_was_reminded(week: Week) -> None:
    words = sentence(week.runs["2026-11-12 10:00"].output)
    assert "1 reminded" in words
    assert "reminded" not in sentence(week.runs["2026-11-12 09:40"].output)


# -- reminders that go wrong -------------------------------------------------------------------------------------------


MACHINES: dict[str, dict[str, Any]] = {
    "TOLD": {},
    "MUTE": {"services": {"TermService": "stopped"}},
    "EMPTY": {},
    "SILENT": {},
    "LOST": {},
    "DONE": {},
}


@dataclass
class Morning:
    """Wednesday, ten o'clock: all have installed, and their users are to be told. Three runs: with everything that can
    go wrong, MUTE's alone, and with nothing in the way."""

    night: Night
    runs: dict[str, Any]
    touched: set[str]
    told: dict[str, list[str]]
    """By machine, when its users had been told after the first two runs."""
    nodes: dict[str, tuple[str, str]]
    """Where the walks of those ended who had nothing to hear, after the first two runs."""
    mute: list[Any]
    """What the ledger had of MUTE's reminders by then."""


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    folder = tmp_path_factory.mktemp("morning")
    machines = {name: daytime(user_logged_on=True, **more) for name, more in MACHINES.items()}
    with running_lab(folder / "lab", write_fleet(folder / "fleet.yml", single(machines), speed=CALM)) as lab:
        night = start(lab, ansible_in(folder), folder)
        lab.set_clock(at("2026-11-11 10:00"))
        lab.update_machine("EMPTY", users=[])
        stale = folder / "stale.yml"  # the RMM still shows a user, and nobody is there
        stale.write_text(yaml.safe_dump({"all": {"hosts": {"EMPTY": {"patching_user_logged_on": True}}}}))
        lab.inject({"target": "SILENT", "kind": "refuse"})
        fault = {"kind": "reset", "at": "answer", "times": 1, "module": "msp.patching.win_tell"}
        lab.inject({"target": "LOST", **fault})
        lab.update_machine("DONE", power="off")
        lab.update_machine("DONE", power="on")
        lab.advance(120)
        lab.update_machine("DONE", users=["jdoe"])
        mark, runs = night.mark(), {}
        runs["troubles"] = night.run("-l", "all:!MUTE", "-i", str(stale))
        touched = night.touched(mark)
        runs["mute"] = night.run("-l", "MUTE").ok()
        found = {name: told(night, name) for name in MACHINES}
        nodes = {name: night.decision(name) for name in ("EMPTY", "DONE")}
        mute = night.events("reminder.shown", "step.failed", endpoint="MUTE")
        assert night.events("endpoint.unreachable", endpoint="SILENT")
        assert all(nothing_failed(night, name) for name in ("EMPTY", "MUTE", "SILENT", "LOST"))
        lab.clear_faults()
        lab.update_machine("MUTE", services={"TermService": "running"})
        runs["again"] = night.run("-l", "TOLD,MUTE,SILENT").ok()
        yield Morning(night, runs, touched, found, nodes, mute)


def nothing_failed(night: Night, machine: str) -> bool:
    kinds = ("failure.opened", "hold.placed", "retry.scheduled", "ticket.wanted")
    return night.events(*kinds, endpoint=machine) == night.tickets(machine) == []


def test_all_who_are_logged_on_are_told_and_nobody_twice(morning: Morning) -> None:
    night = morning.night
    (box,) = night.happened("TOLD", "notice")
    assert (box["by"], box["users"]) == ("win_tell", ["jdoe"])
    assert "restarts by itself at 2026-11-15 02:00" in box["msg"]
    assert len(night.events("reminder.shown", endpoint="TOLD")) == 1
    assert len(morning.told["TOLD"]) == 1, "by the first run"


def test_a_reminder_that_fails_is_a_warning_and_tried_again_by_the_next_run(morning: Morning) -> None:
    """No session can be reached."""
    night, first = morning.night, morning.runs["mute"]
    said = "Warning: MUTE: its user was not told that a restart is due (The RPC server is unavailable"
    assert said in sentence(first.output)
    assert morning.told["MUTE"] == []
    assert [(event.kind, event.body["step"]) for event in morning.mute] == [("step.failed", "remind")], (
        "a run tries once"
    )
    assert nothing_failed(night, "MUTE")
    assert len(told(night, "MUTE")) == 1
    assert len(night.events("reminder.shown", endpoint="MUTE")) == 1


def test_who_logs_off_before_the_reminder_is_no_failure_and_was_not_told(morning: Morning) -> None:
    """The RMM still shows a user, and nobody is there."""
    night = morning.night
    assert "EMPTY" in morning.touched
    assert "Warning: EMPTY" not in sentence(morning.runs["troubles"].output)
    assert told(night, "EMPTY") == []
    assert morning.nodes["EMPTY"] == ("remind", "reboot.reminder"), "told when somebody comes"
    assert night.events("reminder.shown", "step.failed", "endpoint.unreachable", endpoint="EMPTY") == []
    assert nothing_failed(night, "EMPTY")


def test_an_endpoint_that_does_not_answer_is_tried_again_by_the_next_run(morning: Morning) -> None:
    assert morning.told["SILENT"] == []
    assert nothing_failed(morning.night, "SILENT")
    assert len(told(morning.night, "SILENT")) == 1


def test_who_has_restarted_meanwhile_is_not_told_to(morning: Morning) -> None:
    """The ledger does not know of it until somebody looks."""
    night = morning.night
    assert told(night, "DONE") == []
    assert night.boots("DONE") == 1
    assert morning.nodes["DONE"] == night.decision("DONE") == ("none", "approval.nothing_approved")


def test_a_reminder_whose_answer_is_lost_is_not_on_the_ledger(morning: Morning) -> None:
    night = morning.night
    assert [entry["by"] for entry in night.happened("LOST", "notice")] == ["win_tell"]
    assert night.events("reminder.shown", endpoint="LOST") == [], "nobody knows"
    assert nothing_failed(night, "LOST")


def test_the_run_is_red_for_nobody_but_who_does_not_answer(morning: Morning) -> None:
    stats = morning.runs["troubles"].stats
    red = {name for name, counts in stats.items() if counts["failures"] or counts["unreachable"]}
    assert red <= {"SILENT"}
