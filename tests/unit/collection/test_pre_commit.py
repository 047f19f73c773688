# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hooks see each sort of fault that they are there for, in a commit, and need no network for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.gates.tree import copy_to
from tests.unit.collection.commands import ROOT

pytestmark = pytest.mark.slow

CONFIG = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
HEADER = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
FAULTS = {
    "ruff-check": ("lab/planted_unused.py", HEADER + "import os\n"),
    "ruff-format": ("lab/planted_layout.py", HEADER + "answer = {'a':1}\n"),
    "yamllint": ("playbooks/planted.yml", "---\na: {b: 1, b: 2}\n"),
    "changelog": ("changelogs/fragments/planted.yml", "---\nno_such_section: [x]\n"),
    "header": ("lab/planted_header.py", '"""Nothing."""\n'),
}
"""By hook, a file that it alone has something against."""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the hooks say of the whole tree, with the faults in it."""
    folder = tmp_path_factory.mktemp("clone")
    copy_to(folder)
    for name, content in FAULTS.values():
        (folder / name).write_text(content)
    programs = Path(sys.executable).parent
    home = {"HOME": str(folder / "home"), "PATH": f"{programs}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=folder, env=home, check=True)
    done = subprocess.run(
        ["pre-commit", "run", "--all-files", "--color", "never"],
        cwd=folder,
        env=home | {"https_proxy": "http://127.0.0.1:9", "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_every_hook_is_local() -> None:
    assert {repository["repo"] for repository in CONFIG["repos"]} == {"local"}
    hooks = [hook for repository in CONFIG["repos"] for hook in repository["hooks"]]
    assert {hook["id"] for hook in hooks} == set(FAULTS)
    assert {hook["language"] for hook in hooks} <= {"system", "pygrep"}, "nothing is installed"


@pytest.mark.parametrize("hook", FAULTS)
def test_a_hook_finds_what_it_is_there_for(said: str, hook: str) -> None:
    _before, _hook, after = said.partition(f"- hook id: {hook}\n")
    assert after, f"{hook} found nothing: {said}"
    assert Path(FAULTS[hook][0]).name in after.split("- hook id:")[0]


def test_the_hooks_find_nothing_else(said: str) -> None:
    ours = {name for name, _content in FAULTS.values()}
    named = {word.split(":")[0] for word in said.split() if "/" in word}
    found = {name for name in named if (ROOT / name).is_file()}
    assert found - ours == set()
