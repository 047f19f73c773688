# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install is tried again for, until when in its window, and that it never goes on without end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence import outcomes as seen
from ansible_collections.msp.patching.plugins.plugin_utils.flow import decide, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.records import Update
from ansible_collections.msp.patching.plugins.plugin_utils.flow.register import Register
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import instant

from .judging import DC, JOB, NIGHT, POLICY, POSTURE, TRANSIENT, body, installed, judged, kinds, standing

LATE = [(7, 40, True), (7, 45, True), (7, 49, False), (7, 51, False), (8, 0, False), (8, 17, False)]
"""In UTC; the window closes at 8:20, half an hour has to be left of it, and the first retry is after two minutes."""


@pytest.mark.parametrize(("hour", "minute", "again"), LATE)
def test_a_retry_is_one_that_the_flow_will_let_start_or_it_counts_as_failed_now(
    hour: int, minute: int, again: bool
) -> None:
    late = datetime(2026, 11, 11, hour, minute, tzinfo=UTC)
    events = judged("job", installed(TRANSIENT), replace(standing(job=JOB), now=late))
    if not again:
        assert kinds(events)[:2] == ["install.finished", "failure.opened"]
        return
    assert kinds(events) == ["install.finished", "retry.scheduled"]
    register = {
        "endpoints": {DC.name: {"scanned_at": "2026-11-11T04:00:00Z"}},
        "approvals": [{"update": "u-0", "decision": "approved", "promote": True}],
        "authorizations": [{"scope": {"endpoint": DC.name}, "cycle": "2026-11"}],
    }
    at = instant(body(events, "retry.scheduled")["at"])
    decision = decide(DC, [Update.parse({"id": "u-0"})], Register.parse(register), POLICY, at + timedelta(minutes=1))
    assert decision.action == "install", decision


def test_a_retry_that_a_change_freeze_would_stop_counts_as_failed_now() -> None:
    freeze = {"name": "audit", "start": "2026-11-10T23:01:00", "end": "2026-11-11T12:00:00"}
    for client, wanted in (("Acme Dental", "failure.opened"), ("Somebody else", "retry.scheduled")):
        policy = load_policy({"freezes": [{**freeze, "client": client}]})
        events = judged("job", installed(TRANSIENT), replace(standing(job=JOB), policy=policy))
        assert kinds(events)[1] == wanted


NOTHING = seen.InstallFinished([], {}, reboot_required=False)
OFFERED: list[dict[str, Any]] = [{"id": "u-0", "kb": ["500"], "title": "Update 0 (KB500)", "categories": []}]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (NOTHING, ["u-0", "u-1"]),
        (installed(None), ["u-1"]),
        (installed(None, None), None),
        (replace(NOTHING, reboot_required=True), None),
        (replace(NOTHING, message="it went wrong"), None),
        (installed(TRANSIENT), None),
    ],
    ids=["nothing", "one of two", "both", "a reboot is first", "it failed", "one failed"],
)
def test_what_windows_gave_no_result_for_is_on_record(found: seen.InstallFinished, wanted: list[str] | None) -> None:
    """Where the install went well: one that failed has its retry or its failure."""
    events = judged("job", found, standing(job=replace(JOB, updates=("u-0", "u-1"))))
    assert body(events, "install.finished").get("unanswered") == wanted


def test_an_install_that_nobody_ordered_left_nothing_out() -> None:
    assert "unanswered" not in body(judged("job", NOTHING, standing()), "install.finished")


def test_what_has_no_result_and_is_offered_again_is_tried_once_more_and_then_counts() -> None:
    where = standing(unanswered=("u-0",))
    events = judged("job", seen.ScanFinished(OFFERED), where)
    assert kinds(events) == ["scan.finished", "retry.scheduled"]
    assert (body(events, "retry.scheduled")["step"], body(events, "retry.scheduled")["attempt"]) == ("install", 1)
    events = judged("job", seen.ScanFinished(OFFERED), standing(unanswered=("u-0",), retry_step="install", attempts=1))
    assert kinds(events)[:2] == ["scan.finished", "failure.opened"]
    failure = body(events, "failure.opened")
    assert (failure["step"], failure["update"], failure["class"]) == ("install", "u-0", "unknown")
    for text in (failure["text"], body(events, "ticket.wanted")["text"]):
        assert "Update 0 (KB500)" in text
        assert "no result" in text
    shut = judged("job", seen.ScanFinished(OFFERED), replace(where, now=datetime(2026, 11, 11, 16, 0, tzinfo=UTC)))
    assert kinds(shut)[:2] == ["scan.finished", "failure.opened"], "not another night, and another"


def test_what_has_no_result_and_is_offered_no_more_was_replaced_or_done_by_somebody() -> None:
    newer = [{**OFFERED[0], "id": "u-9"}]
    assert kinds(
        judged("job", seen.ScanFinished(newer), standing(unanswered=("u-0",), retry_step="install", attempts=1))
    ) == ["scan.finished"]


def test_a_restart_that_windows_wants_before_it_installs_is_made_once() -> None:
    first = seen.InstallFinished([], {}, reboot_required=True)
    assert kinds(judged("job", first, standing(job=JOB))) == ["install.finished"]
    events = judged("job", first, standing(job=JOB, restarted_first=True))
    assert "wants it again after that restart" in body(events, "failure.opened")["text"]


def test_a_restart_that_an_install_asked_for_comes_before_the_validation_whatever_it_is_for() -> None:
    posture = {**POSTURE, "reboot_pending": True, "reboot_pending_reasons": ["file renames"]}
    posture["boot_time"] = "2026-11-01T00:00:00.000000Z"
    where = standing(installed_at=NIGHT - timedelta(minutes=20), reboot_asked=True)
    assert kinds(judged("validation", seen.PostureSeen(posture), where)) == ["posture.observed"]
    asked_for_nothing = replace(where, progress=replace(where.progress, reboot_asked=False))
    assert kinds(judged("validation", seen.PostureSeen(posture), asked_for_nothing)) != ["posture.observed"]
