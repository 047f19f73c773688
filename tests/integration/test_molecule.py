# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Molecule scenario whose play is for no host is red, under the configuration that all scenarios share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .ring import ROOT

PLAY = "---\n- name: Nothing\n  hosts: {hosts}\n  gather_facts: false\n  tasks: []\n"
IMPORT = "- name: Another's\n  ansible.builtin.import_playbook: {name}\n"


def converged(folder: Path, hosts: str, imports: str = "") -> subprocess.CompletedProcess[str]:
    """A scenario of its own under the shared configuration, whose only play is for `hosts`."""
    scenario = folder / "molecule" / "nobody"
    scenario.mkdir(parents=True)
    (scenario / "molecule.yml").write_text("---\nscenario: {test_sequence: [converge]}\n")
    (scenario / "converge.yml").write_text(PLAY.format(hosts=hosts) + imports)
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


def test_a_play_whose_pattern_leaves_no_host_is_red(tmp_path: Path) -> None:
    """To Ansible it is a play that was skipped: 0, too."""
    done = converged(tmp_path, "'localhost:!localhost'")
    assert done.returncode != 0, done.stdout + done.stderr
    assert "matches no host: it would show nothing" in " ".join((done.stdout + done.stderr).split())


def test_an_imported_playbook_may_have_nobody(tmp_path: Path) -> None:
    """As ours, where no endpoint is due."""
    (tmp_path / "nobody_due.yml").write_text(PLAY.format(hosts="'localhost:!localhost'"))
    done = converged(tmp_path, "localhost", IMPORT.format(name="../../nobody_due.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no hosts matched" in done.stdout + done.stderr


def test_a_play_on_hosts_is_green(tmp_path: Path) -> None:
    done = converged(tmp_path, "localhost")
    assert done.returncode == 0, done.stdout + done.stderr
