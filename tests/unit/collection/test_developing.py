# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/developing-roles.md has its reader write still fits: the files, the change to the core, the scenarios."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from tests.integration.guide import commands, write_files
from tests.unit.collection.commands import ROOT

GUIDE = ROOT / "docs" / "developing-roles.md"
WORDS = GUIDE.read_text(encoding="utf-8")


def applies(change: str, folder: Path, *more: str) -> str | None:
    """What stands against applying `change` to `folder`; None where nothing does."""
    done = subprocess.run(
        ["git", "apply", "--check", *more, "-"], cwd=folder, input=change, capture_output=True, text=True, check=False
    )
    return done.stderr or None if done.returncode else None


def test_its_change_applies() -> None:
    """Or is there, in the tree of who has followed the guide."""
    (change,) = re.findall(r"^```diff\n(.*?)^```$", WORDS, re.MULTILINE | re.DOTALL)
    against = applies(change, ROOT)
    assert against is None or applies(change, ROOT, "--reverse") is None, f"the guide has to follow the code: {against}"


def test_its_scenario_is_none_that_the_collection_has(tmp_path: Path) -> None:
    """Where it is there all the same, somebody has followed the guide: then it is the guide's, word for word."""
    names = write_files(GUIDE, tmp_path)
    assert names == [f"molecule/room/{part}.yml" for part in ("molecule", "prepare", "converge", "verify")]
    if (ROOT / "molecule" / "room").exists():
        assert [name for name in names if (ROOT / name).read_text() != (tmp_path / name).read_text()] == []
    sequence = yaml.safe_load((tmp_path / names[0]).read_text())["scenario"]["test_sequence"]
    assert {"create", "converge", "idempotence", "verify", "destroy"} <= set(sequence)
    for name in names[1:]:
        for play in yaml.safe_load((tmp_path / name).read_text()):
            if "ansible.builtin.import_playbook" in play:
                assert (ROOT / "molecule" / play["ansible.builtin.import_playbook"].removeprefix("../")).is_file()


def test_what_it_has_its_reader_type_is_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {word for line in commands(GUIDE) for word in re.findall(r"^make ([\w-]+)", line)}
    asked |= set(re.findall(r"`make ([\w-]+)`", WORDS))
    assert asked <= targets
    assert "environment" in asked


def test_it_tells_every_scenario() -> None:
    there = {path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")}
    assert set(re.findall(r"^\| `(\w+)` \|", WORDS, re.MULTILINE)) == there
    roles = {path.name for path in (ROOT / "roles").iterdir()}
    assert roles <= there, "each role has a scenario of its own"
