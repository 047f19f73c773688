# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world of the fleet small, standing still, and its two APIs without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.automate import automate_app
from lab.clock import LabClock
from lab.fleet import load_fleet
from lab.psa import psa_app
from lab.web import ApiCredentials
from lab.world import World
from tests.unit.lab.asgi import Client

FLEETS = Path(__file__).parents[3] / "lab" / "fleets"
CREDENTIALS = ApiCredentials()
AUTOMATE = "http://lab/cwa/api/v1"
PSA = "https://lab/v4_6_release/apis/3.0"
LogIn = Callable[..., Client]


def enter(client: Client, user: str = CREDENTIALS.automate_user) -> None:
    """Gives the client a token of the Automate API."""
    client.headers["ClientId"] = CREDENTIALS.client_id
    body = {"UserName": user, "Password": CREDENTIALS.automate_password, "TwoFactorPasscode": ""}
    client.headers["Authorization"] = f"Bearer {client.post('/apitoken', json=body).json()['AccessToken']}"


@pytest.fixture
def world() -> World:
    fleet = load_fleet(FLEETS / "small.yml")
    return World(fleet, LabClock(fleet.start))


@pytest.fixture
def log_in(world: World) -> Iterator[LogIn]:
    """``log_in('auditor')``: a client of the Automate API with that user's token."""
    app = automate_app(world)
    clients: list[Client] = []

    def log_in(user: str = CREDENTIALS.automate_user) -> Client:
        clients.append(Client(app, AUTOMATE))
        enter(clients[-1], user)
        return clients[-1]

    yield log_in
    for client in clients:
        client.close()


@pytest.fixture
def automate(log_in: LogIn) -> Client:
    return log_in()


@pytest.fixture
def psa(world: World) -> Iterator[Client]:
    client = Client(psa_app(world), PSA)
    client.auth = (f"{CREDENTIALS.psa_company}+{CREDENTIALS.psa_public_key}", CREDENTIALS.psa_private_key)
    client.headers["clientId"] = CREDENTIALS.client_id
    with client:
        yield client
