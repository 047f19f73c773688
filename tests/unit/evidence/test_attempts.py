# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install is tried again for, until when in its window, and that it never goes on without end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import decide, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.records import Update
from ansible_collections.msp.patching.plugins.plugin_utils.flow.register import Register
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import instant

from .test_judge import DC, JOB, POLICY, TRANSIENT, body, installed, judged, kinds, standing

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
