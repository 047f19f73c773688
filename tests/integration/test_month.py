# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The month of the demonstration, held against four accounts: the machines', the people's, the PSA's and the ledger's.

One play of `lab.month.story.STORY` for all tests of this file. What may be at which hour is worked out by
`lab.month.account` from the fleet and the wall clock; what the story tells is asked of the machines here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lab.month.account import Account
from lab.month.script import Act, Decides, Hour, Step
from lab.month.stage import Stage
from lab.month.story import CYCLE, OF_2019, STORY

from .conftest import ansible_in, running_lab
from .ring import ROOT, Night, sentence

pytestmark = pytest.mark.month

ALONE = {
    "ACME-WS05": "patching is disabled at the location",
    "CLAW-WS05": "signed by Dana Reyes",
    "HARB-CNC01": "Do Not Patch",
    "HARB-WS05": "patching is disabled on the agent",
}
"""Who is excluded, and what the ledger's proof says why."""


def key(hour: Hour) -> str:
    """``2026-10-14 02:05 Chicago``"""
    return f"{hour.wall} {hour.zone.partition('/')[2].replace('_', ' ')}"


@dataclass
class Players:
    """Calls the playbooks, and keeps what each run of the cycle said and whom it connected to, by the step's hour."""

    night: Night
    runs: dict[str, Any] = field(default_factory=dict)
    touched: dict[str, set[str]] = field(default_factory=dict)
    ledger_at: dict[str, int] = field(default_factory=dict)

    def announce(self, step: Step) -> None: ...

    def happens(self, act: Act) -> None: ...

    def decide(self, decisions: Sequence[Decides]) -> None:
        with ThreadPoolExecutor() as pool:
            for run in pool.map(self._call, decisions):
                run.ok()

    def _call(self, decision: Decides) -> Any:
        return self.night.run(*decision.words, playbook=ROOT / "playbooks" / f"{decision.playbook}.yml")

    def cycle(self, step: Step) -> None:
        hour, mark = key(step.hour), self.night.mark()
        self.runs[hour] = run = self.night.run(playbook=ROOT / "playbooks" / "cycle.yml")
        (self.night.folder / f"{hour.replace(':', '').replace(' ', '-')}.log").write_text(run.output)
        assert run.returncode in ((0, 2) if step.red else (0,)), run.output
        self.touched[hour] = self.night.touched(mark)
        self.ledger_at[hour] = self.night.ledger.head()[0]


@dataclass
class Month:
    night: Night
    account: Account
    players: Players

    def said(self, hour: str) -> str:
        return sentence(self.players.runs[hour].output)

    def local(self, machine: str, *events: str) -> list[str]:
        """When these happened on a machine, by itself and on its own wall: ``Wed 14 02:28``."""
        zone = ZoneInfo(self.account.fleet.computers[machine].time_zone or "")
        return [
            f"{one.at.astimezone(zone):%a %d %H:%M}" for one in self.account.histories[machine] if one.event in events
        ]

    def days(self, machine: str, *events: str) -> list[str]:
        return [told[:6] for told in self.local(machine, *events)]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    folder = tmp_path_factory.mktemp("month")
    start = STORY[0].hour.instant.isoformat()
    with running_lab(folder / "lab", "demo", "--start", start, "--speed", "0") as lab:
        night = Night(lab, ansible_in(folder), folder, policy={})
        stage = Stage(lab, players := Players(night))
        stage.play(STORY)
        yield Month(night, Account(lab, stage.decided, f"sqlite:///{night.ledger_file}"), players)


# -- what no month may do ---------------------------------------------------------------------------------------------


def test_nothing_is_installed_or_restarted_outside_a_window(month: Month) -> None:
    assert list(month.account.outside_a_window()) == []
    assert len(month.account.happened("install.started")) > 20
    assert len(month.account.restarts()[0]) > 10


def test_every_install_was_approved_soaked_and_let_go(month: Month) -> None:
    assert list(month.account.not_due()) == []


def test_two_of_one_role_are_never_down_at_once(month: Month) -> None:
    assert list(month.account.twice_at_once()) == []
    first, second = (month.local(name, "boot") for name in ("ACME-DC01", "ACME-DC02"))
    assert first[0][:6] == second[0][:6] == "Sun 01", "both in one night"


def test_the_ledger_tells_what_the_machines_tell(month: Month) -> None:
    assert list(month.account.ledger_and_machines()) == []


def test_no_ticket_is_lost_or_doubled(month: Month) -> None:
    assert list(month.account.ledger_and_psa()) == []


def test_the_rmm_is_told_how_far_the_month_is(month: Month) -> None:
    """Of Acme and Cascade the month is closed; of Harbor a tier of the next one, in which there is nobody to patch."""
    assert list(month.account.ledger_and_rmm()) == []
    tracker = month.account.tracker
    told = {client: (says["Patching Cycle"], says["Patching Cycle State"]) for client, says in tracker.items()}
    assert told["Acme Dental"] == told["Cascade Law"] == (CYCLE, "closed")
    assert told["Harbor Machining"][0] == "2026-11"


def test_on_call_is_woken_by_no_workstation(month: Month) -> None:
    assert list(month.account.ledger_and_on_call()) == []
    assert month.night.lab.alerts() == []


def test_every_endpoint_stands_in_exactly_one_place(month: Month) -> None:
    assert list(month.account.incomplete(CYCLE)) == []


def test_the_ledger_holds_together_and_can_be_rebuilt(month: Month) -> None:
    assert list(month.account.broken_ledger()) == []


def test_nothing_was_asked_of_the_lab_that_it_cannot_do(month: Month) -> None:
    assert list(month.account.unsimulated()) == []


# -- the story --------------------------------------------------------------------------------------------------------


def test_the_cycle_opens_on_patch_tuesday_and_the_next_one_on_the_next(month: Month) -> None:
    assert [body["cycle"] for body in month.night.bodies("cycle.opened")] == [CYCLE, "2026-11"]
    assert f"Cycle {CYCLE} is open" in month.said("2026-10-13 10:05 Los Angeles")
    assert "Cycle 2026-11 is open" in month.said("2026-11-10 10:05 Los Angeles")


def test_who_is_left_alone_is_connected_to_by_nobody(month: Month) -> None:
    everybody = set().union(*month.players.touched.values())
    assert everybody.isdisjoint({*ALONE, "CLAW-LT09", "HARB-WS04"})
    places = month.account.places(CYCLE)
    for name, why in ALONE.items():
        assert places[name][0] == "excluded"
        assert why in places[name][1]


def test_the_pilot_is_patched_on_its_night_in_each_zone(month: Month) -> None:
    for name in ("ACME-UTIL01", "ACME-WS01", "ACME-WS02", "ACME-WS04", "CLAW-WS01", "HARB-WS01"):
        assert month.local(name, "boot")[0].startswith("Wed 14 02"), name
    assert month.local("HARB-FS01", "boot")[0].startswith("Tue 13 23"), "its window crosses midnight"


def test_a_failure_is_a_ticket_once_and_is_not_tried_again_before_its_root_cause(month: Month) -> None:
    night = month.night
    assert month.days("CLAW-WS02", "install.failed") == ["Wed 14"]
    assert month.days("CLAW-WS02", "boot") == ["Thu 15"], "the retry worked"
    (ticket,) = night.tickets("CLAW-WS02")
    assert ticket["company"]["identifier"] == "CASCADE"
    assert "waits for the PSA" in month.said("2026-10-14 02:05 Chicago")
    (cause,) = night.bodies("failure.root_cause")
    assert cause["by"] == "m.okafor"
    holds = [(body["scope"].get("client"), body["scope"]["ring"]) for body in night.bodies("hold.placed")]
    assert holds == [("Cascade Law", "pilot"), (None, "production")]
    assert len(night.bodies("hold.released")) == 2


def test_a_run_with_nothing_due_only_looks_whether_pending_restarts_were_made(month: Month) -> None:
    assert month.players.touched["2026-10-14 09:00 New York"] == {"ACME-WS03", "HARB-WS02"}


def test_the_user_is_told_every_day_and_the_restart_is_forced_after_three(month: Month) -> None:
    assert month.days("ACME-WS03", "notice") == ["Tue 13", "Wed 14", "Thu 15", "Fri 16"]
    (boot,) = month.local("ACME-WS03", "boot")
    assert boot.startswith("Sat 17 02")


@pytest.mark.parametrize("machine", ["HARB-WS02", "HARB-WS03", "CLAW-WS04", "CLAW-DC01", "ACME-SQL01", "ACME-LT01"])
def test_a_restart_by_hand_is_seen_and_validated(month: Month, machine: str) -> None:
    assert month.local(machine, "reboot.requested") == []
    (boot,) = [one for one in month.account.restarts()[1] if one.machine == machine]
    assert any(
        event.body["healthy"] and event.at > boot.at
        for event in month.night.events("validation.finished", endpoint=machine)
    )


def test_regular_waits_for_the_soak(month: Month) -> None:
    """Seven days after the pilot's night the scheduler was down; the next days bring it."""
    assert month.local("CLAW-WS04", "install.started")[0].startswith("Thu 22 1")
    assert month.local("CLAW-WS03", "boot")[0].startswith("Fri 23 02")
    assert month.days("CLAW-WS03", "install.succeeded")[0] == "Thu 15", "definitions need no soak"


def test_missed_windows_are_told_once_with_who_was_due(month: Month) -> None:
    told = {hour: month.said(hour) for hour in month.players.runs if "Missed: no run since" in month.said(hour)}
    assert set(told) == {"2026-10-22 11:05 New York", "2026-11-01 01:10 New York"}
    for name in ("ACME-WS03", "CLAW-WS03", "CLAW-WS04"):
        assert name in told["2026-10-22 11:05 New York"].partition("Missed:")[2].partition("caught up")[0]


def test_production_stays_blocked_until_somebody_releases_it(month: Month) -> None:
    assert month.local("ACME-WS06", "install.started")[0].startswith("Sun 01 02")
    released = [body for body in month.night.bodies("hold.released") if "two weeks" in body["reason"]]
    assert len(released) == 1


def test_the_night_on_which_the_clocks_go_back(month: Month) -> None:
    """Ten past one comes twice: servers are in their window, which is seven hours long by then; workstations wait."""
    assert "ACME-WS06" in month.players.touched["2026-11-01 01:10 New York"], "searched"
    asked = [one.at for one in month.account.histories["ACME-WS06"] if one.event == "install.started"]
    assert asked[0] >= datetime.fromisoformat("2026-11-01T07:00:00Z")
    for name in ("ACME-DC01", "ACME-DC02", "ACME-SQL01"):
        began = [one.at for one in month.account.histories[name] if one.event == "install.started"]
        assert began[0] >= datetime.fromisoformat("2026-11-01T06:10:00Z")


def test_what_no_pilot_could_take_is_promoted_by_name(month: Month) -> None:
    (taken,) = [one for one in month.account.histories["ACME-DC02"] if one.event == "install.succeeded"]
    assert f"KB{taken.told['kb']}" == OF_2019
    (promoted,) = [body for body in month.night.bodies("approval.recorded") if body["promote"]]
    assert promoted["reason"]


def test_a_p1_server_waits_for_its_go(month: Month) -> None:
    assert month.days("CLAW-DC01", "install.succeeded") == ["Fri 23"]
    assert month.local("HARB-APP01", "install.started") == [], "nobody let it go"
    stands, why = month.account.places(CYCLE)["HARB-APP01"]
    assert stands == "held"
    assert "authorisation" in why


@pytest.mark.parametrize("machine", ["CLAW-DC01", "ACME-SQL01"])
def test_a_server_that_a_technician_restarts_is_on_a_ticket_until_then(month: Month, machine: str) -> None:
    (ticket,) = month.night.tickets(machine)
    assert ticket["summary"] == f"Patching: {machine} waits for a technician to restart it"
    assert "was restarted" in month.night.notes(ticket)[-1]


def test_a_laptop_that_slept_is_caught_up(month: Month) -> None:
    assert month.local("ACME-LT01", "install.started")[0].startswith("Mon 02 1")
    assert month.account.places(CYCLE)["ACME-LT01"][0] == "patched"


def test_what_nobody_has_seen_is_told_as_unreachable(month: Month) -> None:
    assert month.account.places(CYCLE)["HARB-WS04"][0] == "unreachable"
    assert "HARB-WS04 is unreachable" in month.said("2026-11-03 10:05 Los Angeles"), (
        "the tier says who stands in its way"
    )


def test_tiers_close_when_they_are_done_and_the_last_ones_with_the_month(month: Month) -> None:
    at = {
        (body["client"], body["ring"], body["kind"]): event.at
        for event in month.night.events("tier.closed")
        if (body := event.body)["cycle"] == CYCLE
    }
    end = datetime.fromisoformat("2026-11-10T18:00:00Z")
    late = {tier for tier, closed in at.items() if closed >= end}
    assert late == {("Harbor Machining", "production", "server"), ("Harbor Machining", "production", "workstation")}
    assert at["Acme Dental", "pilot", "server"] < datetime.fromisoformat("2026-10-14T17:00:00Z")
