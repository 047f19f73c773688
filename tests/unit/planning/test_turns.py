# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R6: two endpoints of one redundancy group are never down together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import Step
from ansible_collections.msp.patching.plugins.plugin_utils.planning.turns import Group, take_turns

DC: Group = ("Acme", "role domain_controller")
SQL: Group = ("Acme", "role sql_server")


def names(steps: dict[str, Step]) -> dict[str, str]:
    return {name: step.name for name, step in steps.items()}


def test_the_first_by_name_goes_first_and_the_other_waits_for_it() -> None:
    steps = {"DC02": Step("reboot", ""), "DC01": Step("reboot", "")}
    got = take_turns(steps, {"DC01": DC, "DC02": DC}, {})
    assert names(got) == {"DC01": "reboot", "DC02": "wait"}
    assert "DC01 is validated" in got["DC02"].why


def test_other_roles_and_machines_without_a_group_do_not_wait() -> None:
    steps = {name: Step("reboot", "") for name in ("DC01", "SQL01", "WS01", "WS02")}
    got = take_turns(steps, {"DC01": DC, "SQL01": SQL, "WS01": None, "WS02": None}, {})
    assert set(names(got).values()) == {"reboot"}


def test_who_is_down_in_this_run_is_waited_for() -> None:
    steps = {"DC01": Step("confirm", ""), "DC02": Step("reboot", "")}
    assert names(take_turns(steps, {"DC01": DC, "DC02": DC}, {"DC01": DC}))["DC02"] == "wait"


def test_who_is_down_elsewhere_is_not_waited_for_but_not_joined_either() -> None:
    got = take_turns({"DC02": Step("reboot", "")}, {"DC02": DC}, {"DC01": DC})
    assert names(got) == {"DC02": "leave"}


def test_one_that_was_down_itself_may_go_on() -> None:
    assert names(take_turns({"DC01": Step("reboot", "")}, {"DC01": DC}, {"DC01": DC})) == {"DC01": "reboot"}


GROUPS = st.sampled_from([None, DC, SQL])
STEPS = st.sampled_from(["reboot", "confirm", "validate", "install", "look", "leave"])
FLEETS = st.dictionaries(st.sampled_from([f"S{n}" for n in range(8)]), st.tuples(STEPS, GROUPS, st.booleans()))


@given(FLEETS)
def test_never_two_of_a_group_and_never_nobody_where_nobody_is_down(
    fleet: dict[str, tuple[str, Group | None, bool]],
) -> None:
    steps = {name: Step(step, "") for name, (step, _group, _down) in fleet.items()}
    groups = {name: group for name, (_step, group, _down) in fleet.items()}
    down = {name: group for name, (dummy, group, is_down) in fleet.items() if is_down and group is not None}
    got = take_turns(steps, groups, down)
    assert got.keys() == steps.keys()
    for group in (DC, SQL):
        going = {name for name, step in got.items() if step.name == "reboot" and groups[name] == group}
        others_down = {name for name, held in down.items() if held == group}
        asked = {name for name, step in steps.items() if step.name == "reboot" and groups[name] == group}
        assert len(going) <= 1
        assert not going or not others_down - going
        assert going or not asked or others_down
    untouched = {name for name, step in steps.items() if step.name != "reboot"}
    assert all(got[name] == steps[name] for name in untouched)
