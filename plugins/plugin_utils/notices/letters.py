# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form in which people are told something: a wanted ticket, with an id that is the same whoever derives it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..flow import Endpoint
from ..ledger import Event
from ..planning.prose import count
from ..psa import tickets
from ..psa.delivery import SUMMARY_LENGTH

NAMED = 5
"""How many endpoints of a client a ticket names."""
CLIENTS = 20


@dataclass(frozen=True, slots=True)
class Letter:
    """One ticket. `topic` says where such tickets go in the PSA, `key` is what makes it this one and no other (told
    once, whatever runs derive it again), `about` ties it to the ticket that tells of the same thing. `client` None: it
    concerns all clients, so it is for the MSP."""

    topic: str
    key: tuple[str, ...]
    about: tuple[str, ...]
    summary: str
    lines: Sequence[str]
    priority: int
    client: str | None = None
    endpoint: Endpoint | None = None

    @property
    def id(self) -> str:
        return letter_id(self.topic, self.key)

    def event(self, now: datetime) -> Event:
        """The event that wants the ticket."""
        cut = self.summary if len(self.summary) <= SUMMARY_LENGTH else self.summary[: SUMMARY_LENGTH - 1] + "…"
        body: dict[str, Any] = {
            "id": self.id,
            "xref": tickets.xref(*self.about),
            "summary": cut,
            "text": "\n".join(self.lines),
            "priority": self.priority,
            "client": self.client,
            "topic": self.topic,
        }
        if self.endpoint is not None:
            body |= {"endpoint_id": self.endpoint.id, "endpoint_name": self.endpoint.name}
        return Event("ticket.wanted", None, now, body)


def letter_id(topic: str, key: Sequence[str]) -> str:
    """The id of the wanted ticket of a letter."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "msp.patching/" + "/".join((topic, *key))))


def utc(moment: datetime) -> str:
    """``Tue 20 Oct 2026 02:31 UTC``: a ticket is read by people in several zones."""
    there = moment.astimezone(UTC)
    return f"{there:%a} {there.day} {there:%b %Y %H:%M} UTC"


def where(clients: Mapping[str, Sequence[str]]) -> list[str]:
    """A line a client: how many endpoints, and the first of them by name."""
    lines = []
    for client, names in list(clients.items())[:CLIENTS]:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        lines.append(f"  - {client or 'client unknown'}: {', '.join(names[:NAMED])}{more}")
    if len(clients) > CLIENTS:
        lines.append(f"  - and {count(len(clients) - CLIENTS, 'more client')}")
    return lines


def endpoints_of(clients: Mapping[str, Sequence[str]]) -> str:
    """``14 endpoints of 3 clients``"""
    number = sum(len(names) for names in clients.values())
    return f"{count(number, 'endpoint')} of {count(len(clients), 'client')}"
