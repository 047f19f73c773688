# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values the roles' options may have, and whom one that is no good keeps from what."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.planning.options import (
    BARRED,
    OPTIONS,
    READ,
    VARIABLES,
    OptionCheck,
    RoleOptionError,
    read_option,
    role_of,
)
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING

BAD = [
    ("deploy_server_selection", "wsus"),
    ("deploy_server_selection", ["default"]),
    ("reboot_delay", "5s"),
    ("reboot_delay", -1),
    ("reboot_delay", True),
    ("reboot_delay", 2.5),
    ("reboot_message", 'Say "hello"'),
    ("reboot_message", "C:\\"),
    ("reboot_message", "x" * 513),
    ("reboot_message", 5),
    ("remind_title", ["Restart"]),
    ("remind_message_seconds", "soon"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_that_is_no_good_is_named_with_what_is_wanted(name: str, value: Any) -> None:
    with pytest.raises(RoleOptionError) as raised:
        read_option(name, value)
    assert str(raised.value) == f"{name} is {value!r}; wanted is {OPTIONS[name].wanted}"


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("reboot_delay", "60", 60),  # as an extra var gives it
        ("reboot_delay", 0, 0),
        ("reboot_delay", None, 5),
        ("reboot_message", "C:\\ is 'full'", "C:\\ is 'full'"),
        ("deploy_server_selection", "managed_server", "managed_server"),
    ],
)
def test_a_value_that_is_good(name: str, value: Any, read: Any) -> None:
    assert read_option(name, value) == read


def test_the_defaults_are_good() -> None:
    assert {name: read_option(name, default) for name, default in VARIABLES.items()} == VARIABLES


def test_every_option_is_some_action_s() -> None:
    assert {role_of(name) for name in OPTIONS} == READ.keys() == BARRED.keys()
    assert {action for actions in READ.values() for action in actions} < {*ACTING}


def check(*actions: str, **endpoints: dict[str, Any]) -> OptionCheck:
    found = OptionCheck(actions or ACTING)
    for name, variables in endpoints.items():
        found.see(name, variables)
    return found


def test_who_has_a_bad_one_is_kept_from_the_steps_that_it_is_for() -> None:
    found = check(A={"reboot_delay": "5s", "remind_text": None}, B={"reboot_delay": 5, "other": "5s"})
    assert found.bad(["A", "B", "C"]) == ["A"]
    assert found.why_not("A", "reboot") == "reboot_delay is '5s'; wanted is a whole number of seconds, 0 or more"
    assert found.why_not("A", "install") is not None, "which could not be finished"
    assert [found.why_not("A", step) for step in ("scan", "look", "confirm", "validate")] == [None] * 4
    assert found.why_not("B", "reboot") is None


def test_all_that_is_wrong_is_told_once_with_those_that_have_it() -> None:
    names = [f"WS{number:02}" for number in range(12)]
    found = check(**{name: {"reboot_delay": "5s"} for name in names}, DC={"deploy_server_selection": "wsus"})
    assert found.in_words([*names, "DC"]) == (
        "WS00, WS01, WS02, WS03, WS04, WS05, WS06, WS07, WS08, WS09 and 2 more: reboot_delay is '5s'; wanted is a "
        "whole number of seconds, 0 or more; DC: deploy_server_selection is 'wsus'; wanted is one of default, "
        "managed_server, windows_update"
    )
    assert found.in_words([]) == ""


def test_what_a_run_does_not_do_needs_no_option() -> None:
    assert check("scan", A={"reboot_delay": "5s"}).bad(["A"]) == []
    assert check("scan", A={"deploy_server_selection": "wsus"}).bad(["A"]) == ["A"]


def test_a_template_is_left_to_the_step() -> None:
    assert check(A={"reboot_delay": "{{ delay }}", "remind_title": object()}).bad(["A"]) == []


def test_a_play_s_own_is_everybody_s() -> None:
    found, own = check(), {"reboot_delay": "5s"}
    found.refuse_play({"reboot_delay": "5s"}, own)  # which is the host's
    found.refuse_play({"reboot_delay": "{{ delay }}", "remind_title": "Hello"}, own)
    with pytest.raises(RoleOptionError, match="reboot_delay is '6s'"):
        found.refuse_play({"reboot_delay": "6s"}, own)


def test_what_the_play_sets_outranks_an_endpoint_s() -> None:
    """The value that counts is that of the step; a play's own does not show in the variables of a host."""
    own = {"A": {"reboot_delay": "5s"}, "B": {"reboot_delay": "5s"}, "C": {"reboot_delay": "5s"}, "D": {}}
    step: dict[str, dict[str, Any]] = {
        "A": {"reboot_delay": 5},
        "B": {"reboot_delay": "{{ delay }}"},
        "C": {"reboot_delay": "6s"},
    }
    asked: list[str] = []

    def of_step(name: str) -> dict[str, Any]:
        asked.append(name)
        return step[name]

    found = OptionCheck(ACTING, of_step)
    for name, variables in own.items():
        found.see(name, variables)
    assert found.bad(own) == ["C"]
    assert found.why_not("C", "reboot") == "reboot_delay is '6s'; wanted is a whole number of seconds, 0 or more"
    assert asked == ["A", "B", "C"], "for it costs as much as the variables of the host do"
