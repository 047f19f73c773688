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
    exception,
    failure,
    guid,
    hold,
    later,
    local,
    outcome,
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
