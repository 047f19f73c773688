# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exception that has to be signed or renewed becomes a ticket, once for each occasion (R2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.overview import places
from ansible_collections.msp.patching.plugins.plugin_utils.notices.told import tell
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


def test_of_an_endpoint_that_the_inventory_calls_something_else_it_is_told() -> None:
    """A new client's computer of the same name renames it: it would be patched."""
    one = scene()
    excepted(one)
    one.searched(NIGHT, {"CNC": []})
    assert one.run(NIGHT) == []
    one.fleet = [workstation(name="CNC.acme"), workstation(name="CNC.birch", client="Birch"), *FLEET[1:]]
    one.run(NIGHT + DAY)
    one.run(NIGHT + 2 * DAY)
    (ticket,) = one.tickets()
    assert ticket["summary"].endswith("CNC covers no endpoint: record it anew or end it")
    assert ticket["client"] == "Acme"
    assert "It is most likely CNC.acme now, which is patched like any other" in ticket["text"]
    assert "Record it anew: ansible-playbook msp.patching.except -e endpoint=CNC.acme" in ticket["text"]
    assert "CNC.birch" not in ticket["text"]
    assert "1 astray" in one.told(NIGHT + DAY).words


def test_an_endpoint_that_is_not_there_may_be_of_another_slice_of_the_inventory() -> None:
    one = scene()
    excepted(one)
    one.searched(NIGHT, {"CNC": []})
    one.fleet = [*FLEET[1:], workstation(name="WS3")]
    assert one.run(NIGHT + DAY) == []


RENAMED = [workstation(name="CNC", client="Acme Dental", location="HQ"), *FLEET[1:2]]


@pytest.mark.parametrize(
    ("scope", "fleet", "whom", "anew"),
    [
        (
            {"client": "Acme"},
            [*RENAMED, server(name="SQL", client="Acme Dental")],
            "client Acme Dental now: 2 endpoints",
            "-e \"client='Acme Dental'\" -e code=VENDOR",
        ),
        (
            {"client": "Acme", "location": "Main"},
            [workstation(name="CNC", location="HQ"), server(name="SQL", location="HQ"), *FLEET[1:2]],
            "client Acme, location HQ now: 2 endpoints",
            "-e client=Acme -e location=HQ -e code=VENDOR",
        ),
        (
            {"client": "Acme", "location": "Main"},
            [*RENAMED, server(name="SQL", client="Acme Dental", location="HQ")],
            "client Acme Dental, location HQ now: 2 endpoints",
            "-e \"client='Acme Dental'\" -e location=HQ -e code=VENDOR",
        ),
        ({"client": "Acme"}, RENAMED, "client Acme Dental now: 1 endpoint that", "-e \"client='Acme Dental'\""),
        (
            {"client": "Acme"},
            [workstation(name="CNC", client="Birch"), *FLEET[1:2], server(name="SQL", client="Birch")],
            "client Birch now: 2 endpoints",
            "-e client=Birch",
        ),
    ],
    ids=["client", "location", "location of a client", "a slice of it", "all have gone to another"],
)
def test_of_a_client_or_location_that_the_rmm_calls_something_else_it_is_told(
    scope: dict[str, str], fleet: list[Endpoint], whom: str, anew: str
) -> None:
    """What is renamed in the RMM is covered no more: it would be patched, and nobody would know."""
    one = scene()
    excepted(one, scope=scope)
    one.searched(NIGHT, {"CNC": [], "SQL": [], "WS2": []})
    assert one.run(NIGHT) == []
    one.fleet = fleet
    one.run(NIGHT + DAY)
    one.run(NIGHT + 2 * DAY)
    (ticket,) = one.tickets()
    assert ticket["summary"].endswith("covers no endpoint: record it anew or end it")
    assert ticket["client"] == fleet[0].client
    assert f"It is most likely {whom}" in ticket["text"]
    assert f"Record it anew: ansible-playbook msp.patching.except {anew}" in ticket["text"]
    assert "1 astray" in one.told(NIGHT + DAY).words


@pytest.mark.parametrize(
    ("scope", "fleet"),
    [
        ({"client": "Acme"}, FLEET[1:2]),
        ({"client": "Acme"}, [workstation(name="CNC", client="Birch"), *FLEET[1:]]),
        ({"client": "Acme"}, [workstation(name="CNC", client="Birch"), *FLEET[1:2]]),
        ({"client": "Elsewhere"}, FLEET),
        ({"role": "sql_server"}, FLEET[:2]),
    ],
    ids=[
        "another slice of the inventory",
        "one has moved",
        "one has moved, in a slice",
        "of nobody that was ever seen",
        "a role",
    ],
)
def test_of_whom_nobody_can_tell_that_it_was_renamed_nothing_is_told(
    scope: dict[str, str], fleet: list[Endpoint]
) -> None:
    one = scene()
    excepted(one, scope=scope)
    one.searched(NIGHT, {"CNC": [], "SQL": [], "WS2": []})
    one.fleet = fleet
    assert one.run(NIGHT + DAY) == []


def test_what_this_run_has_planned_already_hides_no_new_name() -> None:
    """A run tells people after its plan, which puts the endpoints' new places on the ledger."""
    one = scene()
    excepted(one, scope={"client": "Acme"})
    one.searched(NIGHT, {"CNC": [], "SQL": [], "WS2": []})
    before = places(one.ledger)
    one.fleet = [*RENAMED, server(name="SQL", client="Acme Dental")]
    one.searched(NIGHT + DAY, {"CNC": [], "SQL": []})
    (letter,) = tell(one.outlook(NIGHT + DAY, before=before)).letters
    assert letter.client == "Acme Dental"


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
