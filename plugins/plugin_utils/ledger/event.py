# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One event, its canonical text, and the hash that chains it to the one before.

The canonical text is JSON with sorted keys, no spaces, in UTF-8, of ``kind``, ``endpoint``, ``run``, ``at``
and ``body``. Its content's hash is the SHA-256, in hex, of two lines: a salt that was drawn for this event alone, and
the canonical text. The hash of an event is the SHA-256 of three lines: the hash of the event before it (64 zeros for
the first), its number (1, 2, 3 …) and its content's hash. So whoever may not read an event can be given the hash of
its content: the chain can be followed over it, and the salt keeps the content from being guessed.

Events from before there were salts have none, and the canonical text itself for the third line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..errors import PatchingError

GENESIS = "0" * 64
"""What stands for the hash before the first event."""


class EventError(PatchingError):
    """An event that may not enter the ledger: unknown kind or key, or a value of the wrong type."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided or done: `endpoint` is the inventory name or None, `at` an aware instant."""

    kind: str
    endpoint: str | None
    at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)

    def canonical(self, run: str) -> str:
        """The text that is hashed; raises EventError where a value is no JSON type."""
        return canonical_event(self.kind, self.endpoint, run, text_of(self.at), canonical(self.body))


def canonical_event(kind: str, endpoint: str | None, run: str, at: str, body: str) -> str:
    """The canonical text of an event, `body` being that of its body: the keys in their order."""
    whose = "null" if endpoint is None else _quoted(endpoint)
    return f'{{"at":{_quoted(at)},"body":{body},"endpoint":{whose},"kind":{_quoted(kind)},"run":{_quoted(run)}}}'


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_quoted = json.encoder.encode_basestring


def canonical(value: object) -> str:
    """`value` as JSON with sorted keys and no spaces; the same value always gives the same text."""
    try:
        text = _ENCODER.encode(value)
        text.encode()
    except (TypeError, ValueError) as exc:
        raise EventError(f"an event holds JSON types and Unicode text only: {exc}") from exc
    return text


def content_hash(salt: str, text: str) -> str:
    """The hash, in hex, of an event's content: its `salt` and its canonical `text`."""
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def chained(previous: str, seq: int, content: str) -> str:
    """The hash, in hex, of the event number `seq` that follows `previous`; `content` is its content's hash."""
    return hashlib.sha256(f"{previous}\n{seq}\n{content}".encode()).hexdigest()


def text_of(moment: datetime) -> str:
    """An aware instant as the ledger writes it: ISO 8601 in UTC with microseconds, so that text sorts as
    time.
    """
    if moment.tzinfo is None:
        raise EventError(f"the instant {moment.isoformat()} has no time zone: events bear aware instants")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def instant(text: str) -> datetime:
    """The aware instant that `text` (ISO 8601 with an offset) means; raises EventError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise EventError(f"{text!r} is no instant: write ISO 8601 with an offset (2026-11-10T18:00:00Z)") from exc
    if moment.tzinfo is None:
        raise EventError(f"the instant {text!r} has no offset: write 2026-11-10T18:00:00Z or …+01:00")
    return moment.astimezone(UTC)
