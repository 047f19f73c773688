# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's commands, from this very environment and with the checkout as their collection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent.parent
Documents = dict[str, dict[str, Any]]
"""By kind and name, what ansible-doc makes of a plugin."""

HAS_AWX = any((Path(place) / "ansible_collections" / "awx" / "awx").is_dir() for place in sys.path)
"""Whether this bundle of Ansible has the collection awx.awx; those of the newest do not."""


def ansible(command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs it in the checkout, so that its ansible.cfg is the one that counts."""
    return subprocess.run(
        [str(Path(sys.executable).parent / command), *words],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
