# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the flow's records are made of: how one value is read, refused, and written back.

A converter takes a value that is not None and gives the plain Python value, or raises :class:`UnfitError`
whose text says what would be right. Values may be tagged subclasses of ``str`` and ``int`` (ansible-core 2.19 and
later); what comes out is always the plain type.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from ..errors import PatchingError

T = TypeVar("T")
Converter = Callable[[Any], Any]
Fields = Mapping[str, Converter]

# Beyond these the calendar arithmetic of a decision could overflow, and no Windows update is dated there.
EARLIEST_YEAR, LATEST_YEAR = 1970, 2200


class UnfitError(ValueError):
    """A value a converter refuses; the text says what would be right."""


class RecordError(PatchingError):
    """A record has an unknown key or a value that is not right; the text names record, key and value."""


def suggestion(word: str, known: Collection[str]) -> str:
    """``"; did you mean soak?"`` where one of ``known`` is close to ``word``, else an empty text."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UnfitError("a text that is not empty is wanted")
    return str(value)


def any_text(value: object) -> str:
    """Free text, which may be empty."""
    if not isinstance(value, str):
        raise UnfitError("a text is wanted")
    return str(value)


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitError("true or false is wanted")
    return value


def whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnfitError("a whole number is wanted")
    return int(value)


def number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError("a number is wanted")
    result = float(value)
    if not 0 <= result <= 1e9:  # also refuses NaN
        raise UnfitError("a number from 0 on is wanted")
    return result


def one_of(*words: str) -> Callable[[object], str]:
    """A converter for one of ``words``."""
    known = {word: word for word in words}

    def convert(value: object) -> str:
        plain = known.get(value) if isinstance(value, str) else None
        if plain is None:
            hint = suggestion(value, words) if isinstance(value, str) else ""
            raise UnfitError(f"one of {', '.join(words)} is wanted{hint}")
        return plain

    return convert


def texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise UnfitError("a list of texts is wanted")
    return tuple(str(item) for item in value)


def instant(value: object) -> datetime:
    """ISO 8601 text with an offset, or an aware datetime; gives the instant in UTC."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            raise UnfitError("an ISO 8601 instant such as 2026-11-10T18:00:00Z is wanted") from None
    elif isinstance(value, datetime):
        moment = value
    else:
        raise UnfitError("an ISO 8601 instant such as 2026-11-10T18:00:00Z is wanted")
    if moment.utcoffset() is None:
        raise UnfitError("it has no offset, so it is no instant: write it with one, such as 2026-11-10T18:00:00Z")
    if not EARLIEST_YEAR < moment.year < LATEST_YEAR:
        raise UnfitError(f"an instant between the years {EARLIEST_YEAR} and {LATEST_YEAR} is wanted")
    # a subclass, such as Ansible's tagged one, would give its own kind: pylint: disable-next=unidiomatic-typecheck
    return datetime.fromtimestamp(moment.timestamp(), UTC) if type(moment) is not datetime else moment.astimezone(UTC)


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether it is the name of an IANA zone that means to everybody what it says: ``AREA/PLACE`` or ``UTC``.

    The zone database has others. ``EST`` and ``MST`` know no summer, ``localtime`` is the zone of the machine that
    reads it, and those below ``right/`` count leap seconds.
    """
    if name != "UTC" and ("/" not in name or name.startswith(("posix/", "right/"))):
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True


def time_zone(value: object) -> str:
    """The name of an IANA zone."""
    if not isinstance(value, str) or not value or not is_zone(str(value)):
        known = [name for name in available_timezones() if "/" in name]
        hint = suggestion(value, known) if isinstance(value, str) else ""
        raise UnfitError(f"an IANA time zone such as America/New_York is wanted{hint}")
    return str(value)


def record_name(record: Mapping[Any, Any], *keys: str) -> str:
    """What an error calls this record: the first of ``keys`` it has."""
    return next((f" {record[key]}" for key in keys if record.get(key) is not None), "")


def read(
    kind: str, record: object, fields: Fields, *, required: Iterable[str] = (), named: str = "name"
) -> dict[str, Any]:
    """The record's values, converted; unknown keys and bad values raise :class:`RecordError`.

    Absent and null both mean unknown, and leave the key out of what is returned.
    """
    if not isinstance(record, Mapping):
        raise RecordError(f"{kind}: {record!r} is not a record; a mapping with the keys {', '.join(fields)} is wanted")
    values: dict[str, Any] = {}
    for key, value in record.items():
        convert = fields.get(key)
        if convert is None:
            hint = suggestion(str(key), fields) or f"; known are {', '.join(fields)}"
            raise RecordError(f"{kind}{record_name(record, named)}: unknown key {key}{hint}")
        if value is None:
            continue
        try:
            values[str(key)] = convert(value)
        except UnfitError as exc:
            raise RecordError(f"{kind}{record_name(record, named)}: {key} is {value!r}: {exc}") from None
    for key in required:
        if key not in values:
            raise RecordError(f"{kind}{record_name(record, named)}: {key} is missing and must be given")
    return values


def plain(value: object) -> Any:
    """A parsed value as JSON types: instants as ISO 8601 text in UTC, tuples as lists."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    as_record = getattr(value, "as_record", None)
    return as_record() if as_record is not None else value
