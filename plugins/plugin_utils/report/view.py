# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report shows, before it is a page or a document: sections, tables and charts of plain texts and numbers.

The page, the PDF and the picture are all made of one :class:`View`, so that they cannot tell different things.
Texts may come from the RMM and hold anything: who renders them escapes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

ROWS = 1000
"""Rows of a list of what is not fine; the whole is in the CSV beside."""
FINE_ROWS = 200
LONGEST = 2000
"""Characters of a text: a message has no more, and nobody reads a longer name."""
"""Rows of a list of what is fine."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`text` is what is read; `key` what it is sorted by, where that is not the text; `tone` one of the palette's;
    `share` a percentage to draw; `at` the instant that a time stands for."""

    text: str
    key: str | float | None = None
    tone: str | None = None
    share: float | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: text, name (never broken), number, time or state. `wide` columns take the room that is left."""

    title: str
    kind: str = "text"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` are at most what a page bears; `total` is how many there are, `beside` names the CSV that has them all.
    `total_row` marks that the last row sums up the others; `folded` that it is fine and shown on demand."""

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    beside: str | None = None
    filtered: bool = False
    folded: bool = False
    total_row: bool = False
    empty: str = "There is none."


@dataclass(frozen=True, slots=True)
class Chart:
    """Two drawings of the same: for the page, coloured by its style sheet, and for the document, by itself. `words`
    tell its figures; `legend` has the tone and the label of each series."""

    id: str
    title: str
    words: str
    legend: tuple[tuple[str, str], ...]
    page: str
    document: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a sentence or two, and what belongs to it."""

    id: str
    title: str
    lead: str = ""
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure: `value` large, of what it is counted below."""

    label: str
    value: str
    words: str
    tone: str


@dataclass(frozen=True, slots=True)
class View:
    """The whole. `date` is that of the account, ISO 8601; `final` is false while the cycle goes on; `stem` is what the
    names of its files begin with."""

    stem: str
    title: str
    scope: str
    subtitle: str
    date: str
    final: bool
    status: str
    headline: str
    tiles: tuple[Tile, ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default=())

    def as_record(self) -> dict[str, Any]:
        return asdict(self)

    def section(self, name: str) -> Section:
        return next(section for section in self.sections if section.id == name)


def cut(rows: Sequence[tuple[Cell, ...]], at_most: int = ROWS) -> tuple[tuple[tuple[Cell, ...], ...], int]:
    """The first rows, and how many there are."""
    return tuple(rows[:at_most]), len(rows)
