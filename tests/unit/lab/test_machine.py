# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.clock import LabClock
from lab.faults import FaultBook, FaultError
from lab.fleet_model import CatalogueUpdate, Computer
from lab.machine import Machine, MachineError
from lab.machine_updates import Selection

START = datetime(2026, 11, 11, 8, tzinfo=UTC)
ALL = Selection(categories=["*"])


def update(number: int, **more: object) -> CatalogueUpdate:
    told = {
        "id": f"id-{number}",
        "kb": f"500000{number}",
        "title": f"Update {number} (KB500000{number})",
        "categories": ("Security Updates", "Windows 11"),
        "severity": "Critical",
        "released": START,
        "os": ("Windows",),
        "reboot": "always",
        "download_mb": 125,
        "install_seconds": 600,
    }
    return CatalogueUpdate(**{**told, **more})  # type: ignore[arg-type]


UPDATES = (
    update(1),
    update(2, reboot="never"),
    update(3, categories=("Drivers",), kb="", title="Contoso - Net - 1.2.3", optional=True),
    update(4, released=START + timedelta(days=30)),
)


def make(**more: object) -> tuple[Machine, LabClock, FaultBook]:
    told = {
        "id": 1,
        "name": "PC1",
        "key": "PC1",
        "kind": "workstation",
        "os": "Microsoft Windows 11 Pro x64",
        "release": "24H2",
        "os_version": "10.0.26100",
        "client": "A",
        "location": "M",
        "client_id": 1,
        "location_id": 1,
        "pending": tuple(item.id for item in UPDATES),
        "boot_seconds": 40,
    }
    clock, faults = LabClock(START), FaultBook()
    computer = Computer(**{**told, **more})  # type: ignore[arg-type]
    return Machine(computer, {item.id: item for item in UPDATES}, clock, faults, seed=7), clock, faults


def messages(run: object) -> dict[str, dict[str, Any]]:
    return {message["task"]: message["result"] for message in run.messages}  # type: ignore[attr-defined]


def events(machine: Machine) -> list[str]:
    return [entry["event"] for entry in machine.history]


# -- power -----------------------------------------------------------------------------------------------


def test_a_reboot_takes_the_machine_away_for_as_long_as_it_boots() -> None:
    machine, clock, _faults = make()
    reachable: list[bool] = []
    machine.on_change = lambda changed: reachable.append(changed.reachable)
    before = machine.boot_id
    assert machine.request_reboot(5) == 0
    clock.advance(5)
    assert not machine.reachable
    clock.advance(39)
    assert not machine.reachable
    clock.advance(1)
    assert machine.reachable
    assert machine.boot_id != before
    assert machine.boot_time == START + timedelta(seconds=45)
    assert reachable == [False, True]
    assert events(machine) == ["reboot.requested", "shutdown", "boot"]


def test_shutdown_answers_as_windows_when_one_is_scheduled_or_none() -> None:
    machine, clock, _faults = make()
    assert machine.abort_reboot() == 1116
    assert machine.request_reboot(60) == 0
    assert machine.request_reboot(60) == 1190
    assert machine.abort_reboot() == 0
    clock.advance(120)
    assert machine.reachable
    assert "shutdown" not in events(machine)


def test_a_held_machine_goes_down_when_it_is_released() -> None:
    machine, clock, _faults = make()
    machine.hold()
    machine.request_reboot(0)
    clock.advance(10)
    assert machine.reachable
    assert machine.request_reboot(0) == 1115
    machine.release()
    assert not machine.reachable


def test_services_come_up_after_a_boot_and_those_with_a_fault_do_not() -> None:
    machine, clock, faults = make()
    faults.add({"target": "PC1", "kind": "service_stays_down", "service": "Spooler"})
    machine.request_reboot(0)
    clock.advance(40.001)
    assert machine.reachable
    assert not machine.agent_reporting
    clock.advance(60)
    assert machine.agent_reporting
    assert machine.services["spooler"].state == "stopped"
    assert machine.services["wuauserv"].state == "stopped"  # it is started by hand


def test_a_machine_that_never_returns_is_off_until_somebody_switches_it_on() -> None:
    machine, clock, faults = make()
    faults.add({"target": "PC1", "kind": "never_returns", "times": 1})
    machine.request_reboot(0)
    clock.advance(86_400)
    assert machine.power == "off"
    machine.update({"power": "on"})
    assert machine.reachable


def test_two_boots_in_one_instant_have_two_boot_ids() -> None:
    machine, clock, _faults = make(boot_seconds=0)
    ids = set()
    for _turn in range(3):
        machine.request_reboot(0)
        clock.advance(0)
        ids.add(machine.boot_id)
    assert len(ids) == 3
    assert machine.reachable


def test_the_agent_was_last_heard_when_the_machine_went_away() -> None:
    machine, clock, _faults = make()
    clock.advance(100)
    assert machine.last_contact == clock.now()
    machine.update({"online": False})
    gone_at = clock.now()
    clock.advance(1000)
    assert machine.last_contact == gone_at


def test_a_machine_is_given_only_what_it_has() -> None:
    machine, _clock, _faults = make()
    with pytest.raises(MachineError, match="cannot set 'on_line'"):
        machine.update({"on_line": True})


# -- updates ---------------------------------------------------------------------------------------------


def test_a_search_tells_all_that_is_released_and_why_it_is_left_out() -> None:
    machine, clock, _faults = make()
    run = machine.updates.start_run("searched", Selection(["SecurityUpdates"], reject=["kb5000002"]))
    clock.advance(60)
    told = messages(run)
    assert [row["id"] for row in told["search_result"]["updates"]] == ["id-1", "id-2", "id-3"]
    assert told["search_result"]["filtered"] == [
        {"id": "id-2", "reasons": ["reject_list"]},
        {"id": "id-3", "reasons": ["category_names"]},
    ]
    assert told["exit"]["changed"] is False


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(["*"], accept=["^Update 1"]), {"id-1"}),
        (Selection(["*"], accept=["KB5000002$"]), {"id-2"}),
        (Selection(["*"], accept=["contoso"]), {"id-3"}),
        (Selection([], accept=["500000"], reject=["update 2"]), {"id-1"}),
        (Selection(["security updates"]), {"id-1", "id-2"}),
        (Selection(["*"], skip_optional=True), {"id-1", "id-2"}),
        (Selection(["CriticalUpdates", "UpdateRollups"]), set()),
    ],
)
def test_selection_is_that_of_the_real_module(selection: Selection, chosen: set[str]) -> None:
    assert {item.id for item in UPDATES[:3] if not selection.reasons_against(item)} == chosen


def test_an_install_takes_its_time_and_wants_a_reboot() -> None:
    machine, clock, _faults = make()
    run = machine.updates.start_run("installed", Selection(["*"], accept=["KB500000[12]"]))
    clock.advance(15 + 20 + 1199)
    assert "exit" not in messages(run)
    clock.advance(1)
    told = messages(run)
    assert [row["reboot_required"] for row in told["install_result"]["info"]] == [True, False]
    assert told["exit"]["reboot_required"] is True
    assert machine.reboot_reasons == ["windows_update"]
    assert [item.id for item in machine.updates.pending()] == ["id-3"]
    succeeded = [entry for entry in machine.history if entry["event"] == "install.succeeded"]
    assert [entry["at"] for entry in succeeded] == ["2026-11-11T08:10:35.000000Z", "2026-11-11T08:20:35.000000Z"]


def test_nothing_more_is_installed_while_a_reboot_is_pending() -> None:
    machine, clock, _faults = make()
    machine.updates.start_run("installed", Selection(["*"], accept=["Update 1"]))
    clock.advance(3600)
    run = machine.updates.start_run("installed", ALL)
    clock.advance(3600)
    assert "A reboot is required" in messages(run)["exit"]["exception"]["message"]
    assert messages(run)["exit"]["failed"] is True


def test_one_install_at_a_time() -> None:
    machine, clock, _faults = make()
    first = machine.updates.start_run("installed", ALL)
    second = machine.updates.start_run("installed", ALL)
    clock.advance(3600)
    assert messages(first)["exit"]["failed"] is False
    assert messages(second)["exit"]["exception"]["hresult"] == 0x80240016 - 2**32


def test_a_fault_fails_one_update_and_the_others_go_on() -> None:
    machine, clock, faults = make()
    faults.add({"target": "PC1", "kind": "update_fails", "kb": "KB5000001", "hresult": "0x80070643", "times": 1})
    run = machine.updates.start_run("installed", ALL)
    clock.advance(3600)
    info = {row["id"]: row for row in messages(run)["install_result"]["info"]}
    assert (info["id-1"]["result_code"], info["id-1"]["hresult"]) == (4, 0x80070643 - 2**32)
    assert info["id-2"]["result_code"] == 2
    assert messages(run)["exit"]["failed"] is True
    assert faults.all() == []


def test_a_full_disk_fails_as_windows_says() -> None:
    machine, clock, _faults = make()
    machine.update({"system_drive_free_mb": 100})
    run = machine.updates.start_run("installed", Selection(["*"], accept=["Update 1"]))
    clock.advance(3600)
    assert messages(run)["install_result"]["info"][0]["hresult"] == 0x80070070 - 2**32


def test_a_reboot_in_the_middle_stops_the_install_and_the_next_one_may_start() -> None:
    machine, clock, _faults = make()
    run = machine.updates.start_run("installed", Selection(["*"], accept=["KB500000[12]"]))
    clock.advance(15 + 20 + 700)
    machine.request_reboot(0)
    clock.advance(100)
    assert run.stopped
    assert "exit" not in messages(run)
    assert "install.interrupted" in events(machine)
    assert [item.id for item in machine.updates.pending()] == ["id-2", "id-3"]
    again = machine.updates.start_run("installed", ALL)
    clock.advance(3600)
    assert messages(again)["exit"]["failed"] is False


def test_an_update_that_is_rolled_back_is_pending_again() -> None:
    machine, clock, faults = make()
    faults.add({"target": "PC1", "kind": "rolled_back", "kb": "5000001", "times": 1})
    machine.updates.start_run("installed", Selection(["*"], accept=["Update 1"]))
    clock.advance(3600)
    assert "id-1" not in [item.id for item in machine.updates.pending()]
    machine.request_reboot(0)
    clock.advance(3600)
    assert "id-1" in [item.id for item in machine.updates.pending()]
    assert not machine.reboot_pending


def test_an_install_that_does_not_find_an_update_ends_well_without_it() -> None:
    machine, clock, faults = make()
    faults.add({"target": "PC1", "kind": "no_result", "kb": "5000001", "times": 1})
    run = machine.updates.start_run("installed", Selection(["*"], accept=["KB500000[12]"]))
    clock.advance(3600)
    assert [row["id"] for row in messages(run)["search_result"]["updates"]] == ["id-2", "id-3"]
    assert [row["id"] for row in messages(run)["install_result"]["info"]] == ["id-2"]
    assert messages(run)["exit"]["failed"] is False
    assert "install.not_found" in events(machine)
    search = machine.updates.start_run("searched", ALL)
    clock.advance(60)
    assert [row["id"] for row in messages(search)["search_result"]["updates"]] == ["id-1", "id-3"]


def test_check_mode_changes_nothing() -> None:
    machine, clock, _faults = make()
    run = machine.updates.start_run("installed", ALL, check_mode=True)
    clock.advance(3600)
    assert messages(run)["exit"]["changed"] is True
    assert len(machine.updates.pending()) == 3


def test_the_same_seed_gives_the_same_machine() -> None:
    first, second = make()[0], make()[0]
    assert first.state() == second.state()


# -- faults ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"target": "PC1", "kind": "explode"}, "unknown kind 'explode'"),
        ({"kind": "reset"}, "target is missing"),
        ({"target": "PC1", "kind": "reset", "tmies": 1}, "unknown key 'tmies'"),
        ({"target": "PC1", "kind": "refuse", "times": 2}, "seconds"),
    ],
)
def test_a_fault_says_what_is_wrong_with_it(document: dict[str, Any], says: str) -> None:
    with pytest.raises(FaultError, match=says):
        FaultBook().add(document)


def test_a_fault_strikes_as_often_as_it_says() -> None:
    faults = FaultBook()
    faults.add({"target": "automate", "kind": "error", "times": 2, "path": "/cwa/api/v1/Computers"})
    path = "/cwa/api/v1/Computers/7"
    assert faults.take("automate", "error", path="/cwa/api/v1/Clients") is None
    assert [faults.take("automate", "error", path=path) is not None for _turn in range(3)] == [True, True, False]
