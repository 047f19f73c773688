# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A type of check is the same in all places that know it: the module, the policy's schema, and the lab."""

from __future__ import annotations

from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.flow.policy import schema
from ansible_collections.msp.patching.plugins.plugin_utils.flow.settings import _WHOM, _check
from lab.windows.posture import CHECK, NEEDS, PROBES
from tests.unit.collection.commands import ROOT
from tests.unit.collection.powershell import assigned, parse

SPEC = assigned(parse(ROOT / "plugins" / "modules" / "win_check.ps1"), "$spec")["options"]["checks"]
OPTIONS: dict[str, dict[str, Any]] = SPEC["options"]
REQUIRED_IF = {kind: tuple(names) for dummy, kind, names in SPEC["required_if"]}
POLICY = schema()["$defs"]["check"]


def test_module_schema_and_lab_know_the_same_types() -> None:
    types = OPTIONS["type"]["choices"]
    assert POLICY["properties"]["type"]["enum"] == types
    assert list(CHECK["type"].choices) == types
    assert sorted(REQUIRED_IF) == sorted(NEEDS) == sorted(PROBES) == sorted(types)


def test_they_need_the_same_of_each_type() -> None:
    asked = {row["if"]["properties"]["type"]["const"]: tuple(row["then"]["required"]) for row in POLICY["allOf"]}
    assert asked == REQUIRED_IF
    assert NEEDS == REQUIRED_IF


def test_the_policy_may_say_what_the_module_takes() -> None:
    """The name is the key under which a check stands."""
    assert set(POLICY["properties"]) - set(_WHOM) == set(OPTIONS) - {"name"}
    assert set(_WHOM) <= set(POLICY["properties"])


def test_a_probe_has_all_that_the_policy_says_of_it() -> None:
    said: dict[str, Any] = {name: object() for name in POLICY["properties"]}
    whom: dict[str, Any] = {"kinds": ["server"], "roles": [], "clients": [], "only_if_installed": False}
    assert _check("a", said | whom).probe == {"name": "a"} | {key: said[key] for key in said if key not in whom}


def test_the_lab_takes_the_options_of_the_module() -> None:
    for name, option in OPTIONS.items():
        ours = CHECK[name]
        assert (ours.type, ours.required, ours.elements) == (
            option["type"],
            option.get("required", False),
            option.get("elements", ""),
        ), name
        assert ours.default == option.get("default"), name
    assert set(CHECK) == set(OPTIONS)
