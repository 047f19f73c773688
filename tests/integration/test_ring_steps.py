# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that go wrong on the control node itself, or come too late: each is its own endpoint's business."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from .conftest import ansible_in, running_lab
from .ring import BIG, LONGEST, LOOK, ROOT, SMALL, Night, sentence, single, workstation, write_fleet

MACHINES = ("DIES", "LATE", "LONG", "ODD", "PLAIN", "QUOTED", "SOUND", "TYPED")
DIES, LATE, LONG, ODD, PLAIN, QUOTED, SOUND, TYPED = MACHINES


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("steps")
    fleet = write_fleet(folder / "fleet.yml", single({name: workstation() for name in MACHINES}), speed=40)
    with running_lab(folder / "lab", fleet) as lab:
        yield Night(lab, ansible_in(folder), folder)


def test_in_check_mode_no_role_takes_a_step(night: Night, tmp_path: Path) -> None:
    play = {"hosts": PLAIN, "gather_facts": False, "roles": ["msp.patching.deploy"]}
    (tmp_path / "deploy.yml").write_text(yaml.safe_dump([play]))
    run = night.run("--check", playbook=tmp_path / "deploy.yml")
    run.ok()
    assert run.stats[PLAIN]["failures"] == run.stats[PLAIN]["changed"] == 0
    assert night.touched() == set()


def test_a_process_that_dies_takes_one_look_with_it(night: Night) -> None:
    with night.held(DIES, LOOK) as run:
        children = psutil.Process(run.pid).children(recursive=True)
        (taking,) = [one for one in children if not one.children() and one.status() != psutil.STATUS_ZOMBIE]
        taking.kill()
        night.lab.clear_faults()
        said = sentence(run.communicate(timeout=2 * LONGEST)[0])
    assert "DIES: the process that took its step has died" in said
    assert run.returncode == 0, said
    (away,) = night.bodies("endpoint.unreachable", DIES)
    assert "has died" in away["message"]
    night.agrees(DIES)
    assert sorted(night.installed(DIES)) == [BIG, SMALL]
    assert night.boots(DIES) == 1


def test_an_option_that_is_no_good_is_its_endpoints_failure(night: Night) -> None:
    good = "{{ {'PLAIN': 'default', 'TYPED': 'wsus'}[inventory_hostname] | default(nowhere_to_be_found) }}"
    option = yaml.safe_dump({"deploy_server_selection": good}, default_flow_style=True, width=1000)
    run = night.run("-l", f"{ODD},{PLAIN},{TYPED}", "-e", option)
    assert run.returncode == 2
    assert run.stats[ODD]["failures"] == run.stats[TYPED]["failures"] == 1
    assert run.stats[PLAIN]["failures"] == 0
    assert "nowhere_to_be_found" in night.bodies("step.failed", ODD)[0]["message"]
    assert night.bodies("step.failed", TYPED)[0]["message"].startswith("deploy_server_selection is 'wsus'; wanted is ")
    assert night.installed(ODD) == night.installed(TYPED) == []
    assert sorted(night.installed(PLAIN)) == [BIG, SMALL]
    night.agrees(PLAIN)


def test_an_option_that_cannot_be_bars_its_endpoint_and_is_no_failure_of_the_machine(
    night: Night, tmp_path: Path
) -> None:
    night.lab.set_clock("2026-11-12T07:01:00Z")  # a night of its own: a slow machine has used up most of the first
    more = tmp_path / "more.yml"
    more.write_text(yaml.safe_dump({"all": {"hosts": {QUOTED: {"reboot_message": 'Say "hello"'}}}}))
    run = night.run("-i", str(more), "-l", f"{QUOTED},{SOUND}")
    assert run.returncode == 2
    assert run.stats[QUOTED]["failures"] == 1
    assert run.stats[SOUND]["failures"] == 0
    assert sentence(run.output).count("QUOTED: reboot_message is 'Say \\\"hello\\\"'; wanted is a text") >= 1
    assert night.installed(QUOTED) == []
    assert night.events("step.failed", "failure.opened", "hold.placed", endpoint=QUOTED) == []
    assert night.tickets(QUOTED) == []
    assert sorted(night.installed(SOUND)) == [BIG, SMALL]
    run = night.run("-l", QUOTED).ok()
    assert sorted(night.installed(QUOTED)) == [BIG, SMALL]
    night.agrees(QUOTED, SOUND)


def test_what_was_ordered_in_a_window_is_not_begun_when_too_little_of_it_is_left(night: Night) -> None:
    night.lab.set_clock("2026-11-13T07:01:00Z")
    with night.held(LATE, LOOK) as run:
        assert night.decision(LATE)[0] == "install"
        night.lab.set_clock("2026-11-13T08:40:00Z")  # its window ends at nine; half an hour of it has to be left (R4)
        night.lab.clear_faults()
        said = sentence(run.communicate(timeout=2 * LONGEST)[0])
    assert run.returncode == 0, said
    assert night.events("posture.observed", endpoint=LATE)
    assert not night.happened(LATE, "install.started", "boot")
    assert night.decision(LATE)[0] == "wait"


def test_a_run_has_as_many_passes_as_it_takes(night: Night, tmp_path: Path) -> None:
    """The role, with one pass where it has eighty before it loads more: so it loads more at each of them."""
    role = shutil.copytree(ROOT / "roles" / "flow", tmp_path / "flow")
    main, passes = role / "tasks" / "main.yml", role / "tasks" / "passes.yml"
    main.write_text(main.read_text().replace("name: msp.patching.flow", f"name: {role}"))
    plan, take, *_more, leave = yaml.safe_load(passes.read_text())
    passes.write_text(yaml.safe_dump([plan, take, leave]))
    play = {"hosts": LONG, "gather_facts": False, "roles": ["msp.patching.scope", str(role)]}
    (tmp_path / "flow.yml").write_text(yaml.safe_dump([play]))
    night.lab.set_clock("2026-11-14T07:01:00Z")
    run = night.run(playbook=tmp_path / "flow.yml")
    run.ok()
    assert sum(task.endswith("More passes") for task in run.results[LONG]) > 0
    assert run.stats[LONG]["ok"] > 2 * 5, "passes of two tasks, one within the other"
    assert sorted(night.installed(LONG)) == [BIG, SMALL]
    assert night.boots(LONG) == 1
    night.agrees(LONG)
