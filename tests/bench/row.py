# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of the table: what was measured, ours beside the plain way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """`ours` and `plain` are costs in `unit` (seconds, CPU seconds, MB, tasks …): less is better.

    `against` says what `plain` is. Without `plain` the row only tells; with it and without `at_most` too, by a ratio.
    `at_most` bounds ours ÷ plain: 1.3 is "at most 1.3 times", 0.1 is "at least 10 × faster".
    `n` and `curve` put the row on the plot: how many endpoints, events …, and the curve it is a point of.
    """

    case: str
    what: str
    ours: float
    unit: str
    plain: float | None = None
    against: str = ""
    at_most: float | None = None
    n: int | None = None
    curve: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.plain is None else self.ours / self.plain

    @property
    def reached(self) -> bool:
        return self.at_most is None or (self.ratio is not None and self.ratio <= self.at_most)


def times(ratio: float) -> str:
    """A ratio of costs as people say it."""
    return f"{ratio:.2f} ×" if ratio > 0.9 else f"{1 / ratio:.3g} × faster" if ratio else "∞ × faster"


def cost(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    digits = f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"
    return f"{digits} {unit}"
