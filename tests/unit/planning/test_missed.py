# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A window that passed without a run is known, who was due in it, and nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, Register
from ansible_collections.msp.patching.plugins.plugin_utils.flow.windows import last_window
from ansible_collections.msp.patching.plugins.plugin_utils.planning.missed import Missed, in_words, missed_windows
from tests.unit.flow.build import DEFAULTS, NEW_YORK, at, server, update, workstation

SEARCHED = at("2026-11-11 12:00")
MORNING = at("2026-11-12 08:00")
"""After the night of Thursday the 12th."""


def missed(
    endpoint: Endpoint,
    *,
    last_run: datetime | None = SEARCHED,
    now: datetime = MORNING,
    state: dict[str, datetime] | None = None,
    register: dict[str, Any] | None = None,
) -> list[Missed]:
    state = {"scanned_at": SEARCHED} | (state or {})
    rows = {"endpoints": {endpoint.name: {key: value.isoformat() for key, value in state.items()}}}
    updates = {endpoint.name: [update()]}
    return missed_windows([endpoint], updates, Register.parse(rows | (register or {})), DEFAULTS, last_run, now)


def test_a_night_without_a_run_is_told_in_one_line() -> None:
    (found,) = missed(workstation())
    assert (found.window, found.start, found.end) == (
        "workstation_overnight",
        at("2026-11-12 02:00"),
        at("2026-11-12 04:00"),
    )
    line = in_words([found], SEARCHED)
    assert line.count("\n") == 1
    for part in ("no run since 2026-11-11 12:00", "Thu 12 Nov 02:00", NEW_YORK, "1 endpoint(s) were due: ACME-WS01"):
        assert part in line.replace("17:00 UTC", "12:00")


@pytest.mark.parametrize(
    ("endpoint", "given"),
    [
        (workstation(), {"last_run": None}),
        (workstation(), {"last_run": at("2026-11-12 02:10")}),
        (workstation(), {"last_run": at("2026-11-12 07:00")}),
        (workstation(), {"now": at("2026-11-12 03:59")}),
        (workstation(), {"state": {"scanned_at": at("2026-11-12 07:00")}}),
        (workstation(agent_disabled=True), {}),
        (workstation(online=False), {}),
        (workstation(ring="regular"), {}),
        (workstation(time_zone=None), {}),
        (workstation(), {"register": {"holds": [{"scope": {"ring": "pilot"}, "at": "2026-11-11T12:00:00Z"}]}}),
        (server(policy_group="manual"), {}),
    ],
    ids=[
        "no run before",
        "a run in the window",
        "a run after it",
        "the window is still open",
        "searched after it",
        "disabled",
        "off",
        "soaking",
        "unclassified",
        "held",
        "a technician's",
    ],
)
def test_nothing_was_missed(endpoint: Endpoint, given: dict[str, Any]) -> None:
    assert missed(endpoint, **given) == []
    assert in_words([], SEARCHED) == ""


def test_a_reboot_that_was_due_counts() -> None:
    state = {"reboot_pending_since": SEARCHED - timedelta(hours=8), "installed_at": SEARCHED - timedelta(hours=9)}
    assert [one.endpoints for one in missed(workstation(), state=state)] == [["ACME-WS01"]]


def test_what_was_patched_since_is_still_told_of_as_it_was() -> None:
    """Asked of the register as it stood when the window opened."""
    held = {"scope": {"ring": "pilot"}, "at": "2026-11-12T12:00:00Z"}
    assert missed(workstation(), register={"holds": [held]})


def test_the_last_window_is_the_one_that_ended_last() -> None:
    server_window = DEFAULTS.settings().server
    assert last_window(server_window, NEW_YORK, at("2026-11-12 03:20")) == (
        at("2026-11-11 21:20"),
        at("2026-11-12 03:20"),
    )
    assert last_window(server_window, NEW_YORK, at("2026-11-12 03:19")) == (
        at("2026-11-10 21:20"),
        at("2026-11-11 03:20"),
    )
    daytime = DEFAULTS.settings().daytime
    assert last_window(daytime, NEW_YORK, at("2026-11-16 08:00")) == (at("2026-11-13 09:00"), at("2026-11-13 17:00"))
