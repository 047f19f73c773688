# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person's decision says to those who wait for it: a note on the ticket, and the end of the alert.

A root cause that is documented, and a hold that is released, stand on the ticket of the failure they are about. The
ticket stays open: whether it is done with is the technician's to say.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..ledger import Event, Ledger, text_of
from ..psa import tickets
from . import alerts

Row = Mapping[str, Any]


def follow_ups(ledger: Ledger, decided: Sequence[Event], now: datetime) -> list[Event]:
    """The events that follow from the decisions in `decided`, which are not on the ledger yet."""
    causes = {event.body["failure"]: event.body for event in decided if event.kind == "failure.root_cause"}
    releases = {event.body["id"]: event.body for event in decided if event.kind == "hold.released"}
    if not causes and not releases:
        return []
    failures = {row["id"]: row for row in ledger.rows("failures")}
    holds = ledger.rows("holds")
    retired = [event.endpoint for event in decided if event.kind == "endpoint.retired" and event.endpoint]
    notes = [*_causes(causes, failures, holds, now, retired), *_releases(releases, failures, holds, now)]
    return [*notes, *alerts.resolved(ledger, causes, now)]


def _causes(
    causes: Mapping[str, Row],
    failures: Mapping[str, Row],
    holds: Sequence[Row],
    now: datetime,
    retired: Sequence[str],
) -> list[Event]:
    """One note a ticket, whatever number of failures it is about."""
    then = "{} is patched again from its next window on, as far as nothing holds it."
    if retired:
        then = f"{retired[0]} is retired: it never comes back, and nobody waits for it. Close this ticket."
    by_ticket: dict[str, list[str]] = defaultdict(list)
    for failure in causes:
        by_ticket[_xref(failures[failure])].append(failure)
    events = []
    for key, mine in sorted(by_ticket.items()):
        row, cause = failures[mine[0]], causes[mine[0]]
        standing = [hold for hold in holds if hold["failure"] in mine and hold["released"] is None]
        lines = [
            f"Root cause documented by {cause['by']}: {cause['code']}, {cause['text']}",
            *(f"It explains: {failures[failure]['text']}" for failure in mine),
            then.format(row["endpoint"]),
        ]
        if standing:
            scopes = "; ".join(_scope(hold) for hold in standing)
            lines.append(f"Held until somebody releases it: {scopes}. To release what this failure holds:")
            lines.append(f"  ansible-playbook msp.patching.release -e endpoint={row['endpoint']} -e \"reason='…'\"")
        events.append(_note(key, row, "\n".join(lines), now))
    return events


def _releases(
    releases: Mapping[str, Row], failures: Mapping[str, Row], holds: Sequence[Row], now: datetime
) -> list[Event]:
    by_ticket: dict[str, list[Row]] = defaultdict(list)
    for hold in holds:
        if hold["id"] in releases and hold["failure"] in failures:
            by_ticket[hold["failure"]].append(hold)
    events = []
    for failure, mine in sorted(by_ticket.items()):
        row = failures[failure]
        lines = [
            f"Hold released by {releases[hold['id']]['by']}: {releases[hold['id']]['reason']}" for hold in mine[:1]
        ]
        lines += [f"It held: {_scope(hold)}" for hold in mine]
        events.append(_note(_xref(row), row, "\n".join(lines), now))
    return events


def _note(key: str, row: Row, text: str, now: datetime) -> Event:
    body = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"msp.patching/{key}/{text_of(now)}/{text}")),
        "xref": key,
        "summary": f"Patching: {row['endpoint']}",
        "text": text,
        "priority": 3,
        "client": row["client"] or None,
        "failure": row["id"],
        "topic": "failure",
        "action": "note",
    }
    return Event("ticket.wanted", row["endpoint"], now, body)


def _xref(row: Row) -> str:
    return tickets.failure_xref(row["client"], row["endpoint"], row["step"])


def _scope(hold: Row) -> str:
    return tickets.scope_in_words(json.loads(hold["scope"]))
