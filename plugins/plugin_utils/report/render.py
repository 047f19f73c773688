# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an account to the report's files, as bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ..account import Account
from . import tabular
from .compose import view_of
from .document import document, picture
from .page import page
from .view import View

MEDIA = {
    "html": "text/html",
    "pdf": "application/pdf",
    "png": "image/png",
    "csv": "text/csv",
}
"""The formats that can be made, and what they are."""


@dataclass(frozen=True, slots=True)
class Made:
    """One file of the report."""

    format: str
    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        return MEDIA.get(self.format, "application/json")


MAKERS: dict[str, Callable[[View], bytes]] = {
    "html": lambda view: page(view).encode(),
    "pdf": document,
    "png": picture,
}


def rendered(account: Account, formats: Collection[str] = tuple(MEDIA)) -> Iterator[Made]:
    """Each file as soon as it is made, in the order of :data:`MEDIA`; the same account gives the same bytes.

    Raises DocumentError where a PDF or a picture cannot be made, RequirementMissingError for a library that is not
    installed.
    """
    view = view_of(account)
    for name in (name for name in MEDIA if name in formats):
        if name == "csv":
            for table, text in tabular.tables(account):
                yield Made(name, f"{view.stem}-{table}.csv", text.encode("utf-8-sig"))
        else:
            yield Made(name, f"{view.stem}.{name}", MAKERS[name](view))
