# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/lab.md as somebody else's role developer follows it, and what a mistake in a handler is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .guide import ROOT, commands, type_in, write_files

GUIDE = ROOT / "docs" / "lab.md"
RECAP = re.compile(r"^(\w+) +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=0", re.MULTILINE)


def changed(output: str) -> dict[str, int]:
    return {name: int(number) for name, number in RECAP.findall(output)}


def test_the_guide_does_what_it_says(tmp_path: Path) -> None:
    role = {"ROLE": str(tmp_path)}
    assert write_files(GUIDE, tmp_path)[:3] == ["fleet.yml", "web.yml", "handlers/win_feature.py"]
    up, first, second, down, dummy = commands(GUIDE)
    try:
        done = type_in(up, **role)
        assert done.returncode == 0, done.stderr
        done = type_in(first, **role)
        assert changed(done.stdout) == {"WEB1": 2, "WEB2": 2}, done.stdout + done.stderr
        done = type_in(second, **role)
        assert changed(done.stdout) == {"WEB1": 0, "WEB2": 0}, done.stdout + done.stderr
    finally:
        done = type_in(down, **role)
    assert done.returncode == 0, done.stderr


def test_its_scenario_is_green_in_a_project_of_its_own(tmp_path: Path) -> None:
    write_files(GUIDE, tmp_path)
    done = type_in(f"unset ANSIBLE_CONFIG ANSIBLE_HOME PYTHONPATH; {commands(GUIDE)[-1]}", ROLE=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / ".lab-web").exists(), "destroy has taken the lab away"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("broken.py", "from lab.windows.registry import no_such_thing\n", "cannot be loaded: ImportError"),
        ("empty.py", "ANSWER = 42\n", "no handler in"),
        ("notes.txt", "nothing\n", "holds no file that ends in .py"),
    ],
)
def test_a_file_that_holds_no_handler_is_told(tmp_path: Path, name: str, content: str, told: str) -> None:
    (tmp_path / name).write_text(content)
    done = type_in(
        f"python -m lab up --fleet lab/fleets/small.yml --state-dir {tmp_path}/lab --handlers {tmp_path} --port-base 0"
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_handlers_that_are_not_there_are_told(tmp_path: Path) -> None:
    given = f"--state-dir {tmp_path}/lab --handlers {tmp_path}/handler --port-base 0"
    done = type_in(f"python -m lab up --fleet lab/fleets/small.yml {given}")
    assert done.returncode == 1
    assert done.stderr == f"lab: no handlers in {tmp_path}/handler: there is no such file or folder\n"
