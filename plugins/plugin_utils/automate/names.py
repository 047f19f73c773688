# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unique names for hosts and groups: short where nothing collides, else longer, and the longer for everybody concerned.

What an endpoint is called depends on the names that exist and never on the order in which they are read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from .words import slug

_Key = TypeVar("_Key", bound=Hashable)

RESERVED = frozenset({"all", "ungrouped", "localhost", "127.0.0.1", "::1"})
"""Names that mean something to Ansible; a computer called so is the control node, or everybody."""


def unique(choices: Mapping[_Key, Sequence[str]], reserved: Iterable[str] = ()) -> dict[_Key, str]:
    """For each key the first of its ``choices`` that no other key has, in any case of letters.

    Keys that want the same name all go on to their next choice. The last choice of each must be its own.
    """
    step = dict.fromkeys(choices, 0)
    taken = {name.casefold() for name in reserved}
    while True:
        names = {key: ladder[step[key]] for key, ladder in choices.items()}
        count = Counter(name.casefold() for name in names.values())
        clashing = [
            key
            for key, name in names.items()
            if (count[name.casefold()] > 1 or name.casefold() in taken) and step[key] + 1 < len(choices[key])
        ]
        if not clashing:
            return names
        for key in clashing:
            step[key] += 1


def host_names(
    computers: Iterable[tuple[int, str, str]], groups: Iterable[str] = (), *, always_qualified: bool = False
) -> dict[int, str]:
    """Inventory names by computer id, from (id, computer name, client slug); none is the name of one of ``groups``.

    ``DC01``; where that collides ``DC01.acme_dental``; where one client has it twice ``DC01.acme_dental.412``.
    """
    choices = {}
    for number, name, client in computers:
        plain = host_name(name) or f"computer_{number}"
        qualified = f"{plain}.{client}"
        choices[number] = (*(() if always_qualified else (plain,)), qualified, f"{qualified}.{number}")
    return unique(choices, RESERVED.union(groups))


def host_name(name: str) -> str:
    """``name`` without what Ansible's host patterns or a shell would take for something else."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name.strip()).strip("_").lstrip("-.")


def client_slugs(clients: Mapping[int, str]) -> dict[int, str]:
    """Slugs by client id, from names by id: ``acme_inc``; where two clients give the same, ``acme_inc_12``."""
    return unique({number: _ladder(slug(name), number) for number, name in clients.items()})


def location_groups(locations: Mapping[tuple[int, int], tuple[str, str]]) -> dict[tuple[int, int], str]:
    """Group names by (client id, location id), from (client slug, location name).

    Unique over all clients: location B C of client A and location C of client A B would both be ``location_a_b_c``.
    """
    return unique(
        {
            key: [f"location_{client}_{tail}" for tail in _ladder(slug(name), key[1])]
            for key, (client, name) in locations.items()
        }
    )


def _ladder(short: str, number: int) -> tuple[str, ...]:
    # The last one cannot be anybody else's: a slug holds no double underscore.
    return (*((short, f"{short}_{number}") if short else (str(number),)), f"{short}__{number}")
