# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R5 through the filter decide: what an update needs before it leaves the pilot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.filter.asking import (
    CAUSE,
    NIGHT,
    Record,
    approval,
    decide,
    failure,
    guid,
    hold,
    instant,
    later,
    outcome,
    same,
    server,
    taken,
    update,
    workstation,
)

KB = guid("5046613")
REGULAR = workstation(ring="regular", name="ACME-WS09")
THROUGH, HELD = ("install", "deploy.install"), ("hold", "gate.soak")


def ago(**span: float) -> str:
    return later(NIGHT, **{unit: -amount for unit, amount in span.items()})


def pilot(healthy: int, sick: int = 0, unknown: int = 0) -> list[Record]:
    states = [True] * healthy + [False] * sick + [None] * unknown
    return [taken(f"P{number}", healthy=state) for number, state in enumerate(states)]


@pytest.mark.parametrize("endpoint", [server(), REGULAR], ids=["server", "workstation"])
def test_exactly_7_days_after_its_first_healthy_install_it_may_leave(endpoint: Record) -> None:
    assert outcome(decide(endpoint, soak=[taken(at=ago(days=7))])) == THROUGH
    found = decide(endpoint, soak=[taken(at=ago(days=7, seconds=-1))])
    assert outcome(found) == HELD
    assert same(found["until"], later(NIGHT, seconds=1))
    (row,) = found["left_out"]
    assert row["update"] == KB
    assert row["node"] == "gate.soak"
    assert same(row["until"], later(NIGHT, seconds=1))


@pytest.mark.parametrize(
    ("endpoint", "waits"),
    [
        (workstation(), False),
        (workstation(ring="mosttest"), False),
        (workstation(ring="regular"), True),
        (workstation(ring="production"), True),
        (server(ring="mosttest"), True),
        (server(ring="regular"), True),
        (server(ring="production"), True),
    ],
)
def test_who_waits_for_the_soak(endpoint: Record, waits: bool) -> None:
    """Section 6: of workstations `pilot` and `mosttest` get each batch first; servers, each ring after the pilot."""
    assert outcome(decide(endpoint)) == (HELD if waits else THROUGH)


def test_the_first_healthy_install_counts() -> None:
    late, early = taken("P1", at=ago(days=1)), taken("P2", at=ago(days=8))
    assert outcome(decide(server(), soak=[late, early])) == THROUGH
    unhealthy = [taken("P2", at=ago(days=8), healthy=None), taken("P1", at=ago(days=6))]
    found = decide(server(), soak=unhealthy, policy={"soak": {"minimum_healthy": 0.1}})
    assert outcome(found) == HELD
    assert same(found["until"], later(NIGHT, days=1))


def test_seven_days_are_elapsed_time() -> None:
    """Over the end of summer time: 7 days of wall time are an hour more."""
    now = "2026-11-04T02:30:00-05:00"
    for start, expected in [("2026-10-28T03:30:00-04:00", THROUGH), ("2026-10-28T03:31:00-04:00", HELD)]:
        assert outcome(decide(server(), now=now, endpoints={}, soak=[taken(at=start)])) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (pilot(1), THROUGH),
        (pilot(19, 1), THROUGH),  # 95 % exactly
        (pilot(18, 1), HELD),
        (pilot(38, 2), THROUGH),
        (pilot(37, 3), HELD),
        (pilot(0, 1), HELD),
        (pilot(0, 0, 3), HELD),
        (pilot(1, 1), HELD),
    ],
)
def test_95_percent_of_those_that_took_it_are_healthy(rows: list[Record], expected: tuple[str, str]) -> None:
    for endpoint in (server(), REGULAR):
        assert outcome(decide(endpoint, soak=rows)) == expected


def test_at_least_minimum_endpoints_are_validated_healthy() -> None:
    policy = {"soak": {"minimum_endpoints": 3}}
    assert outcome(decide(server(), soak=pilot(2), policy=policy)) == HELD
    assert outcome(decide(server(), soak=pilot(3), policy=policy)) == THROUGH
    assert outcome(decide(server(), soak=[taken("P1"), taken("P1"), taken("P1")], policy=policy)) == HELD


@pytest.mark.parametrize("endpoint", [server(), REGULAR], ids=["server", "workstation"])
def test_a_failure_of_it_in_the_pilot_that_is_open_holds(endpoint: Record) -> None:
    rows = pilot(39, 1)
    assert outcome(decide(endpoint, soak=rows, failures=[failure("P39", KB)])) == HELD
    assert outcome(decide(endpoint, soak=rows, failures=[failure("P39", KB, root_cause=CAUSE)])) == THROUGH
    assert outcome(decide(endpoint, soak=rows, failures=[failure("P39", guid("1"))])) == THROUGH


# --- what time does not count


def tier(**scope: str) -> Record:
    return {"client": "Acme Dental", "ring": "pilot", "kind": "server", **scope}


def gone(start: str, end: str | None, scope: Record | None = None) -> Record:
    released = None if end is None else {"by": "T. Ech", "at": end, "reason": "fixed"}
    return hold(tier() if scope is None else scope, at=start, released=released)


def test_time_with_the_pilot_held_does_not_count() -> None:
    rows = [taken(at=ago(days=8))]
    assert outcome(decide(server(), soak=rows)) == THROUGH
    found = decide(server(), soak=rows, holds=[gone(ago(days=6), ago(days=4))])
    assert outcome(found) == HELD
    assert same(found["until"], later(NIGHT, days=1))
    rows = [taken(at=ago(days=9))]
    assert outcome(decide(server(), soak=rows, holds=[gone(ago(days=6), ago(days=4))])) == THROUGH


@pytest.mark.parametrize(
    ("holds", "held"),
    [
        ([gone(ago(days=20), ago(days=10))], timedelta(0)),
        ([gone(ago(days=20), ago(days=5))], timedelta(days=1)),  # the part after the install
        ([gone(ago(days=5), ago(days=4)), gone(ago(days=4, hours=12), ago(days=3))], timedelta(days=2)),  # once
        ([gone(ago(days=5), ago(days=4)), gone(ago(days=5), ago(days=4))], timedelta(days=1)),
        ([gone(ago(days=5), ago(days=4)), gone(ago(days=2), ago(days=1))], timedelta(days=2)),
        ([gone(ago(days=5), ago(days=4), {"ring": "pilot"})], timedelta(days=1)),
        ([gone(ago(days=5), ago(days=4), tier(cycle="2026-10"))], timedelta(days=1)),  # the cycle of that time
        ([gone(ago(days=5), ago(days=4), {"client": "Acme Dental"})], timedelta(days=1)),
        ([gone(ago(days=5), ago(days=4), {"kind": "server"})], timedelta(days=1)),
        ([gone(ago(days=5), ago(days=4), {"client": "Bolt Ltd", "ring": "pilot"})], timedelta(0)),
        ([gone(ago(days=5), ago(days=4), {"client": "Acme Dental", "ring": "production"})], timedelta(0)),
        ([gone(ago(days=5), ago(days=4), {"ring": "pilot", "kind": "workstation"})], timedelta(0)),
    ],
)
def test_held_time_is_counted_once_and_only_where_it_is_the_pilots(holds: list[Record], held: timedelta) -> None:
    start = ago(days=6)
    found = decide(server(), soak=[taken(at=start)], holds=holds)
    assert outcome(found) == HELD
    assert found["until"] is not None
    assert instant(found["until"]) == instant(start) + timedelta(days=7) + held


def test_while_the_pilot_is_held_nothing_leaves_it() -> None:
    for rows in ([taken(at=ago(days=6))], [taken(at=ago(days=8))]):
        found = decide(server(), soak=rows, holds=[gone(ago(days=5), None)])
        assert outcome(found) == HELD
        assert found["until"] is None or instant(found["until"]) > instant(NIGHT)


# --- scope and coverage


def test_the_scope_is_the_client_for_servers_and_all_clients_for_workstations() -> None:
    elsewhere = [taken(client="Bolt Ltd")]
    assert outcome(decide(server(), soak=elsewhere)) == HELD
    assert outcome(decide(REGULAR, soak=elsewhere)) == THROUGH


@pytest.mark.parametrize("of", [{"soak": {"scope": "all"}}, {"soak": {"scope": {"server": "all"}}}])
def test_the_policy_may_widen_the_scope(of: Record) -> None:
    assert outcome(decide(server(), soak=[taken(client="Bolt Ltd")], policy=of)) == THROUGH
    assert (
        outcome(decide(server(), soak=[taken(client="Bolt Ltd")], policy={"clients": {"Acme Dental": of}})) == THROUGH
    )
    assert outcome(decide(server(), soak=[taken(client="Bolt Ltd")], policy={"clients": {"Bolt Ltd": of}})) == HELD


def test_the_policy_may_narrow_the_scope() -> None:
    policy = {"soak": {"scope": "client"}}
    assert outcome(decide(REGULAR, soak=[taken(client="Bolt Ltd")], policy=policy)) == HELD
    assert outcome(decide(REGULAR, soak=[taken()], policy=policy)) == THROUGH


def test_another_clients_sick_pilot_counts_where_all_clients_do() -> None:
    rows = [taken(), taken("B1", client="Bolt Ltd", healthy=False)]
    assert outcome(decide(REGULAR, soak=rows)) == HELD
    assert outcome(decide(server(), soak=rows)) == THROUGH


def test_what_no_pilot_endpoint_has_taken_stays_held() -> None:
    for rows in ([], [taken(of=guid("1"))]):
        found = decide(server(), soak=rows)
        assert outcome(found) == HELD
        assert found["until"] is None
        assert [row["update"] for row in found["left_out"]] == [KB]


def test_a_soak_row_may_name_the_kb() -> None:
    for name in ("5046613", "KB5046613"):
        assert outcome(decide(server(), soak=[taken(of=name)])) == THROUGH


def test_held_until_the_earliest_instant_any_can_pass() -> None:
    rows = [taken(of=guid("1"), at=ago(days=2)), taken(of=guid("2"), at=ago(days=5))]
    found = decide(server(), [update("1"), update("2"), update("3")], soak=rows)
    assert outcome(found) == HELD
    assert same(found["until"], later(NIGHT, days=2))
    untils = {row["update"]: row["until"] for row in found["left_out"]}
    assert same(untils[guid("1")], later(NIGHT, days=5))
    assert same(untils[guid("2")], later(NIGHT, days=2))
    assert untils[guid("3")] is None


# --- the waiver


@pytest.mark.parametrize("endpoint", [server(), REGULAR], ids=["server", "workstation"])
@pytest.mark.parametrize("name", ["5046613", "KB5046613", KB])
def test_a_promoted_update_needs_no_soak(endpoint: Record, name: str) -> None:
    assert outcome(decide(endpoint, approvals=[approval(name, promote=True)])) == THROUGH
    assert outcome(decide(endpoint, approvals=[approval(name, promote=False)])) == HELD
    assert outcome(decide(endpoint, approvals=[approval(name, promote=True, client="Bolt Ltd")])) == HELD
    assert outcome(decide(endpoint, approvals=[approval(name, promote=True, client="Acme Dental")])) == THROUGH


def test_the_waiver_is_for_the_soak_alone() -> None:
    waiver = [approval(KB, promote=True)]
    assert decide(server(), approvals=waiver, holds=[hold({"ring": "production"})])["node"] == "gate.tier_held"
    assert decide(server(role="sql_server"), approvals=waiver)["node"] == "gate.authorization"
    assert decide(server(), approvals=waiver, now="2026-11-12T12:00:00-05:00")["node"] == "schedule.window"


def test_a_promoted_update_leaves_the_others_held() -> None:
    found = decide(server(), [update("1"), update("2")], approvals=[approval("2", promote=True)])
    assert found["updates"] == [guid("2")]
    assert [row["update"] for row in found["left_out"]] == [guid("1")]


def test_a_declined_update_cannot_be_promoted() -> None:
    assert decide(server(), approvals=[approval(KB, "declined", promote=True)], soak=[taken()])["action"] == "none"


@pytest.mark.parametrize(
    ("policy", "start", "expected"),
    [
        ({"soak": {"days": 3}}, ago(days=3), THROUGH),
        ({"soak": {"days": 3}}, ago(days=3, seconds=-1), HELD),
        ({"soak": {"days": 10}}, ago(days=7), HELD),
    ],
)
def test_the_days_are_the_policys(policy: Record, start: str, expected: tuple[str, str]) -> None:
    rows: dict[str, Any] = {"soak": [taken(at=start)]}
    assert outcome(decide(server(), policy=policy, **rows)) == expected


@pytest.mark.parametrize("share", [0.5, 50])
def test_the_share_of_the_healthy_is_the_policys(share: float) -> None:
    assert outcome(decide(server(), soak=pilot(1, 1), policy={"soak": {"minimum_healthy": share}})) == THROUGH
    assert outcome(decide(server(), soak=pilot(1, 2), policy={"soak": {"minimum_healthy": share}})) == HELD
