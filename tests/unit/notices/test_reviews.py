# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A review that is not answered in time becomes a ticket, one, and never a yes or a no."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from tests.unit.flow.build import DAY, OPTIONAL, at, update, workstation
from tests.unit.notices.scene import Scene

FOUND = at("2026-11-12 02:30")
PREVIEW = update("u-9", kb=["5090877"], title="Preview (KB5090877)", cvss=6.5, **OPTIONAL)
HERE = workstation(name="WS1")
THERE = workstation(name="WS2", client="Birch")


def scene(**given: Any) -> Scene:
    found = Scene([HERE, THERE], **given)
    found.searched(FOUND, {"WS1": [PREVIEW], "WS2": [PREVIEW]})
    return found


def recorded(of: Scene, *, decision: str, **given: Any) -> None:
    when = given.pop("now", FOUND + DAY)
    of.append(
        people.approve(
            of.ledger, when, updates=["KB5090877"], decision=decision, by="j.doe", reason="r", code="C", **given
        )
    )


def test_it_is_told_at_once_and_escalated_after_seven_days() -> None:
    one = scene()
    assert one.run(FOUND + DAY) == []
    assert one.told(FOUND + DAY).words == "KB5090877 awaits an engineer's review, for 1 day.\n"
    assert one.run(FOUND + 7 * DAY - timedelta(minutes=1)) == []
    one.run(FOUND + 7 * DAY)
    (ticket,) = one.tickets()
    assert ticket["client"] is None
    for part in (
        "KB5090877 awaits an engineer's review, which was due by Thu 19 Nov 2026 07:30 UTC.",
        "Title: Preview (KB5090877)",
        "severity none given, CVSS 6.5",
        "Awaits review since: Thu 12 Nov 2026 07:30 UTC, 7 days.",
        "the approval rule review, for all clients",
        "2 endpoints of 2 clients",
        "  - Acme: WS1",
        "ansible-playbook msp.patching.approve -e updates=KB5090877 -e decision=approved",
        "-e decision=declined -e \"code='…'\"",
        "-e decision=deferred -e \"deferred_until='…'\"",
    ):
        assert part in ticket["text"]
    assert "1 overdue, a ticket is wanted" in one.told(FOUND + 7 * DAY).words


def test_it_is_escalated_once() -> None:
    one = scene()
    for day in range(7, 60):
        one.run(FOUND + day * DAY)
    assert len(one.tickets()) == 1


@pytest.mark.parametrize("decision", ["approved", "declined"])
def test_what_was_answered_is_not_escalated(decision: str) -> None:
    one = scene()
    recorded(one, decision=decision)
    assert one.run(FOUND + 30 * DAY) == []
    assert one.told(FOUND + 30 * DAY).words == ""


def test_answered_for_one_client_it_still_waits_for_the_others() -> None:
    one = scene()
    recorded(one, decision="approved", client="Acme")
    one.run(FOUND + 8 * DAY)
    (ticket,) = one.tickets()
    assert "1 endpoint of 1 client" in ticket["text"]
    assert "  - Birch: WS2" in ticket["text"]


def test_a_deferral_begins_the_review_anew_when_it_ends() -> None:
    one = scene()
    until = FOUND + 20 * DAY
    recorded(one, decision="deferred", until=until.isoformat())
    assert one.run(until - DAY) == []
    assert "awaits" in one.told(until).words
    assert one.run(until + 7 * DAY - timedelta(seconds=1)) == []
    one.run(until + 7 * DAY)
    (ticket,) = one.tickets()
    assert "Its deferral by j.doe ended then." in ticket["text"]


def test_deferred_after_its_ticket_it_gets_another_when_it_waits_too_long_again() -> None:
    one = scene()
    one.run(FOUND + 7 * DAY)
    recorded(one, now=FOUND + 8 * DAY, decision="deferred", until=(FOUND + 20 * DAY).isoformat())
    one.run(FOUND + 27 * DAY)
    first, second = one.tickets()
    assert first["id"] != second["id"]
    assert first["xref"] == second["xref"]  # a note on the ticket, if it is still open


def test_a_deferral_of_one_client_is_a_review_of_its_own() -> None:
    one = scene()
    recorded(one, decision="deferred", until=(FOUND + 20 * DAY).isoformat(), client="Birch")
    one.run(FOUND + 28 * DAY)
    assert sorted((ticket["client"] or "") for ticket in one.tickets()) == ["", "Birch"]


def test_a_client_with_rules_of_its_own_has_reviews_of_its_own() -> None:
    slow = {"clients": {"Birch": {"approval": [{"name": "look", "decision": "held", "within": "14d"}]}}}
    one = scene(policy=load_policy(slow))
    one.run(FOUND + 8 * DAY)
    assert [ticket["client"] for ticket in one.tickets()] == [None]
    one.run(FOUND + 14 * DAY)
    ticket = one.tickets()[-1]
    assert (ticket["client"], ticket["xref"]) == ("Birch", "msp.patching/Birch/review/KB5090877")
    assert "-e client=Birch" in ticket["text"]
    assert "the approval rule look, for Birch" in ticket["text"]


@pytest.mark.parametrize(
    "out", [{"agent_disabled": True}, {"location_disabled": True}, {"policy_group": "do_not_patch"}]
)
def test_who_is_not_patched_waits_for_no_review(out: dict[str, Any]) -> None:
    one = Scene([workstation(name="WS1", **out)])
    one.searched(FOUND, {"WS1": [PREVIEW]})
    assert one.run(FOUND + 8 * DAY) == []


def test_an_update_without_a_kb_is_answered_by_its_id() -> None:
    one = Scene([HERE])
    reader = update("A-B", kb=[], title="Reader 26.3", vendor="Adobe")
    one.searched(FOUND, {"WS1": [reader]})
    one.run(FOUND + 7 * DAY)
    (ticket,) = one.tickets()
    assert "-e updates=A-B" in ticket["text"]
    assert ticket["summary"] == "Patching: review overdue: Reader 26.3"
