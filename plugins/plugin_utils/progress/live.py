# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view of a run in a terminal: a row for each ring, and who has been at something for longest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..requirements import rich
from .board import FAILED, LEFT, PATCHED, SILENT, Board, in_order
from .lines import now_in, span

LONGEST_LISTED = 8
ROOM = 6
"""Lines of a terminal that are left to what is printed above the view."""
STYLES = {FAILED: "bold red", SILENT: "yellow", PATCHED: "green", LEFT: "dim"}
BAR = 16


def view(board: Board, title: str, began: datetime, now: datetime, height: int) -> Any:
    """What is drawn: never more than `height` lines less what is printed above."""
    rings = board.rings()
    parts = [rich.text.Text(), _heading(board, title, began, now), _rings(board, rings)]
    room = min(LONGEST_LISTED, height - ROOM - len(rings) - 5)
    if room > 0 and board.in_flight():
        parts += [rich.text.Text(), _in_flight(board, now, room)]
    return rich.console.Group(*parts)


def _heading(board: Board, title: str, began: datetime, now: datetime) -> Any:
    words = f"{title}  {now:%H:%M:%S}, {span(now - began)}, {board.through()} of {len(board.places)} through"
    words += f", {now_in(board)}" if now_in(board) else ""
    return rich.text.Text(words, style="bold", no_wrap=True, overflow="ellipsis")


def _rings(board: Board, rings: list[str]) -> Any:
    states = [state for state, _count in in_order(board.counts())]
    table = rich.table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("ring")
    table.add_column("through", justify="right")
    table.add_column("")
    for state in states:
        table.add_column(state, justify="right", header_style=STYLES.get(state, ""), no_wrap=True)
    for ring in rings:
        counts = board.counts(ring)
        done, total = board.through(ring), sum(counts.values())
        drawn = rich.progress_bar.ProgressBar(total=total, completed=done, width=BAR, complete_style="green")
        cells = [_count(counts[state], STYLES.get(state, "")) for state in states]
        table.add_row(ring, f"{done}/{total}", drawn, *cells)
    return table


def _count(count: int, style: str) -> Any:
    return rich.text.Text(str(count), style=style) if count else rich.text.Text("·", style="dim")


def _in_flight(board: Board, now: datetime, room: int) -> Any:
    table = rich.table.Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    going = board.in_flight()
    for place in going[:room]:
        # of what is under way the plan's own reason says less than the state
        why = place.why if place.state == "waiting" else ""
        table.add_row(
            rich.text.Text(place.name),
            rich.text.Text(place.shown, style=STYLES.get(place.shown, "")),
            rich.text.Text(span(now - place.since), justify="right"),
            rich.text.Text(why, style="dim", no_wrap=True, overflow="ellipsis"),
        )
    if len(going) > room:
        table.add_row(rich.text.Text(f"and {len(going) - room} more", style="dim"))
    return table
