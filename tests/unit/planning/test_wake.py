# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wake-on-LAN: who is woken, once a window, by whom of its location; and who answers of many at once."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.outcomes import Waked, observe
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, Planner, Register, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.windows import Window
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, Progress
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.register import Reboot
from ansible_collections.msp.patching.plugins.plugin_utils.planning.knock import address_of, answering
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import as_seen, make_plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING, Step
from ansible_collections.msp.patching.plugins.plugin_utils.planning.wake import (
    MOST_PEERS,
    arranged,
    may_send,
    wake_step,
)
from tests.unit.flow.build import NIGHT, at, server, update, workstation

WINDOW = Window("workstation_overnight", open=True, start=at("2026-11-12 02:00"), end=at("2026-11-12 04:00"))
LIMIT = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
LAST_NIGHT = NIGHT - timedelta(days=1)


def tried(*peers: str | None, when: Any = NIGHT) -> dict[str, Any]:
    return {"wake_tried": tuple((peer, when, f"{peer} failed") for peer in peers)}


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ({}, "wake"),
        ({"woken_at": LAST_NIGHT}, "wake"),
        ({"woken_at": NIGHT - 5 * MINUTE, "wake_peer": "UP"}, "wait"),
        ({"woken_at": NIGHT - 10 * MINUTE, "wake_peer": "UP"}, "leave"),
        (tried("UP"), "wake"),
        (tried(*["UP"] * MOST_PEERS), "leave"),
        (tried(None), "leave"),
        (tried(None, when=LAST_NIGHT), "wake"),
    ],
    ids=[
        "not yet",
        "the night before",
        "a moment ago",
        "too long ago",
        "failed once",
        "failed",
        "nobody there",
        "then",
    ],
)
def test_it_is_woken_once_in_its_window(known: dict[str, Any], wanted: str) -> None:
    assert wake_step(Progress(**known), WINDOW, LIMIT, NIGHT).name == wanted


@pytest.mark.parametrize(("minutes", "wanted"), [(12, "wait"), (15, "fail")], ids=["while it wakes", "after that"])
def test_who_is_waking_is_not_given_up_for_not_answering(minutes: int, wanted: str) -> None:
    """It accepts connections before its services are up: that it was tried in vain counts only after its time."""
    ledger = Ledger.open("sqlite://")
    ledger.append(
        [
            Event("scan.finished", "WS", NIGHT - 5 * MINUTE, {"updates": [update().as_record()]}),
            Event("wake.sent", "WS", NIGHT, {"peer": "UP", "mac": "02-00-00-00-00-01"}),
            *(
                Event("endpoint.unreachable", "WS", NIGHT + one * MINUTE, {"during": "posture", "message": "timed out"})
                for one in (1, 2, 4, 8)
            ),
        ],
        run="r",
    )
    policy = load_policy({"wake": True, "wake_time_limit": "15m", "failure": {"unreachable_tolerated": 3}})
    sleeper = {"WS": workstation(name="WS", asleep=True)}
    now = NIGHT + minutes * MINUTE
    plan = make_plan(ledger, policy, sleeper, now, run="r", actions=ACTING, macs={"WS": "02-00-00-00-00-01"})
    assert plan.steps["WS"].name == wanted, plan.steps["WS"]


def test_who_is_to_answer_is_ordered_of_the_endpoint_and_not_of_whoever_wakes_it() -> None:
    ledger = Ledger.open("sqlite://")
    named = {"A": workstation(name="A", computer_name="A-PC"), "B": workstation(name="B")}
    plan = make_plan(ledger, load_policy({}), named, NIGHT, run="r", actions=ACTING)
    assert {name: order["step"] for name, order in plan.orders().items()} == {"A": "scan", "B": "scan"}
    assert {name: order.get("computer_name") for name, order in plan.orders().items()} == {"A": "A-PC", "B": None}
    waking = replace(plan, steps={"A": Step("wake", ""), "B": Step("wait", "")})
    assert not any("computer_name" in order for order in waking.orders().values())
    lately = replace(plan, progress={name: Progress(posture_at=NIGHT - 5 * MINUTE) for name in named})
    assert "computer_name" not in lately.orders()["A"], "a search costs a call more"
    assert replace(lately, now=NIGHT + 6 * MINUTE).orders()["A"]["computer_name"] == "A-PC"
    restart = replace(lately, steps={"A": Step("reboot", ""), "B": Step("install", "")})
    assert restart.orders()["A"]["computer_name"] == "A-PC", "what changes something asks at once"


def asleep(name: str, location: str = "Main") -> Endpoint:
    return workstation(name=name, location=location, asleep=True)


FLEET = {
    one.name: one
    for one in (workstation(name="A-WS"), server(name="Z-SRV"), workstation(name="PLANT-WS", location="Plant"))
}
MACS = {name: f"02-00-00-00-00-0{number}" for number, name in enumerate(("S1", "S2", "S3", "S4"))}


def test_who_accepts_and_does_not_answer_yet_is_not_tried_at_once() -> None:
    woken = Progress(woken_at=NIGHT)
    for again, until in ((NIGHT + LIMIT / 2, NIGHT + LIMIT / 2), (NIGHT, None), (None, None)):
        step = wake_step(woken, WINDOW, LIMIT, NIGHT, again)
        assert (step.name, step.until) == ("wait", until)


def test_one_of_a_location_wakes_all_its_sleepers_in_one_task_a_server_first() -> None:
    waking = {"S1": asleep("S1"), "S2": asleep("S2"), "S3": asleep("S3", "Plant"), "S4": asleep("S4", "Branch")}
    wakings, steps = arranged(waking, MACS, dict.fromkeys(waking, ()), FLEET, FLEET)
    assert {name: one.peer for name, one in wakings.items()} == {"S1": "Z-SRV", "S3": "PLANT-WS"}
    assert [machine["name"] for machine in wakings["S1"].arguments()["machines"]] == ["S1", "S2"]
    assert {name: step.name for name, step in steps.items()} == {"S2": "wait"}  # and nobody is there for S4


def test_who_failed_is_not_asked_again_in_the_window() -> None:
    waking = {"S1": asleep("S1"), "S2": asleep("S2")}
    wakings, dummy = arranged(waking, MACS, {"S1": ["Z-SRV"], "S2": []}, FLEET, FLEET)
    assert {name: one.peer for name, one in wakings.items()} == {"S1": "A-WS", "S2": "Z-SRV"}
    assert arranged(waking, MACS, dict.fromkeys(waking, ("Z-SRV", "A-WS")), FLEET, FLEET) == ({}, {})


@pytest.mark.parametrize(
    ("endpoint", "progress", "wanted"),
    [
        (workstation(), Progress(), True),
        (workstation(online=None), Progress(), False),
        (workstation(asleep=True), Progress(), False),
        (workstation(policy_group="do_not_patch"), Progress(), False),
        (workstation(agent_disabled=True), Progress(), False),
        (workstation(), Progress(reboot=Reboot(NIGHT, "1")), False),
        (workstation(), Progress(unreachable_since=NIGHT), False),
    ],
)
def test_who_is_up_and_may_be_touched_sends(endpoint: Endpoint, progress: Progress, wanted: bool) -> None:
    assert may_send(endpoint, progress, Planner(load_policy({}), Register(), NIGHT)) is wanted


SIGNED = {"signed_by": "Roe", "signed_at": "2026-11-01T00:00:00Z"}


@pytest.mark.parametrize("more", [SIGNED, {}, SIGNED | {"expires": "2026-11-02T00:00:00Z"}])
@pytest.mark.parametrize("scope", [{"endpoint": "ACME-WS01"}, {"client": "Acme"}])
def test_nobody_connects_to_an_excepted_machine_to_have_it_send(scope: dict[str, str], more: dict[str, str]) -> None:
    """Signed it is left alone, and unsigned or expired it is not patched either (R2)."""
    register = Register.parse({"exceptions": [{"scope": scope, "reason": "LEGACY", **more}]})
    planner = Planner(load_policy({}), register, NIGHT)
    assert not may_send(workstation(), Progress(), planner)
    assert may_send(workstation(name="OTHER", client="Other"), Progress(), planner)


@pytest.mark.parametrize(
    ("known", "awake"),
    [
        ({"woken_at": NIGHT - 3 * MINUTE, "posture_at": NIGHT - MINUTE}, True),
        ({"woken_at": NIGHT - MINUTE, "posture_at": NIGHT - 3 * MINUTE}, False),
        ({"woken_at": LAST_NIGHT, "posture_at": LAST_NIGHT + MINUTE}, False),
        ({"posture_at": NIGHT - MINUTE}, False),
    ],
    ids=["it answered", "not since", "that was another night", "nobody has woken it"],
)
def test_who_was_woken_and_answered_is_awake_whatever_the_inventory_says(known: dict[str, Any], awake: bool) -> None:
    assert as_seen(workstation(asleep=True), Progress(**known), NIGHT).asleep is not awake


def test_a_task_tells_of_each_it_was_asked_for() -> None:
    asked = [{"name": "S1", "mac": "1"}, {"name": "S2", "mac": "2"}]
    row = {"name": "S1", "mac": "1", "ok": True, "message": "2 packets sent"}
    bad = {"name": "S2", "mac": "2", "ok": False, "message": "2 is no MAC address"}
    result = {"peer": "UP", "asked": asked, "sent": [row, bad]}
    seen = observe("wake.sent", result, unreachable=False)
    assert seen == Waked("UP", (("S1", "1"),), (("S2", "2 is no MAC address"),))
    silent = observe("wake.sent", {"peer": "UP", "asked": asked, "msg": "timed out"}, unreachable=True)
    assert silent == Waked("UP", (), (("S1", "timed out"), ("S2", "timed out")))


def test_all_are_knocked_at_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as open_, socket.create_server(("127.0.0.1", 0)) as shut:
        addresses = {"UP": ("127.0.0.1", open_.getsockname()[1]), "DOWN": ("127.0.0.1", shut.getsockname()[1])}
        shut.close()
        assert answering({**addresses, "ODD": ("no-such-host.invalid", 5986)}) == {"UP"}
    assert answering({}) == set()


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, ("WS01", 5986)),
        ({"ansible_connection": "winrm", "ansible_winrm_scheme": "http"}, ("WS01", 5985)),
        ({"ansible_host": "10.0.0.7", "ansible_port": "18101"}, ("10.0.0.7", 18101)),
        ({"ansible_connection": "ansible.builtin.ssh"}, ("WS01", 22)),
    ],
)
def test_the_address_is_the_one_that_ansible_connects_to(variables: dict[str, Any], address: tuple[str, int]) -> None:
    assert address_of("WS01", variables) == address
