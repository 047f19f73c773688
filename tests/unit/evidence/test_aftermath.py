# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is alerted of a failure, and when one is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence import outcomes as seen
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.judge import Standing
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.register import OpenFailure
from tests.unit.evidence.judging import (
    DC,
    JOB,
    NIGHT,
    PERMANENT,
    POSTURE,
    body,
    installed,
    judged,
    kinds,
    standing,
    validation,
)


def with_on_call(where: Standing, **changes: Any) -> Standing:
    return replace(where, alerts=True, **changes)


def test_a_server_that_fails_at_night_alerts_on_call_once_for_all_that_failed() -> None:
    events = judged("job", installed(PERMANENT, PERMANENT, None), with_on_call(standing(job=JOB)))
    alert = body(events, "alert.wanted")
    failures = [event.body["id"] for event in events if event.kind == "failure.opened"]
    assert alert["failures"] == failures
    assert len(failures) == 2
    assert (alert["incident"], alert["action"], alert["severity"]) == (failures[0], "trigger", "critical")
    assert alert["source"] == "ACME-DC01"
    assert alert["details"]["role"] == "domain_controller"


def test_that_it_is_still_so_alerts_nobody() -> None:
    failure = OpenFailure("f-1", "ACME-DC01", "Acme Dental", "install", "u-0", NIGHT - timedelta(days=2))
    events = judged("job", installed(PERMANENT), with_on_call(standing(job=JOB, failures=(failure,))))
    assert "alert.wanted" not in kinds(events)


DAY = datetime(2026, 11, 11, 16, 0, tzinfo=UTC)  # 11:00 on a Wednesday in New York
WORKSTATION = Endpoint.parse({"name": "WS01", "client": "Acme", "kind": "workstation", "time_zone": "America/New_York"})


@pytest.mark.parametrize(
    "changes",
    [{"now": DAY}, {"endpoint": WORKSTATION}, {"alerts": False}],
    ids=["in business hours", "a workstation", "no on-call is set"],
)
def test_who_is_not_to_be_woken_is_not(changes: dict[str, Any]) -> None:
    where = replace(with_on_call(standing(job=JOB)), **changes)
    events = judged("job", installed(PERMANENT), where)
    assert "failure.opened" in kinds(events)
    assert "alert.wanted" not in kinds(events)


def documented(*updates: str | None, step: str = "install") -> tuple[OpenFailure, ...]:
    return tuple(
        OpenFailure(f"f-{n}", "ACME-DC01", "Acme Dental", step, update, NIGHT) for n, update in enumerate(updates)
    )


def test_a_documented_failure_is_over_when_the_update_is_in_and_the_machine_is_healthy() -> None:
    where = standing(documented=documented("u-0"), unproven=("u-0",), installed_at=NIGHT - timedelta(minutes=10))
    events = validation(where, POSTURE)
    assert body(events, "failure.cured")["failure"] == "f-0"
    note = body(events, "ticket.wanted")
    assert (note["action"], note["xref"]) == ("note", "msp.patching/Acme-Dental/ACME-DC01/install")
    assert "has gone well since" in note["text"]
    closing = validation(replace(where, close_cured=True), POSTURE)
    assert body(closing, "ticket.wanted")["action"] == "close"


def test_a_ticket_of_which_something_is_left_does_not_close() -> None:
    where = standing(documented=documented("u-0", "u-1"), unproven=("u-0",), installed_at=NIGHT - timedelta(minutes=10))
    events = validation(replace(where, close_cured=True), POSTURE)
    assert [event.body["failure"] for event in events if event.kind == "failure.cured"] == ["f-0"]
    assert body(events, "ticket.wanted")["action"] == "note"


def test_a_healthy_machine_proves_nothing_of_an_update_it_has_not_taken() -> None:
    events = validation(standing(documented=documented("u-0"), installed_at=NIGHT - timedelta(minutes=10)), POSTURE)
    assert "failure.cured" not in kinds(events)


def test_a_search_shows_what_is_over_too() -> None:
    where = standing(documented=(*documented("u-0"), *documented(None, step="scan")))
    offered = [{"id": "u-0", "kb": [], "title": "t", "categories": []}]
    events = judged("job", seen.ScanFinished(offered), where)
    assert [event.body["step"] for event in events if event.kind == "failure.cured"] == ["scan"]
    events = judged("job", seen.ScanFinished([]), where)
    assert sorted(event.body["step"] for event in events if event.kind == "failure.cured") == ["install", "scan"]


def test_the_ticket_of_a_failure_is_that_of_the_name_that_it_failed_by() -> None:
    (failure,) = documented(None, step="scan")
    former = replace(failure, id="f-9", endpoint="OLD-DC01", client="Acme")
    events = judged("job", seen.ScanFinished([]), replace(standing(documented=(failure, former)), close_cured=True))
    noted = [(event.body["xref"], event.body["action"]) for event in events if event.kind == "ticket.wanted"]
    assert noted == [
        ("msp.patching/Acme-Dental/ACME-DC01/scan", "close"),
        ("msp.patching/Acme/OLD-DC01/scan", "close"),
    ]
    again = replace(former, step="install", update="u-0", told_at=NIGHT - timedelta(days=2))
    events = judged("job", installed(PERMANENT), standing(job=JOB, failures=(again,)))
    assert body(events, "failure.repeated")["failure"] == "f-9"
    assert body(events, "ticket.wanted")["xref"] == "msp.patching/Acme/OLD-DC01/install"


def test_what_failed_by_two_names_is_told_to_two_tickets() -> None:
    days_ago = NIGHT - timedelta(days=2)
    former = OpenFailure("f-1", "OLD-DC01", "Acme", "install", "u-0", days_ago)
    own = OpenFailure("f-2", DC.name, DC.client, "install", "u-1", days_ago)
    events = judged("job", installed(PERMANENT, PERMANENT), standing(job=JOB, failures=(former, own)))
    told = {event.body["failure"]: event.body for event in events if event.kind == "ticket.wanted"}
    assert {failure: one["xref"] for failure, one in told.items()} == {
        "f-1": "msp.patching/Acme/OLD-DC01/install",
        "f-2": "msp.patching/Acme-Dental/ACME-DC01/install",
    }
    assert "Update 0" in told["f-1"]["text"]
    assert "Update 1" not in told["f-1"]["text"]
