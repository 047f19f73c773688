# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What never reaches the ledger, and so no package and no ticket: credentials; by policy, the names of users.

Messages of endpoints and of other people's servers are written as they came; who knows what stands in them. Before an
event is appended, every text in it is searched for the run's own credentials (the callback's options, and passwords
and tokens among the variables of a host whose task went wrong), and with ``evidence.user_names: pseudonym`` for
Windows accounts. An account gets the same stand-in for as long as the ledger's key is the same, and nobody without the
key can find out whose it is by trying names.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ..hiding import longest_first
from ..ledger import Event
from ..ledger.kinds import OF_ENDPOINT

HIDDEN = "********"
SHORTEST = 5
"""A shorter credential is a word: hiding it would make texts unreadable and hide nothing."""
TICKETS = ("ticket.", "compliance.", "alert.")
NOBODY = r"(?!(?:Public|Default|All Users|SYSTEM|LocalService|NetworkService|LOCAL SERVICE|NETWORK SERVICE)\b)"
DOMAIN = r"(?<![\w\\:./-])(?P<before>(?!HK[A-Z_]+\\)[A-Z][A-Z0-9-]{1,14}\\)"
ACCOUNTS = (
    re.compile(rf"(?P<before>\b[a-z]:\\Users\\){NOBODY}(?P<name>[^\\/:*?\"<>|\s]+)", re.IGNORECASE),
    re.compile(rf"{DOMAIN}{NOBODY}(?P<name>[A-Za-z0-9][\w.$-]*)(?![\w\\])"),
    re.compile(r"(?P<before>)(?P<name>\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b)"),
)
"""A profile's folder, DOMAIN\\account, and account@domain."""


def _quotes_an_endpoint(event: Event) -> bool:
    """Whether a message of an endpoint may be in it. What people write themselves stays: they decide by name."""
    of_failure = event.kind == "hold.placed" and event.body.get("failure") is not None  # its reason is the failure's
    return event.kind in OF_ENDPOINT or event.kind.startswith(TICKETS) or of_failure


class Redactor:
    """Takes out of events what may not be in them. `pseudonyms` is what stand-ins are made with; None keeps names."""

    def __init__(self, secrets: Iterable[str | None] = (), *, pseudonyms: bytes | None = None) -> None:
        self._secrets: dict[str, None] = {}
        self._written: dict[str, None] = {}
        """The secrets as they look in a text of JSON."""
        self._key = pseudonyms
        self.learn(secrets)

    def learn(self, secrets: Iterable[str | None]) -> None:
        """These are credentials too; also as they look within JSON and URLs."""
        known = dict(self._secrets)
        for secret in secrets:
            if secret and len(secret) >= SHORTEST:
                escaped = (json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False))
                known |= dict.fromkeys((secret, *escaped, quote(secret, safe="")))
        self._secrets = dict.fromkeys(longest_first(known))  # a new one: one that is being read stays as it is
        self._written = dict.fromkeys(json.dumps(secret, ensure_ascii=False)[1:-1] for secret in self._secrets)

    def event(self, event: Event) -> Event:
        """The event as it may be written down; itself where nothing is in it."""
        names = self._key is not None and _quotes_an_endpoint(event)
        if not names and not self._is_in(event.body):
            return event  # as nearly all are, and a body has dozens of texts to look at
        body = self._cleaned(event.body, names=names)
        return event if body == event.body else replace(event, body=body)

    def _is_in(self, body: Mapping[str, Any]) -> bool:
        """Whether a secret may be anywhere in the body."""
        try:
            written = json.dumps(body, ensure_ascii=False)
        except (TypeError, ValueError):
            return True
        return any(secret in written for secret in self._written)

    def text(self, text: str, *, names: bool = False) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        if names:
            for pattern in ACCOUNTS:
                text = pattern.sub(lambda found: found["before"] + self._stand_in(found["name"]), text)
        return text

    def _cleaned(self, value: Any, *, names: bool) -> Any:
        if isinstance(value, str):
            return self.text(value, names=names)
        if isinstance(value, Mapping):
            return {
                key: item if key == "about" else self._cleaned(item, names=names and key != "scope")
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._cleaned(item, names=names) for item in value]
        return value

    def _stand_in(self, name: str) -> str:
        digest = hmac.new(self._key or b"", name.casefold().encode(), hashlib.sha256).hexdigest()
        return name if name.startswith("user-") else f"user-{digest[:10]}"
