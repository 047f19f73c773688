# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pages a list is read in, and whether what came is the whole list, though rows come and go meanwhile.

Pages that only touch lose a row in silence: when one before the border is removed, the first of the next page moves
across it to the page that was read already. So pages overlap, and a row that two pages share ties them together: what
comes before it is in the one, what comes after it in the other. The API has no offset, only pages that begin at a
multiple of their size; so the sizes differ from page to page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .errors import AnswerError, IncompleteListError

Row = dict[str, Any]
"""A record as the API gives it."""
Identity = tuple[Any, ...]

PAGE_SIZE = 1000
"""The most that the API gives in a page; it gives 30 unless asked."""
OVERLAP = 100
"""Rows that pages share which are read one after the other: so many rows may be removed between two of them."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A list of the API: its path, the field that it is ordered by, the permission that shows it.

    ``key`` are the ids that tell its rows apart, if not the one that orders them. ``opaque``: they need be no numbers.
    """

    path: str
    order: str
    permission: str
    key: tuple[str, ...] = ()
    opaque: bool = False

    def identity(self, row: Row) -> Identity:
        names = self.key or (self.order,)
        return tuple(str(row.get(name)) if self.opaque else row_id(row, name) for name in names)

    def identities(self, page: Page) -> list[Identity]:
        return [self.identity(row) for row in page.rows]


@dataclass(frozen=True, slots=True)
class Window:
    """The rows from ``start`` to before ``end``, counted from 0, as the API is asked for them."""

    page: int
    size: int

    @property
    def start(self) -> int:
        return (self.page - 1) * self.size

    @property
    def end(self) -> int:
        return self.page * self.size

    @property
    def query(self) -> dict[str, str]:
        return {"pagesize": str(self.size), "page": str(self.page)}


@dataclass(frozen=True, slots=True)
class Page:
    """What came for a window. ``total`` is how many rows the list had then, where the server tells it."""

    window: Window
    rows: list[Row]
    total: int | None

    @property
    def is_last(self) -> bool:
        """Whether the list has no rows after it. Without a total a page that is not full is taken for the last."""
        return len(self.rows) < self.window.size if self.total is None else self.window.end >= self.total


def first_window() -> Window:
    return Window(1, PAGE_SIZE)


def window_from(latest: int) -> Window:
    """The window that reaches furthest of those that begin at row ``latest`` or a little before."""
    sizes = range(PAGE_SIZE, PAGE_SIZE // 2, -1)
    return max((Window(latest // size + 1, size) for size in sizes), key=lambda window: window.end)


def after(window: Window, overlap: int) -> Window:
    """The next window, which has the last ``overlap`` rows of this one, too."""
    return window_from(window.end - min(overlap, PAGE_SIZE // 10))


def windows_to(total: int) -> Iterator[Window]:
    """The windows after the first for a list of ``total`` rows. Each has the last row of the one before."""
    window = first_window()
    while window.end < total:
        window = after(window, 1)
        yield window


def check_page(resource: Resource, page: Page) -> None:
    """Raises IncompleteListError unless the page has as many rows as it has to have by its own total."""
    window, count = page.window, len(page.rows)
    if page.total is None:
        if count > window.size:
            raise IncompleteListError(f"{resource.path}: {window.size} rows were asked for, {count} came")
        return
    due = min(window.size, max(0, page.total - window.start))
    if count != due:
        raise IncompleteListError(
            f"{resource.path}: page {window.page} holds {count} rows, {due} are due of a total of {page.total}; "
            "nothing is used of a list that is not whole"
        )


def check_still(resource: Resource, pages: Sequence[Page]) -> None:
    """Raises IncompleteListError where a page does not begin, to the row, where the one before it ends: rows came or
    went before that one, and pages that were read at once do not tell which of them saw it."""
    for one, following in pairwise(pages):
        shared = one.window.end - 1 - following.window.start
        if [*map(resource.identity, following.rows[shared : shared + 1])] != [*map(resource.identity, one.rows[-1:])]:
            raise IncompleteListError(
                f"{resource.path}: rows came or went while it was read, before its row {one.window.end}"
            )


def check_joined(resource: Resource, one: Page, following: Page) -> None:
    """Raises IncompleteListError unless the two share a row and the second, if full, has new ones."""
    known, found = set(resource.identities(one)), set(resource.identities(following))
    rows = f"rows {following.window.start + 1} to {following.window.end}"
    if known.isdisjoint(found):
        raise IncompleteListError(
            f"{resource.path}: none of {rows} is one of the rows before, though they were asked for so as to overlap: "
            "too many rows were removed while the list was read; run again"
        )
    if found <= known and len(following.rows) == following.window.size:
        raise IncompleteListError(
            f"{resource.path}: {rows} are the same as the rows before: the server takes no notice of the page it is "
            "asked for"
        )


def check_end(resource: Resource, pages: Sequence[Page], behind: Page) -> None:
    """Raises IncompleteListError where rows come after the last page, which was not full. Those of a server that
    gives the same whatever the page are no others."""
    known = {identity for page in pages for identity in resource.identities(page)}
    if not known.issuperset(resource.identities(behind)):
        page = pages[-1]
        raise IncompleteListError(
            f"{resource.path}: page {page.window.page} holds {len(page.rows)} rows, {page.window.size} are due, for "
            "others come after it; nothing is used of a list that is not whole"
        )


def whole(resource: Resource, pages: Sequence[Page]) -> list[Row]:
    """The rows of ``pages``, each once, in the order of what tells them apart, if there are enough of them."""
    rows = {resource.identity(row): row for page in pages for row in page.rows}
    # a computer that is on record twice as a group's member is two rows of the total, and one for us
    found = len({(resource.identity(row), str(row.get(resource.order))) for page in pages for row in page.rows})
    last = pages[-1]
    due = last.window.start + len(last.rows) if last.total is None else last.total
    if found < due:
        raise IncompleteListError(f"{resource.path}: {due - found} of {due} rows came twice, others not at all")
    return [rows[key] for key in sorted(rows)]


def row_id(row: Mapping[str, Any], key: str) -> int:
    """An id as an int; the API gives some as strings and some as numbers."""
    value = row.get(key)
    try:
        return int(value)  # type: ignore[arg-type]  # what is no number is an error either way
    except (TypeError, ValueError) as exc:
        raise AnswerError(f"a row's {key} is {value!r}, which is no id") from exc
