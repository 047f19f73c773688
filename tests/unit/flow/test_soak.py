# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R5: when an update may leave the pilot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, Planner, Register, soak
from tests.unit.flow.build import DEFAULTS, NIGHT, decision, server, soaked, update, workstation

WS = workstation(ring="regular")


def passes(
    rows: list[dict[str, Any]], endpoint: Any = WS, policy: dict[str, Any] | None = None, **register: Any
) -> bool:
    found = decision(endpoint, [update()], register={"soak": rows, **register}, policy=policy)
    assert found.action in ("install", "hold")
    return found.action == "install"


def until(rows: list[dict[str, Any]], **register: Any) -> str | None:
    record = decision(WS, [update()], register={"soak": rows, **register}).as_record()
    assert record["node"] == "gate.soak"
    assert record["until"] == record["left_out"][0]["until"]
    found = record["until"]
    assert found is None or isinstance(found, str)
    return found


def many(healthy: int, rest: int, verdict: bool | None = False) -> list[dict[str, Any]]:
    return [soaked(endpoint=f"P{n}", healthy=True if n < healthy else verdict) for n in range(healthy + rest)]


# NIGHT is 2026-11-12T07:30:00Z
@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        ([], False),
        ([soaked(installed_at="2026-11-05T07:30:00Z")], True),  # seven days, to the second
        ([soaked(installed_at="2026-11-05T07:30:01Z")], False),
        ([soaked(healthy=None)], False),
        ([soaked(healthy=False)], False),
        ([soaked("KB5046613")], True),  # a row may name the KB
        ([soaked("5046614")], False),
        (many(19, 1), True),  # exactly 95 %
        (many(18, 1), False),
        (many(19, 1, None), True),
        (many(18, 1, None), False),  # took it and is not yet validated: not healthy now
        ([soaked(validated_at="2026-11-12T07:30:01Z")], False),  # its validation is not known yet
        ([soaked(installed_at="2026-11-12T07:30:01Z"), soaked(endpoint="P2")], True),  # a row of later does not count
        # a second row of an endpoint, taken again later, replaces the first
        ([soaked(), soaked(installed_at="2026-11-06T00:00:00Z", healthy=False)], False),
    ],
)
def test_what_an_update_needs(rows: list[dict[str, Any]], passed: bool) -> None:
    assert passes(rows) is passed


def test_the_figures_are_the_policys() -> None:
    young = [soaked(installed_at="2026-11-10T07:30:00Z")]
    assert passes(young, policy={"soak": {"days": 2}})
    assert not passes(young, policy={"soak": {"days": 2.5}})
    assert not passes([soaked()], policy={"soak": {"minimum_endpoints": 2}})
    assert passes(many(2, 0), policy={"soak": {"minimum_endpoints": 2}})
    assert passes(many(1, 1), policy={"soak": {"minimum_healthy": 0.5}})
    assert passes(many(1, 1), policy={"soak": {"minimum_healthy": 50}})
    assert not passes([soaked(client="Other")], policy={"soak": {"scope": "client"}})
    assert passes([soaked(client="Other")], server(), policy={"soak": {"scope": {"server": "all"}}})
    assert passes([], policy={"soak": {"rings": {"workstation": ["production"]}}})


@pytest.mark.parametrize("share", [0.56, 56])
def test_just_the_share_that_is_wanted_is_enough(share: float) -> None:
    """In floating point 56 % of 25 are a little more than 14."""
    assert passes(many(14, 11), policy={"soak": {"minimum_healthy": share}})
    assert not passes(many(13, 12), policy={"soak": {"minimum_healthy": share}})


def test_the_scope_is_the_client_for_servers_and_all_for_workstations() -> None:
    assert passes([soaked(client="Other")])
    assert not passes([soaked(client="Other")], server())
    assert passes([soaked()], server())


@pytest.mark.parametrize(
    ("failure", "passed"),
    [
        ({"endpoint": "ACME-P1", "update": "u1"}, False),
        ({"endpoint": "ACME-P1", "update": "KB5046613"}, False),
        ({"endpoint": "ACME-P1", "update": "u1", "root_cause": {"by": "Tech", "code": "disk", "text": "full"}}, True),
        ({"endpoint": "ACME-P1", "update": "u2"}, True),
        ({"endpoint": "ACME-P1"}, True),
        ({"endpoint": "ACME-WS77", "update": "u1"}, True),  # not in the pilot
    ],
)
def test_an_open_failure_in_the_pilot_holds_its_update(failure: dict[str, Any], passed: bool) -> None:
    assert passes([soaked()], failures=[failure]) is passed


@pytest.mark.parametrize(("endpoint", "named"), [(WS, False), (server(), True)])
def test_who_failed_is_named_to_his_own_client_alone(endpoint: Any, named: bool) -> None:
    """By the defaults workstations wait for the pilot of all clients, servers for that of their own."""
    register = {"soak": [soaked()], "failures": [{"endpoint": "ACME-P1", "update": "u1"}]}
    told = str(decision(endpoint, [update()], register=register).as_record())
    assert "has an open failure in the pilot" in told
    assert ("ACME-P1" in told) is named


@pytest.mark.parametrize(
    ("pilot", "endpoint", "node"),
    [
        (workstation(name="P1"), server(role="utility"), "gate.soak"),
        (server(name="P1", ring="pilot"), server(role="utility"), "deploy.install"),
        (server(name="P1", ring="pilot"), WS, "gate.soak"),
        (workstation(name="P1"), WS, "deploy.install"),
    ],
)
def test_what_fits_both_kinds_is_proven_by_a_pilot_of_the_kind(pilot: Any, endpoint: Any, node: str) -> None:
    """Else a server would be patched before the pilot server of its client, for a workstation took the update."""
    register = Register.parse(
        {
            "soak": [soaked(endpoint="P1")],
            "endpoints": {endpoint.name: {"scanned_at": NIGHT.isoformat()}},
        }
    )
    assert Planner(DEFAULTS, register, NIGHT, [pilot]).decide(endpoint, [update()]).node == node


def test_a_row_whose_kind_nobody_knows_proves_nothing_to_a_server() -> None:
    """Where a ledger tells who the pilots are; a register that was given as a record cannot."""
    other = server(role="utility")
    searched = {one.name: {"scanned_at": NIGHT.isoformat()} for one in (other, WS)}
    told = Register.parse({"soak": [soaked(endpoint="P1")], "endpoints": searched})
    known = replace(told, pilots=(Endpoint("P1", client="Acme", ring="pilot"),))
    assert Planner(DEFAULTS, told, NIGHT).decide(other, [update()]).node == "deploy.install"
    assert Planner(DEFAULTS, known, NIGHT).decide(other, [update()]).node == "gate.soak"
    assert Planner(DEFAULTS, known, NIGHT).decide(WS, [update()]).node == "deploy.install"
    fleet = [server(name="P1", ring="pilot")]
    assert Planner(DEFAULTS, known, NIGHT, fleet).decide(other, [update()]).node == "deploy.install"


def test_a_pilot_endpoint_known_from_the_fleet_counts_without_a_row() -> None:
    register = Register.parse({"soak": [soaked()], "failures": [{"endpoint": "P9", "update": "u1"}]})
    fleet = [workstation(name="P9")]
    assert Planner(DEFAULTS, register, NIGHT).decide(WS, [update()]).action == "install"
    assert Planner(DEFAULTS, register, NIGHT, fleet).decide(WS, [update()]).node == "gate.soak"


def hold(start: str, end: str | None = None, **scope: str) -> dict[str, Any]:
    released = None if end is None else {"by": "Eng", "at": end, "reason": "ok"}
    return {"scope": {"ring": "pilot", **scope}, "at": start, "released": released}


AT_MOST = soaked(installed_at="2026-11-05T07:30:00Z")  # passes at NIGHT unless time was held
HELD = [
    ([hold("2026-11-06T00:00:00Z", "2026-11-06T01:00:00Z")], "2026-11-12T08:30:00+00:00"),
    ([hold("2026-11-06T00:00:00Z", "2026-11-06T02:00:00Z"), hold("2026-11-06T01:00:00Z", "2026-11-06T03:00:00Z")],
     "2026-11-12T10:30:00+00:00"),  # overlapping: three hours, not four
    ([hold("2026-11-01T00:00:00Z", "2026-11-05T08:30:00Z")], "2026-11-12T08:30:00+00:00"),  # only what lies inside
    ([hold("2026-11-12T06:30:00Z")], "2026-11-12T08:30:00+00:00"),  # still held: if it is released now
    ([hold("2026-11-06T00:00:00Z", "2026-11-06T01:00:00Z", client="Other")], None),
    ([hold("2026-11-06T00:00:00Z", "2026-11-06T01:00:00Z", kind="server")], None),
    ([hold("2026-11-06T00:00:00Z", "2026-11-06T01:00:00Z", kind="workstation", client="Acme")],
     "2026-11-12T08:30:00+00:00"),
    ([hold("2026-11-06T00:00:00Z", "2026-11-06T01:00:00Z", cycle="2026-10")], "2026-11-12T08:30:00+00:00"),
    ([hold("2026-11-10T17:00:00Z", "2026-11-11T17:00:00Z", cycle="2026-10")], "2026-11-12T08:30:00+00:00"),
    ([hold("2026-11-06T00:00:00Z", "2026-11-06T01:00:00Z", cycle="2026-11")], None),  # its cycle had not opened
]  # fmt: skip


@pytest.mark.parametrize(("holds", "earliest"), HELD)
def test_time_with_the_pilot_held_does_not_count(holds: list[dict[str, Any]], earliest: str | None) -> None:
    if earliest is None:
        assert passes([AT_MOST], holds=holds)
    else:
        assert until([AT_MOST], holds=holds) == earliest


@pytest.mark.parametrize(
    ("lanes", "earliest"),
    [
        ([], None),  # nobody has opened that cycle, and it holds nobody
        ([("2026-11-06", "2026-11-08")], "2026-11-14T07:30:00+00:00"),
        ([("2026-11-06", "2026-11-30")], "2026-11-18T07:30:00+00:00"),  # it is open still
    ],
)
def test_a_hold_on_an_out_of_band_cycle_holds_the_pilot_while_that_is_open(
    lanes: list[tuple[str, str]], earliest: str | None
) -> None:
    cycle = "2026-11-oob1"
    one = {"cycle": cycle, "updates": ["KB1"], "soak_days": 1, "by": "Eng", "reason": "exploited"}
    spans = [{"start": f"{start}T07:30:00Z", "end": f"{end}T07:30:00Z"} for start, end in lanes]
    register = {"soak": [AT_MOST], "holds": [hold("2026-11-05T07:30:00Z", cycle=cycle)]}
    found = decision(WS, [update()], register=register, policy={"out_of_band": [one | span for span in spans]})
    assert found.as_record()["until"] == (earliest or "2026-11-12T04:00:00-05:00")


def test_a_hold_of_one_client_does_not_stop_the_soak_of_another() -> None:
    rows = [AT_MOST, AT_MOST | {"client": "Other", "endpoint": "OTHER-P1"}]
    assert passes(rows, holds=[hold("2026-11-06T00:00:00Z", client="Acme")])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], None),  # nobody knows when a pilot takes it
        ([soaked(installed_at="2026-11-10T07:30:00Z")], "2026-11-17T07:30:00+00:00"),
        (
            [soaked(installed_at="2026-11-10T07:30:00Z"), soaked(endpoint="P2", healthy=False)],
            "2026-11-17T07:30:00+00:00",
        ),
        ([soaked(), soaked(endpoint="P2", healthy=False)], None),  # not a matter of time any more
    ],
)
def test_until_is_the_earliest_instant_it_can_pass(rows: list[dict[str, Any]], expected: str | None) -> None:
    assert until(rows) == expected


def promotion(**changes: Any) -> dict[str, Any]:
    return {
        "update": "u1",
        "decision": "approved",
        "by": "Eng",
        "at": "2026-11-11T00:00:00Z",
        "promote": True,
    } | changes


def test_a_promotion_by_name_waives_the_soak() -> None:
    assert passes([], approvals=[promotion()])
    assert passes([], approvals=[promotion(client="Acme")])
    assert not passes([], approvals=[promotion(client="Other")])
    assert not passes([], approvals=[promotion(promote=False)])
    assert not passes([], approvals=[promotion(at="2026-11-13T00:00:00Z")])


def test_definitions_are_exempt() -> None:
    assert decision(WS, [update(categories=["Definition Updates"], severity=None)]).action == "install"


def test_coverage_gaps_name_the_updates_no_pilot_endpoint_could_take() -> None:
    fleet = [
        workstation(name="PILOT", client="Other"),
        WS,
        server(name="S1"),
        server(name="SP", client="Other", ring="pilot"),
        server(name="ALONE", client_servers=1),
    ]
    wanted = {
        "PILOT": [update("a")],
        WS.name: [update("a"), update("b")],
        "SP": [update("c")],
        "S1": [update("c")],
        "ALONE": [update("d")],
    }
    figures = {endpoint.name: DEFAULTS.settings(endpoint) for endpoint in fleet}
    assert soak.coverage_gaps(wanted, fleet, figures) == {"b": (WS.name,), "c": ("S1",)}


def test_what_only_a_pilot_of_the_other_kind_could_take_is_a_gap() -> None:
    """It proves nothing to them, so that they would wait for ever."""
    fleet = [workstation(name="PW"), server(name="S1"), server(name="SP", client="Other", ring="pilot"), WS]
    wanted = {"PW": [update("a")], "S1": [update("a")], "SP": [update("b")], WS.name: [update("b")]}
    figures = {endpoint.name: DEFAULTS.settings(endpoint) for endpoint in fleet}
    assert soak.coverage_gaps(wanted, fleet, figures) == {"a": ("S1",), "b": (WS.name,)}
