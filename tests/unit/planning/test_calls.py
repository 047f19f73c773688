# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step asks of an endpoint, by what it has been told so far."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.outcomes import TAGS
from ansible_collections.msp.patching.plugins.plugin_utils.planning.calls import (
    STEPS,
    UNTAKEN,
    AnotherMachineError,
    Call,
    calls_of,
)
from ansible_collections.msp.patching.plugins.plugin_utils.planning.options import VARIABLES
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING

AGENT = {"agent_service": "LTService"}
ORDERS: dict[str, dict[str, Any]] = {
    "scan": {"time_limit": 600},
    "install": AGENT | {"accept_list": ["KB1"], "updates": ["u"], "time_limit": 900},
    "look": AGENT | {"job": "j1.2", "see": True},
    "reboot": AGENT | {"asked": False},
    "confirm": AGENT,
    "see": AGENT,
    "validate": AGENT | {"checks": [{"name": "dns"}]},
    "remind": {"restart_at": "2026-11-12 02:00"},
    "wake": {"peer": "WS01", "machines": [{"name": "WS02", "mac": "00:11:22:33:44:55"}]},
}
POSTURE, UPDATES = "msp.patching.win_posture", "ansible.windows.win_updates"
TELL = "msp.patching.win_tell"


def made(step: str, *told: dict[str, Any], **order: Any) -> list[Call]:
    """The calls that a step makes where its first results are `told`, and those after them are empty."""
    calls = calls_of({"step": step, **ORDERS.get(step, {}), **order}, VARIABLES.__getitem__)
    found: list[Call] = []
    answers = iter(told)
    try:
        found.append(next(calls))
        while True:
            found.append(calls.send(next(answers, {})))
    except StopIteration:
        return found


@pytest.mark.parametrize(
    ("step", "told", "modules"),
    [
        ("wait", (), []),
        ("scan", (), [UPDATES]),
        ("install", ({"boot_id": "b"},), [POSTURE, UPDATES]),
        ("install", ({"unreachable": True},), [POSTURE]),  # nothing is started on what nobody has seen
        ("look", ({"ansible_job_id": "j1.2", "finished": 1},), ["ansible.builtin.async_status"]),
        ("look", ({"ansible_job_id": "j1.2", "finished": False},), ["ansible.builtin.async_status", POSTURE]),
        ("look", ({"unreachable": True},), ["ansible.builtin.async_status"]),
        ("reboot", ({"reboot_pending": True},), [POSTURE, "ansible.windows.win_command"]),
        ("reboot", ({"reboot_pending": False},), [POSTURE]),  # somebody was faster
        ("confirm", (), [POSTURE]),
        ("see", (), [POSTURE]),
        ("validate", (), ["msp.patching.win_check", POSTURE]),
        ("remind", (), [TELL]),
        ("wake", (), ["msp.patching.win_wake"]),
    ],
)
def test_the_calls_of_a_step(step: str, told: tuple[dict[str, Any], ...], modules: list[str]) -> None:
    assert [call.module for call in made(step, *told)] == modules


@pytest.mark.parametrize(("asked", "restarts"), [(True, True), (False, False)])
def test_for_names_of_files_alone_a_restart_is_made_where_an_install_asked_for_one(asked: bool, restarts: bool) -> None:
    told = {"reboot_pending": True, "reboot_pending_reasons": ["file renames"]}
    assert (len(made("reboot", told, asked=asked)) == 2) == restarts


def test_without_a_probe_that_applies_only_the_posture_is_looked_at() -> None:
    assert [call.evidence for call in made("validate", checks=[])] == ["validation"]


def test_a_job_that_needs_no_look_at_the_boot_is_looked_at_alone() -> None:
    assert len(made("look", {"ansible_job_id": "j1.2", "finished": False}, see=False)) == 1


WHO = {"computer_name": "WS01"}
NAMED = {"boot_id": "b", "reboot_pending": True, "computer_name": "ws01"}
OTHER = NAMED | {"computer_name": "CEO-PC"}
GONE = {"ansible_job_id": "j1.2", "finished": 1, "msg": "could not find job"}
FOUND = {"ansible_job_id": "j1.2", "finished": 1, "updates": {}}


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("scan", ()),
        ("install", ()),
        ("look", (GONE,)),
        ("look", ({"ansible_job_id": "j1.2", "finished": False},)),
        ("reboot", ()),
        ("confirm", ()),
        ("see", ()),
        ("validate", ({"checks": []},)),
        ("remind", ()),
    ],
)
def test_no_step_goes_on_at_another_machine(step: str, told: tuple[dict[str, Any], ...]) -> None:
    before = made(step, *told, **WHO)
    assert before[len(told)].module == POSTURE
    assert not any(call.changes for call in before)
    with pytest.raises(AnotherMachineError, match="calls itself CEO-PC, wanted is WS01") as raised:
        made(step, *told, OTHER, **WHO)
    assert raised.value.called == "CEO-PC"


@pytest.mark.parametrize(
    ("step", "told", "modules"),
    [
        ("scan", (NAMED,), [POSTURE, UPDATES]),
        ("scan", ({"boot_id": "b"},), [POSTURE, UPDATES]),  # nothing says that it is another
        ("scan", ({"unreachable": True},), [POSTURE]),
        ("scan", ({"failed": True},), [POSTURE]),
        ("install", (NAMED,), [POSTURE, UPDATES]),
        ("look", (FOUND,), ["ansible.builtin.async_status"]),  # another does not know the job
        ("look", (GONE, NAMED), ["ansible.builtin.async_status", POSTURE]),
        ("look", ({"unreachable": True},), ["ansible.builtin.async_status"]),
        ("remind", (NAMED,), [POSTURE, TELL]),
        ("remind", ({"unreachable": True},), [POSTURE]),
    ],
)
def test_who_has_a_name_is_asked_for_it(step: str, told: tuple[dict[str, Any], ...], modules: list[str]) -> None:
    assert [call.module for call in made(step, *told, **WHO)] == modules


@pytest.mark.parametrize("step", ["scan", "install", "look", "reboot", "confirm", "see", "validate", "remind"])
def test_where_no_name_is_known_nobody_is_asked_for_it(step: str) -> None:
    assert not any(call.asks_who for call in made(step, OTHER, OTHER))


def test_an_install_takes_exactly_what_was_ordered_and_never_reboots() -> None:
    install = made("install", {"boot_id": "b"})[1]
    assert install.arguments["accept_list"] == ["KB1"]
    assert install.arguments["reboot"] is False
    assert (install.limit, install.changes) == (900, True)


def test_the_user_is_told_when_the_restart_is_forced() -> None:
    (call,) = made("remind")
    assert "2026-11-12 02:00" in call.arguments["text"]


def test_every_call_is_evidence_of_something() -> None:
    found = {call.evidence for step in ORDERS for call in made(step, {"boot_id": "b", "reboot_pending": True})}
    assert found | {"probes"} == set(TAGS)


def test_every_action_of_the_flow_is_a_step() -> None:
    assert [action for action in ACTING if not made(action)] == []


def test_a_step_that_cannot_be_begun_is_evidence_of_something() -> None:
    assert set(UNTAKEN) == set(STEPS)
    assert set(UNTAKEN.values()) <= set(TAGS)
