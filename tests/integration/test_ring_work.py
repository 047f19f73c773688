# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ring costs, as counts: tasks on the control node, calls on endpoints, requests at the RMM. And what a location
is spared by policy (`installs`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from .conftest import ansible_in, running_lab
from .inventories import counted
from .ring import BIG, POLICY, ROOT, Night, workstation, write_fleet

DUE = [f"WS{number}" for number in range(1, 7)]
LATER = [f"XS{number}" for number in range(1, 7)]
AT_ONCE = 2


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Night, Any]]:
    folder = tmp_path_factory.mktemp("work")
    machines = {name: workstation(boot_seconds=10) for name in DUE}
    machines |= {name: workstation(ring="Production", boot_seconds=10) for name in LATER}
    with running_lab(folder / "lab", write_fleet(folder / "fleet.yml", {"Acme": machines}, speed=40)) as lab:
        bounded = {**POLICY, "locations": {"Acme": {"Office": {"installs": {"at_once": AT_ONCE}}}}}
        night = Night(lab, ansible_in(folder), folder, policy=bounded, environment=counted(folder / "counted"))
        yield night, night.run()


def calls(night: Night, machine: str) -> Counter[str]:
    journal = night.lab.journal(limit=100_000, face="winrm", machine=machine)
    return Counter(str(entry["module"]).rpartition(".")[2] for entry in journal if entry.get("module"))


def test_everyone_is_patched(ran: tuple[Night, Any]) -> None:
    night, run = ran
    run.ok()
    for name in DUE:
        assert BIG in night.installed(name)
        assert night.boots(name) == 1


def test_who_is_not_due_costs_no_task_and_no_connection(ran: tuple[Night, Any]) -> None:
    night, run = ran
    assert set(run.stats) - {"localhost"} == set(DUE)
    assert night.touched() == set(DUE)


def test_an_endpoint_is_one_task_whatever_is_done_on_it(ran: tuple[Night, Any]) -> None:
    """Each would be a process more. What runs once for all is counted with the first host."""
    night, run = ran
    assert {name: run.stats[name]["skipped"] for name in DUE} == dict.fromkeys(DUE, 0)
    of_the_flow = {task.rpartition(" : ")[2] for name in DUE for task in run.results[name] if ".flow : " in task}
    tasks = yaml.safe_load((ROOT / "roles" / "flow" / "tasks" / "passes.yml").read_text())
    once = {"Plan the first step of each endpoint", "More passes", *(task["name"] for task in tasks)}
    assert of_the_flow == once | {"Say how it ended"}
    for_all = sum(run.stats[name]["ok"] for name in DUE) - len(DUE)
    asked = sum(sum(calls(night, name).values()) for name in DUE)
    assert 0 < for_all <= 2 * asked, "a pass is two tasks, and has somebody to ask"


def test_what_the_control_node_works_out_and_builds(ran: tuple[Night, Any]) -> None:
    """A module in Python would be a task on the control node itself, at some 300 ms of a processor. Ansible works out
    some fifty templates for a connection, and a hundred for a task: there is a connection for a step, and two tasks for
    a pass; nothing is worked out for each endpoint of a pass."""
    night, run = ran
    made = Counter((night.folder / "counted").read_text().splitlines())
    asked = sum(sum(calls(night, name).values()) for name in DUE)
    assert set(made) == {"template", "module .ps1"}
    assert made["module .ps1"] == asked
    for_all = sum(run.stats[name]["ok"] for name in DUE) - len(DUE)
    assert made["template"] < 75 * asked + 150 * for_all


def test_it_is_told_of_each_that_something_was_done_to_it(ran: tuple[Night, Any]) -> None:
    _night, run = ran
    assert {name: run.stats[name]["changed"] for name in DUE} == dict.fromkeys(DUE, 1)


def test_an_endpoint_is_asked_only_what_the_flow_needs(ran: tuple[Night, Any]) -> None:
    night, _run = ran
    for name in DUE:
        made = calls(night, name)
        # a search before, the install, a search after; one restart; looks at jobs and boots besides
        assert made["win_updates"] == 3, made
        assert made["win_command"] == 1, made
        assert made["win_check"] == 0, made  # no probe applies to it
        assert set(made) == {"win_updates", "win_command", "win_posture", "async_status"}


def test_the_rmm_is_asked_the_same_for_all_and_nothing_for_each(ran: tuple[Night, Any]) -> None:
    night, _run = ran
    asked = [entry["path"] for entry in night.lab.journal(limit=100_000, face="automate") if entry["method"] == "GET"]
    assert len(asked) > 3
    # one of those that an update applies to is asked for what Windows does not tell of it
    assert len([path for path in asked if "/Computers/" in path]) == 1


def test_no_more_installs_at_a_location_than_its_policy_allows(ran: tuple[Night, Any]) -> None:
    night, _run = ran
    spans = []
    for name in DUE:
        started = night.events("install.started", endpoint=name)
        finished = night.events("install.finished", endpoint=name)
        assert len(started) == len(finished) == 1
        spans.append((started[0].at, finished[0].at))
    at_the_same_time = [sum(begun <= start < ended for begun, ended in spans) for start, _end in spans]
    assert max(at_the_same_time) == AT_ONCE


def test_the_night_was_not_longer_than_its_window(ran: tuple[Night, Any]) -> None:
    night, _run = ran
    boots = [datetime.fromisoformat(night.happened(name, "boot")[0]["at"]) for name in DUE]
    assert max(boots) - min(boots) < timedelta(hours=2)
