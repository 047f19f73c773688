# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 2, node by node: what settles a walk, in which order, with which action."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, Update
from ansible_collections.msp.patching.plugins.plugin_utils.flow.walk import NODES
from tests.unit.flow.build import (
    DRIVER,
    NIGHT,
    NOON,
    OPTIONAL,
    at,
    decision,
    server,
    soaked,
    update,
    workstation,
)

SIGNED = {"reason": "R-17", "signed_by": "Jane Roe", "signed_at": "2026-01-05T12:00:00Z"}
GO = {"scope": {"endpoint": "ACME-FS01"}, "cycle": "2026-11", "by": "Tech One", "at": "2026-11-11T12:00:00Z"}
CAUSE = {"by": "Tech", "code": "disk", "text": "It was full."}
PENDING = {"endpoints": {"ACME-WS01": {"reboot_pending_since": "2026-11-12T05:00:00Z"}}}
FREEZE = {"freezes": [{"name": "year end", "start": "2026-11-12T00:00:00-05:00", "end": "2026-11-15T00:00:00-05:00"}]}


def exception(**scope: str) -> dict[str, Any]:
    return {"exceptions": [{"scope": scope, "expires": "2027-01-01T00:00:00Z", **SIGNED}]}


def changed(rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"exceptions": [rows["exceptions"][0] | changes]}


def state(**times: str) -> dict[str, Any]:
    return {"endpoints": {"ACME-WS01": times}}


# node, action, endpoint, updates, register, policy, now
CASES: list[tuple[str, str, Endpoint, list[Update] | None, dict[str, Any], dict[str, Any], datetime]] = [
    ("scope.location_disabled", "skip", workstation(location_disabled=True), [update()], {}, {}, NIGHT),
    ("scope.agent_disabled", "skip", workstation(agent_disabled=True), [update()], {}, {}, NIGHT),
    ("scope.excluded", "skip", workstation(), [update()], exception(endpoint="ACME-WS01"), {}, NIGHT),
    ("scope.excluded", "skip", workstation(), None, exception(client="Acme"), {}, NIGHT),
    ("scope.excluded", "skip", workstation(), None, exception(client="Acme", location="Main"), {}, NIGHT),
    ("scope.excluded", "skip", server(), None, exception(role="file_server"), {}, NIGHT),
    ("scan.due", "scan", workstation(), None, exception(client="Acme", location="Other"), {}, NIGHT),
    ("scan.due", "scan", workstation(), None, exception(client="Other", location="Main"), {}, NIGHT),
    ("scan.due", "scan", workstation(), None, exception(role="file_server"), {}, NIGHT),
    *(
        ("scope.exception_unsigned", "hold", workstation(), None,
         changed(exception(client="Acme"), **{key: None}), {}, NIGHT)
        for key in ("reason", "signed_by", "signed_at")
    ),
    *(
        ("scope.exception_unsigned", "hold", workstation(), None,
         changed(exception(client="Acme"), **{key: "  "}), {}, NIGHT)
        for key in ("reason", "signed_by")
    ),
    ("scope.exception_unsigned", "hold", workstation(), None,
     changed(exception(client="Acme"), signed_at="2026-11-13T00:00:00Z"), {}, NIGHT),
    ("scope.exception_expired", "hold", workstation(), None,
     changed(exception(client="Acme"), expires="2026-11-12T07:30:00Z"), {}, NIGHT),
    ("scope.excluded", "skip", workstation(), None,
     changed(exception(client="Acme"), expires="2026-11-12T07:30:01Z"), {}, NIGHT),
    *(
        ("scope.unclassified", "hold", workstation(**{key: None}), [update()], {}, {}, NIGHT)
        for key in ("kind", "ring", "time_zone", "policy_group", "track")
    ),
    ("scope.unclassified", "hold", server(role=None), [update()], {}, {}, NIGHT),
    ("scope.unclassified", "hold", workstation(policy_group="manual"), [update()], {}, {}, NIGHT),
    ("scope.unclassified", "hold", server(policy_group="auto"), [update()], {}, {}, NIGHT),
    ("scope.do_not_patch", "skip", workstation(policy_group="do_not_patch"), [update()], {}, {}, NIGHT),
    ("scope.do_not_patch", "skip", server(policy_group="do_not_patch"), [update()], {}, {}, NIGHT),
    ("reboot.overnight", "reboot", workstation(), [update()], PENDING, {}, NIGHT),
    ("validate.due", "validate", workstation(), [update()], state(installed_at="2026-11-11T07:30:00Z"), {}, NIGHT),
    ("validate.due", "validate", workstation(), None, state(rebooted_at="2026-11-11T07:30:00Z"), {}, NIGHT),
    ("validate.due", "validate", workstation(), None,
     state(rebooted_at="2026-11-11T07:30:00Z", validated_at="2026-11-11T07:29:59Z"), {}, NIGHT),
    ("scan.due", "scan", workstation(), None,
     state(rebooted_at="2026-11-11T07:30:00Z", validated_at="2026-11-11T07:30:00Z"), {}, NIGHT),
    ("scan.due", "scan", workstation(), None, {}, FREEZE, NOON),
    ("scan.due", "scan", workstation(), [update()], state(scanned_at="2026-11-11T07:29:59Z"), {}, NIGHT),
    ("deploy.install", "install", workstation(), [update()], state(scanned_at="2026-11-11T07:30:00Z"), {}, NIGHT),
    ("posture.offline", "wait", workstation(online=False), None, {}, {}, NIGHT),
    ("posture.asleep", "wait", workstation(asleep=True), None, {}, {}, NIGHT),
    ("approval.nothing_approved", "none", workstation(), [], {}, {}, NIGHT),
    ("approval.nothing_approved", "none", workstation(), [update(**DRIVER)], {}, {}, NIGHT),
    ("approval.review", "hold", workstation(), [update(**OPTIONAL), update("u2", **DRIVER)], {}, {}, NIGHT),
    ("gate.failure_open", "hold", workstation(), [update()], {"failures": [{"endpoint": "ACME-WS01"}]}, {}, NIGHT),
    *(
        ("gate.failure_open", "hold", workstation(), [update()],
         {"failures": [{"endpoint": "ACME-WS01", "root_cause": CAUSE | {key: " "}}]}, {}, NIGHT)
        for key in ("by", "code", "text")
    ),
    ("deploy.install", "install", workstation(), [update()],
     {"failures": [{"endpoint": "ACME-WS01", "root_cause": CAUSE}, {"endpoint": "OTHER"}]}, {}, NIGHT),
    ("gate.soak", "hold", workstation(ring="regular"), [update()], {}, {}, NIGHT),
    ("gate.soak", "hold", workstation(ring="production"), [update()], {}, {}, NIGHT),
    ("deploy.install", "install", workstation(ring="mosttest"), [update()], {}, {}, NIGHT),
    ("deploy.install", "install", workstation(ring="regular"), [update()], {"soak": [soaked()]}, {}, NIGHT),
    ("gate.soak", "hold", server(), [update()], {"soak": [soaked(client="Other")]}, {}, NIGHT),
    ("deploy.install", "install", workstation(ring="regular"), [update()],
     {"soak": [soaked(client="Other")]}, {}, NIGHT),
    ("gate.soak", "hold", server(ring="mosttest"), [update()], {}, {}, NIGHT),
    ("deploy.install", "install", server(), [update()], {"soak": [soaked()]}, {}, NIGHT),
    ("gate.authorization", "manual", server(role="sql_server"), [update()], {"soak": [soaked()]}, {}, NIGHT),
    ("gate.authorization", "manual", server(criticality="P1"), [update()], {"soak": [soaked()]}, {}, NIGHT),
    ("deploy.install", "install", server(role="sql_server", criticality="P3"), [update()],
     {"soak": [soaked()]}, {}, NIGHT),
    ("gate.authorization", "manual", server(ring="pilot"), [update()], {}, {}, NIGHT),
    ("gate.authorization", "manual", server(client_servers=1), [update()], {}, {}, NIGHT),
    ("deploy.install", "install", server(client_servers=1), [update()], {"authorizations": [GO]}, {}, NIGHT),
    ("deploy.install", "install", server(ring="pilot"), [update()], {"authorizations": [GO]}, {}, NIGHT),
    ("gate.authorization", "manual", server(policy_group="manual"), [update()],
     {"soak": [soaked()], "authorizations": [GO]}, {}, NIGHT),
    ("schedule.freeze", "wait", workstation(), [update()], {}, FREEZE, NIGHT),
    ("schedule.window", "wait", workstation(), [update()], {}, {}, NOON),
    ("schedule.window", "wait", workstation(), [update()], {}, {}, at("2026-11-12 03:30:01")),
    ("deploy.install", "install", workstation(), [update()], {}, {}, at("2026-11-12 03:30:00")),
    ("deploy.install", "install", workstation(track="daytime"), [update()], {}, {}, NOON),
    ("posture.offline", "wait", workstation(online=False), [update()], {}, {}, NIGHT),
    ("posture.asleep", "wait", workstation(asleep=True), [update()], {}, {}, NIGHT),
    ("schedule.window", "wait", workstation(online=False), [update()], {}, {}, NOON),
    ("deploy.install", "install", workstation(online=None, asleep=None), [update()], {}, {}, NIGHT),
]  # fmt: skip


@pytest.mark.parametrize(("node", "action", "endpoint", "updates", "register", "policy", "now"), CASES)
def test_what_settles_a_walk(
    node: str,
    action: str,
    endpoint: Endpoint,
    updates: list[Update] | None,
    register: dict[str, Any],
    policy: dict[str, Any],
    now: datetime,
) -> None:
    found = decision(endpoint, updates, now, register, policy)
    assert (found.node, found.action) == (node, action)
    assert found.reason
    assert found.path[-1] == (node, f"yes: {found.reason}")
    assert {row.update for row in found.left_out} | set(found.updates) == {one.id for one in updates or []}


HOLDS: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"client": "Acme"}, True),
    ({"client": "Other"}, False),
    ({"ring": "pilot"}, True),
    ({"ring": "production"}, False),
    ({"kind": "workstation", "client": "Acme", "ring": "pilot", "cycle": "2026-11"}, True),
    ({"kind": "server", "client": "Acme", "ring": "pilot"}, False),
    ({"cycle": "2026-10"}, False),
]


@pytest.mark.parametrize(("scope", "held"), HOLDS)
def test_a_hold_covers_what_its_scope_names(scope: dict[str, str], held: bool) -> None:
    rows = {"holds": [{"scope": scope, "reason": "bad update", "at": "2026-11-11T00:00:00Z"}]}
    found = decision(workstation(), [update()], register=rows)
    assert (found.node, found.action) == (("gate.tier_held", "hold") if held else ("deploy.install", "install"))


@pytest.mark.parametrize(
    ("at_", "released", "held"),
    [
        ("2026-11-12T07:30:00Z", None, True),
        ("2026-11-12T07:30:01Z", None, False),
        ("2026-11-11T00:00:00Z", "2026-11-12T07:30:00Z", False),
        ("2026-11-11T00:00:00Z", "2026-11-12T07:30:01Z", True),
    ],
)
def test_a_hold_stands_until_it_is_released(at_: str, released: str | None, held: bool) -> None:
    release = None if released is None else {"by": "Engineer", "at": released, "reason": "fixed"}
    rows = {"holds": [{"scope": {}, "at": at_, "released": release}]}
    assert (decision(workstation(), [update()], register=rows).node == "gate.tier_held") is held


AUTHORIZATIONS = [
    ({"endpoint": "ACME-FS01"}, "2026-11", True),
    ({"endpoint": "OTHER"}, "2026-11", False),
    ({"endpoint": "ACME-FS01"}, "2026-10", False),
    ({"client": "Acme", "ring": "pilot", "kind": "server"}, "2026-11", True),
    ({"client": "Acme", "ring": "production", "kind": "server"}, "2026-11", False),
    ({"client": "Acme", "ring": "pilot", "kind": "workstation"}, "2026-11", False),
]


@pytest.mark.parametrize(("scope", "cycle", "given"), AUTHORIZATIONS)
def test_a_go_is_for_one_endpoint_or_tier_and_one_cycle(scope: dict[str, str], cycle: str, given: bool) -> None:
    rows = {"authorizations": [{"scope": scope, "cycle": cycle, "by": "Tech", "at": "2026-11-11T00:00:00Z"}]}
    found = decision(server(ring="pilot"), [update()], register=rows)
    assert found.action == ("install" if given else "manual")


def test_a_valid_exception_wins_over_an_unsigned_and_an_expired_one() -> None:
    rows = exception(client="Acme")["exceptions"]
    rows += [
        {"scope": {"endpoint": "ACME-WS01"}},
        {"scope": {"endpoint": "ACME-WS01"}, "expires": "2026-01-01T00:00:00Z", **SIGNED},
    ]
    assert decision(workstation(), [update()], register={"exceptions": rows}).node == "scope.excluded"
    assert decision(workstation(), [update()], register={"exceptions": rows[1:]}).node == "scope.exception_unsigned"
    assert decision(workstation(), [update()], register={"exceptions": rows[2:]}).node == "scope.exception_expired"


def test_of_several_expired_exceptions_the_one_that_expired_last_is_named() -> None:
    rows = [
        exception(client="Acme")["exceptions"][0] | {"reason": "EARLIER", "expires": "2026-02-01T00:00:00Z"},
        exception(endpoint="ACME-WS01")["exceptions"][0] | {"reason": "LATER", "expires": "2026-03-01T00:00:00Z"},
    ]
    found = decision(workstation(), [update()], register={"exceptions": rows})
    assert "LATER for endpoint ACME-WS01 that covered it expired at 2026-03-01" in found.reason


def test_the_path_holds_every_node_in_the_order_of_the_model() -> None:
    found = decision(workstation(), [update()])
    assert [node for node, dummy in found.path] == [*(node for node, dummy in NODES), "deploy.install"]
    assert all(answer.startswith("no") for dummy, answer in found.path[:-1])


def test_the_path_tells_where_a_node_was_settled_elsewhere() -> None:
    found = decision(workstation(), [update(**OPTIONAL)])
    assert found.path[-2:] == (("approval.nothing_approved", "yes"), ("approval.review", f"yes: {found.reason}"))


UNTIL = [
    (workstation(), NOON, {}, at("2026-11-13 02:00")),  # shut: the next opening
    (workstation(), at("2026-11-12 03:45"), {}, at("2026-11-13 02:00")),  # too little left: the one after
    (workstation(online=False), NIGHT, {}, at("2026-11-13 02:00")),
    (workstation(), NIGHT, FREEZE, at("2026-11-15 00:00")),
    (workstation(), NIGHT, {}, at("2026-11-12 04:00")),
]


@pytest.mark.parametrize(("endpoint", "now", "policy", "until"), UNTIL)
def test_until(endpoint: Endpoint, now: datetime, policy: dict[str, Any], until: datetime) -> None:
    found = decision(endpoint, [update()], now, policy=policy)
    assert found.until == until
    assert found.until is not None
    assert found.until.utcoffset() == timedelta(hours=-5)


def test_each_update_left_out_has_its_own_reason() -> None:
    updates = [
        update("soaked", kb=["1"]),
        update("fresh", kb=["2"]),
        update("driver", kb=["3"], **DRIVER),
        update("optional", kb=["4"], **OPTIONAL),
        update("definitions", kb=["5"], categories=["Definition Updates"], severity=None),
    ]
    found = decision(workstation(ring="regular"), updates, register={"soak": [soaked("soaked")]})
    assert found.updates == ("soaked", "definitions")
    assert {row.update: row.node for row in found.left_out} == {
        "fresh": "gate.soak",
        "driver": "approval.declined",
        "optional": "approval.review",
    }
    later = decision(workstation(ring="regular"), updates, NOON, register={"soak": [soaked("soaked")]})
    assert {row.update: row.node for row in later.left_out} == {
        "soaked": "schedule.window",
        "definitions": "schedule.window",
        "fresh": "gate.soak",
        "driver": "approval.declined",
        "optional": "approval.review",
    }


LANE = {
    "out_of_band": [
        {
            "cycle": "2026-11-oob1",
            "start": "2026-11-11T00:00:00Z",
            "end": "2026-11-14T00:00:00Z",
            "updates": ["KB1"],
            "soak_days": 1,
            "by": "Chief Engineer",
            "reason": "exploited in the wild",
        }
    ]
}


@pytest.mark.parametrize(("now", "updates"), [(NIGHT, ("lane",)), (at("2026-11-14 02:30"), ())])
def test_the_emergency_lane_shortens_the_soak_of_its_updates_while_it_is_open(
    now: datetime, updates: tuple[str, ...]
) -> None:
    recent = {"installed_at": "2026-11-10T20:00:00Z", "validated_at": "2026-11-10T21:00:00Z"}
    rows = {"soak": [soaked("lane", **recent), soaked("other", **recent)]}
    both = [update("lane", kb=["1"]), update("other", kb=["2"])]
    assert decision(server(), both, now, rows, LANE).updates == updates


@pytest.mark.parametrize(("days", "updates"), [(0.5, ("lane",)), (2, ())])
def test_the_emergency_lane_never_makes_a_soak_longer(days: float, updates: tuple[str, ...]) -> None:
    """One for all clients beside a client whose own soak is shorter still; taken 17 hours before NIGHT."""
    rows = {"soak": [soaked("lane", installed_at="2026-11-11T14:30:00Z", validated_at="2026-11-11T15:00:00Z")]}
    policy = LANE | {"clients": {"Acme": {"soak": {"days": days}}}}
    assert decision(server(), [update("lane", kb=["1"])], register=rows, policy=policy).updates == updates


def test_a_go_for_the_lane_is_one_for_its_updates_alone() -> None:
    rows = {"soak": [soaked("lane"), soaked("other")], "authorizations": [GO | {"cycle": "2026-11-oob1"}]}
    both = [update("lane", kb=["1"]), update("other", kb=["2"])]
    found = decision(server(role="sql_server"), both, register=rows, policy=LANE)
    assert found.updates == ("lane",)
    assert [(row.update, row.node) for row in found.left_out] == [("other", "gate.authorization")]


@pytest.mark.parametrize(("now", "held"), [(NIGHT, True), (at("2026-11-14 02:30"), False)])
def test_a_hold_on_the_lanes_cycle_stands_while_the_lane_is_open(now: datetime, held: bool) -> None:
    rows = {"holds": [{"scope": {"cycle": "2026-11-oob1"}}]}
    assert (decision(workstation(), [update()], now, rows, LANE).node == "gate.tier_held") is held


def test_an_update_given_twice_is_decided_once() -> None:
    assert decision(workstation(), [update(), update()]).updates == ("u1",)


def test_a_row_dated_after_now_is_not_known_yet() -> None:
    later = "2026-11-12T07:30:01Z"
    rows = {
        "approvals": [{"update": "u1", "decision": "declined", "at": later}],
        "failures": [{"endpoint": "ACME-WS01", "at": later}],
        "endpoints": {"ACME-WS01": {"installed_at": later, "reboot_pending_since": later}},
    }
    assert decision(workstation(), [update()], register=rows).action == "install"
