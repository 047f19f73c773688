# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node 8: reboots that are pending (sections 5 and 6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, redundancy_key
from tests.unit.flow.build import NIGHT, NOON, at, decision, server, workstation

SINCE = "2026-11-12T03:00:00Z"
DAYTIME = workstation(track="daytime", user_logged_on=True)
ALONE = workstation(track="daytime", user_logged_on=False)
FREEZE = {"freezes": [{"name": "year end", "start": "2026-11-10", "end": "2026-11-20"}]}

CASES: list[tuple[str, str, Endpoint, datetime, dict[str, Any], str | None]] = [
    # servers: unattended only with group, approval and window
    ("reboot.unattended", "reboot", server(), NIGHT, {}, "2026-11-12T03:20:00-05:00"),
    ("reboot.window", "wait", server(), NOON, {}, "2026-11-12T21:20:00-05:00"),
    ("reboot.window", "wait", server(), at("2026-11-12 02:50:01"), {}, "2026-11-12T21:20:00-05:00"),
    ("reboot.technician", "manual", server(unattended_reboot=False), NIGHT, {}, None),
    ("reboot.technician", "manual", server(unattended_reboot=None), NOON, {}, None),
    ("reboot.technician", "manual", server(policy_group="auto_install_manual_reboot"), NIGHT, {}, None),
    ("reboot.technician", "manual", server(policy_group="manual"), NIGHT, {}, None),
    ("posture.offline", "wait", server(online=False), NIGHT, {}, "2026-11-12T21:20:00-05:00"),
    ("reboot.freeze", "wait", server(), NIGHT, FREEZE, "2026-11-21T00:00:00-05:00"),
    ("reboot.technician", "manual", server(policy_group="manual"), NIGHT, FREEZE, None),
    # overnight: no user involved
    ("reboot.overnight", "reboot", workstation(user_logged_on=True), NIGHT, {}, "2026-11-12T04:00:00-05:00"),
    ("reboot.window", "wait", workstation(user_logged_on=True), NOON, {}, "2026-11-13T02:00:00-05:00"),
    ("reboot.freeze", "wait", workstation(), NIGHT, FREEZE, "2026-11-21T00:00:00-05:00"),
    ("posture.asleep", "wait", workstation(asleep=True), NIGHT, {}, "2026-11-13T02:00:00-05:00"),
    # daytime: told once a day from ten, forced after three days
    ("reboot.reminder", "remind", DAYTIME, at("2026-11-12 10:00"), {}, "2026-11-15T02:00:00-05:00"),
    ("reboot.user", "wait", DAYTIME, at("2026-11-12 09:59:59"), {}, "2026-11-12T10:00:00-05:00"),
    ("reboot.user", "wait", ALONE, NOON, {}, "2026-11-15T02:00:00-05:00"),
    ("reboot.user", "wait", workstation(track="daytime", user_logged_on=True, online=False), NOON, {}, None),
    ("reboot.user", "wait", ALONE, NIGHT, {}, "2026-11-15T02:00:00-05:00"),
    ("reboot.user", "wait", ALONE, at("2026-11-14 21:59:59"), {}, "2026-11-15T02:00:00-05:00"),
    ("reboot.window", "wait", ALONE, at("2026-11-14 22:00"), {}, "2026-11-15T02:00:00-05:00"),
    ("reboot.forced", "reboot", ALONE, at("2026-11-15 02:00"), {}, "2026-11-15T04:00:00-05:00"),
    ("reboot.forced", "reboot", DAYTIME, at("2026-11-15 03:30"), {}, "2026-11-15T04:00:00-05:00"),
    ("reboot.window", "wait", DAYTIME, at("2026-11-15 03:31"), {}, "2026-11-15T10:00:00-05:00"),
    ("reboot.reminder", "remind", DAYTIME, at("2026-11-15 11:00"), {}, "2026-11-16T02:00:00-05:00"),
    ("reboot.reminder", "remind", DAYTIME, at("2026-11-15 11:00"), FREEZE, "2026-11-21T02:00:00-05:00"),
    ("reboot.window", "wait", ALONE, at("2026-11-15 11:00"), {}, "2026-11-16T02:00:00-05:00"),
    ("reboot.forced", "reboot", ALONE, NIGHT, {"force_reboot_after": "1h"}, "2026-11-12T04:00:00-05:00"),
    ("reboot.reminder", "remind", workstation(user_logged_on=True), NOON,
     {"reminder": {"tracks": ["overnight"]}}, "2026-11-13T02:00:00-05:00"),
    ("reboot.overnight", "reboot", workstation(user_logged_on=True), NIGHT,
     {"reminder": {"tracks": ["overnight"], "at": "00:30"}}, "2026-11-12T04:00:00-05:00"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "action", "endpoint", "now", "policy", "until"), CASES)
def test_a_pending_reboot(
    node: str, action: str, endpoint: Endpoint, now: datetime, policy: dict[str, Any], until: str | None
) -> None:
    rows = {"endpoints": {endpoint.name: {"reboot_pending_since": SINCE, "installed_at": SINCE}}}
    found = decision(endpoint, None, now, rows, policy)
    assert (found.node, found.action) == (node, action)
    if until is not None:
        assert found.until is not None
        assert found.until.isoformat() == until


@pytest.mark.parametrize(
    ("told", "action"),
    [
        ("2026-11-12T10:00:00-05:00", "wait"),
        ("2026-11-11T23:59:59-05:00", "remind"),
        ("2026-11-12T00:00:00-05:00", "wait"),
    ],
)
def test_the_user_is_told_at_most_once_a_day(told: str, action: str) -> None:
    rows = {"endpoints": {DAYTIME.name: {"reboot_pending_since": SINCE, "reminded_at": told}}}
    assert decision(DAYTIME, None, NOON, rows).action == action


def test_a_window_too_short_for_the_least_that_must_be_left_never_reboots_and_never_fails() -> None:
    rows = {"endpoints": {ALONE.name: {"reboot_pending_since": SINCE}}}
    found = decision(ALONE, None, NOON, rows, {"minimum_remaining": "5h"})
    assert (found.node, found.until is not None) == ("reboot.user", True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (server(name="A"), server(name="B"), True),
        (server(), server(role="sql_server"), False),
        (server(), server(client="Other"), False),
        (server(redundancy_group="dc"), server(role="sql_server", redundancy_group="dc"), True),
        (server(redundancy_group="dc"), server(), False),
        (workstation(redundancy_group="tills"), workstation(redundancy_group="tills"), True),
    ],
)
def test_endpoints_that_are_never_rebooted_at_once(one: Endpoint, other: Endpoint, same: bool) -> None:
    assert (redundancy_key(one) == redundancy_key(other)) is same


def test_a_workstation_of_no_group_has_no_redundancy_key() -> None:
    assert redundancy_key(workstation()) is None


@pytest.mark.parametrize(
    ("endpoint", "now", "told"),
    [
        (server(policy_group="manual"), NOON, "since 2026-11-11 22:00 America/New_York"),
        (DAYTIME, NOON, "forced at 2026-11-15 02:00 America/New_York"),
        (ALONE, NOON, "forced at 2026-11-15 02:00 America/New_York"),
        (server(), NOON, "opens next at 2026-11-12 21:20 America/New_York"),
    ],
)
def test_a_wall_time_in_a_reason_bears_its_zone(endpoint: Endpoint, now: datetime, told: str) -> None:
    """Reports and tickets show it beside times in UTC."""
    found = decision(endpoint, None, now, {"endpoints": {endpoint.name: {"reboot_pending_since": SINCE}}})
    assert told in found.reason
