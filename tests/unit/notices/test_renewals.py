# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exception that has to be signed or renewed becomes a ticket, once for each occasion (R2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from tests.unit.flow.build import DAY, NIGHT, server, workstation
from tests.unit.notices.scene import Scene

FLEET = [workstation(name="CNC"), workstation(name="WS2", client="Birch"), server(name="SQL", role="sql_server")]
LAPSES = NIGHT + 100 * DAY


def scene(**given: Any) -> Scene:
    return Scene(FLEET, **given)


def excepted(one: Scene, now: datetime = NIGHT, *, signed: bool = True, **given: Any) -> None:
    scope = given.pop("scope", {"endpoint": "CNC"})
    words: dict[str, Any] = {"code": "VENDOR", "reason": "no later build", "by": "j.doe", "expires": LAPSES.isoformat()}
    words |= {"signed_by": "Dana Reyes", "signed_at": now.isoformat()} if signed else {}
    one.append(people.except_from(one.ledger, now, scope=scope, **words | given))


def summaries(one: Scene) -> list[str]:
    return [ticket["summary"].partition("CNC ")[2] for ticket in one.tickets()]


def test_signed_and_far_from_its_expiry_it_is_nobodys_business() -> None:
    one = scene()
    excepted(one)
    assert one.run(LAPSES - 31 * DAY) == []
    assert one.told(LAPSES - 31 * DAY).words == ""


def test_it_is_to_be_renewed_thirty_days_ahead_and_again_when_it_has_expired() -> None:
    one = scene()
    excepted(one)
    for day in range(60, 140):
        one.run(NIGHT + day * DAY)
    assert summaries(one) == ["is to be renewed", "has expired: renew or end it"]
    first, second = one.tickets()
    assert first["xref"] == second["xref"]
    assert (first["client"], first["endpoint_name"]) == ("Acme", "CNC")
    for part in (
        "expires on Sat 20 Feb 2027 07:30 UTC, in 30 days.",
        "Reason: VENDOR: no later build",
        "Granted by: j.doe on Thu 12 Nov 2026 07:30 UTC",
        "Signed by: Dana Reyes on",
        "  - Acme: CNC",
        "Renew it: ansible-playbook msp.patching.except -e endpoint=CNC -e code=VENDOR -e \"reason='no later build'\"",
        " -e \"expires='…'\" -e \"signed_by='…'\" -e \"signed_at='…'\"",
        "End it: ansible-playbook msp.patching.except -e endpoint=CNC -e state=absent",
    ):
        assert part in first["text"]
    assert "held: neither patched nor left out, until it is renewed or ended" in second["text"]


def test_unsigned_it_is_on_a_ticket_at_once_and_once() -> None:
    one = scene()
    excepted(one, signed=False)
    one.run(NIGHT)
    one.run(NIGHT + DAY)
    (ticket,) = one.tickets()
    assert ticket["summary"].endswith("awaits the client's signature")
    assert "-e expires=2027-02-20T07:30:00Z -e \"signed_by='…'\" -e \"signed_at='…'\"" in ticket["text"]
    assert "1 unsigned" in one.told(NIGHT).words


def test_signed_it_is_moot() -> None:
    one = scene()
    excepted(one, signed=False)
    excepted(one, NIGHT + timedelta(hours=1))
    assert one.run(NIGHT + DAY) == []


@pytest.mark.parametrize("when", [LAPSES - DAY, LAPSES + DAY])
def test_renewed_or_ended_it_is_moot(when: datetime) -> None:
    renewed, ended = scene(), scene()
    for one in (renewed, ended):
        excepted(one)
    excepted(renewed, when, expires=(when + 365 * DAY).isoformat())
    ended.append(people.revoke(ended.ledger, when, scope={"endpoint": "CNC"}, by="j.doe", reason="replaced"))
    assert renewed.run(when + DAY) == ended.run(when + DAY) == []


def test_a_renewal_that_lapses_is_told_again() -> None:
    one = scene()
    excepted(one)
    one.run(LAPSES - DAY)
    excepted(one, LAPSES - DAY, expires=(LAPSES + 365 * DAY).isoformat())
    one.run(LAPSES + 365 * DAY - 30 * DAY)
    first, second = one.tickets()
    assert first["xref"] != second["xref"]


def test_without_an_end_it_never_lapses() -> None:
    one = scene()
    excepted(one, expires=None)
    assert one.run(NIGHT + 5000 * DAY) == []


@pytest.mark.parametrize(
    ("scope", "client", "where"),
    [
        ({"client": "Acme"}, "Acme", "2 endpoints of 1 client"),
        ({"client": "Acme", "location": "Main"}, "Acme", "2 endpoints of 1 client"),
        ({"role": "sql_server"}, None, "1 endpoint of 1 client"),
        ({"endpoint": "GONE"}, None, "no endpoint of the inventory"),
    ],
)
def test_whom_it_covers_and_whose_ticket_it_is(scope: dict[str, str], client: str | None, where: str) -> None:
    one = scene()
    excepted(one, signed=False, scope=scope)
    one.run(NIGHT)
    (ticket,) = one.tickets()
    assert ticket["client"] == client
    assert f"Covers: {where}" in ticket["text"]


def test_how_long_ahead_is_the_policys_and_a_client_may_have_its_own() -> None:
    policy = load_policy(
        {"notices": {"renewal_ahead": "10d"}, "clients": {"Acme": {"notices": {"renewal_ahead": "60d"}}}}
    )
    one = scene(policy=policy)
    excepted(one)
    excepted(one, scope={"endpoint": "WS2"})
    one.run(LAPSES - 60 * DAY)
    assert [ticket["endpoint_name"] for ticket in one.tickets()] == ["CNC"]
    assert one.run(LAPSES - 11 * DAY) == []
    one.run(LAPSES - 10 * DAY)
    assert [ticket["endpoint_name"] for ticket in one.tickets()] == ["CNC", "WS2"]
