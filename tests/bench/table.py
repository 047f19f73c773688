# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows as a table: for a terminal, for the docs, and old beside new."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from .results import Results
from .row import Row, cost, times

HEADS = ("case", "what", "ours", "plain", "", "to reach", "")


def for_terminal(results: Results) -> Table:
    table = Table(*HEADS, title="Measured in one run", title_justify="left")
    for row in results.rows:
        table.add_row(*cells(row), style="" if row.reached else "red")
    return table


def for_docs(rows: Sequence[Row]) -> str:
    lines = [f"| {' | '.join(HEADS)} |", f"|{'---|' * len(HEADS)}"]
    return "\n".join([*lines, *(f"| {' | '.join(cells(row))} |" for row in rows)])


def compared(old: Results, new: Results) -> Table:
    """Rows that only one of the runs has show a dash for the other."""
    before = {(row.case, row.what): row for row in old.rows}
    after = {(row.case, row.what): row for row in new.rows}
    table = Table("case", "what", "ours, old", "new", "ratio, old", "new", title="Old beside new", title_justify="left")
    for key in {**after, **before}:
        pair = before.get(key), after.get(key)
        costs = [cost(row.ours, row.unit) if row else "–" for row in pair]
        ratios = [times(row.ratio) if row and row.ratio is not None else "–" for row in pair]
        table.add_row(*key, *costs, *ratios)
    return table


def cells(row: Row) -> list[str]:
    plain = cost(row.plain, row.unit) + (f", {row.against}" if row.against else "")
    ratio = "" if row.ratio is None else times(row.ratio)
    wanted = "" if row.at_most is None else _wanted(row.at_most)
    verdict = "" if row.at_most is None else "✓" if row.reached else "MISSED"
    return [
        row.case,
        row.what,
        cost(row.ours, row.unit),
        plain if row.plain is not None else "",
        ratio,
        wanted,
        verdict,
    ]


def _wanted(at_most: float) -> str:
    return f"at most {at_most:g} ×" if at_most >= 0.9 else f"at least {1 / at_most:.3g} × faster"
