# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address that leads to another machine: nothing is done there, and nothing of what it says is the endpoint's."""

from __future__ import annotations

from pathlib import Path

import yaml

from .conftest import ansible_in, running_lab
from .ring import BIG, POLICY, SMALL, Night, sentence, single, workstation, write_fleet

ASKED = {"win_posture"}
"""What a machine that is another one is asked: who it is."""
IMPATIENT = {**POLICY, "failure": {"retry_after": "30s", "unreachable_tolerated": 1, "unreachable_retry_after": "10s"}}


def test_a_machine_that_answers_in_anothers_place_is_left_alone(tmp_path: Path) -> None:
    kept = workstation()
    kept["groups"] = [*kept["groups"][:2], "Patching.Policy.Do Not Patch"]
    fleet = write_fleet(tmp_path / "fleet.yml", single({"LAPTOP": workstation(), "CEO-PC": kept}), speed=40)
    with running_lab(tmp_path / "lab", fleet) as lab:
        night = Night(lab, ansible_in(tmp_path), tmp_path, policy=IMPATIENT)
        there = yaml.safe_load((lab.static_inventory / "hosts.yml").read_text())["windows"]["hosts"]["CEO-PC"]
        stale = tmp_path / "stale.yml"
        stale.write_text(yaml.safe_dump({"all": {"hosts": {"LAPTOP": there}}}))

        run = night.run("-i", str(stale))

        assert run.returncode == 2
        assert run.stats["LAPTOP"]["failures"] == 1
        where = f"{there['ansible_host']}"
        told = f"another machine answers at {where}: it calls itself CEO-PC, wanted is LAPTOP"
        assert f"LAPTOP: {told}" in sentence(run.output)
        assert "1 UNREACHABLE" in sentence(run.output)
        asked = lab.journal(limit=100_000, face="winrm", machine="CEO-PC")
        assert {str(entry["module"]).rpartition(".")[2] for entry in asked if entry.get("module")} == ASKED
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
