# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the machine that answers is the endpoint: an address that DHCP has given to another one, or that two clients
have, leads to a machine that nobody decided about."""

from __future__ import annotations

from ..visible import visible

ANOTHER = "another machine answers"
"""How the message begins."""
NETBIOS = 15
"""Characters of a computer name that an RMM may tell; Windows itself knows it whole."""
LONGEST = 64
"""Characters that are told of the name; a host name has at most 63."""


def is_another(wanted: str | None, called: object) -> bool:
    """Whether a machine that is `called` so is not the one that is wanted. Where either name is not known, nothing says
    that it is another."""
    if not wanted or not isinstance(called, str) or not called.strip():
        return False
    # what comes after a dot is the domain, which some tell along; no computer name has a dot
    shorter, longer = sorted((name.strip().partition(".")[0] for name in (wanted, called)), key=len)
    cut = longer[:NETBIOS] if len(shorter) == NETBIOS else longer
    return cut.casefold() != shorter.casefold()


def words(wanted: str | None, called: object, where: str = "its address") -> str:
    """What to say where it `is_another`; `where` is the address that it answers at, where that is known."""
    name = visible(str(called).strip(), LONGEST)
    return (
        f"another machine answers at {where}: it calls itself {name}, wanted is {wanted}; nothing was done on it. Is "
        "its ansible_host out of date, or has the machine been renamed?"
    )
