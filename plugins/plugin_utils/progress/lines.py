# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as lines of a log: short, each with the time, few whatever the number of endpoints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from .board import FAILED, LEFT, PATCHED, Board, Place, in_order

LONGEST = 200
"""Characters of a reason; the whole of it stands in the plan and on the ledger."""
REASONS = 6
"""How many different reasons for leaving are told at a time."""


def stamp(now: datetime, words: str) -> str:
    """``02:14:05  words``."""
    return f"{now:%H:%M:%S}  {words}"


def changes(places: Iterable[Place], names: int) -> list[str]:
    """What is new of these endpoints, a line for each state; `names` of the endpoints are named in each.

    What failed is not among it: that is told by the task that failed, with its words.
    """
    by_state: dict[str, list[Place]] = {}
    for place in places:
        by_state.setdefault(place.shown, []).append(place)
    lines = []
    for state, _count in in_order({state: len(found) for state, found in by_state.items()}):
        if state == LEFT:
            lines += _left(by_state[state], names)
        elif state != FAILED:
            lines.append(counted(by_state[state], state, names))
    return lines


def _left(places: Sequence[Place], names: int) -> list[str]:
    by_reason: dict[str, list[Place]] = {}
    for place in places:
        by_reason.setdefault(place.why, []).append(place)
    reasons = sorted(by_reason, key=lambda why: -len(by_reason[why]))
    lines = [
        counted(by_reason[why], f"left ({textwrap.shorten(why, LONGEST, placeholder=' …')})" if why else LEFT, names)
        for why in reasons[:REASONS]
    ]
    rest = sum(len(by_reason[why]) for why in reasons[REASONS:])
    return [*lines, f"{rest} left for other reasons"] if rest else lines


def counted(places: Sequence[Place], what: str, names: int) -> str:
    """``2 installing: ACME-WS01, ACME-WS02``, or with many ``14 installing in pilot 8, regular 6: ACME-WS01, … and 13
    more``.
    """
    rings: dict[str, int] = {}
    for place in places:
        rings[place.ring] = rings.get(place.ring, 0) + 1
    where = f" in {', '.join(f'{ring} {count}' for ring, count in rings.items())}" if len(rings) > 1 else ""
    shown = ", ".join(place.name for place in places[:names])
    more = f" and {len(places) - names} more" if len(places) > names else ""
    return f"{len(places)} {what}{where}: {shown}{more}" if names > 0 else f"{len(places)} {what}{where}"


def standing(board: Board, now: datetime) -> str:
    """How it stands, for when nothing changed for a while; who has been at the same thing for longest is named."""
    words = f"{board.through()} of {len(board.places)} through"
    words += f", {now_in(board)}" if now_in(board) else ""
    counts = board.counts()
    going = [f"{count} {state}" for state, count in in_order(counts) if state not in (PATCHED, LEFT)]
    words += "; " + ", ".join(going) if going else ""
    slowest = board.in_flight()
    if slowest:
        place = slowest[0]
        words += f"; longest: {place.name} {place.shown} for {span(now - place.since)}"
    return words


def now_in(board: Board) -> str:
    """How far the pass is that is under way: ``312 of 1,000 visited now``; empty where none is."""
    done, total = len(board.visited), len(board.ordered)
    return f"{done:,} of {total:,} visited now" if done < total else ""


def closing(board: Board, took: timedelta) -> str:
    """How the run ended: ``7 patched, 2 left, 1 FAILED in 13m 32s``."""
    return f"{total(board)} in {span(took)}"


def broken_off(board: Board, names: int) -> str:
    """For a run that ends before its end: who was in the middle of something."""
    left = board.in_flight()
    if not left:
        return "ended before its end; nothing was under way"
    return f"ended before its end; the next run takes up {counted(left, 'that were under way', names)}"


def total(board: Board) -> str:
    """How many endpoints are in each state."""
    return ", ".join(f"{count} {state}" for state, count in in_order(board.counts())) or "nothing was due"


def span(duration: timedelta) -> str:
    """``1h 05m``, ``4m 06s``, ``12s``."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds >= 3600:
        return f"{seconds // 3600}h {seconds % 3600 // 60:02d}m"
    return f"{seconds // 60}m {seconds % 60:02d}s" if seconds >= 60 else f"{seconds}s"
