# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from an observation: retries first, then the failure standard, and no more than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence import outcomes as seen
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Progress, Reboot, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.away import Missed
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.register import OpenFailure
from tests.unit.evidence.judging import (
    DC,
    JOB,
    NIGHT,
    PERMANENT,
    POSTURE,
    SETTINGS,
    TRANSIENT,
    body,
    installed,
    judged,
    kinds,
    standing,
    validation,
)


def test_an_install_started_tells_what_was_decided_and_of_whom() -> None:
    where = replace(standing(last_decision={"updates": ["u-0", "u-1"]}), limit=7200)
    (event,) = judged("install.started", seen.Started("j1"), where)
    assert event.kind == "install.started"
    assert event.body["updates"] == ["u-0", "u-1"]
    assert event.body["limit_seconds"] == 7200
    assert event.body["about"] == {
        "id": 1,
        "client": "Acme Dental",
        "location": "Main Office",
        "ring": "production",
        "kind": "server",
        "role": "domain_controller",
        "criticality": None,
        "redundancy_group": None,
    }


def test_a_job_within_its_limit_says_nothing() -> None:
    assert judged("job", seen.Running(), standing(job=JOB)) == []


def test_a_job_far_over_its_limit_is_lost_and_tried_again() -> None:
    job = replace(JOB, started_at=NIGHT - timedelta(hours=2))
    events = judged("job", seen.Running(), standing(job=job))
    assert kinds(events) == ["job.lost", "retry.scheduled"]
    assert body(events, "retry.scheduled")["step"] == "install"


@pytest.mark.parametrize(
    ("began", "seen_before", "wanted"),
    [
        (timedelta(minutes=5), "100", ["posture.observed", "job.lost", "retry.scheduled"]),
        (timedelta(minutes=5), None, ["posture.observed", "job.lost", "retry.scheduled"]),
        (timedelta(minutes=5), "200", ["posture.observed"]),
        (timedelta(minutes=1), "100", ["posture.observed"]),
    ],
    ids=["booted since", "booted since, never seen before", "the same boot", "booted before it began"],
)
def test_a_job_that_a_boot_has_killed_is_lost_at_once(
    began: timedelta, seen_before: str | None, wanted: list[str]
) -> None:
    """The boot was two minutes ago."""
    job = replace(JOB, started_at=NIGHT - began)
    assert kinds(judged("posture", seen.PostureSeen(POSTURE), standing(job=job, boot_id=seen_before))) == wanted


def test_a_look_at_the_boot_that_goes_wrong_does_not_forget_the_job() -> None:
    assert judged("posture", seen.Failed("no WMI"), standing(job=JOB)) == []


def test_an_install_that_went_well_opens_nothing() -> None:
    assert kinds(judged("job", installed(None, None), standing(job=JOB))) == ["install.finished"]


def test_what_missed_windows_and_is_installed_now_is_caught_up() -> None:
    started = NIGHT - timedelta(days=3)
    missed = Missed(3, started, NIGHT - timedelta(hours=1), NIGHT + timedelta(hours=1), "asleep")
    where = standing(job=JOB, missed=missed)
    events = judged("job", installed(None), where)
    assert kinds(events) == ["install.finished", "window.caught_up"]
    assert body(events, "window.caught_up") | {"about": {}} == {
        "windows": 2,  # the third is this one, and used after all
        "since": text_of(started),
        "about": {},
    }
    assert "window.caught_up" not in kinds(judged("job", installed(PERMANENT), where))
    assert kinds(judged("job", installed(None), standing(job=JOB, missed=replace(missed, windows=1)))) == [
        "install.finished"
    ]


def test_a_hold_beyond_the_client_names_nobody() -> None:
    """By the defaults a pilot workstation proves updates to all clients: its failure blocks their production, and what
    is decided for their endpoints is in their evidence and on their tickets."""
    pilot = replace(DC, name="ACME-WS01", kind="workstation", role=None, ring="pilot", track="overnight")
    where = replace(standing(job=JOB), endpoint=pilot)
    tier, block = (event.body for event in judged("job", installed(PERMANENT), where) if event.kind == "hold.placed")
    assert tier["scope"]["client"] == "Acme Dental"
    assert tier["reason"].startswith("ACME-WS01: the install failed: ")
    assert block["scope"] == {"ring": "production", "kind": "workstation"}
    assert block["reason"] == "the install failed on a pilot workstation: 0x80070643 ERROR_INSTALL_FAILURE"


def test_a_failed_update_sets_the_failure_standard_in_motion() -> None:
    events = judged("job", installed(None, PERMANENT), standing(job=JOB))
    assert kinds(events) == ["install.finished", "failure.opened", "hold.placed", "hold.placed", "ticket.wanted"]
    failure = body(events, "failure.opened")
    assert (failure["step"], failure["update"], failure["hresult"]) == ("install", "u-1", PERMANENT)
    assert (failure["class"], failure["cycle"]) == ("environment", "2026-11")
    assert failure["next_window"] == "2026-11-12T02:20:00.000000+00:00"
    holds = [event.body for event in events if event.kind == "hold.placed"]
    tier = {"client": "Acme Dental", "ring": "production", "kind": "server"}
    assert [hold["scope"] for hold in holds] == [{"cycle": "2026-11", **tier}, tier]
    assert {hold["failure"] for hold in holds} == {failure["id"]}
    ticket = body(events, "ticket.wanted")
    assert ticket["xref"] == "msp.patching/Acme-Dental/ACME-DC01/install"
    assert (ticket["priority"], ticket["on_call"], ticket["endpoint_id"]) == (1, True, 1)
    for words in (
        "ACME-DC01 (Acme Dental, Main Office): the install failed at 2026-11-10 23:00 -0500",
        "What failed: Update 1 (KB5000001): 0x80070643",
        "What it means: ",
        "What to check: ",
        "Next window: 2026-11-11 21:20 -0500",
        "ansible-playbook msp.patching.root_cause -e endpoint=ACME-DC01",
        "on-call",
    ):
        assert words in ticket["text"]


def test_two_failed_updates_are_two_failures_and_one_ticket() -> None:
    events = judged("job", installed(PERMANENT, "0x800F0922"), standing(job=JOB))
    assert kinds(events).count("failure.opened") == 2
    text = body(events, "ticket.wanted")["text"]
    assert "KB5000000" in text
    assert "KB5000001" in text


def test_a_transient_error_is_retried_first_and_then_counts() -> None:
    where = standing(job=JOB)
    for attempt in range(1, SETTINGS.retries + 1):
        events = judged("job", installed(TRANSIENT), replace(where, progress=Progress(job=JOB, attempts=attempt - 1)))
        assert kinds(events) == ["install.finished", "retry.scheduled"]
        retry = body(events, "retry.scheduled")
        assert retry["attempt"] == attempt
        assert retry["at"] > text_of(NIGHT)
    last = replace(where, progress=Progress(job=JOB, attempts=SETTINGS.retries))
    assert "failure.opened" in kinds(judged("job", installed(TRANSIENT), last))


def test_a_retry_that_would_miss_the_window_counts_as_failed_now() -> None:
    late = datetime(2026, 11, 11, 8, 19, tzinfo=UTC)  # a minute before the window closes
    events = judged("job", installed(TRANSIENT), replace(standing(job=JOB), now=late))
    assert kinds(events)[:2] == ["install.finished", "failure.opened"]


def test_one_permanent_error_among_transient_ones_is_not_retried() -> None:
    assert "retry.scheduled" not in kinds(judged("job", installed(TRANSIENT, PERMANENT), standing(job=JOB)))


def test_an_open_failure_that_shows_again_tells_its_ticket_once_a_day() -> None:
    told = OpenFailure("f1", "ACME-DC01", "Acme Dental", "install", "u-0", NIGHT - timedelta(hours=23))
    events = judged("job", installed(PERMANENT), standing(job=JOB, failures=(told,)))
    assert kinds(events) == ["install.finished", "failure.repeated"]
    assert body(events, "failure.repeated")["told"] is False
    long_ago = replace(told, told_at=NIGHT - timedelta(hours=25))
    events = judged("job", installed(PERMANENT), standing(job=JOB, failures=(long_ago,)))
    assert kinds(events) == ["install.finished", "failure.repeated", "ticket.wanted"]
    assert body(events, "failure.repeated")["failure"] == "f1"


def test_an_open_failure_that_shows_again_in_another_cycle_holds_the_tier_of_that_too() -> None:
    """The one that it holds ended with its cycle (section 8, 4)."""
    october = OpenFailure("f1", "ACME-DC01", "Acme Dental", "install", "u-0", NIGHT, held_in="2026-10")
    events = judged("job", installed(PERMANENT), standing(job=JOB, failures=(october,)))
    assert kinds(events) == ["install.finished", "failure.repeated", "hold.placed"]
    assert body(events, "failure.repeated")["held_in"] == "2026-11"
    hold = body(events, "hold.placed")
    tier = {"client": "Acme Dental", "ring": "production", "kind": "server"}
    assert (hold["scope"], hold["failure"]) == ({"cycle": "2026-11"} | tier, "f1")
    held = replace(october, held_in="2026-11")
    events = judged("job", installed(PERMANENT), standing(job=JOB, failures=(held,)))
    assert kinds(events) == ["install.finished", "failure.repeated"]


def test_unreachable_is_counted_and_no_failure() -> None:
    events = judged("job", seen.Unreachable("refused"), standing(job=JOB))
    assert [(event.kind, event.body["during"]) for event in events] == [("endpoint.unreachable", "install")]


def test_while_it_reboots_an_endpoint_may_be_unreachable_until_the_limit() -> None:
    reboot = Reboot(NIGHT - SETTINGS.reboot_time_limit + timedelta(seconds=1), "100")
    assert judged("reboot.confirm", seen.Unreachable("refused"), standing(reboot=reboot)) == []
    overdue = replace(reboot, requested_at=NIGHT - SETTINGS.reboot_time_limit)
    events = judged("reboot.confirm", seen.Unreachable("refused"), standing(reboot=overdue))
    assert kinds(events)[0] == "failure.opened"
    assert body(events, "failure.opened")["step"] == "reboot"
    assert "has not come back" in body(events, "failure.opened")["text"]


def test_a_boot_is_confirmed_by_its_id() -> None:
    reboot = Reboot(NIGHT - timedelta(minutes=3), "100")
    events = judged("reboot.confirm", seen.PostureSeen(POSTURE), standing(reboot=reboot))
    assert kinds(events) == ["reboot.confirmed", "posture.observed"]
    same = seen.PostureSeen({**POSTURE, "boot_id": "100"})
    assert judged("reboot.confirm", same, standing(reboot=reboot)) == []
    overdue = replace(reboot, requested_at=NIGHT - SETTINGS.reboot_time_limit)
    assert "failure.opened" in kinds(judged("reboot.confirm", same, standing(reboot=overdue)))


def test_a_clock_that_was_set_is_no_boot() -> None:
    """Windows reckons its boot time from it, and the boot's id is made of that."""
    days_ago = {**POSTURE, "boot_time": text_of(NIGHT - timedelta(days=9))}
    reboot = Reboot(NIGHT - timedelta(minutes=3), "100")
    assert judged("reboot.confirm", seen.PostureSeen(days_ago), standing(reboot=reboot)) == []


def test_healthy() -> None:
    events = validation(standing(services_before=["NTDS"]), POSTURE)
    assert kinds(events) == ["posture.observed", "validation.finished"]
    assert body(events, "validation.finished")["healthy"] is True


def test_not_healthy_is_a_failure_at_the_deadline_and_not_before() -> None:
    down = {**POSTURE, "services_running": ["LTService"]}
    before = {"services_before": ["NTDS"]}
    assert kinds(validation(standing(**before), down)) == ["validation.checking"]
    deadline = SETTINGS.validation_deadline
    early = NIGHT - deadline + timedelta(seconds=1)
    assert validation(standing(**before, checking_since=early), down) == []
    events = validation(standing(**before, checking_since=NIGHT - deadline), down)
    assert kinds(events)[:3] == ["posture.observed", "validation.finished", "failure.opened"]
    assert body(events, "validation.finished")["healthy"] is False
    assert "NTDS" in body(events, "failure.opened")["text"]


def test_the_endpoints_own_clock_may_be_wrong() -> None:
    """Booted after the install as we see it, though its clock is an hour behind."""
    hour = timedelta(hours=1)
    behind = {**POSTURE, "now": text_of(NIGHT - hour), "boot_time": text_of(NIGHT - hour - timedelta(minutes=2))}
    events = validation(standing(installed_at=NIGHT - timedelta(minutes=10)), behind)
    assert body(events, "validation.finished")["healthy"] is True


def test_unreachable_at_the_validation_is_unhealthy_and_has_the_same_deadline() -> None:
    lost = seen.Unreachable("refused")
    assert kinds(judged("validation", lost, standing())) == ["validation.checking"]
    late = standing(checking_since=NIGHT - SETTINGS.validation_deadline)
    assert kinds(judged("validation", lost, late))[:2] == ["validation.finished", "failure.opened"]


def test_who_fell_silent_when_told_to_restart_has_the_reboot_s_time_to_come_back() -> None:
    lost = seen.Unreachable("refused")
    since = NIGHT - SETTINGS.reboot_time_limit
    soon = standing(unreachable_since=since + timedelta(seconds=1), unreachable_during="reboot")
    late = standing(unreachable_since=since, unreachable_during="reboot")
    assert kinds(judged("reboot.confirm", lost, soon)) == ["endpoint.unreachable"]
    events = judged("reboot.confirm", lost, late)
    assert kinds(events)[:2] == ["endpoint.unreachable", "failure.opened"]
    assert body(events, "failure.opened")["step"] == "reboot"
    assert "gave no answer to that, and has not come back" in str(body(events, "failure.opened"))
    other = standing(unreachable_since=since, unreachable_during="install")
    assert kinds(judged("posture", lost, other)) == ["endpoint.unreachable"]


@pytest.mark.parametrize(("tag", "step"), [("posture", "posture"), ("scan.started", "scan")])
def test_a_look_that_went_wrong_is_tried_again(tag: str, step: str) -> None:
    events = judged(tag, seen.Failed("Access is denied"), standing())
    assert kinds(events) == ["step.failed", "retry.scheduled"]
    events = judged(tag, seen.Failed("Access is denied"), standing(attempts=SETTINGS.retries))
    assert kinds(events)[:2] == ["step.failed", "failure.opened"]
    assert body(events, "failure.opened")["step"] == step


@pytest.mark.parametrize(("tag", "step"), [("install.started", "install"), ("reboot.started", "reboot")])
def test_a_step_that_changes_the_machine_is_not_tried_again_blindly(tag: str, step: str) -> None:
    events = judged(tag, seen.Failed("Access is denied"), standing())
    assert kinds(events)[:2] == ["step.failed", "failure.opened"]
    assert body(events, "failure.opened")["step"] == step


def test_a_user_who_was_told() -> None:
    assert kinds(judged("reminder.shown", seen.ReminderShown(), standing())) == ["reminder.shown"]


def test_a_user_who_is_not_there_any_more_was_not_told_and_nothing_failed() -> None:
    assert judged("reminder.shown", seen.NobodyThere(), standing()) == []


@pytest.mark.parametrize("hresult", [None, TRANSIENT, PERMANENT])
@pytest.mark.parametrize("attempts", [0, SETTINGS.retries])
def test_a_reminder_that_failed_is_no_failure_of_the_patching(hresult: str | None, attempts: int) -> None:
    """Neither a failure nor a hold, a ticket or a retry: the next run tries again."""
    events = judged("reminder.shown", seen.Failed("no session here", hresult), standing(attempts=attempts))
    assert kinds(events) == ["step.failed"]
    assert body(events, "step.failed")["step"] == "remind"


def test_an_endpoint_that_cannot_be_reached_for_a_reminder() -> None:
    events = judged("reminder.shown", seen.Unreachable("refused"), standing())
    assert kinds(events) == ["endpoint.unreachable"]
    assert body(events, "endpoint.unreachable")["during"] == "remind"


def test_an_endpoint_of_which_little_is_known_has_its_failures_too() -> None:
    where = replace(standing(job=JOB), endpoint=Endpoint.parse({"name": "LOST01"}))
    events = judged("job", installed(PERMANENT), where)
    assert body(events, "failure.opened")["next_window"] is None
    assert body(events, "hold.placed")["scope"] == {"cycle": "2026-11"}


def test_the_same_observation_gives_the_same_events() -> None:
    where = standing(job=JOB)
    assert judged("job", installed(PERMANENT), where) == judged("job", installed(PERMANENT), where)


def test_what_was_to_be_installed_and_is_offered_no_more_was_installed_all_the_same() -> None:
    """The answer to the install's start was lost, or the run killed before it was recorded: no record is lost by it."""
    offered = [{"id": "u-2", "kb": ["2"], "title": "two", "categories": []}]
    events = judged("job", seen.ScanFinished(offered), standing(attempted=("u-1", "u-2"), attempted_at=NIGHT))
    assert kinds(events) == ["install.found", "scan.finished"]
    assert events[0].body["updates"] == ["u-1"]


@pytest.mark.parametrize("attempted", [(), ("u-2",)])
def test_what_is_offered_still_was_not_installed(attempted: tuple[str, ...]) -> None:
    offered = [{"id": "u-2", "kb": ["2"], "title": "two", "categories": []}]
    assert kinds(judged("job", seen.ScanFinished(offered), standing(attempted=attempted, attempted_at=NIGHT))) == [
        "scan.finished"
    ]


def test_what_is_offered_no_more_days_later_may_have_been_replaced() -> None:
    where = standing(attempted=("u-1",), attempted_at=NIGHT - timedelta(hours=25))
    assert kinds(judged("job", seen.ScanFinished([]), where)) == ["scan.finished"]


def test_a_reboot_nobody_knew_of_comes_before_the_validation() -> None:
    before = {**POSTURE, "reboot_pending": True, "boot_time": text_of(NIGHT - timedelta(days=3))}
    where = standing(installed_at=NIGHT - timedelta(minutes=20))
    assert kinds(judged("validation", seen.PostureSeen(before), where)) == ["posture.observed"]


def test_a_reboot_still_pending_after_the_boot_is_a_check_that_fails() -> None:
    """Or a machine that always says so would be rebooted for ever."""
    after = {**POSTURE, "reboot_pending": True}
    where = standing(installed_at=NIGHT - timedelta(minutes=20))
    assert kinds(judged("validation", seen.PostureSeen(after), where)) == ["validation.checking"]
