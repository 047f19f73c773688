# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night with the ledger on PostgreSQL, in two slices side by side, as AWX starts them on nodes of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import PASSWORD, Postgres

from .conftest import LabStarter
from .ring import BIG, SMALL, Ansible, Night, workstation, write_fleet

MACHINES = ("ACME-WS01", "ACME-WS02", "BOLT-WS01")


@pytest.fixture
def night(start_lab: LabStarter, ansible: Ansible, postgres: Postgres, tmp_path: Path) -> Night:
    clients = {
        "Acme": {name: workstation(boot_seconds=10) for name in MACHINES[:2]},
        "Bolt": {MACHINES[2]: workstation(boot_seconds=10)},
    }
    lab = start_lab(write_fleet(tmp_path / "fleet.yml", clients, speed=40))
    url = postgres.new()
    environment = {"MSP_PATCHING_LEDGER": url, "MSP_PATCHING_SIGNING_KEY": str(tmp_path / "ledger.key")}
    return Night(lab, ansible, tmp_path, ledger_url=url, environment=environment)


def node(night: Night, name: str) -> dict[str, str]:
    """What is a node's own: where it spools, and where a package would go."""
    folder = night.folder / name
    return {"MSP_PATCHING_SPOOL": str(folder / "spool.jsonl"), "MSP_PATCHING_PACKAGES": str(folder / "packages")}


def test_two_slices_side_by_side_patch_everybody_once(night: Night) -> None:
    """Both have the workstation in the middle."""
    slices = {"one": ",".join(MACHINES[:2]), "two": ",".join(MACHINES[1:])}
    with (
        night.running("-l", slices["one"], env=node(night, "one")) as first,
        night.running("-l", slices["two"], env=node(night, "two")) as second,
    ):
        outputs = [run.communicate(timeout=200)[0] for run in (first, second)]
        assert [first.returncode, second.returncode] == [0, 0], "\n".join(outputs)
    for machine in MACHINES:
        assert sorted(night.installed(machine)) == [BIG, SMALL], machine
        assert night.boots(machine) == 1
        assert night.bodies("validation.finished", machine)[-1]["healthy"]
    night.agrees(*MACHINES)
    after = night.run(env=node(night, "one"))
    assert after.returncode == 0, after.output
    assert [night.decision(machine) for machine in MACHINES] == [("none", "approval.nothing_approved")] * 3
    assert not night.ledger_file.exists()
    assert not any((night.folder / name / "spool.jsonl").exists() for name in slices)
    assert not any(PASSWORD in said for said in (*outputs, after.output))
