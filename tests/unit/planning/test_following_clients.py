# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds, the policy and declined updates follow a client that the RMM calls something else; so does a check."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import (
    Register,
    load_policy,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow.register import Exclusion
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from ansible_collections.msp.patching.plugins.plugin_utils.planning.following import (
    in_words,
    with_followed,
)
from tests.unit.flow.build import DAY, NIGHT, workstation
from tests.unit.planning.renaming import ACME, DENTAL, HELD, bodies, excepted, follow, found, scene


def test_a_hold_follows_a_client_and_is_on_a_ticket() -> None:
    one = scene()
    one.put("hold.placed", NIGHT, id="h1", scope=HELD, reason="asked by the client", by="j.doe")
    one.put("hold.placed", NIGHT, id="h2", scope=ACME, reason="over", by="j.doe")
    one.append(people.release(one.ledger, NIGHT, by="j.doe", reason="done", hold="h2"))
    events = follow(one, DENTAL)
    (hold,) = bodies(events, "hold.placed")
    assert hold["scope"] == {"client": "Acme Dental", "ring": "pilot"}
    assert hold["reason"] == "asked by the client (it was called client Acme)"
    (ticket,) = bodies(events, "ticket.wanted")
    assert ticket["summary"] == "Patching: client Acme is called Acme Dental now, and is held"
    assert "client Acme Dental, ring pilot: asked by the client" in ticket["text"]
    assert follow(one, DENTAL, NIGHT + 2 * DAY) == []
    register = one.ledger.register(["SQL"])
    assert any(row.scope == hold["scope"] and row.released is None for row in register.holds)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"clients": {"Acme": {"wake": False}}}, "clients.Acme"),
        ({"locations": {"Acme": {"Main": {"wake": False}}}}, "locations.Acme.Main"),
        (
            {"freezes": [{"name": "audit", "client": "Acme", "start": "2026-12-19", "end": "2027-01-03"}]},
            "the freeze audit",
        ),
    ],
)
def test_a_client_of_which_the_policy_has_something_by_its_old_name_is_held(
    document: dict[str, Any], path: str
) -> None:
    """Its own windows and freezes would not count: what is patched by the defaults may be patched at noon."""
    one = scene(load_policy(document))
    (hold,) = bodies(follow(one, DENTAL), "hold.placed")
    assert hold["scope"] == {"client": "Acme Dental"}
    assert hold["reason"] == (
        f"client Acme is called Acme Dental in the RMM now, and the policy has {path}: write the new name there"
    )
    assert follow(one, DENTAL, NIGHT + 2 * DAY) == []


def test_a_policy_that_has_the_new_name_holds_nobody() -> None:
    freeze = {"start": "2026-12-19", "end": "2027-01-03", "name": "audit"}
    document = {
        "clients": {name: {"wake": False} for name in ("Acme", "Acme Dental")},
        "freezes": [
            {**freeze, "client": "Acme"},
            {**freeze, "client": "Acme Dental"},
            {"name": "past", "client": "Acme", "start": "2025-12-19", "end": "2026-01-03"},
        ],
    }
    assert follow(scene(load_policy(document)), DENTAL) == []


def test_what_a_client_declined_or_deferred_follows_and_what_it_approved_does_not() -> None:
    one = scene()
    decided: dict[str, Any] = {"by": "j.doe", "reason": "breaks the mill", "code": "VENDOR", "client": "Acme"}
    for update, decision, more in (
        ("5000001", "declined", {}),
        ("5000002", "deferred", {"until": (NIGHT + 30 * DAY).isoformat()}),
        ("5000003", "approved", {"code": None}),
        ("5000004", "declined", {"client": "Birch"}),
    ):
        given = decided | more
        one.append(people.approve(one.ledger, NIGHT, updates=[update], decision=decision, **given))
    one.append(
        people.approve(one.ledger, NIGHT, updates=["5000001"], decision="approved", **decided | {"client": "Cedar"})
    )
    events = bodies(follow(one, DENTAL), "approval.recorded")
    assert [(body["update"], body["decision"], body["client"]) for body in events] == [
        ("5000001", "declined", "Acme Dental"),
        ("5000002", "deferred", "Acme Dental"),
    ]
    assert events[0]["reason"] == "breaks the mill, decided by j.doe (it was called client Acme)"
    assert follow(one, DENTAL, NIGHT + 2 * DAY) == []


def test_a_check_decides_as_the_run_would() -> None:
    one = scene(load_policy({"clients": {"Acme": {"wake": False}}}))
    excepted(one, {"endpoint": "CNC"})
    one.put("hold.placed", NIGHT, id="h1", scope=HELD, reason="asked", by="j.doe")
    declined: dict[str, Any] = {"decision": "declined", "code": "VENDOR", "client": "Acme"}
    one.append(people.approve(one.ledger, NIGHT, updates=["5000001"], by="j.doe", reason="breaks it", **declined))
    fleet = [workstation(name="MILL", client="Acme", id=1), *DENTAL[1:]]
    renamed = [workstation(name="CNC", client="Acme Dental", id=1), *DENTAL[1:]]
    for there in (fleet, renamed):
        events = found(one, there)
        checked = with_followed(one.ledger.register(["CNC", "SQL", "MILL"]), events)
        one.append(events)
        ran = one.ledger.register(["CNC", "SQL", "MILL"])
        assert _essence(checked) == _essence(ran)


def _essence(register: Register) -> tuple[list[str], ...]:
    def scopes(rows: Any) -> list[str]:
        return sorted(f"{dict(row.scope)}" for row in rows)

    unsigned: list[Exclusion] = [row for row in register.exceptions if row.signed_by is None]
    decided = sorted(f"{row.update} {row.decision} {row.client}" for row in register.approvals)
    return scopes(unsigned), scopes(register.exceptions), scopes(register.holds), decided


def test_what_follows_is_said_in_one_sentence() -> None:
    one = scene(load_policy({"clients": {"Acme": {"wake": False}}}))
    excepted(one, ACME)
    (words,) = in_words(found(one, DENTAL))
    assert words == (
        "the RMM calls something else now what people had decided about, and that follows: the exception for client "
        "Acme Dental, which holds until the client has signed for that name; a hold on client Acme Dental: client Acme "
        "is called Acme Dental in the RMM now, and the policy has clients.Acme: write the new name there"
    )
    assert in_words([]) == []
