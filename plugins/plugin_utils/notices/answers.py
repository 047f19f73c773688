# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person's decision answers: a note on the ticket that asked for it. Closing that is for people to do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..flow.records import update_key
from ..ledger import Event, Ledger, instant, text_of
from ..ledger.overview import tickets_about
from .letters import letter_id, utc
from .renewals import TOLD
from .reviews import TOPIC as REVIEW

Body = Mapping[str, Any]


def answers(ledger: Ledger, decided: Sequence[Event], now: datetime) -> list[Event]:
    """The notes that follow from the decisions in `decided`, which are not on the ledger yet: on the tickets of reviews
    that were answered and of exceptions that were signed, renewed or ended; none where nobody was asked."""
    kinds = {event.kind for event in decided}
    found: list[tuple[Body, str]] = []
    if "approval.recorded" in kinds:
        found += _of_reviews(ledger, [event.body for event in decided if event.kind == "approval.recorded"])
    if kinds & {"exception.signed", "exception.revoked"}:
        found += _of_exceptions(ledger, decided)
    return [_note(ticket, text, now) for ticket, text in found]


def _of_reviews(ledger: Ledger, approvals: Iterable[Body]) -> Iterator[tuple[Body, str]]:
    asked: dict[str, dict[str, Body]] = {}
    for ticket in tickets_about(ledger, REVIEW):
        asked.setdefault(ticket["xref"].rpartition("/")[2], {})[ticket["xref"]] = ticket
    called = _names(ledger) if asked else {}
    told: dict[tuple[str, str], Body] = {}
    for body in approvals:
        for name in called.get(body["update"], ()):
            for review in asked.get(name, {}).values():
                if review.get("client") in (None, body["client"]) or body["client"] is None:
                    told[review["xref"], _approval(body)] = review
    for (dummy, text), found in told.items():
        yield found, text


def _names(ledger: Ledger) -> dict[str, set[str]]:
    """By each reference to an update, a KB or an id, how tickets call what it means."""
    found: dict[str, set[str]] = {}
    for row in ledger.rows("updates"):
        numbers = json.loads(row["record"]).get("kb") or []
        name = f"KB{numbers[0]}" if numbers else row["id"]
        for key in (update_key(row["id"]), *numbers):
            found.setdefault(key, set()).add(name)
    return found


def _approval(body: Body) -> str:
    whose = body["client"] or "all clients"
    code = f"{body['code']}: " if body["code"] else ""
    after = {
        "approved": "It is installed in the pilot, and leaves it after the soak.",
        "declined": "It stands on the exception register.",
        "deferred": f"It is looked at again on {utc(instant(body['until']))}; its review begins anew then."
        if body["until"]
        else "",
    }[body["decision"]]
    if body["promote"]:
        after = "It does not wait for the soak."
    return f"{body['decision'].capitalize()} by {body['by']} for {whose}. {code}{body['reason']}\n{after}"


def _of_exceptions(ledger: Ledger, decided: Sequence[Event]) -> Iterator[tuple[Body, str]]:
    granted = [event.body for event in decided if event.kind == "exception.granted"]
    signed = {event.body["id"]: event.body for event in decided if event.kind == "exception.signed"}
    texts = {key: _signature(body) + ". It counts from now on." for key, body in signed.items()}
    for event in decided:
        if event.kind == "exception.revoked":
            body = event.body
            ended = f"Ended by {body['by']}: {body['reason']}\nWhat it covered is patched again."
            texts[body["id"]] = _renewal(granted[0], signed) if granted else ended
    asked = {letter_id("exception", (key, state)): key for key in texts for state in TOLD}
    told: dict[str, tuple[Body, str]] = {}
    for ticket in tickets_about(ledger, "exception"):
        if ticket["id"] in asked:
            told[ticket["xref"]] = ticket, texts[asked[ticket["id"]]]
    yield from told.values()


def _renewal(body: Body, signed: Mapping[str, Body]) -> str:
    ends = f"until {utc(instant(body['expires']))}" if body["expires"] else "without an end"
    signature = signed.get(body["id"])
    by = _signature(signature) if signature else "The client has not signed yet: what it covers is held until then"
    return f"Renewed by {body['by']} {ends}. {body['code']}: {body['reason']}\n{by}."


def _signature(body: Body) -> str:
    return f"Signed by {body['signed_by']} on {utc(instant(body['signed_at']))}, recorded by {body['by']}"


def _note(ticket: Body, text: str, now: datetime) -> Event:
    kept = {key: ticket[key] for key in ("xref", "summary", "priority", "client", "topic") if key in ticket}
    key = f"msp.patching/{ticket['xref']}/{text_of(now)}/{text}"
    return Event(
        "ticket.wanted",
        None,
        now,
        {**kept, "id": str(uuid.uuid5(uuid.NAMESPACE_URL, key)), "text": text, "action": "note"},
    )
