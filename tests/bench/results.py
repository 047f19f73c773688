# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a run as JSON, so that runs can be compared."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from .row import Row

KEPT = Path("build/bench.json")


@dataclass(frozen=True)
class Results:
    """`machine` names what it was measured on; `failed` are the cases that could not be measured, and why."""

    machine: Mapping[str, Any]
    rows: Sequence[Row]
    failed: Mapping[str, str]
    quick: bool

    @property
    def is_good(self) -> bool:
        return not self.failed and all(row.reached for row in self.rows)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [{**asdict(row), "ratio": row.ratio, "reached": row.reached} for row in self.rows]
        document = {"machine": dict(self.machine), "quick": self.quick, "failed": dict(self.failed), "rows": rows}
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        document = json.loads(path.read_text(encoding="utf-8"))
        names = Row.__dataclass_fields__
        rows = [Row(**{key: value for key, value in row.items() if key in names}) for row in document["rows"]]
        return cls(document["machine"], rows, document["failed"], document["quick"])


def this_machine() -> dict[str, Any]:
    """What a reader needs to judge the figures; `load` tells whether others were at work too."""
    return {
        "cpu": _cpu(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1024**3),
        "system": _system(),
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
        "load": round(psutil.getloadavg()[0], 1),
        "at": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
