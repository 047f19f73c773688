# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of many machines accept a connection: asked of all at once, so that those that sleep hold up no fork."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

SECONDS = 2.0
"""How long one of them has to accept; one on the other side of a slow line needs no second."""
PORTS = {"ssh": 22, "psrp": 5986}
WINRM = {"http": 5985, "https": 5986}
Address = tuple[str, int]


def address_of(name: str, variables: Mapping[str, Any]) -> Address:
    """Where Ansible connects to a host, by its variables."""
    connection = str(variables.get("ansible_connection") or "winrm").rpartition(".")[2]
    scheme = str(variables.get("ansible_winrm_scheme") or "https")
    port = variables.get("ansible_port") or PORTS.get(connection) or WINRM.get(scheme, WINRM["https"])
    return str(variables.get("ansible_host") or name), int(port)


def answering(addresses: Mapping[str, Address], seconds: float = SECONDS) -> set[str]:
    """The names whose address accepts a connection."""
    return asyncio.run(_knock_at_all(addresses, seconds))


async def _knock_at_all(addresses: Mapping[str, Address], seconds: float) -> set[str]:
    names = list(addresses)
    found = await asyncio.gather(*(_knock(addresses[name], seconds) for name in names))
    return {name for name, answers in zip(names, found, strict=True) if answers}


async def _knock(address: Address, seconds: float) -> bool:
    try:
        dummy, writer = await asyncio.wait_for(asyncio.open_connection(*address), seconds)
    except (TimeoutError, OSError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
