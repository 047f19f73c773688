# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom runs planned for: the last run of each client's rings, however many runs others have had since."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.event import EventError
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.planned import last_runs, planned_event
from tests.unit.flow.build import at, server, workstation

START = at("2026-11-11 12:00")
HOUR = timedelta(hours=1)
A = workstation(name="A-WS01", client="A")
B = workstation(name="B-WS01", client="B")
BS_SERVER = server(name="B-SRV1", client="B")


def begin(ledger: Ledger, run: str, when: datetime, *endpoints: Endpoint, playbook: str = "cycle.yml") -> None:
    events = [Event("run.opened", None, when, {"by": "x", "simulated": False, "playbook": playbook})]
    ledger.append([*events, *([planned_event(endpoints, when)] if endpoints else [])], run=run)


def end(ledger: Ledger, run: str, when: datetime) -> None:
    ledger.append([Event("run.closed", None, when, {"hosts": {}})], run=run)


def test_each_has_the_last_run_that_planned_for_its_client_and_ring(ledger: Ledger) -> None:
    assert last_runs(ledger, [A, B]) == {}
    begin(ledger, "b-1", START, B, BS_SERVER)
    end(ledger, "b-1", START + HOUR)
    begin(ledger, "b-2", START + 2 * HOUR, B)
    for number in range(30):
        begin(ledger, f"a-{number}", START + (3 + number) * HOUR, A)
    assert last_runs(ledger, [A, B, BS_SERVER]) == {
        "A-WS01": START + 32 * HOUR,
        "B-WS01": START + 2 * HOUR,  # it was killed, so it was heard of last when it began
        "B-SRV1": START + HOUR,
    }
    assert last_runs(ledger, [workstation(name="C-WS01", client="C")]) == {}, "nobody has planned for C before"


def test_a_run_that_does_not_say_whom_it_planned_for_was_everybodys(ledger: Ledger) -> None:
    """As those are that were recorded before runs said so, and people's own that plan nothing; but for decisions."""
    begin(ledger, "old", START)
    assert last_runs(ledger, [A, B]) == dict.fromkeys(("A-WS01", "B-WS01"), START)
    begin(ledger, "decision", START + 5 * HOUR, playbook="authorize.yml")
    assert last_runs(ledger, [A, B]) == dict.fromkeys(("A-WS01", "B-WS01"), START)
    end(ledger, "old", START + HOUR)
    begin(ledger, "new", START + 2 * HOUR, A)
    assert last_runs(ledger, [A, B]) == {"A-WS01": START + 2 * HOUR, "B-WS01": START + HOUR}


def test_a_run_for_some_of_a_ring_was_nobody_elses(ledger: Ledger) -> None:
    """A run of one machine by hand, and the schedule of its ring that failed in the same night."""
    other = workstation(name="B-WS02", client="B")
    for one in (B, other, A):
        ledger.append([Event("scan.finished", one.name, START, {"updates": []})], run="scan")
    begin(ledger, "ring", START, A, B, other, BS_SERVER)
    event = planned_event([B, BS_SERVER], START + HOUR, [other])
    assert event.body == {"clients": {"B": ["production"]}, "endpoints": ["B-WS01"]}
    begin(ledger, "hand", START + HOUR)
    ledger.append([event], run="hand")
    assert last_runs(ledger, [A, B, other, BS_SERVER]) == {
        "A-WS01": START,
        "B-WS01": START + HOUR,
        "B-WS02": START,
        "B-SRV1": START + HOUR,
    }
    begin(ledger, "ring again", START + 2 * HOUR, A, B, other)
    assert last_runs(ledger, [B, other]) == dict.fromkeys(("B-WS01", "B-WS02"), START + 2 * HOUR)
    ledger.rebuild()
    assert last_runs(ledger, [B, other]) == dict.fromkeys(("B-WS01", "B-WS02"), START + 2 * HOUR)


def test_an_endpoint_may_have_no_client_and_in_no_ring_it_is_in_nobodys_run(ledger: Ledger) -> None:
    ours, unclassified = workstation(name="OURS", client=None), workstation(name="D", ring=None)
    event = planned_event([unclassified, ours, B, BS_SERVER, B], START)
    assert event.body == {"clients": {"": ["pilot"], "B": ["pilot", "production"]}}
    ledger.append([event], run="r")
    assert last_runs(ledger, [ours, unclassified]) == {}, "the run has not begun"
    begin(ledger, "s", START, unclassified, ours)
    assert last_runs(ledger, [ours, unclassified]) == {"OURS": START}


def test_it_holds_nothing_but_rings_of_clients(ledger: Ledger) -> None:
    for wrong in ({"A": "pilot"}, {"A": ["outer"]}, ["A"]):
        with pytest.raises(EventError, match="'clients' is"):
            ledger.append([Event("run.planned", None, START, {"clients": wrong})], run="r")
