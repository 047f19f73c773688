# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells that more than one section has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from ...account import Account, EndpointResult, Flaw
from ...flow.closure import PLACES
from ...flow.deadlines import NO_SEVERITY
from ...ledger import text_of
from .. import figures, words
from ..figures import Share, Standing
from ..view import Cell, Column

SHOWN_PLACES = tuple(PLACES)
TIMES = "All times are UTC."


def text(value: str | None, tone: str | None = None) -> Cell:
    return Cell(value or words.NOTHING, tone=tone)


def number(value: int, tone: str | None = None) -> Cell:
    return Cell(words.number(value), key=value, tone=tone if value else None)


def at(moment: datetime | None) -> Cell:
    return Cell(words.moment(moment), key=text_of(moment) if moment else "", at=text_of(moment) if moment else None)


def span(length: timedelta | None) -> Cell:
    return Cell(words.span(length), key=length.total_seconds() if length else -1)


def state(name: str) -> Cell:
    return Cell(name, tone=name)


def share(part: Share) -> Cell:
    """The percentage, with what it is of: a figure never stands without its numerator and denominator."""
    told = words.NOTHING if part.percent is None else f"{words.percent(part)} ({words.of(part)})"
    return Cell(told, key=-1 if part.percent is None else part.percent, share=part.percent)


def severity(name: str | None) -> Cell:
    rank = figures.SEVERITY_ROWS.index(name or NO_SEVERITY)
    return Cell(words.severity(name), key=rank)


def importance(name: str) -> Cell:
    return Cell(words.importance(name), key=figures.IMPORTANCES.index(name))


PLACE_COLUMNS = (
    *(Column(place, "number") for place in PLACES),
    Column("endpoints", "number"),
    Column("compliance", "number", wide=True),
)


def places(standing: Standing) -> tuple[Cell, ...]:
    """The counts of each place, the total, and the share that is compliant."""
    counts = (number(standing.counts[place], place if place != "patched" else None) for place in PLACES)
    return (*counts, number(standing.total), share(standing.compliance))


def endpoints_by_name(account: Account) -> Mapping[str, EndpointResult]:
    return {one.name: one for one in account.endpoints}


def left_on(flaws: Iterable[Flaw]) -> dict[str, list[Flaw]]:
    """By endpoint, the flaws that had to be corrected and are not."""
    found: dict[str, list[Flaw]] = {}
    for one in flaws:
        if one.counts and one.corrected is None:
            found.setdefault(one.endpoint, []).append(one)
    return found
