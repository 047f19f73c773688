# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/speed.md and its plot: what stands between the marks is written by the bench, the rest by people."""

from __future__ import annotations

from pathlib import Path

from .plot import draw
from .results import Results
from .table import for_docs

PAGE = Path("docs/speed.md")
PLOT = Path("docs/speed.svg")
BEGIN = "<!-- measured: written by `python -m tests.bench --write-docs` -->"
END = "<!-- end of what was measured -->"


def write(results: Results, page: Path = PAGE, plot: Path = PLOT) -> None:
    drawn = draw(results.rows, plot)
    picture = f"\n![How many times faster]({plot.name})\n" if drawn else ""
    before, dummy, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{measured(results)}\n{picture}{END}{after}", encoding="utf-8")


def measured(results: Results) -> str:
    machine = results.machine
    words = (
        f"Measured on {machine['at']} on {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}, ansible-core {machine['ansible_core']}, in one run of "
        f"`make bench{'-quick' if results.quick else ''}`; lab and control node share the cores."
    )
    failed = [f"\nNot measured: {case}: {why}" for case, why in results.failed.items()]
    return "\n".join([words, "", for_docs(results.rows), *failed])
