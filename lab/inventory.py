# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab writes for its users: an inventory for the plugin, one without, and a policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .fleet_model import slug
from .network import Layout
from .world import World

OPERATION_TIMEOUT, READ_TIMEOUT = 10, 15  # seconds: a hung endpoint costs a quarter of a minute
NOTE = "# Written by `python -m lab up`. Where a proxy is set, export NO_PROXY=127.0.0.1,localhost first.\n"


def connection_vars(layout: Layout, access: dict[str, Any], ca: Path) -> dict[str, Any]:
    """The variables that all endpoints share; the same on every supported ansible-core."""
    shared = {
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": layout.scheme,
        "ansible_winrm_transport": "basic",
        "ansible_winrm_operation_timeout_sec": OPERATION_TIMEOUT,
        "ansible_winrm_read_timeout_sec": READ_TIMEOUT,
        "ansible_user": access["user"],
        "ansible_password": access["password"],
    }
    if layout.tls:
        shared["ansible_winrm_ca_trust_path"] = str(ca)
    return shared


def _place_by_id(layout: Layout) -> dict[str, str]:
    """Expressions for ansible_host and ansible_port: the inventory plugin knows an endpoint's id in the RMM."""
    if not layout.addresses:
        return {"ansible_host": f"'{layout.host}'", "ansible_port": f"{layout.winrm_base} + patching_id"}
    octets = "(10 + patching_id // 65536) ~ '.' ~ (patching_id // 256 % 256) ~ '.' ~ (patching_id % 256)"
    return {"ansible_host": f"'127.' ~ {octets}", "ansible_port": str(layout.winrm(0)[1])}


def write_inventories(folder: Path, world: World, layout: Layout, lab: dict[str, Any]) -> None:
    shared = connection_vars(layout, lab["winrm"], Path(lab["ca"]))
    automate = lab["automate"]
    source = {
        "plugin": "msp.patching.automate",
        "url": automate["url"],
        "user": automate["user"],
        "password": automate["password"],
        "client_id": automate["client_id"],
        # no group_vars/all: a play on localhost is none of WinRM's business
        "groups": {"windows": "patching_id is defined"},
        "compose": _place_by_id(layout),
        "strict": True,
    }
    _write(folder / "inventory" / "lab.automate.yml", source)
    _write(folder / "inventory" / "group_vars" / "windows.yml", shared)
    _write(folder / "inventory-static" / "hosts.yml", static_inventory(world, layout, shared))
    _write(folder / "policy.yml", {"clock": "simulated"})


def static_inventory(world: World, layout: Layout, shared: dict[str, Any]) -> dict[str, Any]:
    """Every endpoint with its own address, grouped by kind and client: for playbooks that know no RMM."""
    groups: dict[str, Any] = {}
    hosts: dict[str, Any] = {}
    for name, machine in world.machines.items():
        computer = machine.computer
        host, port = layout.winrm(computer.id)
        hosts[name] = {"ansible_host": host, "ansible_port": port}
        for group in (f"kind_{computer.kind}", f"client_{slug(computer.client)}"):
            groups.setdefault(group, {"hosts": {}})["hosts"][name] = {}
    return {"windows": {"hosts": hosts, "vars": shared, "children": groups}}


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(NOTE + yaml.safe_dump(document, sort_keys=False, width=200), encoding="utf-8")
