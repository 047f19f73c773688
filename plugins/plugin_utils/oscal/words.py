# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OSCAL asks of values: identifiers, instants, lines, Markdown, and no empty list anywhere.

=============  ========================================================================================================
uuid           version 5 of the ledger and a name, so that the same thing has the same one in every file of that ledger
instant        ISO 8601 with an offset, in UTC, to the second
line, string   one line, not empty, no blank at either end
token          a letter or ``_`` first, then letters, digits, ``.``, ``-``, ``_``
prose          Markdown; what comes from a ledger is escaped, so that no update's title becomes a heading or a link
=============  ========================================================================================================
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..visible import visible

VERSION = "1.1.3"
"""Of OSCAL."""
NAMESPACE = "https://msp-patching.example/ns/oscal"
"""Of our own properties."""
_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)
_MARKS = re.compile(r"([\\`*{}\[\]<>|~^&]|(?<!\w)_|_(?!\w))")
_OPENING = re.compile(r"^(\d+(?=[.)](?: |$))|(?=[#+=:-]))")
"""What makes a heading, a list or a rule of a line that begins with it."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
DASH = "–"

Json = dict[str, Any]


class Names:
    """The uuids of one ledger: `ledger` is what tells it from others (the hash of its first event)."""

    def __init__(self, ledger: str) -> None:
        self._ledger = ledger

    def uuid(self, kind: str, *names: str) -> str:
        """The uuid of the thing of that kind with these names."""
        return str(uuid.uuid5(_ROOT, json.dumps([self._ledger, kind, *names])))


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def line(text: str) -> str:
    """`text` as one line; a dash where there is nothing in it."""
    return " ".join(visible(_CONTROLS.sub(" ", text)).split()) or DASH


def prose(text: str) -> str:
    """A text of the ledger as Markdown that shows it as it is, on one line."""
    return _OPENING.sub(r"\1\\", _MARKS.sub(r"\\\1", line(text)))


def prop(name: str, value: object, **more: str) -> Json:
    """A property of ours; `name` is a token of this collection's, `value` any text or number."""
    return {"name": name, "ns": NAMESPACE, "value": line(str(value)), **more}


def filled(record: Mapping[str, Any]) -> Json:
    """`record` without what is None or empty: OSCAL has no null, and no list may be empty."""
    return {key: value for key, value in record.items() if value is not None and value != [] and value != {}}


def text_of(document: Mapping[str, Any]) -> bytes:
    """The bytes of a file: the same document always gives the same."""
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
