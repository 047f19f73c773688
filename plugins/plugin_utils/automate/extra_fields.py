# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra data fields (EDFs) of clients and locations, as plain values by title.

The API describes a field at length (definition, tab, format, one of three kinds of settings); what counts is
its title, its tab, its value, and whether somebody gave that value or it is the definition's default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import OptionError

Value = str | bool | None


@dataclass(frozen=True, slots=True)
class ExtraField:
    """``given`` is false where the value is only the definition's default."""

    title: str
    section: str
    value: Value
    given: bool

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> ExtraField:
        value, default = _value(row)
        given = value not in (None, "") and not row.get("IsDefaultValue", value == default)
        return cls(str(row.get("Title") or ""), str(row.get("Section") or ""), value, given)


class ExtraFields:
    """The fields of one client or location. Encrypted and masked ones are left out: nothing here needs them."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._by_title: dict[str, list[ExtraField]] = {}
        for row in rows:
            if not is_secret(row):
                extra = ExtraField.parse(row)
                self._by_title.setdefault(extra.title.casefold(), []).append(extra)

    def get(self, title: str, option: str) -> ExtraField | None:
        """The field called ``title``, or ``section/title`` where two tabs have fields of that title.

        ``option`` is the option that says so, for the error: `OptionError` where the title is ambiguous.
        """
        found = self._by_title.get(title.casefold(), [])
        if not found and "/" in title:
            section, _slash, bare = title.partition("/")
            found = [
                extra
                for extra in self._by_title.get(bare.strip().casefold(), [])
                if extra.section.casefold() == section.strip().casefold()
            ]
        if len(found) > 1:
            choices = " or ".join(repr(f"{extra.section}/{extra.title}") for extra in found)
            raise OptionError(option, f"{title!r} is the title of several extra data fields: say {choices}")
        return found[0] if found else None

    def by_title(self) -> dict[str, Value]:
        """Values by title, as expressions see them; of two fields with one title the first."""
        return {found[0].title: found[0].value for found in self._by_title.values()}


def is_secret(row: Mapping[str, Any]) -> bool:
    """Whether the field's value is not for other eyes."""
    text = row.get("TextFieldSettings") or {}
    return bool(row.get("IsEncrypted") or text.get("IsMasked"))


def _value(row: Mapping[str, Any]) -> tuple[Value, Value]:
    """Value and default, from whichever kind of settings the field has."""
    if settings := row.get("CheckboxSettings"):
        return bool(settings.get("IsChecked")), _flag(settings.get("DefaultValue"))
    if settings := row.get("DropdownSettings"):
        labels = settings.get("AvailableOptions") or {}
        chosen, default = settings.get("SelectedValue"), settings.get("DefaultValue")
        return _text(labels.get(chosen, chosen)), _text(labels.get(default, default))
    settings = row.get("TextFieldSettings") or {}
    return _text(settings.get("Value")), _text(settings.get("DefaultValue"))


def _text(value: object) -> str | None:
    return None if value is None else str(value).strip()


def _flag(value: object) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "true", "yes")
