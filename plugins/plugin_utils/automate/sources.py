# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which source a host of the inventory is from: two computers of one name would be one host with the variables and the
groups of both, and one of them would be patched by what is said of the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .errors import OptionError

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData

    from .classify import Endpoint


@dataclass(frozen=True, slots=True)
class Source:
    """The address of the server, and the file of the inventory that names it."""

    server: str
    path: str


_SOURCES: WeakKeyDictionary[InventoryData, dict[str, Source]] = WeakKeyDictionary()
"""By inventory, the source of each host. Ansible makes a new one when it reads all sources anew."""


def refuse_taken(inventory: InventoryData, endpoints: Iterable[Endpoint], source: Source) -> None:
    """Raises OptionError where a host of an endpoint's name is another computer: of another server, or by its id."""
    known = _SOURCES.get(inventory, {})
    for endpoint in endpoints:
        name, number = endpoint.record["name"], endpoint.record["id"]
        host = inventory.hosts.get(name)
        theirs = None if host is None else host.vars.get("patching_id")
        if theirs is None:
            continue
        first = known.get(name)
        if theirs != number or (first is not None and first.server != source.server):
            whose = f" of {first.server}, from {first.path}" if first is not None else ", from another source"
            raise OptionError(
                "qualify_names",
                f"{name} is computer {number} of {source.server} here, and is in the inventory already as computer "
                f"{theirs}{whose}; with qualify_names: always in each of the sources a name bears its client",
            )


def tell_source(inventory: InventoryData, endpoints: Iterable[Endpoint], source: Source) -> None:
    """What the sources that are read after this one are held against."""
    known = _SOURCES.setdefault(inventory, {})
    for endpoint in endpoints:
        known.setdefault(endpoint.record["name"], source)
