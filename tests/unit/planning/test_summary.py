# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read of reminders, and of machines that are others, at the end of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow.who import words
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.planning.summary import outcomes, run_summary

NOW = datetime(2026, 11, 12, 15, 0, tzinfo=UTC)
SHOWN: tuple[str, dict[str, Any]] = ("reminder.shown", {})
FAILED = ("step.failed", {"step": "remind", "message": "no session here"})
AGAIN = ("step.failed", {"step": "remind", "message": "still none"})
SILENT = ("endpoint.unreachable", {"during": "remind", "message": "refused"})


def events(*told: tuple[str, dict[str, Any]]) -> list[Event]:
    return [Event(kind, "WS01", NOW, body) for kind, body in told]


@pytest.mark.parametrize(
    ("told", "state", "why"),
    [
        ([SHOWN], "reminded", None),
        ([FAILED, SHOWN], "reminded", None),
        ([FAILED, AGAIN], "not reminded", "still none"),
        ([SILENT], "UNREACHABLE", "refused"),
    ],
)
def test_what_became_of_a_reminder(told: list[tuple[str, dict[str, Any]]], state: str, why: str | None) -> None:
    outcome = outcomes(events(*told))["WS01"]
    assert outcome.touched
    assert outcome.state == state
    assert outcome.failure is None
    assert (outcome.warning is None) == (why is None)
    assert (why or "") in (outcome.warning or "")


def test_a_step_that_is_no_reminder_warns_of_nothing() -> None:
    assert outcomes(events(("step.failed", {"step": "scan", "message": "no"})))["WS01"].warning is None


OTHER = ("endpoint.unreachable", {"during": "scan", "message": words("WS01", "CEO-PC", "192.0.2.7")})
SEARCHING = ("scan.started", {"job": "j1", "limit_seconds": 60})
SAID = "\nWS01: another machine answers at 192.0.2.7: it calls itself CEO-PC, wanted is WS01; "


@pytest.mark.parametrize(
    ("told", "is_said"), [([OTHER], True), ([OTHER, SILENT], False), ([OTHER, SEARCHING], False), ([SILENT], False)]
)
def test_that_another_machine_answers_is_in_the_summary(told: list[tuple[str, dict[str, Any]]], is_said: bool) -> None:
    ledger = Ledger.open("sqlite://")
    ledger.append(events(*told), run="r1")
    assert (SAID in run_summary(ledger, "r1", {})) == is_said


def test_the_warning_stands_in_the_summary() -> None:
    ledger = Ledger.open("sqlite://")
    ledger.append(events(FAILED), run="r1")
    summary = " ".join(run_summary(ledger, "r1", {}).split())
    assert "Warning: WS01: its user was not told that a restart is due (no session here); the next run tries" in summary
