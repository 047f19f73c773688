# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which step an endpoint takes next: its decision, in the light of what is under way on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Decision
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.register import Job, OpenFailure, Progress, Reboot
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import (
    ACTING,
    Patience,
    Step,
    may_have_rebooted,
    next_step,
    under_way_since,
)

NOW = datetime(2026, 11, 11, 8, 5, tzinfo=UTC)
NOTHING = Progress()
PATIENCE = Patience(tolerated=2, after=timedelta(minutes=1), at_most=timedelta(minutes=30))
SCANNING = Progress(job=Job("scan", "j1.2", NOW, 600, ()))
INSTALLING = Progress(job=Job("install", "j1.2", NOW, 7200, ("u1",)))
REBOOTING = Progress(reboot=Reboot(NOW, "134"))


def decision(action: str) -> Decision:
    return Decision(action=action, node="a.node", reason="because", until=None, path=())


def step(action: str, progress: Progress, actions: tuple[str, ...] = ACTING) -> str:
    return next_step("WS01", decision(action), progress, NOW, actions, PATIENCE).name


@pytest.mark.parametrize("action", ["skip", "hold", "wait", "manual", "none"])
def test_what_a_run_does_not_carry_out_leaves(action: str) -> None:
    assert step(action, NOTHING) == "leave"


@pytest.mark.parametrize("action", ACTING)
def test_what_is_due_is_done(action: str) -> None:
    assert step(action, NOTHING) == action


@pytest.mark.parametrize("action", ACTING)
def test_a_run_narrowed_to_other_actions_leaves_it(action: str) -> None:
    assert step(action, NOTHING, tuple(other for other in ACTING if other != action)) == "leave"


@pytest.mark.parametrize(("progress", "wanted"), [(SCANNING, "look"), (INSTALLING, "look"), (REBOOTING, "confirm")])
@pytest.mark.parametrize("action", ["scan", "install", "wait", "hold", "none"])
def test_what_is_under_way_is_looked_at_whatever_is_decided(progress: Progress, wanted: str, action: str) -> None:
    """Nothing is started twice: also after a run that was killed, and outside the window too."""
    assert step(action, progress) == wanted


@pytest.mark.parametrize(
    ("began", "known", "wanted"),
    [
        (timedelta(minutes=9), {}, False),
        (timedelta(minutes=11), {}, True),
        (timedelta(minutes=30), {"posture_at": NOW - timedelta(minutes=3)}, False),
        (timedelta(minutes=1), {"unreachable_since": NOW}, True),
    ],
    ids=["it has just begun", "nobody has looked for a while", "somebody has", "it did not answer meanwhile"],
)
def test_whether_a_look_at_a_job_looks_at_the_boot_too(began: timedelta, known: dict[str, Any], wanted: bool) -> None:
    assert INSTALLING.job
    job = replace(INSTALLING.job, started_at=NOW - began)
    assert may_have_rebooted(replace(INSTALLING, job=job, **known), NOW) is wanted
    assert not may_have_rebooted(replace(NOTHING, **known), NOW)


def test_an_install_is_none_of_a_run_that_only_validates() -> None:
    assert step("none", INSTALLING, ("validate",)) == "leave"


@pytest.mark.parametrize(("action", "wanted"), [("reboot", "look"), ("scan", "look"), ("validate", "validate")])
def test_nothing_is_restarted_or_searched_amid_an_install(action: str, wanted: str) -> None:
    """A run that was killed left it behind, and this one was told to `--skip-tags install`."""
    assert step(action, INSTALLING, ("scan", "reboot", "validate")) == wanted
    assert step(action, INSTALLING, ("remind",)) == "leave"


def test_a_failure_of_this_run_ends_it_for_the_endpoint() -> None:
    failed = replace(INSTALLING, failed_in_run=("f-1", "KB5046613 failed with 0x80070643."))
    got = next_step("WS01", decision("install"), failed, NOW, ACTING, PATIENCE)
    assert got.name == "fail"
    assert got.why.startswith("WS01: KB5046613 failed with 0x80070643. Nothing is tried again on it until")


@pytest.mark.parametrize(("step_failed", "wanted"), [("install", None), ("reboot", "fail"), ("validate", "fail")])
@pytest.mark.parametrize("action", ["reboot", "validate", "scan"])
def test_what_an_install_that_failed_in_part_left_is_rebooted_and_validated_first(
    action: str, step_failed: str, wanted: str | None
) -> None:
    failure = OpenFailure("f-1", "NAME", "Acme", step_failed, None, NOW)
    failed = replace(NOTHING, failed_in_run=("f-1", "it failed"), failures=(failure,))
    assert step(action, failed) == (wanted or action)
    assert step(action, failed, ("install",)) == "fail"


@pytest.mark.parametrize(
    ("failed", "action", "seen", "wanted"),
    [
        ("reboot", "reboot", timedelta(minutes=11), "see"),
        ("reboot", "reboot", timedelta(minutes=2), "see"),
        ("reboot", "reboot", timedelta(0), "leave"),
        ("reboot", "validate", timedelta(0), "validate"),
        ("validate", "reboot", timedelta(0), "reboot"),
        (None, "reboot", timedelta(0), "reboot"),
    ],
    ids=[
        "somebody may have done it",
        "seen before it failed",
        "nobody has",
        "a look is no retry",
        "another thing failed",
        "documented",
    ],
)
def test_a_restart_that_failed_is_not_tried_again_without_a_root_cause(
    failed: str | None, action: str, seen: timedelta, wanted: str
) -> None:
    """Section 8, 5."""
    failures = (OpenFailure("f-1", "NAME", "Acme", failed, None, NOW - timedelta(minutes=1)),) if failed else ()
    got = next_step(
        "DC01", decision(action), replace(NOTHING, failures=failures, posture_at=NOW - seen), NOW, ACTING, PATIENCE
    )
    assert got.name == wanted
    if wanted == "leave":
        assert "msp.patching.root_cause -e endpoint=DC01" in got.why


@pytest.mark.parametrize(("after", "wanted"), [(timedelta(minutes=1), "wait"), (timedelta(0), "install")])
def test_a_retry_waits_for_its_hour(after: timedelta, wanted: str) -> None:
    assert step("install", replace(NOTHING, retry_step="install", retry_at=NOW + after, attempts=1)) == wanted


def test_a_retry_keeps_nothing_else_waiting() -> None:
    waiting = replace(NOTHING, retry_step="install", retry_at=NOW + timedelta(minutes=1), attempts=1)
    assert step("reboot", waiting) == "reboot"
    assert step("reboot", replace(waiting, retry_step="posture")) == "wait"


@pytest.mark.parametrize(
    ("action", "node", "seen", "wanted"),
    [
        ("manual", "reboot.technician", None, "see"),
        ("manual", "reboot.technician", timedelta(minutes=11), "see"),
        ("manual", "reboot.technician", timedelta(minutes=1), "leave"),
        ("wait", "reboot.user", None, "see"),
        ("manual", "gate.authorization", None, "leave"),
    ],
)
def test_a_reboot_that_others_do_is_looked_for(action: str, node: str, seen: timedelta | None, wanted: str) -> None:
    progress = replace(NOTHING, posture_at=None if seen is None else NOW - seen)
    due = replace(decision(action), node=node)
    assert next_step("WS01", due, progress, NOW, ACTING, PATIENCE).name == wanted
    assert next_step("WS01", due, progress, NOW, ACTING, PATIENCE, away=True).name == "leave"
    assert next_step("WS01", due, progress, NOW, ("scan", "install"), PATIENCE).name == "leave"


@pytest.mark.parametrize("actions", [ACTING, ("remind",)])
@pytest.mark.parametrize(("seen", "wanted"), [(None, "see"), (timedelta(minutes=11), "see"), (timedelta(0), "remind")])
def test_who_may_have_restarted_is_looked_at_before_he_is_told_to(
    seen: timedelta | None, wanted: str, actions: tuple[str, ...]
) -> None:
    progress = replace(NOTHING, posture_at=None if seen is None else NOW - seen)
    due = replace(decision("remind"), node="reboot.reminder")
    assert next_step("WS01", due, progress, NOW, actions, PATIENCE).name == wanted


@pytest.mark.parametrize(("count", "wanted"), [(1, "scan"), (2, "scan"), (3, "fail")])
def test_an_unreachable_endpoint_is_given_up_after_the_tolerated_count(count: int, wanted: str) -> None:
    assert step("scan", replace(NOTHING, unreachable_count=count)) == wanted


@pytest.mark.parametrize("progress", [NOTHING, INSTALLING], ids=["nothing under way", "an install"])
@pytest.mark.parametrize(("count", "minutes"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (60, 30)])
def test_an_endpoint_that_did_not_answer_is_tried_again_after_a_while(
    progress: Progress, count: int, minutes: int
) -> None:
    patience = replace(PATIENCE, tolerated=100)
    silent = replace(progress, unreachable_since=NOW - timedelta(days=1), unreachable_at=NOW, unreachable_count=count)

    def at(after: timedelta) -> Step:
        return next_step("WS01", decision("install"), silent, NOW + after, ACTING, patience)

    due = timedelta(minutes=minutes)
    early = at(due - timedelta(seconds=1))
    assert (early.name, early.until) == ("wait", NOW + due)
    assert early.why == f"it did not answer; tried again at {(NOW + due).isoformat()}"
    assert at(due).name in ("install", "look")


def test_what_did_not_answer_another_run_is_tried_at_once() -> None:
    silent = replace(NOTHING, unreachable_since=NOW, unreachable_at=NOW, unreachable_count=0)
    assert step("install", silent) == "install"


def test_who_did_not_answer_and_has_nothing_due_is_not_waited_for() -> None:
    silent = replace(NOTHING, unreachable_since=NOW, unreachable_at=NOW, unreachable_count=1)
    assert step("hold", silent) == "leave"


@pytest.mark.parametrize(
    ("known", "away", "wanted"),
    [
        ({"unreachable_count": 3}, False, "fail"),
        ({"unreachable_count": 1}, False, "fail"),
        ({"unreachable_count": 1}, True, "leave"),
        ({"unreachable_count": 0}, False, "leave"),
        ({"unreachable_count": 1, "unreachable_since": None}, False, "leave"),
    ],
    ids=["tried", "tried once", "off, as the RMM knows", "silent in an earlier run", "it answers by now"],
)
def test_whose_window_closes_while_it_is_silent_is_unreachable(known: dict[str, Any], away: bool, wanted: str) -> None:
    silent = replace(NOTHING, **{"unreachable_since": NOW, "unreachable_at": NOW} | known)
    patience = replace(PATIENCE, tolerated=9)
    got = next_step("WS01", decision("wait"), silent, NOW, ACTING, patience, away=away)
    assert got.name == wanted
    if wanted == "fail":
        times = "3 times" if known["unreachable_count"] == 3 else "1 time"
        assert got.why == f"WS01: unreachable {times} in a row; caught up by the next run"


def test_a_restart_whose_answer_was_lost_and_that_never_came_is_tried_again_and_not_for_ever() -> None:
    answered = replace(NOTHING, unreachable_during="reboot", unreachable_at=NOW, unreachable_count=1)
    assert step("reboot", answered) == "wait", "it answers and has not restarted"
    assert step("reboot", replace(answered, unreachable_count=3)) == "fail"


def test_a_rebooting_endpoint_is_allowed_to_be_unreachable() -> None:
    """How long, the policy's reboot time limit says; that is judged where it is recorded."""
    assert step("reboot", replace(REBOOTING, unreachable_at=NOW, unreachable_count=40)) == "confirm"


@pytest.mark.parametrize("action", ["reboot", "wait"])
@pytest.mark.parametrize(
    ("during", "actions", "wanted"),
    [("reboot", ACTING, "confirm"), ("install", ACTING, "fail"), ("reboot", ("scan", "install"), "fail")],
)
def test_who_fell_silent_when_told_to_restart_is_not_given_up_as_unreachable(
    action: str, during: str, actions: tuple[str, ...], wanted: str
) -> None:
    """The answer to the restart was lost: it may be on its way."""
    since = NOW - timedelta(minutes=3)
    silent = replace(NOTHING, unreachable_since=since, unreachable_count=3, unreachable_during=during)
    got = next_step("WS01", decision(action), silent, NOW, actions, PATIENCE)
    assert got.name == wanted
    assert under_way_since(got, silent) == (since if wanted == "confirm" else None)
