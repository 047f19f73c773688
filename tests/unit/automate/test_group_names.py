# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of groups in options that no RMM group has: told, or refused where their members would be patched."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.automate.errors import OptionError
from tests.unit.automate.fakes import computer
from tests.unit.automate.fleets import OPTIONS, WORKSTATION, fleet

EVERY_GROUP = (
    *(name for option in ("rings", "tracks", "policy_groups", "roles", "criticalities") for name in OPTIONS[option]),
    "Patching.Disabled",
    "Patching.Unattended Reboot",
)


def unknown(*groups: str, **options: Any) -> str:
    """What is told of names that no group has, where the RMM has these groups."""
    warnings = fleet((computer(1), groups), **options).warnings
    return " ".join(words for words in warnings if words.startswith("no RMM group has the name"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"agent_disabled_groups": ["Patching.Disabled", "VIP.*"]}, "option agent_disabled_groups 'VIP.*'"),
        ({"unattended_reboot_groups": ["*.Unattended"]}, "option unattended_reboot_groups '*.Unattended'"),
        ({"policy_groups": {"Patching.Policy.Ever": "auto"}}, "option policy_groups 'Patching.Policy.Ever'"),
        ({"criticalities": {"Patching.Criticality.P2": "P2"}}, "option criticalities 'Patching.Criticality.P2'"),
        ({"redundancy_group_prefix": "Pairs."}, "option redundancy_group_prefix 'pairs.'"),
    ],
)
def test_a_name_in_the_source_that_no_group_has_is_told(options: dict[str, Any], says: str) -> None:
    told = unknown(*EVERY_GROUP, **options)
    assert says in told
    assert "'Patching.Disabled'" not in told.partition("known to no option")[0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"agent_disabled_groups": ["Patching.Disabled", "Patching.Dsiabled"]},
            "option agent_disabled_groups: no RMM group has the name 'Patching.Dsiabled', so that whom it keeps from",
        ),
        (
            {"policy_groups": {"Patching.Policy.Auto": "auto", "Patching.Policy.Not Patch": "do_not_patch"}},
            "option policy_groups: no RMM group has the name 'Patching.Policy.Not Patch', so that whom it keeps from",
        ),
    ],
)
def test_a_name_in_the_source_whose_members_would_be_patched_is_refused(options: dict[str, Any], says: str) -> None:
    """A group that was renamed in the RMM after it was written there, too."""
    with pytest.raises(OptionError) as refused:
        fleet((computer(1), EVERY_GROUP), **options)
    assert str(refused.value).startswith(
        f"{says} being patched would be; write the full name that the group has in Automate, or leave it out; did you"
    )


def test_names_that_no_group_has_are_told_in_one_line() -> None:
    found = fleet((computer(1), WORKSTATION), criticalities={"One": "P1"}, unattended_reboot_groups=["Two"])
    (told,) = [words for words in found.warnings if "no RMM group" in words]
    assert "option criticalities 'One', unattended_reboot_groups 'Two'" in told


@pytest.mark.parametrize("old", ["Patching.Disabled", "Patching.Policy.Do Not Patch"])
def test_a_group_of_a_default_that_was_renamed_is_told(old: str) -> None:
    new = f"{old.rpartition('.')[0]}.Never"
    told = unknown(*(name for name in EVERY_GROUP if name != old), new)
    assert repr(old) in told
    assert f"known to no option: {new!r}" in told
    assert told.count("'") == 4


def test_a_group_of_a_default_that_a_tenant_has_never_made_is_not() -> None:
    """Nor are the groups that others are in, as Patching.Ring is, strange to anybody."""
    places = ("Patching", "Patching.Ring", "Patching.Role", "Patching.Criticality")
    assert not unknown(*WORKSTATION, *places, "Clients.A")
