# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reached the lab: every request on every face, in order, without secrets."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

MASK = "********"
SECRET_WORDS = (
    "password",
    "passwd",
    "secret",
    "authorization",
    "token",
    "private_key",
    "routing_key",
    "apikey",
    "api_key",
)
RING_SIZE = 50_000


def masked(value: Any) -> Any:
    """A copy in which whatever is kept under a secret's name is gone."""
    if isinstance(value, Mapping):
        return {
            key: MASK if item and any(word in str(key).lower() for word in SECRET_WORDS) else masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


class Journal:
    """The last entries in memory and all of them in a file, one JSON object a line.

    An entry has `number`, `at` (lab time), `face` (winrm, automate, psa, oncall, control) and what the face tells.
    """

    def __init__(self, lab_now: Callable[[], str], path: Path | None = None) -> None:
        self._lab_now = lab_now
        self._entries: deque[dict[str, Any]] = deque(maxlen=RING_SIZE)
        self._number = 0
        self._file: IO[str] | None = None
        if path is not None:
            self._file = path.open("w", encoding="utf-8", buffering=1)

    def write(self, face: str, **told: Any) -> dict[str, Any]:
        self._number += 1
        entry: dict[str, Any] = {"number": self._number, "at": self._lab_now(), "face": face, **masked(told)}
        self._entries.append(entry)
        if self._file:
            self._file.write(json.dumps(entry, default=str, separators=(",", ":")) + "\n")
        return entry

    def read(self, *, since: int = 0, limit: int = 1000, **wanted: str) -> list[dict[str, Any]]:
        """Entries after number `since` whose keys equal `wanted`, the last `limit` of them."""
        found = [
            entry
            for entry in self._entries
            if entry["number"] > since and all(str(entry.get(key)) == value for key, value in wanted.items())
        ]
        return found[-limit:]

    def clear(self) -> None:
        self._entries.clear()

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
