# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook can be read by Ansible, by the name that users give."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.unit.collection.commands import ROOT, ansible

PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
IN_AWX = sorted((ROOT / "examples" / "awx" / "playbooks").glob("*.yml"))


def syntax(*words: str) -> subprocess.CompletedProcess[str]:
    return ansible("ansible-playbook", "-i", "localhost,", "--syntax-check", *words)


def test_every_playbook_parses() -> None:
    done = syntax(*(f"msp.patching.{path.stem}" for path in PLAYBOOKS), *map(str, IN_AWX))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("playbook: ") == len(PLAYBOOKS) + len(IN_AWX)
    assert PLAYBOOKS
    assert IN_AWX


def test_every_playbook_says_how_it_is_called() -> None:
    without = [path.name for path in PLAYBOOKS if f"msp.patching.{path.stem} " not in path.read_text()]
    assert without == []


def test_a_playbook_that_does_not_parse_is_noticed(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("- hosts: all\n  tasks:\n    - msp.patching.no_such_module:\n")
    assert syntax(str(broken)).returncode != 0
