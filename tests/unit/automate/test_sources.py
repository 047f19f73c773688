# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several sources in one inventory: a name is one computer's."""

from __future__ import annotations

import pytest
from ansible.inventory.data import InventoryData

from ansible_collections.msp.patching.plugins.plugin_utils.automate.errors import OptionError
from ansible_collections.msp.patching.plugins.plugin_utils.automate.sources import Source, refuse_taken, tell_source
from tests.unit.automate.fakes import server
from tests.unit.automate.fleets import SERVER, fleet

EAST = Source("https://east.example/cwa/api/v1", "east.automate.yml")
WEST = Source("https://west.example/cwa/api/v1", "west.automate.yml")
MORE = Source(EAST.server, "more.automate.yml")


def read(inventory: InventoryData, source: Source, number: int, *, name: str = "DC01") -> None:
    """A source with one computer."""
    endpoints = fleet((server(number, name), SERVER)).endpoints
    refuse_taken(inventory, endpoints, source)
    inventory.add_host(name)
    inventory.set_variable(name, "patching_id", number)
    tell_source(inventory, endpoints, source)


@pytest.mark.parametrize(
    ("source", "number"), [(WEST, 1), (WEST, 2), (MORE, 2)], ids=["other server", "other server and id", "other id"]
)
def test_another_computer_of_a_name_that_is_taken_is_refused(source: Source, number: int) -> None:
    inventory = InventoryData()
    read(inventory, EAST, 1)
    with pytest.raises(OptionError) as refused:
        read(inventory, source, number)
    said = str(refused.value)
    assert said.startswith(f"option qualify_names: DC01 is computer {number} of {source.server} here, and is in the ")
    assert f"already as computer 1 of {EAST.server}, from east.automate.yml; with qualify_names: always in" in said


def test_the_same_computer_and_other_names_are_taken() -> None:
    inventory = InventoryData()
    read(inventory, EAST, 1)
    read(inventory, MORE, 1)
    read(inventory, WEST, 1, name="DC02")
    read(InventoryData(), WEST, 1)  # another inventory


def test_a_host_of_another_kind_of_source_is_the_same_where_it_has_no_other_id() -> None:
    inventory = InventoryData()
    for name, number in (("DC01", None), ("DC02", 2), ("DC03", 9)):
        inventory.add_host(name)
        if number:
            inventory.set_variable(name, "patching_id", number)
    read(inventory, EAST, 1, name="DC01")
    read(inventory, EAST, 2, name="DC02")
    with pytest.raises(OptionError, match="already as computer 9, from another source"):
        read(inventory, EAST, 3, name="DC03")
