# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How text that people wrote into the RMM becomes a value that the endpoint record may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..flow.fields import is_zone
from ..flow.records import (
    CRITICALITIES,
    KINDS,
    RINGS,
    ROLES,
    SERVER_POLICY_GROUPS,
    TRACKS,
    WORKSTATION_POLICY_GROUPS,
    Endpoint,
)
from .instants import instant

POLICY_GROUPS = {"server": SERVER_POLICY_GROUPS, "workstation": WORKSTATION_POLICY_GROUPS}
WORDS: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "ring": RINGS,
    "track": TRACKS,
    "policy_group": tuple(dict.fromkeys(SERVER_POLICY_GROUPS + WORKSTATION_POLICY_GROUPS)),
    "role": ROLES,
    "criticality": CRITICALITIES,
}
ONLY_KIND = {"role": "server", "track": "workstation"}
"""Keys that only endpoints of one kind have."""
FLAGS = ("location_disabled", "agent_disabled", "unattended_reboot", "online", "asleep", "user_logged_on")
RECORD = tuple(field.name for field in fields(Endpoint))
"""The keys of the endpoint record."""


class WordError(ValueError):
    """A value is none that its key may have; ``str(error)`` says which would be right."""


def slug(text: str) -> str:
    """``'Zürich & Söhne, Inc.'`` gives ``'zurich_sohne_inc'``; empty where no letter or digit is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


def parse(key: str, value: object) -> Any:
    """``value`` as the record's ``key`` holds it. Raises `WordError`.

    Words are taken as people write them: ``Auto Install Manual Reboot``, ``SQL-Server``, ``p1``.
    """
    return _PARSERS.get(key, _text)(key, value)


def _word(key: str, value: object) -> str:
    wanted = slug(str(value))
    for word in WORDS[key]:
        if word.lower() == wanted:
            return word
    raise WordError(f"{value!r} is none of {', '.join(WORDS[key])}")


def _flag(_key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in ("true", "yes", "on", "1"):
        return True
    if text in ("false", "no", "off", "0"):
        return False
    raise WordError(f"{value!r} is neither true nor false")


def _zone(_key: str, value: object) -> str:
    name = str(value).strip()
    if not is_zone(name):
        raise WordError(f"{name!r} is no IANA time zone such as America/New_York")
    return name


def _instant(_key: str, value: object) -> str:
    found = instant(value)
    if found is None:
        raise WordError(f"{value!r} is no date-time such as 2026-11-11T08:05:00")
    return found.isoformat()


def _text(_key: str, value: object) -> str:
    if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
        return str(value).strip()
    raise WordError(f"{value!r} is no text")


_PARSERS: dict[str, Callable[[str, object], Any]] = {
    **dict.fromkeys(WORDS, _word),
    **dict.fromkeys(FLAGS, _flag),
    "time_zone": _zone,
    "last_contact": _instant,
}
