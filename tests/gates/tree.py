# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gate looks at: a real copy of the checkout, of what git knows or would take up."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parent.parent.parent


def tracked() -> list[str]:
    """The files of the checkout, each by its path from the root, without what git ignores."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(name for name in names if name and (ROOT / name).is_file())


def copy_to(folder: Path, *, without: tuple[str, ...] = ()) -> list[str]:
    """Copies them there, but for those of the folders ``without``, and gives what was copied."""
    names = [name for name in tracked() if not name.startswith(tuple(f"{one}/" for one in without))]
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return names


def tell(gate: str, line: str) -> None:
    sys.stdout.write(f"{gate}: {line}\n")


def refuse(gate: str, *lines: str) -> NoReturn:
    """The gate is red, and says why."""
    for line in lines:
        sys.stderr.write(f"{gate}: {line}\n")
    raise SystemExit(1)
