# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 4 through the filters approvals and decide: the rules in their order, recorded decisions, reviews."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.filter.asking import (
    NIGHT,
    Record,
    approval,
    ask,
    decide,
    definition,
    driver,
    guid,
    instant,
    later,
    optional,
    same,
    server,
    taken,
    update,
    workstation,
)

KB = "5046613"


def judged(updates: list[Record], *, now: str = NIGHT, client: str | None = None, **register: Any) -> list[Record]:
    """The rows, of which each has the form that is promised."""
    rows = ask("u | msp.patching.approvals(n, register=r, client=c)", u=updates, n=now, r=register, c=client)
    assert [row["update"] for row in rows] == [each["id"] for each in updates]
    for row in rows:
        assert set(row) == {"update", "decision", "rule", "reason", "until"}
        assert row["decision"] in {"approved", "declined", "held"}
        assert row["rule"] in {"recorded", "drivers", "definitions", "microsoft-security", "review"}
        assert isinstance(row["reason"], str)
        assert row["reason"]
        assert row["until"] is None or instant(row["until"])
    return list(rows)


def verdict(asked: Record, **given: Any) -> tuple[str, str]:
    (row,) = judged([asked], **given)
    return row["decision"], row["rule"]


SECURITY = ["Security Updates"]
RULES = [
    ("critical", update(), "approved", "microsoft-security"),
    ("important", update(severity="Important"), "approved", "microsoft-security"),
    ("among other categories", update(categories=["Windows 11", "Security Updates"]), "approved", "microsoft-security"),
    ("old", update(released="2020-01-14T18:00:00Z"), "approved", "microsoft-security"),
    ("release unknown", update(released=None), "approved", "microsoft-security"),
    ("moderate", update(severity="Moderate"), "held", "review"),
    ("low", update(severity="Low"), "held", "review"),
    ("no severity", update(severity=None), "held", "review"),
    ("other vendor", update(vendor="Adobe"), "held", "review"),
    ("vendor unknown", update(vendor=None), "held", "review"),
    ("critical update, not security", update(categories=["Critical Updates"]), "held", "review"),
    ("no category", update(categories=[]), "held", "review"),
    ("optional", optional(), "held", "review"),
    ("feature upgrade", update(categories=["Upgrades"], severity=None), "held", "review"),
    ("driver", driver(), "declined", "drivers"),
    ("driver of Microsoft", driver(vendor="Microsoft"), "declined", "drivers"),
    ("driver with a fix", update(categories=["Drivers", "Security Updates"]), "declined", "drivers"),
    ("definitions", definition(), "approved", "definitions"),
    ("driver and definitions", definition() | {"categories": ["Definition Updates", "Drivers"]}, "declined", "drivers"),
    (
        "definitions and security",
        update(categories=["Security Updates", "Definition Updates"]),
        "approved",
        "definitions",
    ),
    ("bare", {"id": "u"}, "held", "review"),
]


@pytest.mark.parametrize(("asked", "decision", "rule"), [pytest.param(*row[1:], id=row[0]) for row in RULES])
def test_the_first_rule_that_matches_decides(asked: Record, decision: str, rule: str) -> None:
    assert verdict(asked) == (decision, rule)


def test_a_row_an_update_in_their_order() -> None:
    rows = judged([optional(), driver(), update(), definition()])
    assert [row["rule"] for row in rows] == ["review", "drivers", "microsoft-security", "definitions"]
    assert judged([]) == []


@pytest.mark.parametrize("asked", [row[1] for row in RULES[:-1]], ids=[row[0] for row in RULES[:-1]])
@pytest.mark.parametrize("decision", ["approved", "declined"])
def test_a_recorded_decision_comes_before_every_rule(asked: Record, decision: str) -> None:
    assert verdict(asked, approvals=[approval(asked["id"], decision)]) == (decision, "recorded")


@pytest.mark.parametrize(
    "name", [KB, f"KB{KB}", f"kb{KB}", guid(KB), guid("5046613").upper()], ids=["digits", "KB", "kb", "id", "ID"]
)
def test_a_decision_names_its_update_by_kb_or_id(name: str) -> None:
    assert verdict(update(KB), approvals=[approval(name, "declined")]) == ("declined", "recorded")


@pytest.mark.parametrize("name", ["504661", "50466130", "KB504661", "046613", guid("504661"), "KB"])
def test_a_decision_on_a_look_alike_is_another_updates(name: str) -> None:
    assert verdict(update(KB), approvals=[approval(name, "declined")]) == ("approved", "microsoft-security")


def test_one_kb_of_several_names_the_update() -> None:
    asked = update("1", kb=["111", "222"])
    assert verdict(asked, approvals=[approval("KB222", "declined")]) == ("declined", "recorded")


def test_a_decision_is_for_all_clients_or_for_one() -> None:
    ours, all_of_us = approval(KB, "declined", client="Acme Dental"), approval(KB, "declined")
    assert verdict(update(KB), client="Acme Dental", approvals=[ours])[0] == "declined"
    assert verdict(update(KB), client="Bolt Ltd", approvals=[ours])[0] == "approved"
    assert verdict(update(KB), approvals=[ours])[0] == "approved"
    for client in ("Acme Dental", "Bolt Ltd", None):
        assert verdict(update(KB), client=client, approvals=[all_of_us])[0] == "declined"


@pytest.mark.parametrize("turned", [False, True])
def test_the_clients_own_decision_goes_before_one_for_all(turned: bool) -> None:
    rows = [
        approval(KB, "declined", at="2026-11-11T13:00:00Z"),
        approval(KB, "approved", at="2026-11-11T12:00:00Z", client="Acme Dental"),
    ]
    rows = rows[::-1] if turned else rows
    assert verdict(update(KB), client="Acme Dental", approvals=rows) == ("approved", "recorded")
    assert verdict(update(KB), client="Bolt Ltd", approvals=rows) == ("declined", "recorded")


@pytest.mark.parametrize("turned", [False, True])
def test_the_latest_of_several_decisions_counts(turned: bool) -> None:
    rows = [
        approval(KB, "approved", at="2026-11-11T12:00:00Z"),
        approval(KB, "declined", at="2026-11-11T08:00:00-05:00"),  # 13:00 UTC
    ]
    assert verdict(update(KB), approvals=rows[::-1] if turned else rows) == ("declined", "recorded")


def test_a_recorded_reason_and_name_are_told() -> None:
    (row,) = judged([optional()], approvals=[approval(optional()["id"], reason="R-99")])
    assert "R-99" in row["reason"]
    assert "E. Ngineer" in row["reason"]


# --- deferred and reviewed


def test_deferred_is_held_until_its_time() -> None:
    until = "2026-11-20T00:00:00+00:00"
    rows = [approval(KB, "deferred", until=until)]
    (row,) = judged([update(KB)], approvals=rows)
    assert (row["decision"], row["rule"]) == ("held", "recorded")
    assert same(row["until"], until)
    assert verdict(update(KB), now=later(until, seconds=-1), approvals=rows) == ("held", "recorded")


@pytest.mark.parametrize("after", [0, 1, 86400])
def test_a_deferral_that_has_passed_leaves_the_update_to_the_rules(after: int) -> None:
    until = "2026-11-12T00:00:00+00:00"
    now = later(until, seconds=after)
    rows = [approval(KB, "deferred", until=until)]
    assert verdict(update(KB), now=now, approvals=rows) == ("approved", "microsoft-security")
    rows = [approval(optional()["id"], "deferred", until=until)]
    assert verdict(optional(), now=now, approvals=rows) == ("held", "review")


def test_deferred_without_an_end_stays_held() -> None:
    (row,) = judged([update(KB)], now="2036-11-12T00:00:00Z", approvals=[approval(KB, "deferred")])
    assert (row["decision"], row["until"]) == ("held", None)


@pytest.mark.parametrize("days", [1, 7, 8, 400])
def test_a_review_never_turns_into_a_yes_or_a_no_by_itself(days: int) -> None:
    released = "2026-11-10T18:00:00Z"
    assert verdict(optional(released=released), now=later(released, days=days)) == ("held", "review")


def test_a_review_is_due_in_7_days() -> None:
    (row,) = judged([optional(released="2026-11-10T18:00:00Z")])
    assert same(row["until"], "2026-11-17T18:00:00Z")


# --- in a decision


@pytest.mark.parametrize(
    ("rows", "action"),
    [
        ([], "install"),
        ([approval(KB, "declined")], "none"),
        ([approval(KB, "declined", client="Acme Dental")], "none"),
        ([approval(KB, "declined", client="Bolt Ltd")], "install"),
        ([approval(KB, "declined"), approval(KB, "approved", client="Acme Dental")], "install"),
    ],
)
def test_the_endpoints_client_is_asked_for(rows: list[Record], action: str) -> None:
    assert decide(workstation(), approvals=rows)["action"] == action


def test_deferred_is_left_out_until_its_time() -> None:
    until = "2026-11-20T00:00:00+00:00"
    found = decide(workstation(), [update(KB), update("2")], approvals=[approval(KB, "deferred", until=until)])
    assert found["updates"] == [guid("2")]
    (row,) = found["left_out"]
    assert row["update"] == guid(KB)
    assert same(row["until"], until)


def test_an_approved_driver_is_installed_in_the_pilot_and_soaks() -> None:
    rows = [approval(driver()["id"])]
    assert decide(workstation(), [driver()], approvals=rows)["updates"] == [driver()["id"]]
    assert decide(server(), [driver()], approvals=rows)["node"] == "gate.soak"
    found = decide(server(), [driver()], approvals=rows, soak=[taken(of=driver()["id"])])
    assert found["updates"] == [driver()["id"]]


def test_definitions_do_not_soak() -> None:
    assert decide(server(), [definition()])["updates"] == [definition()["id"]]
    assert decide(workstation(ring="regular"), [definition()])["updates"] == [definition()["id"]]


def test_approved_within_48_hours_still_soaks() -> None:
    """R3: the 48 hours are to approval and pilot; production waits."""
    assert decide(workstation())["action"] == "install"
    assert decide(workstation(ring="production"))["node"] == "gate.soak"
