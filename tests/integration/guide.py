# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guide as its reader uses it: the files it tells to write, and the commands it tells to type."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FILE = re.compile(r"^`(?P<name>[\w/.-]+)`\n\n```\w+\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_files(guide: Path, folder: Path) -> list[str]:
    """Each block under a line that is a file's name alone, as that file; gives the names."""
    found = {match["name"]: match["content"] for match in FILE.finditer(guide.read_text(encoding="utf-8"))}
    for name, content in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return list(found)


def commands(guide: Path) -> list[str]:
    """Every line that follows a `$` in the guide's consoles."""
    blocks = CONSOLE.findall(guide.read_text(encoding="utf-8"))
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def type_in(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", **variables}
    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
