# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One picture over N: how many times faster than the plain way, by how many there are."""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import pygal  # type: ignore[import-untyped]

from .row import Row

# pygal leaves an import hook of Python 2's kind behind, for its maps: later Pythons warn of it at each import
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]


def draw(rows: Sequence[Row], path: Path) -> bool:
    """An SVG, its axes logarithmic; a curve is what rows of one `curve` say over their `n`. No curve, no picture."""
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        if row.curve and row.n and row.ratio:
            curves[row.curve].append((math.log10(row.n), math.log10(1 / row.ratio)))
    if not curves:
        return False
    chart = pygal.XY(
        width=960,
        height=540,
        js=(),
        title="How many times faster than the plain way (1: as fast)",
        x_title="endpoints, computers or events",
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        truncate_legend=-1,
        style=pygal.style.Style(background="white", plot_background="white", font_family="sans-serif"),
    )
    points = [point for curve in curves.values() for point in curve]
    chart.x_labels = _powers(x for x, _y in points)
    chart.y_labels = _powers([0.0, *(y for _x, y in points)])
    chart.x_value_formatter = lambda x: f"{10**x:,.0f}"
    chart.value_formatter = lambda y: f"{10**y:,.3g} ×"
    for name, curve in sorted(curves.items()):
        chart.add(name, sorted(curve))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(chart.render())
    return True


def _powers(values: Iterable[float]) -> list[float]:
    """The powers of ten around the values, and what lies at 3 between them."""
    known = list(values)
    low, high = math.floor(min(known)), math.ceil(max(known))
    steps = [power + part for power in range(low, max(high, low + 1)) for part in (0.0, math.log10(3))]
    return [*steps, float(max(high, low + 1))]
