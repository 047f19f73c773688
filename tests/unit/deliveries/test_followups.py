# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root cause and a release are told on the ticket of the failure; on-call is told when the last one is documented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.alerts import triggered
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.followups import follow_ups
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, people
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.down import retire
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import check_event

NIGHT = datetime(2026, 11, 11, 7, 30, tzinfo=UTC)
MORNING = NIGHT + timedelta(hours=6)
SERVER = Endpoint.parse({"name": "DC01", "client": "Acme", "kind": "server", "role": "domain_controller"})


def failure(key: str, update: str) -> Event:
    body: dict[str, Any] = {
        "id": key,
        "step": "install",
        "update": update,
        "hresult": None,
        "name": None,
        "class": "unknown",
    }
    body |= {
        "text": f"the install failed: {update}",
        "next_window": None,
        "cycle": "2026-11",
        "about": {"client": "Acme"},
    }
    return Event("failure.opened", "DC01", NIGHT, body)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger.open("sqlite://")
    hold = {"id": "h-1", "scope": {"cycle": "2026-11", "client": "Acme"}, "reason": "DC01 failed", "failure": "f-1"}
    alert = triggered(SERVER, NIGHT, failures=["f-1", "f-2"], summary="DC01 failed", priority=1, details={})
    events = [failure("f-1", "u-1"), failure("f-2", "u-2"), Event("hold.placed", "DC01", NIGHT, hold), alert]
    ledger.append(events, run="r1")
    return ledger


def decided(ledger: Ledger, *events: Event) -> list[Event]:
    """What follows; decision and consequence are on the ledger then."""
    following = follow_ups(ledger, events, MORNING)
    for event in following:
        check_event(event)
    ledger.append([*events, *following], run="r2")
    return following


def cause(ledger: Ledger, failure: str) -> list[Event]:
    return people.root_cause(ledger, MORNING, by="j.doe", code="DISK", text="full", failure=failure)


def test_several_failures_of_one_ticket_are_one_note(ledger: Ledger) -> None:
    documented = people.root_cause(ledger, MORNING, by="j.doe", code="DISK", text="full", endpoint="DC01")
    assert len(documented) == 2
    note, alert = decided(ledger, *documented)
    assert note.body["xref"] == "msp.patching/Acme/DC01/install"
    assert note.body["action"] == "note"
    for part in (
        "documented by j.doe: DISK, full",
        "u-1",
        "u-2",
        "cycle 2026-11, client Acme",
        "release -e endpoint=DC01",
    ):
        assert part in note.body["text"]
    assert (alert.body["action"], alert.body["incident"]) == ("resolve", "f-1")


def test_the_ticket_of_one_that_is_retired_is_to_be_closed(ledger: Ledger) -> None:
    retired = retire(ledger, MORNING, endpoint="DC01", by="j.doe", code="HARDWARE", text="its disk died")
    note, _alert = decided(ledger, *retired)
    assert "DC01 is retired: it never comes back" in note.body["text"]
    assert "patched again" not in note.body["text"]
    assert "release -e endpoint=DC01" in note.body["text"], "its hold stands still"


def test_on_call_is_told_when_the_last_failure_is_documented_and_once(ledger: Ledger) -> None:
    assert [event.kind for event in decided(ledger, *cause(ledger, "f-1"))] == ["ticket.wanted"]
    assert [event.kind for event in decided(ledger, *cause(ledger, "f-2"))] == ["ticket.wanted", "alert.wanted"]
    again = Event("failure.root_cause", "DC01", MORNING, {"failure": "f-2", "by": "x", "code": "c", "text": "t"})
    assert [event.kind for event in follow_ups(ledger, [again], MORNING)] == ["ticket.wanted"]


def test_a_release_is_told_on_the_ticket_of_the_failure_that_held(ledger: Ledger) -> None:
    (note,) = decided(ledger, *people.release(ledger, MORNING, by="j.doe", reason="cleaned up", hold="h-1"))
    assert note.body["text"] == "Hold released by j.doe: cleaned up\nIt held: cycle 2026-11, client Acme"
    assert note.body["xref"] == "msp.patching/Acme/DC01/install"


def test_a_hold_that_no_failure_placed_is_on_no_ticket(ledger: Ledger) -> None:
    hold = {"id": "h-2", "scope": {"client": "Acme"}, "reason": "a person wants it", "by": "j.doe"}
    ledger.append([Event("hold.placed", None, NIGHT, hold)], run="r1")
    assert decided(ledger, *people.release(ledger, MORNING, by="j.doe", reason="fine now", hold="h-2")) == []


def test_other_decisions_have_no_followers(ledger: Ledger) -> None:
    approved = people.approve(ledger, MORNING, updates=["5091211"], decision="approved", by="j.doe", reason="fine")
    assert follow_ups(ledger, approved, MORNING) == []
