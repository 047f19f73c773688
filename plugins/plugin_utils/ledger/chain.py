# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain as rows of a database or lines of a package hold it, and how it is followed.

A link is one event as it is stored, or, where an event is another client's and may not be shown, the hash of its
content alone. The chain can be followed over both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from .errors import TamperedError
from .event import GENESIS, canonical_event, chained, content_hash

COLUMNS = ("seq", "kind", "endpoint", "run", "at", "body", "salt", "hash")
"""Of the table `events`, as `Link.of_row` takes them."""
MAY_LACK = ("endpoint", "salt")


class Link(NamedTuple):
    """One event, by its number. `text` is its canonical text and `salt` what its content is salted with, None for an
    event of a ledger from before salts; of an event that is not shown there is only `content`, its content's hash.
    `hash` is what the chain is said to have there, None where nothing is said.
    """

    seq: int
    text: str | None = None
    salt: str | None = None
    content: str | None = None
    hash: str | None = None

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Link:
        """The link of a row of the table `events`, its `COLUMNS` in order: read as it stands there, so that nothing
        altered is mended."""
        seq, kind, endpoint, run, at, body, salt, head = row
        for name, value in zip(COLUMNS, row, strict=True):
            if not isinstance(value, str) and not (value is None and name in MAY_LACK) and name != "seq":
                raise TamperedError(seq, f"event {seq} was altered: its {name} is no text")
        return cls(seq, canonical_event(kind, endpoint, run, at, body), salt, None, head)

    def after(self, previous: str) -> str:
        """The hash of the chain at this link, `previous` being the one before it."""
        if self.text is None:
            return chained(previous, self.seq, self.content or "")
        return chained(previous, self.seq, self.text if self.salt is None else content_hash(self.salt, self.text))

    @property
    def event(self) -> dict[str, Any]:
        """The event's keys; empty where it is not shown. Raises TamperedError where the text is no event."""
        if self.text is None:
            return {}
        try:
            found: dict[str, Any] = json.loads(self.text)
            found["kind"], found["at"], found["body"].items()
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise TamperedError(self.seq, f"event {self.seq} was altered: it is no event any more ({exc})") from exc
        return found

    def named(self) -> str:
        """The event for a message, such as ``event 17 (reboot.started, 2026-11-11T…)``."""
        try:
            event = self.event
        except TamperedError:
            event = {}
        return f"event {self.seq}" + (f" ({event['kind']}, {event['at']})" if event else "")


class Chain:
    """Follows a chain from one place on; `seq` and `head` are those of the last link."""

    def __init__(self, seq: int = 0, head: str = GENESIS) -> None:
        self.seq = seq
        self.head = head

    def follow(self, link: Link) -> None:
        """Go on to `link`; raises TamperedError where it is not the next one, or was altered."""
        if not isinstance(link.seq, int) or link.seq != self.seq + 1:
            raise TamperedError(self.seq + 1, f"event {self.seq + 1} is missing: {link.seq} follows {self.seq}")
        head = link.after(self.head)
        if link.hash is not None and head != link.hash:
            raise TamperedError(
                link.seq,
                f"{link.named()} was altered, or put where another was: its hash is {head}, recorded is {link.hash}",
            )
        self.seq, self.head = link.seq, head
