# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 2 through the filter decide, node by node: what is due, what is held by a gate, what waits for its hour."""

from __future__ import annotations

import pytest

from tests.unit.filter.asking import (
    CAUSE,
    NIGHT,
    NOON,
    Record,
    decide,
    definition,
    driver,
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

FREEZE = {"freezes": [{"name": "f", "start": "2026-11-01T00:00:00Z", "end": "2026-11-20T00:00:00Z"}]}


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


@pytest.mark.parametrize("missing", ["code", "text"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_root_cause_without_code_or_text_is_not_documented(missing: str, nothing: str | None) -> None:
    rows = [failure("ACME-WS01", root_cause=CAUSE | {missing: nothing})]
    assert decide(workstation(), failures=rows)["node"] == "gate.failure_open"


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
