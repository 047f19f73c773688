# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaps in the pilot's coverage: told at once, on a ticket when they last, and gone when a pilot stands for them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event
from tests.unit.flow.build import DAY, OPTIONAL, at, server, update, workstation
from tests.unit.notices.scene import Scene

NOW = at("2026-11-12 02:30")
ELEVEN, TEN = "Microsoft Windows 11 Pro x64", "Microsoft Windows 10 Enterprise x64"
NEW, OLD = update("u-11", kb=["5091211"]), update("u-10", kb=["5091213"])
PILOT = workstation(name="P1", os=ELEVEN)
LATER = workstation(name="W1", ring="regular", os=ELEVEN)
TENNER = workstation(name="W10", ring="regular", os=TEN)


def scene(*fleet: Endpoint, **given: Any) -> Scene:
    return Scene(list(fleet), **given)


def daily(one: Scene, days: int, found: dict[str, list[Any]]) -> list[Event]:
    """A search and a run each day."""
    events = []
    for day in range(days):
        one.searched(NOW + day * DAY, found)
        events += one.run(NOW + day * DAY)
    return events


def gaps(one: Scene) -> list[str]:
    return [row["id"] for row in one.ledger.rows("gaps")]


def test_an_update_that_no_pilot_could_take_is_told_at_once_and_on_a_ticket_after_seven_days() -> None:
    one = scene(PILOT, LATER, TENNER)
    found = {"P1": [NEW], "W1": [NEW], "W10": [OLD]}
    daily(one, 1, found)
    assert gaps(one) == ["os/Windows 10/workstation/", "update/u-10/workstation/"]
    told = " ".join(one.told(NOW).warnings)
    assert "no pilot workstation in scope could take KB5091213. 1 endpoint cannot be served by the soak." in told
    assert "stands for the OS Windows 10." in told
    daily(one, 7, found)
    assert one.tickets() == []
    daily(one, 20, found)
    (ticket,) = one.tickets()
    for part in (
        "no pilot workstation of any client stands for the following.",
        "Told since Thu 12 Nov 2026 07:30 UTC, 7 days.",
        "Update KB5091213, 1 endpoint of 1 client:\n  - Acme: W10",
        "msp.patching.approve -e updates=KB5091213 -e decision=approved -e promote=true",
    ):
        assert part in ticket["text"]


def test_a_pilot_that_is_offered_it_or_took_it_closes_the_gap() -> None:
    one = scene(PILOT, workstation(name="P10", os=TEN), LATER, TENNER)
    assert daily(one, 1, {"P1": [NEW], "P10": [OLD], "W1": [NEW], "W10": [OLD]}) == []
    one.taken(NOW, "P10", "u-10")
    assert daily(one, 9, {"P1": [NEW], "P10": [], "W1": [NEW], "W10": [OLD]})[0].kind == "soak.passed"
    assert gaps(one) == []


def test_a_gap_that_is_closed_is_forgotten_and_begins_anew() -> None:
    one = scene(PILOT, TENNER)
    found = {"P1": [NEW], "W10": [OLD]}
    daily(one, 5, found)
    one.fleet.append(workstation(name="P10", os=TEN))
    daily(one, 6, found | {"P10": [OLD]})
    assert gaps(one) == []
    one.fleet.pop()
    one.searched(NOW + 7 * DAY, found)
    one.run(NOW + 7 * DAY)
    assert one.tickets() == []


def test_what_a_pilot_could_take_that_was_not_searched_is_not_known() -> None:
    one = scene(PILOT, workstation(name="P10", os=TEN), TENNER)
    daily(one, 1, {"P1": [NEW], "W10": [OLD]})
    assert gaps(one) == []


@pytest.mark.parametrize("out", [{"agent_disabled": True}, {"policy_group": "do_not_patch"}])
def test_a_pilot_that_is_not_patched_stands_for_nothing(out: dict[str, Any]) -> None:
    one = scene(PILOT, workstation(name="P10", os=TEN, **out), TENNER)
    daily(one, 1, {"P1": [NEW], "P10": [OLD], "W10": [OLD]})
    assert gaps(one) == ["os/Windows 10/workstation/", "update/u-10/workstation/"]


BOTH = update("u-both", kb=["890830"])
SERVER = server(name="S1", role="utility")


@pytest.mark.parametrize("pilots", [(), (server(name="SP", ring="pilot", role="utility"),)])
def test_what_fits_both_kinds_needs_a_pilot_of_each(pilots: tuple[Endpoint, ...]) -> None:
    one = scene(PILOT, SERVER, *pilots)
    found = {"P1": [BOTH], "S1": [BOTH], "SP": [BOTH]}
    daily(one, 1, {there.name: found[there.name] for there in one.fleet})
    one.taken(NOW, "P1", "u-both")
    daily(one, 1, {there.name: [] if there.name == "P1" else [BOTH] for there in one.fleet})
    assert gaps(one) == ([] if pilots else ["update/u-both/server/Acme"])


def test_what_a_server_took_while_it_was_in_the_pilot_is_no_gap() -> None:
    one = scene(server(name="SP", ring="pilot", role="utility"), SERVER)
    daily(one, 1, {"SP": [BOTH], "S1": [BOTH]})
    one.taken(NOW, "SP", "u-both")
    one.fleet[0] = server(name="SP", role="utility")
    daily(one, 1, {"SP": [], "S1": [BOTH]})
    assert gaps(one) == []


def test_what_is_not_approved_is_no_gap() -> None:
    one = scene(PILOT, LATER)
    daily(one, 1, {"P1": [], "W1": [update("u-9", **OPTIONAL)]})
    assert gaps(one) == []


def test_what_an_old_search_found_neither_opens_nor_closes_a_gap() -> None:
    one = scene(PILOT, LATER)
    one.searched(NOW, {"P1": [], "W1": [NEW]})
    one.run(NOW + 3 * DAY)
    assert gaps(one) == []
    one.run(NOW)
    one.run(NOW + 3 * DAY)
    assert gaps(one) == ["update/u-11/workstation/"]
    assert one.told(NOW + 30 * DAY).warnings == []


def test_tracks_and_roles_in_their_scopes() -> None:
    one = scene(
        PILOT,
        workstation(name="DAY", ring="regular", track="daytime", os=ELEVEN),
        server(name="SP", ring="pilot"),
        server(name="SQL", role="sql_server"),
        server(name="BP", ring="pilot", client="Birch", role="sql_server"),
        server(name="BFS", client="Birch", role="sql_server"),
        server(name="ALONE", client="Cove", client_servers=1, role="exchange"),
    )
    one.run(NOW)
    assert gaps(one) == ["role/sql_server/server/Acme", "track/daytime/workstation/"]
    assert "stands for the role sql_server at Acme." in " ".join(one.told(NOW).warnings)


def test_builds_count_where_they_were_seen() -> None:
    one = scene(PILOT, workstation(name="P2", os=ELEVEN), LATER)
    posture = {"boot_id": "1", "boot_time": NOW.isoformat(), "now": NOW.isoformat(), "reboot_pending": False}
    one.put("posture.observed", NOW, "W1", os_build="10.0.22631.4", **posture)
    one.put("posture.observed", NOW, "P1", os_build="10.0.26100.9", **posture)
    one.run(NOW)
    assert gaps(one) == []  # P2 may be of that build
    one.put("posture.observed", NOW, "P2", os_build="10.0.26100.7", **posture)
    one.run(NOW)
    assert gaps(one) == ["os/Windows 11 build 22631/workstation/"]


def test_the_policy_says_what_the_pilot_is_to_stand_for() -> None:
    one = scene(PILOT, TENNER, policy=load_policy({"notices": {"coverage": ["update"], "coverage_gap_after": "2d"}}))
    daily(one, 3, {"P1": [NEW], "W10": [OLD]})
    assert gaps(one) == ["update/u-10/workstation/"]
    assert len(one.tickets()) == 1


def test_a_slice_of_the_inventory_closes_no_gap_of_others() -> None:
    one = scene(PILOT, TENNER, workstation(name="B1", client="Birch", os=ELEVEN))
    found = {"P1": [NEW], "W10": [OLD], "B1": [NEW]}
    daily(one, 1, found)
    before = gaps(one)
    one.fleet = [endpoint for endpoint in one.fleet if endpoint.client == "Birch"]
    one.run(NOW)
    assert gaps(one) == before != []
    one.fleet = [TENNER]  # the pilot is of another slice, and the ledger knows it
    one.run(NOW)
    assert gaps(one) == before
