# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paging, conditions, order and projection of the lab's Automate, on its computers."""

from __future__ import annotations

import pytest

from lab.automate import automate_app
from lab.clock import LabClock
from lab.fleet import load_fleet
from lab.world import World
from tests.unit.lab.asgi import Client
from tests.unit.lab.conftest import AUTOMATE, FLEETS, enter


def ids(client: Client, condition: str, **more: str) -> list[str]:
    answer = client.get("/Computers", params={"condition": condition, "includefields": "Id", **more})
    assert answer.status_code == 200, answer.text
    return [row["Id"] for row in answer.json()]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Id = 3", "3"),
        ("id eq '3'", "3"),
        ("Client.Name = 'Acme Dental' and Type = \"Server\"", "12"),
        ("client/id=2", "56"),
        ("Location.Id != 1", "56"),
        ("computername like 'ACME-WS%'", "34"),
        ("ComputerName contains 'dc'", "1"),
        ("ComputerName not contains 'WS'", "12"),
        ("Id in (1, '4', 99)", "14"),
        ("Id not in (1,2,3,4)", "56"),
        ("not (Id = 1 or Id = 2)", "3456"),
        ("OpenPortsTCP contains 3389", "12"),
        ("IsRebootNeeded = True", ""),
        ("IsRebootNeeded = false and Status = 'Offline'", "6"),
        ("RemoteAgentLastContact <= 2026-11-11T02:05:00.000Z", "6"),
        ("RemoteAgentLastContact > 2026-11-11T02:05:00", "12345"),
        ("LoggedInUsers.LoggedInUserName = 'jdoe'", "45"),
        ("Client.Name = 'O''Brien'", ""),
        ("Contact = null and Id < 2", "1"),
        ("Id = 1 or Id = 2 and Type = 'Laptop'", "1"),
    ],
)
def test_conditions(automate: Client, condition: str, found: str) -> None:
    assert "".join(ids(automate, condition)) == found


@pytest.mark.parametrize("condition", ["Id =", "Id = 1 and", "(Id = 1", "Nope = 1", "Id ~ 1", "Id = [2026-01-01]"])
def test_a_condition_that_cannot_be_read_is_an_error_of_the_server(automate: Client, condition: str) -> None:
    assert automate.get("/computers", params={"condition": condition}).status_code == 500


def test_keys_in_any_case_and_trailing_slashes_and_unknown_keys(automate: Client) -> None:
    answer = automate.get("/cOmPuTeRs/?PAGESIZE=2&PaGe=2&OrderBy=computername desc&INCLUDEFIELDS=id&ids[]=1&x=y")
    assert answer.json() == [{"Id": "4"}, {"Id": "3"}]
    assert answer.headers["Total-Count"] == "6"


def test_pages(automate: Client) -> None:
    assert automate.get("/computers?page=9").json() == []
    assert automate.get("/computers?pagesize=1001").status_code == 400
    assert len(automate.get("/computers?pagesize=-1").json()) == 6
    assert [row["Id"] for row in automate.get("/computers?ids=5,2").json()] == ["2", "5"]


def test_thirty_rows_unless_asked() -> None:
    fleet = load_fleet(FLEETS / "sixty.yml")
    with Client(automate_app(World(fleet, LabClock(fleet.start))), AUTOMATE) as client:
        enter(client)
        answer = client.get("/computers")
    assert (len(answer.json()), answer.headers["Total-Count"]) == (30, "60")


def test_fields_are_left_out(automate: Client) -> None:
    (row,) = automate.get("/computers?condition=Id=1&excludefields=Client,Location").json()
    assert "Client" not in row
    assert row["ComputerName"] == "ACME-DC01"


def test_a_list_of_one_can_come_without_the_list(automate: Client, world: World) -> None:
    world.inject({"target": "automate", "kind": "single_object", "path": "/cwa/api/v1/Groups", "times": 1})
    query = "?condition=FullName='Patching.Ring.Pilot'"
    assert automate.get(f"/Groups{query}").json()["Name"] == "Pilot"
    assert automate.get(f"/Groups{query}").json()[0]["Name"] == "Pilot"


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"kind": "unauthorized"}, 401), ({"kind": "throttle", "retry_after": 9}, 429), ({"kind": "error"}, 500)],
)
def test_faults_strike_as_often_as_told_and_where_told(
    automate: Client, world: World, fault: dict[str, object], status: int
) -> None:
    world.inject({"target": "automate", "path": "/cwa/api/v1/computers", "times": 2, **fault})
    assert automate.get("/clients").status_code == 200
    seen = [automate.get("/computers") for _time in range(3)]
    assert [answer.status_code for answer in seen] == [status, status, 200]
    if status == 429:
        assert seen[0].headers["Retry-After"] == "9"
