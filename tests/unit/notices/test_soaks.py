# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of the soak in a line; and that an update left the pilot is on the ledger once (R5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from ansible_collections.msp.patching.plugins.plugin_utils.notices.soaks import LINES
from tests.unit.flow.build import DAY, DRIVER, OPTIONAL, at, server, update, workstation
from tests.unit.notices.scene import Scene

TAKEN = at("2026-11-12 02:31")
KB, OF_SERVERS = update("u-1"), update("u-2", kb=["5046700"])
PILOTS = [workstation(name="P1"), workstation(name="P2", client="Birch")]
WAITING = [workstation(name="W1", ring="regular"), workstation(name="W2", ring="production", client="Birch")]
SERVERS = [server(name="SP", ring="pilot"), server(name="S1"), server(name="S2", client="Birch")]


def scene(**given: Any) -> Scene:
    one = Scene([*PILOTS, *WAITING, *SERVERS], **given)
    one.searched(TAKEN - DAY, {each.name: [OF_SERVERS if each.kind == "server" else KB] for each in one.fleet})
    return one


def lines(one: Scene, now: Any) -> list[str]:
    return [line.strip() for line in one.told(now).words.splitlines() if line.startswith("  ")]


def promoted(one: Scene) -> list[tuple[str, str, str | None]]:
    found = (event.body for _seq, _run, event in one.ledger.events(kinds=["soak.passed"]))
    return [(body["update"], body["kind"], body["client"]) for body in found]


def test_before_anybody_took_it() -> None:
    assert lines(scene(), TAKEN) == [
        "KB5046613, all clients' workstations: waits: no pilot endpoint has taken it",
        "KB5046700, Acme's servers: waits: no pilot endpoint has taken it",
        "KB5046700, Birch's servers: waits: no pilot endpoint has taken it",
    ]


def test_from_the_first_healthy_install_to_the_promotion() -> None:
    one = scene(policy=load_policy({"soak": {"minimum_healthy": 0.5}}))
    one.taken(TAKEN, "P1", "u-1")
    one.taken(TAKEN, "P2", "u-1", healthy=None)
    assert lines(one, TAKEN + DAY)[-1] == (
        "KB5046613, all clients' workstations: soaks until Thu 19 Nov 07:31 UTC, 1 of 2 pilot endpoints healthy"
    )
    assert one.run(TAKEN + 7 * DAY - timedelta(seconds=1)) == []
    words = one.told(TAKEN + 7 * DAY).words
    assert (
        "Promoted, for the soak has passed:\n  KB5046613, all clients' workstations: passed on Thu 19 Nov 07:31"
        in words
    )
    (event,) = one.run(TAKEN + 7 * DAY)
    assert (event.body["taken"], event.body["healthy"]) == (2, 1)
    assert event.body["reason"] == "KB5046613 has soaked for 7 days"


def test_the_promotion_is_recorded_and_announced_once() -> None:
    one = scene()
    one.taken(TAKEN, "P1", "u-1")
    for day in range(7, 12):
        one.run(TAKEN + day * DAY)
    assert promoted(one) == [("u-1", "workstation", None)]
    assert "Promoted" not in one.told(TAKEN + 12 * DAY).words


def test_servers_are_promoted_client_by_client() -> None:
    one = scene()
    one.taken(TAKEN, "SP", "u-2")
    one.run(TAKEN + 7 * DAY)
    assert promoted(one) == [("u-2", "server", "Acme")]


def test_an_open_failure_is_named() -> None:
    one = scene()
    one.taken(TAKEN, "P1", "u-1")
    failure = {"step": "install", "update": "u-1", "text": "it failed", "class": "update"}
    rest = dict.fromkeys(("hresult", "name", "next_window", "cycle"))
    one.put("failure.opened", TAKEN + DAY, "P2", id="f-1", **failure, **rest)
    assert "KB5046613, all clients' workstations: waits: an open failure on P2, 1 of 1 pilot endpoint healthy" in lines(
        one, TAKEN + 8 * DAY
    )
    one.run(TAKEN + 8 * DAY)
    assert promoted(one) == []


def test_too_few_healthy_ones_are_counted() -> None:
    one = scene()
    one.taken(TAKEN, "P1", "u-1")
    one.taken(TAKEN, "P2", "u-1", healthy=None)
    assert lines(one, TAKEN + DAY)[0] == (
        "KB5046613, all clients' workstations: waits: 1 of 2 pilot endpoints healthy, "
        "its time is full on Thu 19 Nov 07:31 UTC"
    )


def test_a_client_with_figures_of_its_own_has_a_gate_of_its_own() -> None:
    one = scene(policy=load_policy({"clients": {"Birch": {"soak": {"days": 14}}}}))
    one.taken(TAKEN, "P1", "u-1")
    one.run(TAKEN + 7 * DAY)
    assert promoted(one) == [("u-1", "workstation", None)]
    one.run(TAKEN + 14 * DAY)
    assert promoted(one)[1:] == [("u-1", "workstation", "Birch")]


@pytest.mark.parametrize("what", [{"categories": ["Definition Updates"]}, DRIVER, OPTIONAL])
def test_what_does_not_soak_has_no_gate(what: dict[str, Any]) -> None:
    one = Scene([*PILOTS, *WAITING])
    one.searched(TAKEN, {endpoint.name: [update("u-1", **what)] for endpoint in one.fleet})
    assert lines(one, TAKEN) == []


def test_promoted_by_name_it_has_no_gate() -> None:
    one = scene()
    who = {"by": "j.doe", "reason": "exploited", "decision": "approved"}
    one.append(people.approve(one.ledger, TAKEN, updates=["KB5046613", "KB5046700"], promote=True, **who))
    assert lines(one, TAKEN) == []


def test_many_gates_are_counted() -> None:
    one = Scene([*PILOTS, *WAITING])
    many = [update(f"u-{number}", kb=[str(5000000 + number)]) for number in range(LINES + 3)]
    one.searched(TAKEN, {endpoint.name: many for endpoint in one.fleet})
    told = lines(one, TAKEN)
    assert len(told) == LINES + 1
    assert told[-1] == "and 3 more"
