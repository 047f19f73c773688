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
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.planned import last_runs, planned_event
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
    known = Register.parse(rows | (register or {}))
    last_runs = {} if last_run is None else {endpoint.name: last_run}
    return missed_windows([endpoint], updates, known, DEFAULTS, last_runs, now)


def test_a_night_without_a_run_is_told_in_one_line() -> None:
    (found,) = missed(workstation())
    assert (found.window, found.start, found.end) == (
        "workstation_overnight",
        at("2026-11-12 02:00"),
        at("2026-11-12 04:00"),
    )
    line = in_words([found])
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
    assert in_words([]) == ""


def test_a_reboot_that_was_due_counts() -> None:
    state = {"reboot_pending_since": SEARCHED - timedelta(hours=8), "installed_at": SEARCHED - timedelta(hours=9)}
    assert [one.endpoints for one in missed(workstation(), state=state)] == [["ACME-WS01"]]


def test_what_was_patched_since_is_still_told_of_as_it_was() -> None:
    """Asked of the register as it stood when the window opened."""
    held = {"scope": {"ring": "pilot"}, "at": "2026-11-12T12:00:00Z"}
    assert missed(workstation(), register={"holds": [held]})


def test_another_clients_run_hides_no_missed_window() -> None:
    """Of several schedules over one ledger one was down for a week, and the others were not."""
    ours, theirs = workstation(name="B-WS01", client="B"), workstation(name="A-WS01", client="A")
    ledger = Ledger.open("sqlite://")

    def run(name: str, when: datetime, of: Endpoint) -> None:
        opened = Event("run.opened", None, when, {"by": "x", "simulated": False, "playbook": "cycle.yml"})
        ledger.append([opened, planned_event([of], when)], run=name)

    def told(endpoint: Endpoint, now: datetime) -> list[Missed]:
        register = Register.parse({"endpoints": {endpoint.name: {"scanned_at": SEARCHED.isoformat()}}})
        last = last_runs(ledger, [endpoint])
        return missed_windows([endpoint], {endpoint.name: [update()]}, register, DEFAULTS, last, now)

    now = at("2026-11-18 08:00")
    run("b", SEARCHED, ours)
    run("a", now - timedelta(minutes=5), theirs)
    (found,) = told(ours, now)
    assert (found.endpoints, found.start) == (["B-WS01"], at("2026-11-18 02:00"))
    assert "no run since 2026-11-11 17:00 UTC was for them" in in_words([found])
    assert told(theirs, now) == []
    run("b2", now, ours)
    assert told(ours, now + timedelta(minutes=5)) == []


def test_who_missed_the_same_window_is_told_of_in_one_line_with_the_last_run_of_any() -> None:
    some = [workstation(name=name, client=name) for name in ("A", "B")]
    register = Register.parse({"endpoints": {one.name: {"scanned_at": SEARCHED.isoformat()} for one in some}})
    last = {"A": SEARCHED, "B": SEARCHED + timedelta(hours=1)}
    updates = {one.name: [update()] for one in some}
    (found,) = missed_windows(some, updates, register, DEFAULTS, last, MORNING)
    assert found.endpoints == ["A", "B"]
    assert "no run since 2026-11-11 18:00 UTC was for them" in in_words([found])


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
