# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address that leads to another machine: nothing is done there, and nothing of what it says is the endpoint's."""

from __future__ import annotations

import time
from pathlib import Path

import yaml

from .conftest import ansible_in, running_lab
from .ring import BIG, LONGEST, POLICY, SMALL, Night, kill, sentence, single, workstation, write_fleet

ASKED = {"win_posture"}
"""What a machine that is another one is asked: who it is."""
IMPATIENT = {**POLICY, "failure": {"retry_after": "30s", "unreachable_tolerated": 1, "unreachable_retry_after": "10s"}}


def stale_address(night: Night, of: str, now: str) -> tuple[str, str]:
    """An inventory beside the lab's in which the address of one machine leads to another; and that address."""
    there = yaml.safe_load((night.lab.static_inventory / "hosts.yml").read_text())["windows"]["hosts"][now]
    file = night.folder / "stale.yml"
    file.write_text(yaml.safe_dump({"all": {"hosts": {of: there}}}))
    return str(file), str(there["ansible_host"])


def modules(night: Night, machine: str, since: int = 0) -> set[str]:
    """What it was asked to run since then."""
    asked = night.lab.journal(since=since, limit=100_000, face="winrm", machine=machine)
    return {str(entry["module"]).rpartition(".")[2] for entry in asked if entry.get("module")}


def test_a_machine_that_answers_in_anothers_place_is_left_alone(tmp_path: Path) -> None:
    kept = workstation()
    kept["groups"] = [*kept["groups"][:2], "Patching.Policy.Do Not Patch"]
    fleet = write_fleet(tmp_path / "fleet.yml", single({"LAPTOP": workstation(), "CEO-PC": kept}), speed=40)
    with running_lab(tmp_path / "lab", fleet) as lab:
        night = Night(lab, ansible_in(tmp_path), tmp_path, policy=IMPATIENT)
        stale, where = stale_address(night, "LAPTOP", "CEO-PC")

        run = night.run("-i", stale)

        assert run.returncode == 2
        assert run.stats["LAPTOP"]["failures"] == 1
        told = f"another machine answers at {where}: it calls itself CEO-PC, wanted is LAPTOP"
        assert f"LAPTOP: {told}" in sentence(run.output)
        assert "1 UNREACHABLE" in sentence(run.output)
        assert modules(night, "CEO-PC") == ASKED
        assert night.touched() == {"CEO-PC"}
        assert night.installed("CEO-PC") == []
        assert night.boots("CEO-PC") == 0
        seen = night.events(endpoint="LAPTOP")
        assert {event.kind for event in seen} == {"plan.decided", "endpoint.unreachable"}
        assert all(body["message"].startswith(told) for body in night.bodies("endpoint.unreachable", "LAPTOP"))

        night.run().ok()  # the address is right again

        night.agrees("LAPTOP", "CEO-PC")
        assert sorted(night.installed("LAPTOP")) == [BIG, SMALL]
        assert {body["computer_name"] for body in night.bodies("posture.observed", "LAPTOP")} == {"LAPTOP"}


def test_a_job_that_another_machine_does_not_know_is_not_lost(tmp_path: Path) -> None:
    """The address went to another machine while an install was under way."""
    fleet = write_fleet(tmp_path / "fleet.yml", single({"LAPTOP": workstation(), "CEO-PC": workstation()}), speed=20)
    with running_lab(tmp_path / "lab", fleet) as lab:
        night = Night(lab, ansible_in(tmp_path), tmp_path, policy=IMPATIENT)
        with night.running("-l", "LAPTOP") as run:
            end = time.monotonic() + LONGEST
            while not (night.ledger_file.exists() and night.ledger_is_there() and night.events("install.started")):
                assert run.poll() is None, run.communicate()[0]
                assert time.monotonic() < end, "no install was started"
                time.sleep(0.05)
            kill(run)
        stale, _where = stale_address(night, "LAPTOP", "CEO-PC")
        mark = night.mark()

        night.run("-i", stale, "-l", "LAPTOP")

        assert modules(night, "CEO-PC", mark) == {"async_status", *ASKED}
        assert night.events("job.lost") == []
        silent = night.bodies("endpoint.unreachable", "LAPTOP")
        assert {body["during"] for body in silent} == {"install"}
        assert all("it calls itself CEO-PC, wanted is LAPTOP" in body["message"] for body in silent)

        night.run("-l", "LAPTOP").ok()

        night.agrees("LAPTOP", "CEO-PC")
        assert sorted(night.installed("LAPTOP")) == [BIG, SMALL]
        assert len(night.events("install.started", endpoint="LAPTOP")) == 1
