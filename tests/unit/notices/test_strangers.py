# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in the policy that nobody bears: a typing error, or what the RMM calls something else now, does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy
from tests.unit.flow.build import DAY, NIGHT, server, workstation
from tests.unit.notices.scene import Scene

FLEET = [server(name="DC01"), workstation(name="WS2", client="Birch", location="Plant")]
LATER = {"start": "2026-12-19", "end": "2027-01-03"}
AWAKE = {"wake": False}


def warned(document: dict[str, Any], *, first: bool = False) -> list[str]:
    one = Scene(FLEET, load_policy(document))
    if not first:
        one.searched(NIGHT, {"DC01": [], "WS2": []})
    return [words for words in one.told(NIGHT + DAY).warnings if "the policy" in words]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"endpoints": {"dc01": AWAKE}}, "endpoints.dc01 (did you mean DC01?)"),
        ({"endpoints": {"MAIL": AWAKE}}, "endpoints.MAIL"),
        ({"clients": {"Brich": AWAKE}}, "clients.Brich (did you mean Birch?)"),
        ({"locations": {"plant": AWAKE}}, "locations.plant (did you mean Plant?)"),
        ({"locations": {"Birch": {"Plants": AWAKE}}}, "locations.Birch.Plants (did you mean Plant?)"),
        ({"locations": {"Birches": {"Plant": AWAKE}}}, "locations.Birches.Plant (did you mean Birch?)"),
        ({"freezes": [{"name": "move", "client": "acme", **LATER}]}, "the freeze move of acme (did you mean Acme?)"),
        (
            {"freezes": [{"name": "move", "client": "Acme", "location": "Plant", **LATER}]},
            "the freeze move of Acme, Plant",
        ),
    ],
)
def test_who_is_not_there_is_told_with_who_may_be_meant(document: dict[str, Any], told: str) -> None:
    (words,) = warned(document)
    assert words == f"the policy says something of whom nobody is called so: {told}; names are as the RMM writes them"


@pytest.mark.parametrize(
    "document",
    [
        {"endpoints": {"DC01": AWAKE}, "clients": {"Acme": AWAKE}},
        {"locations": {"Main": AWAKE, "Birch": {"Plant": AWAKE}}},
        {"freezes": [{"name": "move", "client": "Acme", "location": "Main", **LATER}, {"name": "all", **LATER}]},
        {"freezes": [{"name": "past", "client": "Gone", "start": "2025-12-19", "end": "2026-01-03"}]},
    ],
)
def test_who_is_there_and_what_is_over_is_not_told_of(document: dict[str, Any]) -> None:
    assert warned(document) == []


def test_before_anything_was_seen_nobody_knows() -> None:
    assert warned({"endpoints": {"dc01": AWAKE}}, first=True) == []


def test_who_is_of_another_slice_of_the_inventory_has_been_seen() -> None:
    document = {"endpoints": {"WS2": AWAKE}, "locations": {"Birch": {"Plant": AWAKE}}, "clients": {"Birch": AWAKE}}
    one = Scene(FLEET, load_policy(document))
    one.searched(NIGHT, {"DC01": [], "WS2": []})
    one.fleet = FLEET[:1]
    assert one.told(NIGHT + DAY).warnings == []


def test_of_many_some_are_named() -> None:
    (words,) = warned({"endpoints": {f"Z{number}": AWAKE for number in range(12)}})
    assert "endpoints.Z0, endpoints.Z1" in words
    assert "and 7 more; names are" in words


def test_an_endpoint_that_the_rmm_calls_something_else_is_told_by_both_names() -> None:
    """Some run has seen it by the old one; of another slice of the inventory, the same is not said of others."""
    fleet = [server(name="DC01", id=1), workstation(name="WS2", id=2), workstation(name="WS3", id=3)]
    one = Scene(fleet, load_policy({"endpoints": {"DC01": AWAKE, "WS3": AWAKE}}))
    one.searched(NIGHT, {"DC01": [], "WS2": [], "WS3": []})
    one.fleet = [server(name="DC02", id=1), workstation(name="WS2", id=2), workstation(name="X", client="Birch", id=3)]
    for night in (1, 2):
        (words,) = [words for words in one.told(NIGHT + night * DAY).warnings if "the policy" in words]
        assert words.startswith(
            "the policy says something of whom nobody is called so: endpoints.DC01 (it is DC02 now);"
        )
        one.searched(NIGHT + night * DAY, {"DC02": [], "X": []})
