# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a flaw has come: released, identified, reported, decided, installed, proven; and by when it should have."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Deadline
from tests.unit.account.story import CRITICAL, DAY, HOUR, IMPORTANT, OPENED, Story, update

WS = "ACME-WS01"
KNOWN = {"KB5001": update(CRITICAL, released=OPENED)}


@pytest.fixture
def story() -> Story:
    story = Story()
    story.tier(WS)
    story.decide(WS, HOUR, "scan", "scan.due")
    return story


def test_installed_booted_and_healthy_is_corrected_at_the_validation(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL)
    story.patch(WS, 3 * HOUR, CRITICAL)
    flaw = story.flaw(WS, CRITICAL)
    assert (flaw.state, flaw.severity, flaw.released) == ("corrected", "Critical", OPENED)
    assert flaw.identified == OPENED + 2 * HOUR
    assert flaw.installed == OPENED + 3 * HOUR
    assert flaw.boot is not None
    assert (flaw.boot.boot_id, flaw.boot.boot_time) == ("boot-2", OPENED + 3.5 * HOUR)
    assert flaw.corrected == OPENED + 4 * HOUR
    assert (flaw.decision.outcome, flaw.decision.rule, flaw.decision.by) == ("approved", "microsoft-security", None)
    assert flaw.decision.at == flaw.identified
    assert flaw.correct == Deadline(OPENED + HOUR + 14 * DAY, flaw.corrected, met=True)


def test_without_the_boot_that_it_asked_for_nothing_is_proven(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL)
    story.install(WS, 3 * HOUR, CRITICAL)
    story.validate(WS, 4 * HOUR)
    flaw = story.flaw(WS, CRITICAL)
    assert (flaw.state, flaw.corrected, flaw.boot) == ("open", None, None)
    story.boot(WS, 5 * HOUR)
    assert story.flaw(WS, CRITICAL).corrected is None
    story.validate(WS, 6 * HOUR)
    assert story.flaw(WS, CRITICAL).corrected == OPENED + 6 * HOUR


def test_what_needs_no_reboot_is_corrected_by_the_validation_alone(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL)
    story.install(WS, 3 * HOUR, CRITICAL, reboot=False)
    story.validate(WS, 4 * HOUR)
    flaw = story.flaw(WS, CRITICAL)
    assert (flaw.state, flaw.boot, flaw.reboot_needed) == ("corrected", None, False)


def test_a_boot_that_somebody_else_did_proves_as_well(story: Story) -> None:
    story.look(WS, HOUR, "boot-1")
    story.scan(WS, 2 * HOUR, CRITICAL)
    story.install(WS, 3 * HOUR, CRITICAL)
    story.look(WS, 4 * HOUR, "boot-1")
    story.validate(WS, 4 * HOUR)
    assert story.flaw(WS, CRITICAL).corrected is None
    story.look(WS, 5 * HOUR, "boot-by-hand")
    story.validate(WS, 5 * HOUR)
    flaw = story.flaw(WS, CRITICAL)
    assert flaw.boot is not None
    assert (flaw.boot.boot_id, flaw.state) == ("boot-by-hand", "corrected")


def test_what_is_offered_again_after_its_install_was_not_corrected(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL)
    story.patch(WS, 3 * HOUR, CRITICAL)
    story.scan(WS, 5 * HOUR, CRITICAL)
    flaw = story.flaw(WS, CRITICAL)
    assert (flaw.state, flaw.corrected, flaw.undone) == ("open", None, OPENED + 5 * HOUR)
    assert flaw.identified == OPENED + 2 * HOUR
    story.patch(WS, 6 * HOUR, CRITICAL)
    assert story.flaw(WS, CRITICAL).corrected == OPENED + 7 * HOUR


def test_what_vanishes_without_an_install_of_ours_is_gone_and_not_corrected(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL, IMPORTANT)
    story.scan(WS, 26 * HOUR, IMPORTANT)
    flaw = story.flaw(WS, CRITICAL)
    assert (flaw.state, flaw.corrected, flaw.counts) == ("gone", None, False)
    assert flaw.correct == Deadline(None, None, None)
    story.scan(WS, 50 * HOUR, CRITICAL, IMPORTANT)
    assert story.flaw(WS, CRITICAL).state == "open"


def test_a_failure_of_the_update_is_its_state_and_of_another_holds_it(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL, IMPORTANT)
    story.install(WS, 3 * HOUR, failing=[CRITICAL])
    story.fail(WS, 3 * HOUR, CRITICAL)
    story.decide(WS, 4 * HOUR, "hold", "gate.failure_open")
    assert story.flaw(WS, CRITICAL).state == "failed"
    assert story.flaw(WS, IMPORTANT).state == "held"
    story.tell("failure.root_cause", 5 * HOUR, failure="f-1", by="t.brandt", code="DISK", text="it was full")
    assert story.flaw(WS, CRITICAL).state != "failed"


@pytest.mark.parametrize(
    ("node", "action", "state"),
    [
        ("gate.soak", "hold", "held"),
        ("schedule.window", "wait", "open"),
        ("schedule.freeze", "wait", "held"),
        ("posture.offline", "wait", "unreachable"),
        ("scope.excluded", "skip", "excluded"),
        ("gate.authorization", "manual", "held"),
    ],
)
def test_what_stands_in_its_way_is_its_state(story: Story, node: str, action: str, state: str) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL)
    story.decide(WS, 3 * HOUR, action, node)
    assert story.flaw(WS, CRITICAL).state == state


def test_an_update_left_out_by_itself_bears_its_own_reason(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL, IMPORTANT)
    story.decide(WS, 3 * HOUR, "wait", "schedule.window", left=[(CRITICAL, "gate.soak", "it soaks until Tuesday")])
    flaw = story.flaw(WS, CRITICAL)
    assert (flaw.state, flaw.reason) == ("held", "it soaks until Tuesday")
    assert story.flaw(WS, IMPORTANT).state == "open"


def test_the_engineers_decision_is_told_with_who_and_when(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL, IMPORTANT)
    told = {"client": None, "promote": False, "by": "a.kern", "reason": "breaks the till"}
    story.tell("approval.recorded", DAY, update="5001", decision="declined", until=None, code="APP", **told)
    later = (OPENED + 40 * DAY).isoformat()
    story.tell("approval.recorded", 2 * DAY, update="5002", decision="deferred", until=later, code="APP", **told)
    declined, deferred = story.flaw(WS, CRITICAL), story.flaw(WS, IMPORTANT)
    assert (declined.state, deferred.state) == ("declined", "deferred")
    assert (declined.decision.by, declined.decision.at) == ("a.kern", OPENED + DAY)
    assert (declined.correct.met, declined.counts) == (None, False)


def test_deadlines_are_measured_from_the_release_or_the_first_day_with_us(story: Story) -> None:
    known = {CRITICAL: update(CRITICAL, released=OPENED - 300 * DAY), IMPORTANT: update(IMPORTANT, "Important", None)}
    story.scan(WS, 30 * HOUR, CRITICAL, IMPORTANT, known=known)
    flaw = story.flaw(WS, CRITICAL)
    assert flaw.identify == Deadline(OPENED + 25 * HOUR, OPENED + 30 * HOUR, met=False)
    assert flaw.correct.due == OPENED + HOUR + 14 * DAY
    assert story.flaw(WS, CRITICAL, 10 * DAY).correct.met is None
    assert story.flaw(WS, CRITICAL, 15 * DAY).correct.met is False
    unknown = story.flaw(WS, IMPORTANT)
    assert (unknown.identify.due, unknown.identify.met, unknown.correct.due) == (None, None, None)


@pytest.mark.parametrize(
    ("about", "severity", "days"),
    [
        ({}, "Critical", 14),
        ({}, "Important", 28),
        ({}, "Moderate", 35),
        ({}, None, 63),
        ({"kind": "server", "role": "sql_server"}, "Important", 21),
        ({"kind": "server", "role": "backup"}, "Critical", 21),
        ({"kind": "server"}, "Important", 28),
        ({"criticality": "P1"}, "Important", 21),
    ],
)
def test_the_deadline_follows_the_severity_and_the_machine(
    about: dict[str, str], severity: str | None, days: int
) -> None:
    story = Story()
    story.endpoint(WS, **about)
    story.scan(WS, timedelta(), "KB7", known={"KB7": update("KB7", severity)})
    assert story.flaw(WS, "KB7").correct.due == OPENED + days * DAY


def test_a_client_has_deadlines_of_its_own() -> None:
    story = Story({"clients": {"Acme": {"deadlines": {"correct": {"Critical": {"workstation": "3d"}}}}}})
    story.scan(WS, timedelta(), CRITICAL)
    assert story.flaw(WS, CRITICAL).correct.due == OPENED + 3 * DAY


def test_an_emergency_lane_shortens_the_time_to_correct() -> None:
    lane = {"cycle": "2026-11-oob1", "start": "2026-11-12T00:00:00Z", "end": "2026-11-20T00:00:00Z"}
    story = Story(
        {"out_of_band": [{**lane, "updates": ["5001"], "soak_days": 0, "by": "a.kern", "reason": "exploited"}]}
    )
    story.scan(WS, timedelta(), CRITICAL)
    assert story.flaw(WS, CRITICAL).correct.due is not None
    assert story.flaw(WS, CRITICAL).correct.due.isoformat() == "2026-11-14T00:00:00+00:00"  # type: ignore[union-attr]


def test_it_is_reported_once_a_ticket_that_names_it_is_in_the_psa(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL, IMPORTANT)
    story.ticket(WS, 3 * HOUR, 5 * HOUR, 8, f"What failed: (a title, {CRITICAL})")
    flaw = story.flaw(WS, CRITICAL)
    assert (flaw.reported, flaw.ticket) == (OPENED + 5 * HOUR, 8)
    assert flaw.report == Deadline(OPENED + 26 * HOUR, OPENED + 5 * HOUR, met=True)
    other = story.flaw(WS, IMPORTANT)
    assert (other.reported, other.report.met) == (None, False)
    compliance = {"xref": "msp.patching/compliance/2026-11/Acme", "topic": "compliance"}
    story.ticket(None, 6 * HOUR, 30 * HOUR, 9, "Found: …", found={IMPORTANT: [WS]}, **compliance)
    other = story.flaw(WS, IMPORTANT)
    assert (other.reported, other.ticket, other.report.met) == (OPENED + 30 * HOUR, 9, False)


def test_a_note_of_another_machine_reports_nothing_of_this_one(story: Story) -> None:
    compliance = {"xref": "msp.patching/compliance/2026-11/Acme", "topic": "compliance"}
    story.scan(WS, 2 * HOUR, CRITICAL)
    story.ticket(None, 3 * HOUR, 3 * HOUR, 9, f"Found: {CRITICAL}", found={CRITICAL: ["ANOTHER"]}, **compliance)
    assert story.flaw(WS, CRITICAL).reported is None


def test_a_report_on_the_compliance_ticket_tells_of_all_that_was_known_when_it_was_made(story: Story) -> None:
    key = "msp.patching/compliance/2026-11/Acme"
    story.ticket(None, HOUR, HOUR, 9, "the cycle is open", xref=key, topic="compliance")
    story.scan(WS, 2 * HOUR, CRITICAL)
    file = {"title": "report", "file_name": "report.pdf", "media_type": "application/pdf", "sha256": "00", "size": 1}
    story.tell("attachment.wanted", 5 * HOUR, id="a-1", xref=key, **file)
    assert story.flaw(WS, CRITICAL).reported is None
    story.tell("attachment.sent", 6 * HOUR, id="a-1", xref=key, ticket=9, document=1, sha256="00")
    story.scan(WS, 7 * HOUR, CRITICAL, IMPORTANT)
    assert (story.flaw(WS, CRITICAL).reported, story.flaw(WS, CRITICAL).ticket) == (OPENED + 6 * HOUR, 9)
    assert story.flaw(WS, IMPORTANT).reported is None


def test_what_was_corrected_before_it_had_to_be_reported_needs_no_ticket(story: Story) -> None:
    story.scan(WS, 2 * HOUR, CRITICAL)
    story.patch(WS, 3 * HOUR, CRITICAL)
    assert story.flaw(WS, CRITICAL).report == Deadline(OPENED + 26 * HOUR, None, None)
