# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets into the lab's Automate, for how long, and what they see."""

from __future__ import annotations

from typing import Any

import pytest

from lab.automate.auth import NO_PERMISSION_USER, PASSCODE, READ_ONLY_USER, TWO_FACTOR_USER
from lab.world import World
from tests.unit.lab.asgi import Client
from tests.unit.lab.conftest import CREDENTIALS, LogIn


def credentials(user: str = CREDENTIALS.automate_user, **more: str) -> dict[str, str]:
    return {"username": user, "PASSWORD": CREDENTIALS.automate_password, **more}


def test_the_token_has_no_zone_in_its_expiry_and_dies_on_the_lab_clock(automate: Client, world: World) -> None:
    told = automate.post("/APIToken/", json=credentials()).json()
    assert told["ExpirationDate"] == "2026-11-11T09:05:00"
    assert told["UserId"] == "1"
    automate.headers["authorization"] = f"bearer {told['AccessToken']}"
    assert automate.get("/computers").status_code == 200
    world.clock.advance(3600)
    assert automate.get("/computers").status_code == 401


def test_a_refresh_takes_the_bare_token_until_the_absolute_end(automate: Client, world: World) -> None:
    token = str(automate.headers["authorization"]).split()[1]
    for _hour in range(23):
        world.clock.advance(3500)
        told = automate.post("/apitoken/refresh", json=token)
        assert told.status_code == 200
        assert automate.post("/apitoken/refresh", json=token).status_code == 401, "an old token is good no longer"
        token = told.json()["AccessToken"]
    assert told.json()["AbsoluteExpirationDate"].startswith("2026-11-12T08:05")


def test_a_disabled_token_is_out(automate: Client) -> None:
    token = str(automate.headers["authorization"]).split()[1]
    assert automate.post("/ApiToken/Disable", json={"SecurityToken": token}).status_code == 204
    assert automate.get("/computers").status_code == 401


def test_two_factor_is_told_with_200_and_no_token(automate: Client) -> None:
    asked = automate.post("/apitoken", json=credentials(TWO_FACTOR_USER))
    assert asked.status_code == 200
    assert asked.json()["IsTwoFactorRequired"] is True
    assert "AccessToken" not in asked.json()
    given = automate.post("/apitoken", json=credentials(TWO_FACTOR_USER, TwoFactorPasscode=PASSCODE))
    assert given.json()["AccessToken"]


@pytest.mark.parametrize("body", [{"username": "patching", "password": "x"}, {}, [], "text"])
def test_wrong_credentials_are_401(automate: Client, body: Any) -> None:
    assert automate.post("/apitoken", json=body).status_code == 401


def test_a_form_will_do(automate: Client) -> None:
    assert automate.post("/apitoken", data=credentials()).json()["AccessToken"]


def test_data_needs_the_client_id_and_the_token_calls_do_not(automate: Client) -> None:
    del automate.headers["clientid"]
    assert automate.post("/apitoken", json=credentials()).status_code == 200
    assert automate.get("/computers").status_code == 401


def test_without_permission_lists_are_empty_and_writes_forbidden(log_in: LogIn) -> None:
    client = log_in(NO_PERMISSION_USER)
    for path in ("/computers", "/groups", "/clients", "/computers/1/extrafields"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, [])
    assert client.get("/computers/1").status_code == 404
    assert log_in(READ_ONLY_USER).get("/computers").json()
    assert log_in(READ_ONLY_USER).delete("/computers/1").status_code == 403


def test_a_reset_of_the_world_ends_all_sessions(automate: Client, world: World) -> None:
    world.reset()
    assert automate.get("/computers").status_code == 401


def test_passwords_and_tokens_stay_out_of_the_journal(automate: Client, world: World) -> None:
    token = str(automate.headers["authorization"]).split()[1]
    automate.post("/apitoken/refresh", json=token)
    told = str(world.journal.read())
    assert CREDENTIALS.automate_password not in told
    assert token not in told
    assert world.journal.read(face="automate")[0]["path"] == "/cwa/api/v1/apitoken"
