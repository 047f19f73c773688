# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tickets go in the PSA, and what they look like there: by what they are about, and by the queue they are for.

A layout document::

    topics:                        # by the ticket's topic
      failure:    {type: Patch Failure}
      compliance: {board: Patch Management, type: Patch Compliance}
    queues:                        # by the policy's failure.queue; these outrank the topics
      support:    {board: Support, team: Service Team}
    closed: Closed                 # the status that closes a ticket; without it, the board's first closing status

A place says any of ``board``, ``type``, ``team`` and ``status`` (that of a new ticket), each by its name in the PSA.
What it leaves out is the PSA's own default, and for the board ``psa_board``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ..errors import PatchingError

TOPICS = ("failure", "reboot", "compliance", "review", "exception", "coverage", "bundle")
"""What a ticket may be about."""


class LayoutError(PatchingError):
    """The layout document is not right; the text names the key and the value."""


@dataclass(frozen=True, slots=True)
class Place:
    """Names in the PSA; None where nothing is said."""

    board: str | None = None
    type: str | None = None
    team: str | None = None
    status: str | None = None

    def over(self, other: Place) -> Place:
        """This place, and where it says nothing what `other` says."""
        return Place(*(getattr(self, one.name) or getattr(other, one.name) for one in fields(Place)))


@dataclass(frozen=True, slots=True)
class Layout:
    """Places by topic and by queue (names in lower case), and the status that closes a ticket."""

    topics: Mapping[str, Place]
    queues: Mapping[str, Place]
    closed: str | None = None

    @classmethod
    def parse(cls, document: object) -> Layout:
        """Raises LayoutError, which names the key."""
        whole = _mapping("the layout", document, ("topics", "queues", "closed"))
        topics = _mapping("topics", whole.get("topics"), TOPICS)
        queues = _mapping("queues", whole.get("queues"))
        return cls(
            {name: _place(f"topics.{name}", row) for name, row in topics.items()},
            {str(name).casefold(): _place(f"queues.{name}", row) for name, row in queues.items()},
            _name("closed", whole.get("closed")),
        )

    def place(self, wanted: Mapping[str, Any], board: str, on_call_board: str | None) -> Place:
        """Where a wanted ticket goes: to on-call's board where it is for them, else by its queue, else its topic."""
        base = self.topics.get(wanted.get("topic") or "", Place()).over(Place(board=board))
        if wanted.get("on_call") and on_call_board:
            return Place(board=on_call_board, type=base.type)
        return self.queues.get(str(wanted.get("queue") or "").casefold(), Place()).over(base)


def _place(path: str, row: object) -> Place:
    names = [one.name for one in fields(Place)]
    given = _mapping(path, row, names)
    return Place(**{name: _name(f"{path}.{name}", value) for name, value in given.items()})


def _mapping(path: str, value: object, keys: Any = None) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise LayoutError(f"{path} is {value!r}: a mapping is wanted")
    for key in value:
        if keys is not None and key not in keys:
            raise LayoutError(f"{path} has the key {key!r}; there is: {', '.join(keys)}")
    return value


def _name(path: str, value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and value.strip()):
        raise LayoutError(f"{path} is {value!r}: a name in the PSA is wanted")
    return value
