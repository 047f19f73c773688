# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The completeness proof: each endpoint in exactly one place, and when that closes the tier."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.flow import EndpointState, Planner, Register, cycle_span
from ansible_collections.msp.patching.plugins.plugin_utils.flow.closure import (
    OFFERED,
    PLACES,
    Standing,
    Tier,
    place,
    prove,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow.decision import ACTIONS
from ansible_collections.msp.patching.plugins.plugin_utils.flow.walk import NODES
from tests.unit.flow.build import DEFAULTS, NIGHT, soaked, update, workstation

TIER = Tier("2026-11", "Acme", "pilot", "workstation")
OPENED, ENDS = cycle_span("2026-11")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DONE = EndpointState(scanned_at=OPENED + 15 * HOUR, installed_at=OPENED + 14 * HOUR, validated_at=OPENED + 15 * HOUR)
PATCHED = Standing("none", "approval.nothing_approved", "no update applies to it", DONE)
OPEN = Standing("install", "deploy.install", "2 approved updates are due")
GONE = "the inventory no longer has it"
AS_B: dict[str, Any] = {"gone": "it is called B now", "counted": True}
RENAMED = ("excluded", "it is called B now, and counts by that name")


@pytest.mark.parametrize(
    ("action", "node", "expected"),
    [
        ("skip", "scope.agent_disabled", "excluded"),
        ("skip", "scope.excluded", "excluded"),
        ("skip", "scope.do_not_patch", "excluded"),
        ("hold", "scope.exception_expired", "held"),
        ("hold", "scope.unclassified", "held"),
        ("hold", "approval.review", "held"),
        ("hold", "gate.tier_held", "held"),
        ("hold", "gate.soak", "held"),
        ("hold", "gate.failure_open", "failed"),
        ("manual", "gate.authorization", "held"),
        ("manual", "reboot.technician", "held"),
        ("wait", "schedule.freeze", "held"),
        ("wait", "reboot.freeze", "held"),
        ("wait", "schedule.window", "open"),
        ("wait", "reboot.user", "open"),
        ("wait", "posture.offline", "unreachable"),
        ("wait", "posture.asleep", "unreachable"),
        ("remind", "reboot.reminder", "open"),
        ("scan", "scan.due", "open"),
        ("install", "deploy.install", "open"),
        ("reboot", "reboot.overnight", "open"),
        ("validate", "validate.due", "open"),
        ("none", "approval.nothing_approved", "patched"),
    ],
)
def test_where_a_decision_puts_an_endpoint(action: str, node: str, expected: str) -> None:
    assert place(Standing(action, node, "so", DONE), OPENED)[0] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "patched"),
        ({"installed_at": None, "validated_at": None}, "open"),
        ({"installed_at": None, "validated_at": None, "scanned_at": OPENED + OFFERED}, "patched"),
        ({"installed_at": OPENED - DAY, "validated_at": OPENED - DAY}, "open"),
        ({"installed_at": OPENED - DAY, "validated_at": OPENED - DAY, "scanned_at": OPENED + OFFERED}, "patched"),
        ({"scanned_at": None}, "open"),
        ({"scanned_at": OPENED - HOUR, "installed_at": OPENED - DAY}, "open"),
        ({"validated_at": None}, "open"),
        ({"rebooted_at": OPENED + 16 * HOUR}, "open"),
    ],
)
def test_patched_is_installed_validated_and_searched_since_the_cycle_opened(
    changes: dict[str, Any], expected: str
) -> None:
    assert place(replace(PATCHED, state=replace(DONE, **changes)), OPENED)[0] == expected


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (replace(PATCHED, in_flight="a scan"), ("open", "a scan")),
        (replace(PATCHED, failure="KB1 failed"), ("failed", "KB1 failed")),
        (replace(OPEN, failure="KB1 failed"), ("failed", "KB1 failed")),
        (replace(OPEN, action="skip", failure="KB1 failed"), ("excluded", OPEN.reason)),
        (replace(OPEN, gone=GONE), ("unreachable", GONE)),
        (replace(OPEN, gone=GONE, in_flight="a job"), ("unreachable", f"a job, and {GONE}")),
        (replace(OPEN, gone=GONE, in_flight="a job", failure="KB1 failed"), ("failed", "KB1 failed")),
        (replace(OPEN, **AS_B), RENAMED),
        (replace(OPEN, **AS_B, action="hold", node="gate.soak"), RENAMED),
        (replace(OPEN, **AS_B, in_flight="a job"), ("unreachable", "a job, and it is called B now")),
        (
            replace(PATCHED, state=replace(DONE, validated_at=None), **AS_B),
            ("unreachable", "it is not validated since it was installed or rebooted, and it is called B now"),
        ),
        (replace(OPEN, **AS_B, unreachable_since=OPENED), RENAMED),
        (replace(OPEN, **AS_B, failure="KB1 failed"), ("failed", "KB1 failed")),
        (replace(PATCHED, **AS_B), place(PATCHED, OPENED)),
        (replace(PATCHED, gone=GONE, unreachable_since=OPENED), place(PATCHED, OPENED)),
    ],
)
def test_what_is_known_beside_the_decision(standing: Standing, expected: tuple[str, str]) -> None:
    assert place(standing, OPENED) == expected


def test_who_did_not_answer_is_unreachable_until_he_does() -> None:
    found, reason = place(replace(OPEN, unreachable_since=OPENED + HOUR), OPENED)
    assert (found, reason) == ("unreachable", "it has not answered since 2026-11-10T19:00+00:00")


def standing_in(stands: str) -> Standing:
    return {
        "patched": PATCHED,
        "excluded": Standing("skip", "scope.excluded", "an exception"),
        "held": Standing("hold", "gate.tier_held", "held"),
        "failed": replace(OPEN, failure="KB1 failed"),
        "unreachable": Standing("wait", "posture.offline", "off"),
        "open": OPEN,
    }[stands]


@pytest.mark.parametrize(
    ("stands", "within", "after"),
    [
        (("patched",), True, True),
        (("excluded",), True, True),
        (("patched", "excluded"), True, True),
        (("patched", "held"), False, True),
        (("patched", "failed"), False, True),
        (("unreachable",), False, True),
        (("patched", "open"), False, False),
        ((), False, True),
    ],
)
def test_when_a_tier_closes(stands: tuple[str, ...], within: bool, after: bool) -> None:
    members = {f"E{number}": standing_in(name) for number, name in enumerate(stands)}
    assert prove(TIER, members, ENDS - HOUR).closes is within
    assert prove(TIER, members, ENDS).closes is after


def test_who_stands_in_the_way_is_named_with_the_reason() -> None:
    members = {"A": PATCHED, "B": standing_in("held"), "C": OPEN}
    way = prove(TIER, members, OPENED + DAY).in_the_way
    assert [(row.endpoint, row.stands, row.reason) for row in way] == [
        ("B", "held", "held"),
        ("C", "open", OPEN.reason),
    ]
    assert [row.endpoint for row in prove(TIER, members, ENDS).in_the_way] == ["C"]


def test_a_laptop_that_was_patched_and_is_off_now_stays_patched() -> None:
    """`decide` would search it again; where it stands does not grow old."""
    off = workstation(online=False)
    state = {"scanned_at": NIGHT.isoformat(), "installed_at": NIGHT.isoformat(), "validated_at": NIGHT.isoformat()}
    planner = Planner(DEFAULTS, Register.parse({"endpoints": {off.name: state}}), NIGHT + 5 * DAY)
    assert planner.decide(off, []).node == "posture.offline"
    assert planner.standing(off, []).action == "none"
    assert planner.standing(off, [update()]).node == "posture.offline"


def test_the_standing_of_who_was_searched_just_now_is_the_decision() -> None:
    endpoint = workstation(ring="regular")
    register = Register.parse({"soak": [soaked()], "endpoints": {endpoint.name: {"scanned_at": NIGHT.isoformat()}}})
    planner = Planner(DEFAULTS, register, NIGHT)
    assert planner.standing(endpoint, [update()]) == planner.decide(endpoint, [update()])


moments = st.none() | st.integers(-200, 2000).map(lambda hours: OPENED + hours * HOUR)
nodes = st.sampled_from([*(node for node, dummy in NODES), "reboot.freeze", "reboot.user", "deploy.install", ""])
texts = st.text(max_size=5)
standings = st.builds(
    Standing,
    st.sampled_from(ACTIONS),
    nodes,
    texts,
    st.builds(EndpointState, moments, moments, moments, moments, moments, moments),
    st.none() | texts,
    st.none() | texts,
    moments,
    st.none() | texts,
    st.booleans(),
)
tiers = st.dictionaries(st.sampled_from("ABCDEFGH"), standings)
nows = st.integers(0, 1500).map(lambda hours: OPENED + hours * HOUR)


@given(tiers, nows)
def test_each_endpoint_stands_in_exactly_one_place(members: dict[str, Standing], now: datetime) -> None:
    proof = prove(TIER, members, now)
    assert [row.endpoint for row in proof.rows] == sorted(members)
    assert all(row.stands in PLACES for row in proof.rows)
    assert sum(proof.counts.values()) == len(members)
    assert set(proof.counts) == set(PLACES)


@given(tiers, nows)
def test_a_tier_closes_never_with_an_open_one_and_early_only_with_nothing_left(
    members: dict[str, Standing], now: datetime
) -> None:
    proof = prove(TIER, members, now)
    if proof.closes:
        assert proof.counts["open"] == 0
        assert now >= ENDS or {row.stands for row in proof.rows} <= {"patched", "excluded"}
    elif members:
        assert proof.in_the_way


@given(standings)
def test_patched_means_searched_and_validated_in_the_cycle_and_without_failure(standing: Standing) -> None:
    if place(standing, OPENED)[0] == "patched":
        state = standing.state
        assert standing.action == "none"
        assert standing.failure is None
        assert state.scanned_at is not None
        assert state.scanned_at >= OPENED
        done = [at for at in (state.installed_at, state.rebooted_at) if at is not None]
        assert not done or (state.validated_at is not None and state.validated_at >= max(done))


@given(standings)
def test_one_that_no_run_will_see_again_keeps_no_tier_from_closing_for_ever(standing: Standing) -> None:
    assert place(replace(standing, gone=GONE), OPENED)[0] != "open"


@given(tiers, nows, nows)
def test_time_alone_never_opens_what_could_close(
    members: dict[str, Standing], first: datetime, second: datetime
) -> None:
    earlier, later = sorted((first, second))
    assert prove(TIER, members, later).closes or not prove(TIER, members, earlier).closes
