# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 2 through the filter decide: each node, the order of the nodes, and what the path tells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.filter.asking import (
    CAUSE,
    NIGHT,
    NOON,
    Record,
    approval,
    ask,
    authorization,
    decide,
    definition,
    driver,
    exception,
    failure,
    guid,
    hold,
    known,
    later,
    local,
    optional,
    outcome,
    same,
    server,
    taken,
    update,
    workstation,
)

ORDER = [
    "scope.location_disabled",
    "scope.agent_disabled",
    "scope.excluded",
    "scope.exception_unsigned",
    "scope.exception_expired",
    "scope.unclassified",
    "scope.do_not_patch",
    "reboot.",
    "validate.due",
    "scan.due",
    "approval.nothing_approved",
    "gate.failure_open",
    "gate.tier_held",
    "gate.soak",
    "gate.authorization",
    "schedule.freeze",
    "schedule.window",
    "posture.",
    "deploy.install",
]
ENDPOINT = {"endpoint": "ACME-FS01"}
FREEZE = {"freezes": [{"name": "f", "start": "2026-11-01T00:00:00Z", "end": "2026-11-20T00:00:00Z"}]}


def position(node: str) -> int:
    (found,) = (
        place for place, name in enumerate(ORDER) if node == name or (name[-1] == "." and node.startswith(name))
    )
    return found


def nodes(found: Record) -> list[str]:
    return [step["node"] for step in found["path"]]


def test_everything_at_once_settles_node_after_node_as_each_is_cleared() -> None:
    """An endpoint that every node would settle; its troubles are taken away in the order of the nodes."""
    endpoint = server(
        ring="regular",
        role="domain_controller",
        time_zone=None,
        policy_group="do_not_patch",
        location_disabled=True,
        agent_disabled=True,
        online=False,
        asleep=True,
    )
    register: Record = {
        "exceptions": [
            exception({"client": "Acme Dental"}),
            exception(ENDPOINT, signed_by=None, signed_at=None),
            exception(ENDPOINT, expires="2026-11-01T00:00:00Z"),
        ],
        "endpoints": {
            "ACME-FS01": {
                "scanned_at": "2026-11-01T00:00:00Z",
                "reboot_pending_since": "2026-11-11T00:00:00Z",
                "installed_at": "2026-11-10T23:00:00Z",
            }
        },
        "failures": [failure("ACME-FS01")],
        "holds": [hold({"client": "Acme Dental"})],
        "approvals": [approval("5046613", "declined")],
    }
    policy: Record = dict(FREEZE)
    settled: list[tuple[str, str]] = []

    def step(**changes: Any) -> None:
        endpoint.update(changes)
        found = decide(endpoint, now=NOON, policy=policy, **register)
        assert [position(node) for node in nodes(found)] == sorted(position(node) for node in nodes(found))
        settled.append(outcome(found))

    step()
    step(location_disabled=False)
    step(agent_disabled=False)
    del register["exceptions"][0]
    step()
    del register["exceptions"][0]
    step()
    register["exceptions"] = []
    step()
    step(time_zone="America/New_York")
    step(policy_group="auto_install_manual_reboot")
    facts = register["endpoints"]["ACME-FS01"]
    facts.update(reboot_pending_since=None, rebooted_at="2026-11-11T03:00:00Z")
    step()
    facts["validated_at"] = "2026-11-11T04:00:00Z"
    step()
    step(online=True)
    facts["scanned_at"] = later(NOON, hours=-1)
    step(online=False)
    register["approvals"] = []
    step()
    register["failures"][0]["root_cause"] = CAUSE
    step()
    register["holds"] = []
    step()
    register["soak"] = [taken()]
    step()
    register["authorizations"] = [authorization(ENDPOINT)]
    step()
    policy.clear()
    step()
    policy["windows"] = {"server": {"start": "11:00", "end": "14:00"}}
    step()
    step(online=True)
    step(asleep=False)
    assert settled == [
        ("skip", "scope.location_disabled"),
        ("skip", "scope.agent_disabled"),
        ("skip", "scope.excluded"),
        ("hold", "scope.exception_unsigned"),
        ("hold", "scope.exception_expired"),
        ("hold", "scope.unclassified"),
        ("skip", "scope.do_not_patch"),
        ("manual", "reboot.technician"),
        ("validate", "validate.due"),
        ("wait", "posture.offline"),
        ("wait", "posture.asleep"),
        ("none", "approval.nothing_approved"),
        ("hold", "gate.failure_open"),
        ("hold", "gate.tier_held"),
        ("hold", "gate.soak"),
        ("manual", "gate.authorization"),
        ("wait", "schedule.freeze"),
        ("wait", "schedule.window"),
        ("wait", "posture.offline"),
        ("wait", "posture.asleep"),
        ("install", "deploy.install"),
    ]


@pytest.mark.parametrize("endpoint", [workstation(), workstation(track="daytime"), server()])
def test_an_installing_endpoint_has_walked_every_node(endpoint: Record) -> None:
    now = local("2026-11-12T10:00") if endpoint.get("track") == "daytime" else NIGHT
    found = decide(endpoint, now=now, soak=[taken()])
    assert outcome(found) == ("install", "deploy.install")
    assert {position(node) for node in nodes(found)} == set(range(len(ORDER)))
    assert found["updates"] == [guid("5046613")]
    assert found["left_out"] == []


def test_a_walk_ends_at_the_node_that_settles_it() -> None:
    found = decide(workstation(), now=NOON)
    assert nodes(found)[-1] == "schedule.window"
    assert "scope.location_disabled" in nodes(found)
    assert not {"posture.offline", "posture.asleep", "deploy.install"} & set(nodes(found))
    assert nodes(decide(workstation(location_disabled=True))) == ["scope.location_disabled"]


def test_the_same_input_gives_the_same_decision_and_is_left_as_it_was() -> None:
    expression = "[e | msp.patching.decide(u, n, r), e | msp.patching.decide(u, n, r), e, u, r]"
    endpoint, register = server(), {"soak": [taken()], "holds": [hold({"cycle": "2026-11"})]}
    first, second, *inputs = ask(expression, e=endpoint, u=[update()], n=NIGHT, r=register)
    assert first == second
    assert inputs == [endpoint, [update()], register]


def test_register_and_policy_may_be_left_away() -> None:
    assert ask("(e | msp.patching.decide(u, n)).action", e=workstation(), u=[update()], n=NIGHT) == "install"
    assert ask("(e | msp.patching.decide(u, n, {}, {})).action", e=workstation(), u=[update()], n=NIGHT) == "install"


# --- 3 to 5: exceptions (R2)

SCOPES = [
    {"client": "Acme Dental"},
    {"client": "Acme Dental", "location": "Main Office"},
    {"endpoint": "ACME-FS01"},
    {"role": "file_server"},
]
OTHERS = [
    {"client": "Bolt Ltd"},
    {"client": "Acme Dental", "location": "Branch"},
    {"client": "Bolt Ltd", "location": "Main Office"},
    {"endpoint": "ACME-FS02"},
    {"role": "domain_controller"},
]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("skip", "scope.excluded")),
        ({"expires": None}, ("skip", "scope.excluded")),
        ({"signed_by": None}, ("hold", "scope.exception_unsigned")),
        ({"signed_at": None}, ("hold", "scope.exception_unsigned")),
        ({"signed_by": None, "signed_at": None}, ("hold", "scope.exception_unsigned")),
        ({"reason": None}, ("hold", "scope.exception_unsigned")),
        ({"signed_by": ""}, ("hold", "scope.exception_unsigned")),
        ({"expires": "2026-11-01T00:00:00Z"}, ("hold", "scope.exception_expired")),
        ({"expires": "2026-11-01T00:00:00Z", "signed_by": None}, ("hold", "scope.exception_unsigned")),
    ],
)
def test_an_exception(scope: Record, changes: Record, expected: tuple[str, str]) -> None:
    assert outcome(decide(server(), soak=[taken()], exceptions=[exception(scope, **changes)])) == expected


@pytest.mark.parametrize("scope", OTHERS)
@pytest.mark.parametrize("changes", [{}, {"signed_by": None}, {"expires": "2026-11-01T00:00:00Z"}])
def test_anothers_exception_changes_nothing(scope: Record, changes: Record) -> None:
    found = decide(server(), soak=[taken()], exceptions=[exception(scope, **changes)])
    assert found["action"] == "install"


def test_of_several_exceptions_a_valid_one_counts_then_an_unsigned_one() -> None:
    valid, unsigned = exception({"client": "Acme Dental"}), exception(ENDPOINT, signed_by=None, signed_at=None)
    expired = exception(ENDPOINT, expires="2026-11-01T00:00:00Z")
    for rows, node in [
        ([expired, valid], "scope.excluded"),
        ([unsigned, expired, valid], "scope.excluded"),
        ([expired, unsigned], "scope.exception_unsigned"),
        ([unsigned, expired], "scope.exception_unsigned"),
        ([expired], "scope.exception_expired"),
    ]:
        assert decide(server(), soak=[taken()], exceptions=rows)["node"] == node


def test_an_exception_ends_at_its_instant() -> None:
    rows = [exception(ENDPOINT, expires=later(NIGHT, seconds=1))]
    found = decide(server(), soak=[taken()], exceptions=rows)
    assert outcome(found) == ("skip", "scope.excluded")
    rows = [exception(ENDPOINT, expires=NIGHT)]
    assert decide(server(), soak=[taken()], exceptions=rows)["node"] == "scope.exception_expired"


# --- 6 and 7


@pytest.mark.parametrize("key", ["kind", "ring", "time_zone", "policy_group", "track"])
@pytest.mark.parametrize("absent", [True, False])
def test_a_workstation_that_is_not_classified_is_held(key: str, absent: bool) -> None:
    endpoint = workstation(**{key: None})
    if absent:
        del endpoint[key]
    found = decide(endpoint)
    assert outcome(found) == ("hold", "scope.unclassified")
    assert key.replace("_", " ") in found["reason"].replace("_", " ")


@pytest.mark.parametrize("key", ["kind", "ring", "time_zone", "policy_group", "role"])
def test_a_server_that_is_not_classified_is_held(key: str) -> None:
    found = decide(server(**{key: None}), soak=[taken()])
    assert outcome(found) == ("hold", "scope.unclassified")


def test_do_not_patch() -> None:
    assert outcome(decide(server(policy_group="do_not_patch"))) == ("skip", "scope.do_not_patch")
    assert outcome(decide(workstation(policy_group="do_not_patch"))) == ("skip", "scope.do_not_patch")
    assert outcome(decide(workstation(policy_group="do_not_patch", ring=None))) == ("hold", "scope.unclassified")


# --- 9 and 10


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"installed_at": "2026-11-12T01:00:00Z"}, "validate"),
        ({"installed_at": "2026-11-12T01:00:00Z", "validated_at": "2026-11-12T02:00:00Z"}, "install"),
        ({"installed_at": "2026-11-12T01:00:00Z", "validated_at": "2026-11-12T00:59:59Z"}, "validate"),
        ({"rebooted_at": "2026-11-12T01:00:00Z", "validated_at": "2026-11-12T00:59:59Z"}, "validate"),
        (
            {
                "installed_at": "2026-11-12T01:00:00Z",
                "rebooted_at": "2026-11-12T02:00:00Z",
                "validated_at": "2026-11-12T01:30:00Z",
            },
            "validate",
        ),
        (
            {
                "installed_at": "2026-11-12T01:00:00Z",
                "rebooted_at": "2026-11-12T02:00:00Z",
                "validated_at": "2026-11-12T02:30:00Z",
            },
            "install",
        ),
    ],
)
def test_validation_is_due_until_it_is_done(facts: Record, expected: str) -> None:
    endpoint = workstation()
    assert decide(endpoint, endpoints=known(endpoint, **facts))["action"] == expected


def test_validation_comes_before_the_scan_and_at_any_hour() -> None:
    endpoint = workstation()
    facts = {endpoint["name"]: {"installed_at": "2026-11-12T01:00:00Z"}}
    for now in (NIGHT, NOON):
        assert outcome(decide(endpoint, unknown=True, endpoints=facts, now=now)) == ("validate", "validate.due")


@pytest.mark.parametrize("now", [NIGHT, NOON, local("2026-11-14T23:00")])
@pytest.mark.parametrize("endpoint", [workstation(), server(), server(policy_group="manual")])
def test_unknown_updates_are_scanned_for_at_any_hour(endpoint: Record, now: str) -> None:
    assert outcome(decide(endpoint, unknown=True, now=now, policy=FREEZE)) == ("scan", "scan.due")


def test_a_scan_is_old_after_24_hours() -> None:
    endpoint = workstation()
    for age, action in [({"hours": 24}, "install"), ({"hours": 24, "seconds": 1}, "scan"), ({"hours": 1}, "install")]:
        scanned = later(NIGHT, **{unit: -amount for unit, amount in age.items()})
        assert decide(endpoint, endpoints={endpoint["name"]: {"scanned_at": scanned}})["action"] == action
    old = {endpoint["name"]: {"scanned_at": later(NIGHT, hours=-25)}}
    assert decide(endpoint, [], endpoints=old)["node"] == "scan.due"


def test_the_offline_cannot_be_scanned() -> None:
    found = decide(workstation(online=False), unknown=True)
    assert outcome(found) == ("wait", "posture.offline")
    assert decide(workstation(asleep=True), unknown=True)["action"] == "wait"


def test_held_or_failed_is_scanned_all_the_same() -> None:
    rows: Record = {"holds": [hold({"ring": "pilot"})], "failures": [failure("ACME-WS01")]}
    assert decide(workstation(), unknown=True, **rows)["action"] == "scan"


# --- 11


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        ([], ("none", "approval.nothing_approved")),
        ([driver()], ("none", "approval.nothing_approved")),
        ([optional()], ("hold", "approval.review")),
        ([driver(), optional()], ("hold", "approval.review")),
        ([driver(), optional(), update()], ("install", "deploy.install")),
        ([update(severity="Moderate")], ("hold", "approval.review")),
    ],
)
def test_nothing_approved(updates: list[Record], expected: tuple[str, str]) -> None:
    found = decide(workstation(), updates)
    assert outcome(found) == expected
    left = {row["update"]: row for row in found["left_out"]}
    assert set(left) == {row["id"] for row in updates} - set(found["updates"])
    assert all(row["node"].startswith("approval.") and row["reason"] for row in left.values())


def test_nothing_approved_is_told_at_any_hour_even_where_held() -> None:
    rows: Record = {"holds": [hold({"ring": "pilot"})], "failures": [failure("ACME-WS01")]}
    assert decide(workstation(), [driver()], now=NOON, policy=FREEZE, **rows)["action"] == "none"
    assert decide(workstation(), [optional()], now=NOON, policy=FREEZE, **rows)["node"] == "approval.review"


# --- 12 and 13


def test_a_failure_bars_until_its_root_cause_is_documented() -> None:
    found = decide(workstation(), failures=[failure("ACME-WS01")])
    assert outcome(found) == ("hold", "gate.failure_open")
    assert found["until"] is None, "a person must clear it"
    assert decide(workstation(), failures=[failure("ACME-WS01", root_cause=CAUSE)])["action"] == "install"
    rows = [failure("ACME-WS01", root_cause=CAUSE), failure("ACME-WS01", None)]
    assert decide(workstation(), failures=rows)["node"] == "gate.failure_open"
    assert decide(workstation(), failures=[failure("ACME-WS02")])["action"] == "install"


def test_a_failure_of_another_update_bars_too() -> None:
    assert decide(workstation(), failures=[failure("ACME-WS01", guid("77"))])["node"] == "gate.failure_open"


HELD = [
    {"client": "Acme Dental"},
    {"ring": "production"},
    {"kind": "server"},
    {"cycle": "2026-11"},
    {"client": "Acme Dental", "ring": "production"},
    {"client": "Acme Dental", "kind": "server"},
    {"ring": "production", "kind": "server", "cycle": "2026-11"},
    {"client": "Acme Dental", "ring": "production", "kind": "server", "cycle": "2026-11"},
    {"client": "Acme Dental", "ring": None, "kind": None, "cycle": None},
]
NOT_HELD = [
    {"client": "Bolt Ltd"},
    {"ring": "pilot"},
    {"kind": "workstation"},
    {"cycle": "2026-10"},
    {"cycle": "2026-12"},
    {"client": "Bolt Ltd", "ring": "production"},
    {"client": "Acme Dental", "kind": "workstation"},
    {"client": "Acme Dental", "ring": "production", "kind": "server", "cycle": "2026-10"},
]


@pytest.mark.parametrize("scope", HELD)
def test_a_tier_is_held_until_it_is_released(scope: Record) -> None:
    found = decide(server(), soak=[taken()], holds=[hold(scope)])
    assert outcome(found) == ("hold", "gate.tier_held")
    assert found["until"] is None, "a person must release it"
    released = {"by": "T. Ech", "at": "2026-11-11T20:00:00Z", "reason": "fixed"}
    assert decide(server(), soak=[taken()], holds=[hold(scope, released=released)])["action"] == "install"


@pytest.mark.parametrize("scope", NOT_HELD)
def test_another_tiers_hold_changes_nothing(scope: Record) -> None:
    assert decide(server(), soak=[taken()], holds=[hold(scope)])["action"] == "install"


def test_the_cycle_changes_at_10_in_los_angeles_on_patch_tuesday() -> None:
    """R1, seen in a hold of one cycle, on a machine that may be patched at that time of the day."""
    policy = {"windows": {"workstation_daytime": {"start": "09:00", "end": "20:00"}}}
    at = "2026-06-30T08:00:00Z"
    for opens, old, new in [
        ("2026-11-10T18:00:00Z", "2026-10", "2026-11"),  # 10:00 PST
        ("2026-07-14T17:00:00Z", "2026-06", "2026-07"),  # 10:00 PDT
    ]:
        for now, held, free in [(later(opens, microseconds=-1), old, new), (opens, new, old)]:
            endpoint = workstation(track="daytime")
            facts = {endpoint["name"]: {"scanned_at": now}}
            asked: Record = {"now": now, "policy": policy, "endpoints": facts}
            assert decide(endpoint, holds=[hold({"cycle": held}, at=at)], **asked)["node"] == "gate.tier_held"
            assert decide(endpoint, holds=[hold({"cycle": free}, at=at)], **asked)["action"] == "install"


# --- 16 to 18


def test_outside_the_window_until_the_next_opening() -> None:
    found = decide(workstation(), now=NOON)
    assert outcome(found) == ("wait", "schedule.window")
    assert same(found["until"], local("2026-11-13T02:00"))
    found = decide(workstation(track="daytime"), now=local("2026-11-13T17:00"), endpoints={})
    assert same(found["until"], local("2026-11-16T09:00"))


@pytest.mark.parametrize(
    ("endpoint", "last", "opening"),
    [
        (workstation(), "2026-11-12T03:30", "2026-11-13T02:00"),
        (workstation(track="daytime"), "2026-11-12T16:30", "2026-11-13T09:00"),
        (server(), "2026-11-12T02:50", "2026-11-12T21:20"),
    ],
)
def test_work_starts_only_while_at_least_30_minutes_are_left(endpoint: Record, last: str, opening: str) -> None:
    assert decide(endpoint, now=local(last), soak=[taken()])["action"] == "install"
    found = decide(endpoint, now=later(local(last), seconds=1), soak=[taken()])
    assert outcome(found) == ("wait", "schedule.window")
    assert same(found["until"], local(opening))


def test_work_starts_at_the_first_instant_of_the_window() -> None:
    assert decide(workstation(), now=local("2026-11-12T02:00"))["action"] == "install"
    assert decide(workstation(), now=later(local("2026-11-12T02:00"), microseconds=-1))["action"] == "wait"


def test_what_is_left_of_a_window_is_counted_in_elapsed_time() -> None:
    for now, action in [("2026-03-08T03:30-04:00", "install"), ("2026-03-08T03:30:01-04:00", "wait")]:
        assert decide(workstation(), now=now, endpoints={})["action"] == action
    # Berlin's second 02:45 is in a window of three hours
    berlin = workstation(time_zone="Europe/Berlin")
    assert decide(berlin, now="2026-10-25T02:45+01:00", endpoints={})["action"] == "install"


@pytest.mark.parametrize(
    ("posture", "node"),
    [
        ({"online": False}, "posture.offline"),
        ({"asleep": True}, "posture.asleep"),
        ({"online": False, "asleep": True}, "posture.offline"),
    ],
)
def test_the_silent_and_the_asleep_wait_for_the_next_opening(posture: Record, node: str) -> None:
    found = decide(workstation(**posture))
    assert outcome(found) == ("wait", node)
    assert same(found["until"], local("2026-11-13T02:00"))


def test_unknown_posture_is_no_obstacle() -> None:
    assert decide(workstation(online=None, asleep=None))["action"] == "install"


def test_exactly_the_updates_that_are_through_are_installed() -> None:
    soaked, fresh, defined = update("1"), update("2"), definition("3")
    updates = [driver(), soaked, fresh, optional(), defined]
    found = decide(server(), updates, soak=[taken(of=guid("1")), taken(of=guid("2"), at="2026-11-11T03:00:00-05:00")])
    assert outcome(found) == ("install", "deploy.install")
    assert found["updates"] == [soaked["id"], defined["id"]]
    left = {row["update"]: row for row in found["left_out"]}
    assert set(left) == {driver()["id"], fresh["id"], optional()["id"]}
    assert left[fresh["id"]]["node"] == "gate.soak"
    assert same(left[fresh["id"]]["until"], "2026-11-18T03:00:00-05:00")
    assert left[optional()["id"]]["node"].startswith("approval.")
    assert left[driver()["id"]]["node"].startswith("approval.")
