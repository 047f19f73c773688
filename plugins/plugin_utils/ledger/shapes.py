# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of JSON values, and how to build them: what `kinds` says the bodies of events are.

A check gives None where the value is right, else what would be right, as words for a message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..flow.records import RecordError, Update
from ..flow.times import is_cycle
from .event import EventError, instant

Check = Callable[[object], str | None]
"""Gives None where the value is right, else what would be right."""


def text(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else "a text that is not empty"


def prose(value: object) -> str | None:
    return None if isinstance(value, str) else "a text"


def whole(value: object) -> str | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
    return None if fits else "a whole number"


def number(value: object) -> str | None:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else "a number"


def flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def when(value: object) -> str | None:
    if isinstance(value, str):
        try:
            instant(value)
        except EventError:
            pass
        else:
            return None
    return "an instant (ISO 8601 with an offset)"


def record(value: object) -> str | None:
    return None if isinstance(value, Mapping) else "a mapping"


def anything(_value: object) -> str | None:
    return None


def cycle(value: object) -> str | None:
    """One that is no cycle would never be come to: a go or a hold that counts for nothing."""
    right = isinstance(value, str) and is_cycle(value)
    return None if right else "a cycle such as 2026-11, or one with a suffix such as 2026-11-oob1"


def one_of(*values: str) -> Check:
    return lambda value: None if value in values else "one of " + ", ".join(values)


def maybe(check: Check) -> Check:
    def checked(value: object) -> str | None:
        wanted = None if value is None else check(value)
        return None if wanted is None else f"{wanted}, or null"

    return checked


def many(check: Check) -> Check:
    def checked(value: object) -> str | None:
        if not isinstance(value, list | tuple):
            return "a list"
        for item in value:
            wanted = check(item)
            if wanted is not None:
                return f"a list, each item {wanted}"
        return None

    return checked


def each(check: Check) -> Check:
    """A mapping of any keys, each with such a value."""

    def checked(value: object) -> str | None:
        if not isinstance(value, Mapping):
            return "a mapping"
        wanted = next((found for found in map(check, value.values()) if found is not None), None)
        return None if wanted is None else f"a mapping, each value {wanted}"

    return checked


def shape(**fields: Check) -> Check:
    """A mapping with exactly these keys; one written ``key_=`` may be left out."""
    keys = {name.rstrip("_"): (check, name.endswith("_")) for name, check in fields.items()}

    def checked(value: object) -> str | None:
        if not isinstance(value, Mapping):
            return "a mapping"
        problem = mismatch(keys, value)
        return None if problem is None else f"a mapping in which {problem}"

    return checked


def either(*shapes: Check) -> Check:
    """One of several shapes; what would be right is told of the first."""

    def checked(value: object) -> str | None:
        wanted = [shape_(value) for shape_ in shapes]
        return None if None in wanted else wanted[0]

    return checked


def update_record(value: object) -> str | None:
    try:
        Update.parse(value)
    except RecordError as exc:
        return f"an update record ({exc})"
    return None


def mismatch(keys: Mapping[str, tuple[Check, bool]], body: Mapping[str, Any]) -> str | None:
    for name in body:
        if name not in keys:
            return f"{name!r} is not a key (there are: {', '.join(sorted(keys))})"
    for name, (check, optional) in keys.items():
        if name not in body:
            if optional:
                continue
            return f"{name!r} is given"
        wanted = check(body[name])
        if wanted is not None:
            return f"{name!r} is {wanted} (not {body[name]!r:.80})"
    return None
