# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads values out of a fleet file; every complaint names file, path, value and what would be right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import yaml


class FleetError(ValueError):
    """A fleet file that cannot be used; the message says where and what would be right."""


class Place:
    """A mapping of the file together with where it stands. Every key must be asked for, or it is unknown."""

    def __init__(self, file: Path, path: str, data: object) -> None:
        self.file = file
        self.path = path
        if not isinstance(data, Mapping):
            self.complain("", data, "a mapping of keys to values")
        self.data: Mapping[str, object] = {str(key): value for key, value in data.items()}
        self._asked: set[str] = set()

    def complain(self, key: str, value: object, right: str) -> NoReturn:
        where = ".".join(part for part in (self.path, key) if part) or "the document"
        raise FleetError(f"{self.file}: {where} is {value!r}: it must be {right}")

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return self.data.get(key) is not None

    def raw(self, key: str) -> object:
        self._asked.add(key)
        return self.data.get(key)

    def text(self, key: str, default: str | None = None, *, one_of: Collection[str] = (), empty: bool = False) -> str:
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not (value.strip() or empty):
            right = f"one of {', '.join(one_of)}" if one_of else "a text"
            self.complain(key, value, right if value is None or one_of else f"{right} (put it in quotes)")
        if one_of and value not in one_of:
            self.complain(key, value, f"one of {', '.join(one_of)}")
        return value

    def optional_text(self, key: str, *, one_of: Collection[str] = ()) -> str | None:
        return self.text(key, one_of=one_of) if self.has(key) else None

    def number(self, key: str, default: float | None = None, *, low: float = 0, high: float = 1e12) -> float:
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.complain(key, value, f"a number from {low:g} to {high:g}")
        return value

    def whole(self, key: str, default: int | None = None, *, low: int = 0, high: int = 10**9) -> int:
        value = self.number(key, default, low=low, high=high)
        if value != int(value):
            self.complain(key, value, "a whole number")
        return int(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.complain(key, value, "true or false")
        return value

    def instant(self, key: str, default: datetime | None = None) -> datetime:
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                self.complain(key, value, "an instant such as '2026-11-10T18:00:00Z'")
        if not isinstance(value, datetime):
            self.complain(key, value, "an instant such as '2026-11-10T18:00:00Z'")
        if value.tzinfo is None:
            self.complain(key, value.isoformat(), "an instant with an offset, such as '2026-11-10T18:00:00Z'")
        return value.astimezone(UTC)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.complain(key, value, "a list of texts (numbers in quotes)")
        return tuple(value)

    def mapping(self, key: str) -> dict[str, object]:
        value = self.raw(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.complain(key, value, "a mapping of keys to values")
        return {str(name): item for name, item in value.items()}

    def place(self, key: str) -> Place:
        return Place(self.file, self._below(key), self.raw(key) or {})

    def places(self, key: str) -> Iterator[Place]:
        value = self.raw(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.complain(key, value, "a list")
        for index, item in enumerate(value):
            yield Place(self.file, f"{self._below(key)}[{index}]", item)

    def done(self) -> None:
        """Call when all keys were asked for: what is left over is a mistake of the file's author."""
        unknown = sorted(set(self.data) - self._asked)
        if unknown:
            known = ", ".join(sorted(self._asked))
            self.complain(unknown[0], self.data[unknown[0]], f"left out, or one of {known}")

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def read_document(file: Path) -> Place:
    """The YAML mapping in ``file``."""
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise FleetError(f"{file}: cannot be read ({exc.strerror}): give the path of a fleet file") from exc
    except yaml.YAMLError as exc:
        raise FleetError(f"{file}: not valid YAML: {exc}") from exc
    return Place(file, "", data)
