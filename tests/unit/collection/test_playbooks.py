# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook can be read by Ansible, by the name that users give."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.collection.commands import HAS_AWX, ROOT, ansible

pytestmark = pytest.mark.slow

PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
IN_AWX = sorted((ROOT / "examples" / "awx" / "playbooks").glob("*.yml"))
OF_AWX = [path for path in PLAYBOOKS if path.stem == "awx_setup"]
"""Of the collection awx.awx, which not every bundle of Ansible has."""


def syntax(*words: str) -> subprocess.CompletedProcess[str]:
    return ansible("ansible-playbook", "-i", "localhost,", "--syntax-check", *words)


def test_every_playbook_parses() -> None:
    ours = [path for path in PLAYBOOKS if path not in OF_AWX]
    done = syntax(*(f"msp.patching.{path.stem}" for path in ours), *map(str, IN_AWX))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("playbook: ") == len(ours) + len(IN_AWX)
    assert ours
    assert IN_AWX


def test_the_setup_of_awx_parses() -> None:
    if not HAS_AWX:
        pytest.skip("NOT TESTED: this bundle of Ansible does not have the collection awx.awx")
    assert OF_AWX
    done = syntax(*(f"msp.patching.{path.stem}" for path in OF_AWX))
    assert done.returncode == 0, done.stderr


def test_every_playbook_says_how_it_is_called() -> None:
    without = [path.name for path in PLAYBOOKS if f"msp.patching.{path.stem} " not in path.read_text()]
    assert without == []


def test_a_playbook_that_does_not_parse_is_noticed(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("- hosts: all\n  tasks:\n    - msp.patching.no_such_module:\n")
    assert syntax(str(broken)).returncode != 0
