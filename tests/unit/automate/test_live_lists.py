# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against the lab's Automate, while computers change their groups and agents are retired."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from ansible_collections.msp.patching.plugins.plugin_utils.automate import pages
from ansible_collections.msp.patching.plugins.plugin_utils.automate.client import (
    COMPUTERS,
    GROUP_COMPUTERS,
    AutomateClient,
)
from ansible_collections.msp.patching.plugins.plugin_utils.automate.settings import Settings
from lab.automate import automate_app
from lab.clock import LabClock
from lab.fleet import load_fleet
from lab.world import World
from tests.unit.lab.asgi import AsgiAdapter, Client
from tests.unit.lab.conftest import AUTOMATE, CREDENTIALS, FLEETS, enter

Between = Callable[[], None]


class Interrupted(AsgiAdapter):
    """One request at a time; ``between`` is called once, after the first page of ``path``."""

    def __init__(self, app: Any, path: str, between: Between) -> None:
        super().__init__(app)
        self._path = path
        self._between: Between | None = between
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:  # type: ignore[override]
        with self._lock:
            answer = super().send(request, **more)
            if self._between is not None and str(request.path_url).lower().partition("?")[0].endswith(self._path):
                between, self._between = self._between, None
                between()
            return answer

    def close(self) -> None:
        """The loop is closed by the fixture: each thread's session closes its adapter, and it is one for all."""


class Rmm:
    """The lab's RMM with its sixty computers; ``technician`` is another client of it."""

    def __init__(self) -> None:
        fleet = load_fleet(FLEETS / "sixty.yml")
        self.app = automate_app(World(fleet, LabClock(fleet.start)))
        self.technician = Client(self.app, AUTOMATE)
        enter(self.technician)

    def rows(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.technician.get(f"/{name}?pagesize=-1&orderby=Id asc").json()
        return found

    def read(self, resource: pages.Resource, between: Between) -> list[dict[str, Any]]:
        """What our client reads, in pages of ten rows."""
        account = Settings(
            AUTOMATE.partition("/cwa")[0].replace("lab", "127.0.0.1"),
            CREDENTIALS.automate_user,
            CREDENTIALS.automate_password,
            CREDENTIALS.client_id,
        )
        adapter = Interrupted(self.app, resource.path.lower(), between)
        try:
            with AutomateClient(account, adapter=lambda: adapter) as client:
                return client.read(resource)
        finally:
            AsgiAdapter.close(adapter)


@pytest.fixture
def rmm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rmm]:
    monkeypatch.setattr(pages, "PAGE_SIZE", 10)
    rmm = Rmm()
    yield rmm
    rmm.technician.close()


def pair(row: dict[str, Any]) -> tuple[str, str]:
    return str(row["GroupId"]), str(row["ComputerId"])


def test_no_membership_is_lost_when_other_computers_change_their_groups(rmm: Rmm) -> None:
    before = rmm.rows("GroupComputers")
    assert len(before) > 20
    known = {pair(row) for row in before}
    leaving = [next(row for row in before if row["ComputerId"] == computer) for computer in ("1", "2")]
    groups = [str(group["Id"]) for group in rmm.rows("Groups")]
    joining = [next((group, to) for group in groups if (group, to) not in known) for _group, to in map(pair, leaving)]

    def move() -> None:
        for row, (group, computer) in zip(leaving, joining, strict=True):
            assert rmm.technician.delete(f"/GroupComputers/{row['Id']}").status_code == 204
            body = {"GroupId": group, "ComputerId": computer}
            assert rmm.technician.post("/GroupComputers", json=body).status_code == 201

    found = {pair(row) for row in rmm.read(GROUP_COMPUTERS, move)}
    assert len(rmm.rows("GroupComputers")) == len(before), "the total tells nothing"
    assert found >= known - {pair(row) for row in leaving}, "those who stayed where they were"
    assert found.issuperset(joining)


def test_a_computer_is_not_lost_when_another_is_retired(rmm: Rmm) -> None:
    before = [row["Id"] for row in rmm.rows("Computers")]

    def retire() -> None:
        assert rmm.technician.delete(f"/Computers/{before[3]}").status_code == 204

    found = {row["Id"] for row in rmm.read(COMPUTERS, retire)}
    assert found == {*before} - {before[3]}
