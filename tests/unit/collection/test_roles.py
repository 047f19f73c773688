# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks, defaults and argument specs of each role say the same.

A task that reads a variable nobody sets leaves a machine unpatched, or green when it is not.
"""

from __future__ import annotations

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.planning.options import (
    VARIABLES,
    RoleOptionError,
    read_option,
)
from tests.unit.collection.roles import ROLES, Role, names_in

role_by_role = pytest.mark.parametrize("role", [Role(name) for name in ROLES], ids=ROLES)


@role_by_role
def test_every_variable_that_tasks_read_is_an_option_or_set_there(role: Role) -> None:
    assert sorted(role.used - set(role.options) - role.given) == []


@role_by_role
def test_every_option_is_read(role: Role) -> None:
    assert sorted(set(role.options) - role.used - set(VARIABLES)) == []


@role_by_role
def test_what_steps_read_has_the_default_of_its_role(role: Role) -> None:
    of_role = {name: value for name, value in VARIABLES.items() if name.startswith(f"{role.name}_")}
    assert {name: role.defaults.get(name) for name in of_role} == of_role


@role_by_role
def test_what_steps_read_may_be_what_its_role_says(role: Role) -> None:
    for name, option in role.options.items():
        if name in VARIABLES:
            assert [read_option(name, choice) for choice in option.get("choices", [])] == option.get("choices", [])
            for odd in ["none of them"] * ("choices" in option) + ["5s"] * (option["type"] == "int"):
                with pytest.raises(RoleOptionError):
                    read_option(name, odd)


@role_by_role
def test_every_default_is_documented_with_its_value(role: Role) -> None:
    documented = {name: option["default"] for name, option in role.options.items() if "default" in option}
    assert role.defaults == documented


@role_by_role
def test_options_bear_the_name_of_their_role(role: Role) -> None:
    assert [name for name in role.options if not name.startswith(f"{role.name}_")] == []


@role_by_role
def test_an_entry_point_is_a_file_of_tasks(role: Role) -> None:
    assert [entry for entry in role.specs if not (role.folder / "tasks" / f"{entry}.yml").is_file()] == []


@role_by_role
def test_every_option_is_described(role: Role) -> None:
    assert [name for name, option in role.options.items() if not option.get("description")] == []


@role_by_role
def test_a_role_is_called_with_what_it_takes_and_with_all_it_needs(role: Role) -> None:
    for call in role.calls:
        if call.entry not in Role(call.role).specs:
            assert call.role == role.name, f"{call.where}: {call.entry} is nobody else's to call"
            continue
        options = Role(call.role).specs[call.entry]
        inherited = set(role.options)  # an option of the caller that bears the name reaches the role as well
        assert sorted(call.variables - set(options)) == [], call.where
        needed = {name for name, option in options.items() if option.get("required")}
        assert sorted(needed - call.variables - inherited) == [], call.where


def test_names_are_found_in_templates_and_in_expressions() -> None:
    task = {
        "when": ["a.x | default(false)", "b is defined"],
        "mod": {"words": "{{ c[d] }} and {{ e }}", "list": ["{{ f }}"]},
        "loop": "{{ g | dict2items }}",
        "name": "plain words",
    }
    assert names_in(task, None) == set("abcdefg")
