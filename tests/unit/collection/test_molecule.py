# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule's scenarios cannot pass without having looked at anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.unit.collection.commands import ROOT

SCENARIOS = sorted((ROOT / "molecule").glob("*/molecule.yml"))
PLAY = "---\n- name: Nothing\n  hosts: {hosts}\n  gather_facts: false\n  tasks: []\n"

scenario_by_scenario = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)


def converged(folder: Path, hosts: str) -> subprocess.CompletedProcess[str]:
    """A scenario of its own under the shared configuration, whose only play is for `hosts`."""
    scenario = folder / "molecule" / "nobody"
    scenario.mkdir(parents=True)
    (scenario / "molecule.yml").write_text("---\nscenario: {test_sequence: [converge]}\n")
    (scenario / "converge.yml").write_text(PLAY.format(hosts=hosts))
    for part in (".config", "molecule/shared"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / ".ansible").mkdir()
    (folder / ".ansible" / "collections").symlink_to(ROOT / ".ansible" / "collections")
    subprocess.run(["git", "init", "-q", folder], check=True)  # Molecule looks for the shared part at a clone's root
    programs = Path(sys.executable).parent
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_"))}
    return subprocess.run(
        ["molecule", "test", "-s", "nobody"],
        cwd=folder,
        env={**mine, "PATH": f"{programs}:{mine['PATH']}", "ANSIBLE_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_play_on_no_hosts_is_red(tmp_path: Path) -> None:
    """Without host_pattern_mismatch Ansible ends with 0, and so does Molecule, in verify too."""
    done = converged(tmp_path, "no_such_hosts")
    assert done.returncode != 0, done.stdout + done.stderr
    assert "Could not match supplied host pattern" in done.stdout + done.stderr


def test_a_play_on_hosts_is_green(tmp_path: Path) -> None:
    done = converged(tmp_path, "localhost")
    assert done.returncode == 0, done.stdout + done.stderr


@scenario_by_scenario
def test_no_scenario_goes_back_on_what_all_share(path: Path) -> None:
    settings = yaml.safe_load(path.read_text()) or {}
    assert set(settings) <= {"scenario"}
    sequence = settings.get("scenario", {}).get("test_sequence", ["create", "converge", "idempotence", "verify"])
    assert {"create", "converge", "idempotence", "verify"} <= set(sequence)


@scenario_by_scenario
def test_every_scenario_names_every_machine_it_expects_something_of(path: Path) -> None:
    """shared/tasks/compare.yml refuses a list that leaves one out; so every verify has to go through it."""
    for verify in path.parent.glob("verify*.yml"):
        assert "../shared/tasks/compare.yml" in verify.read_text(), verify.name
