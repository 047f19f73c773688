# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps something from being patched follows it when the RMM calls it something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import (
    Endpoint,
    decide,
)
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from ansible_collections.msp.patching.plugins.plugin_utils.notices.renewals import covers
from tests.unit.flow.build import DAY, DEFAULTS, NIGHT, server, workstation
from tests.unit.notices.scene import Scene
from tests.unit.planning.renaming import (
    ACME,
    BIRCH,
    DENTAL,
    FLEET,
    MERGED,
    MOVED,
    SQL,
    bodies,
    excepted,
    follow,
    found,
    scene,
)


@pytest.mark.parametrize(
    ("scope", "fleet", "now"),
    [
        (ACME, DENTAL, [{"client": "Acme Dental"}]),
        (ACME, DENTAL[:2], [{"client": "Acme Dental"}]),
        (ACME, MERGED, [{"endpoint": "CNC"}, {"endpoint": "SQL"}]),
        ({"client": "Acme", "location": "Main"}, MOVED, [{"client": "Acme", "location": "HQ"}]),
        ({"client": "Acme", "location": "Main"}, DENTAL, [{"client": "Acme Dental", "location": "HQ"}]),
        ({"endpoint": "CNC"}, [workstation(name="MILL", id=1), BIRCH, SQL], [{"endpoint": "MILL"}]),
        (
            {"endpoint": "CNC"},
            [workstation(name="CNC.acme", id=1), workstation(name="CNC.birch", client="Birch", id=9), BIRCH, SQL],
            [{"endpoint": "CNC.acme"}],
        ),
        (
            {"endpoint": "CNC"},
            [workstation(name="CNC", id=8), workstation(name="CNC-OLD", id=1), BIRCH, SQL],
            [{"endpoint": "CNC-OLD"}],
        ),
        (
            ACME,
            [
                workstation(name="CNC.acme_dental", client="Acme Dental", id=1),
                server(name="SQL.acme_dental", client="Acme Dental", id=3),
                BIRCH,
            ],
            [{"client": "Acme Dental"}],
        ),
    ],
    ids=[
        "a client",
        "a client, of which a slice is there",
        "a client has gone to another",
        "a location",
        "a location of a client that is renamed too",
        "an endpoint",
        "an endpoint whose name another client has too by now",
        "an endpoint that made room for its successor",
        "a client whose endpoints are called by it",
    ],
)
def test_an_exception_follows_unsigned_and_once(
    scope: dict[str, str], fleet: list[Endpoint], now: list[dict[str, str]]
) -> None:
    one = scene()
    excepted(one, scope)
    assert found(one, FLEET) == []
    followed = bodies(follow(one, fleet))
    assert [body["scope"] for body in followed] == now
    assert {(body["code"], body["reason"], body["by"]) for body in followed} == {
        ("VENDOR", "no later build", "msp.patching")
    }
    assert follow(one, fleet, NIGHT + 2 * DAY) == []
    covered = [endpoint for endpoint in fleet if any(covers(body["scope"], endpoint) for body in followed)]
    assert covered
    for endpoint in covered:
        register = one.ledger.register([endpoint.name])
        assert decide(endpoint, [], register, DEFAULTS, NIGHT + 2 * DAY).node == "scope.exception_unsigned"


@pytest.mark.parametrize(
    ("scope", "fleet"),
    [
        (ACME, [BIRCH]),
        (ACME, [workstation(name="CNC", client="Birch", id=1), BIRCH, SQL]),
        (ACME, [workstation(name="CNC", client="Birch", id=1), BIRCH]),
        (ACME, [workstation(name="CNC", client=None, id=1), BIRCH]),
        ({"client": "Elsewhere"}, DENTAL),
        ({"role": "sql_server"}, DENTAL),
        ({"endpoint": "CNC"}, [BIRCH, SQL]),
        ({"endpoint": "CNC"}, [workstation(name="WS9", id=9), BIRCH, SQL]),
        ({"endpoint": "CNC"}, [workstation(name="WS9", client="Cedar", id=1), BIRCH, SQL]),
        ({"endpoint": "GONE"}, DENTAL),
    ],
    ids=[
        "another slice of the inventory",
        "one has moved",
        "one has moved, in a slice",
        "the RMM has no client for it",
        "of nobody that was ever seen",
        "a role",
        "an endpoint of another slice",
        "an endpoint that is new",
        "another RMM's computer of the same number",
        "an endpoint that was never seen",
    ],
)
def test_where_nobody_can_tell_nothing_follows(scope: dict[str, str], fleet: list[Endpoint]) -> None:
    one = scene()
    excepted(one, scope)
    assert found(one, fleet) == []


def test_of_a_ledger_that_has_no_numbers_yet_the_unqualified_name_tells() -> None:
    one = Scene([workstation(name="CNC")])
    one.searched(NIGHT, {"CNC": []})
    excepted(one, {"endpoint": "CNC"})
    fleet = [workstation(name="CNC.acme", id=1), workstation(name="CNC.birch", client="Birch", id=9)]
    assert [body["scope"] for body in bodies(found(one, fleet))] == [{"endpoint": "CNC.acme"}]


def test_who_signed_for_the_new_name_ahead_has_decided() -> None:
    one = scene()
    excepted(one, ACME)
    excepted(one, {"client": "Acme Dental"}, code="OTHER")
    assert found(one, DENTAL) == []


def test_what_followed_and_was_ended_does_not_come_back() -> None:
    one = scene()
    excepted(one, ACME)
    (event,) = found(one, DENTAL)
    one.append([event])  # the endpoints stand on the ledger as they were until something is recorded of them
    one.append(people.revoke(one.ledger, NIGHT + DAY, scope={"client": "Acme Dental"}, by="j.doe", reason="sold"))
    assert found(one, DENTAL, NIGHT + 2 * DAY) == []
    one.searched(NIGHT + DAY, {})
    one.fleet = DENTAL
    one.searched(NIGHT + DAY, {"CNC": []})  # of some something is, so that the new name is not new any more
    assert found(one, DENTAL, NIGHT + 2 * DAY) == []


def test_what_followed_is_signed_like_any_other_and_follows_again() -> None:
    one = scene()
    excepted(one, ACME)
    follow(one, DENTAL)
    excepted(one, {"client": "Acme Dental"})
    rows = {row["scope"]: row for row in one.ledger.rows("exceptions")}
    assert rows['{"client":"Acme Dental"}']["signed_by"] == "Dana Reyes"
    again = [workstation(name="CNC", client="Acme Group", id=1), server(name="SQL", client="Acme Group", id=3), BIRCH]
    assert [body["scope"] for body in bodies(found(one, again))] == [{"client": "Acme Group"}]


SWAPPED = [workstation(name="CNC", id=4), workstation(name="DESK", id=1), BIRCH, SQL]


def test_two_endpoints_that_swap_their_names_are_told_apart() -> None:
    one = Scene([*FLEET, workstation(name="DESK", id=4)])
    one.searched(NIGHT, {"CNC": [], "DESK": [], "SQL": [], "WS2": []})
    excepted(one, {"endpoint": "CNC"})
    assert [body["scope"] for body in bodies(follow(one, SWAPPED))] == [{"endpoint": "DESK"}]
    assert follow(one, SWAPPED, NIGHT + 2 * DAY) == []


def test_an_endpoint_that_gets_a_name_back_that_was_seen_before_is_known_again() -> None:
    one = scene()
    excepted(one, {"endpoint": "CNC"})
    renamed = [workstation(name="MILL", id=1), BIRCH, SQL]
    follow(one, renamed)
    excepted(one, {"endpoint": "MILL"})
    one.append(people.revoke(one.ledger, NIGHT + DAY, scope={"endpoint": "CNC"}, by="j.doe", reason="renamed"))
    one.fleet = [workstation(name="CNC", id=8), *renamed]
    one.searched(NIGHT + DAY, {"CNC": []})  # its name went to a successor for a while
    fleet = [workstation(name="CNC", id=1), workstation(name="CNC2", id=8), BIRCH, SQL]
    assert [body["scope"] for body in bodies(found(one, fleet))] == [{"endpoint": "CNC"}]


def test_an_endpoint_that_gets_its_own_name_back_is_known_again() -> None:
    one = scene()
    excepted(one, {"endpoint": "CNC"})
    follow(one, [workstation(name="MILL", id=1), BIRCH, SQL])
    excepted(one, {"endpoint": "MILL"})
    one.append(people.revoke(one.ledger, NIGHT + DAY, scope={"endpoint": "CNC"}, by="j.doe", reason="renamed"))
    assert [body["scope"] for body in bodies(found(one, FLEET))] == [{"endpoint": "CNC"}]


def test_an_endpoint_of_which_only_a_missed_night_was_told_by_its_new_name_is_known_again() -> None:
    """A night without a run is put on the ledger before anybody looks who is called otherwise."""
    one = scene()
    excepted(one, {"client": "Acme", "location": "Main"})
    night = {"start": NIGHT.isoformat(), "end": (NIGHT + DAY / 24).isoformat()}
    one.put("window.missed", NIGHT + DAY, window="overnight", zone="UTC", **night, endpoints=["MILL"])
    fleet = [workstation(name="MILL", location="HQ", id=1), BIRCH]
    assert [body["scope"] for body in bodies(found(one, fleet))] == [{"client": "Acme", "location": "HQ"}]


def test_what_was_decided_follows_to_a_name_that_nobody_bears_any_more() -> None:
    """A client gets its old name back, and one that is no more stands on the ledger with it."""
    old = workstation(name="OLD", client="Acme Dental", id=5)
    one = Scene([*FLEET, old])
    one.searched(NIGHT, {"CNC": [], "SQL": [], "WS2": [], "OLD": []})
    excepted(one, ACME)
    declined: dict[str, Any] = {"decision": "declined", "code": "VENDOR", "client": "Acme"}
    one.append(people.approve(one.ledger, NIGHT, updates=["5000001"], by="j.doe", reason="breaks it", **declined))
    events = follow(one, DENTAL)
    assert [body["scope"] for body in bodies(events)] == [{"client": "Acme Dental"}]
    assert [body["client"] for body in bodies(events, "approval.recorded")] == ["Acme Dental"]
    assert follow(one, DENTAL, NIGHT + 2 * DAY) == []


def test_of_a_client_that_has_gone_to_another_those_that_are_no_more_do_not_count() -> None:
    one = Scene([*FLEET, workstation(name="OLD", id=5)])
    one.searched(NIGHT, {"CNC": [], "SQL": [], "WS2": [], "OLD": []})
    excepted(one, ACME)
    assert [body["scope"] for body in bodies(found(one, MERGED))] == [{"endpoint": "CNC"}, {"endpoint": "SQL"}]


def test_one_of_a_client_that_has_gone_to_another_may_be_seen_later() -> None:
    """It could not be read in the first night."""
    one = scene()
    excepted(one, ACME)
    late = workstation(name="LATE", id=6)
    one.fleet = [*FLEET, late]
    one.searched(NIGHT, {"LATE": []})
    assert len(bodies(follow(one, MERGED))) == 2
    fleet = [*MERGED, workstation(name="LATE", client="Birch", id=6)]
    assert [body["scope"] for body in bodies(found(one, fleet))] == [{"endpoint": "LATE"}]


def test_who_joined_a_client_after_its_others_had_gone_and_come_back_follows_with_it() -> None:
    """Some of an exception's computers followed one by one; that decides nothing of those that joined since."""
    one = scene()
    excepted(one, ACME)
    follow(one, MERGED)
    joined = [workstation(name="CNC", id=1), workstation(name="WS2", id=2), server(name="SQL", id=3)]
    follow(one, joined, NIGHT + 2 * DAY)
    renamed = [replace(endpoint, client="Cedar") for endpoint in joined]
    assert [body["scope"] for body in bodies(follow(one, renamed, NIGHT + 3 * DAY))] == [{"client": "Cedar"}]
    assert found(one, renamed, NIGHT + 4 * DAY) == []


def test_where_a_location_is_no_more_each_of_its_endpoints_is_followed() -> None:
    one = scene()
    excepted(one, ACME | {"location": "Main"})
    fleet = [replace(endpoint, location="") if endpoint.client == "Acme" else endpoint for endpoint in FLEET]
    found_now = [body["scope"] for body in bodies(follow(one, fleet))]
    assert found_now == [{"endpoint": "CNC"}, {"endpoint": "SQL"}]


def test_where_somebody_signed_ahead_the_batches_of_a_run_add_nothing() -> None:
    one = scene()
    excepted(one, ACME)
    excepted(one, {"client": "Acme Dental"})
    assert found(one, DENTAL) == []
    one.fleet = DENTAL
    one.searched(NIGHT + DAY, {"CNC": []})  # the first batch, and not yet the second
    assert found(one, DENTAL) == []


def test_of_an_endpoint_whose_exception_was_ended_the_former_does_not_come_back_by_the_next_name() -> None:
    one = scene()
    excepted(one, {"endpoint": "CNC"})
    follow(one, [workstation(name="MILL", id=1), BIRCH, SQL])
    one.append(people.revoke(one.ledger, NIGHT + DAY, scope={"endpoint": "MILL"}, by="j.doe", reason="replaced"))
    assert found(one, [workstation(name="MILL2", id=1), BIRCH, SQL]) == []


def test_an_endpoint_that_is_renamed_twice_before_a_run_plans_for_it_is_held_all_the_same() -> None:
    one = scene()
    excepted(one, {"endpoint": "CNC"})
    one.append(found(one, [workstation(name="MILL", id=1), BIRCH, SQL]))
    again = [workstation(name="MILL2", id=1), BIRCH, SQL]
    assert [body["scope"] for body in bodies(found(one, again))] == [{"endpoint": "MILL2"}]


def test_its_ticket_tells_where_it_comes_from_and_ends_the_former() -> None:
    one = scene()
    excepted(one, ACME)
    follow(one, DENTAL)
    one.run(NIGHT + DAY)
    one.run(NIGHT + 2 * DAY)
    (ticket,) = one.tickets()
    assert ticket["summary"] == "Patching: exception for client Acme Dental awaits the client's signature"
    assert ticket["client"] == "Acme Dental"
    for part in (
        "Granted by: msp.patching on",
        "Covers: 2 endpoints of 1 client",
        "The RMM called this client Acme before, and that is what its exception was for, signed by Dana Reyes on",
        "is held: neither patched nor left out, until the client has signed.",
        "Sign it: ansible-playbook msp.patching.except -e \"client='Acme Dental'\" -e code=VENDOR",
        "End the former: ansible-playbook msp.patching.except -e client=Acme -e state=absent -e \"reason='…'\"",
    ):
        assert part in ticket["text"]


def test_the_ticket_for_an_endpoint_of_a_client_that_has_gone_to_another_says_nothing_of_the_former_one() -> None:
    """It is the other client's ticket, and goes into its package."""
    one = scene()
    excepted(one, ACME)
    follow(one, MERGED)
    one.run(NIGHT + DAY)
    (ticket,) = (body for body in one.tickets() if body["endpoint_name"] == "CNC")
    assert ticket["summary"] == "Patching: exception for endpoint CNC awaits the client's signature"
    assert "The RMM had this endpoint at another client before, and an exception covered it there. " in ticket["text"]
    assert "Acme" not in ticket["text"]
    assert "Dana" not in ticket["text"]


def test_the_ticket_for_an_endpoint_of_a_location_that_has_gone_to_another_tells_which() -> None:
    there = workstation(name="DESK", location="HQ", id=4)
    one = Scene([*FLEET, there])
    one.searched(NIGHT, {"CNC": [], "SQL": [], "WS2": [], "DESK": []})
    excepted(one, {"client": "Acme", "location": "Main"})
    follow(one, [*MOVED, there])
    one.run(NIGHT + DAY)
    (ticket,) = (body for body in one.tickets() if body["endpoint_name"] == "CNC")
    assert (
        "The RMM had this endpoint at client Acme, location Main before, and that is what its exception was for, "
        "signed by Dana Reyes"
    ) in ticket["text"]
    assert "End the former: ansible-playbook msp.patching.except -e client=Acme -e location=Main" in ticket["text"]


def test_a_former_one_that_covers_a_successor_is_not_to_be_ended() -> None:
    one = scene()
    excepted(one, {"endpoint": "CNC"})
    follow(one, [workstation(name="CNC", id=8), workstation(name="CNC-OLD", id=1), BIRCH, SQL])
    one.run(NIGHT + DAY)
    (ticket,) = one.tickets()
    assert ticket["endpoint_name"] == "CNC-OLD"
    assert "End the former" not in ticket["text"]
