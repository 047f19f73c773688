# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.win_reg_stat: the keys that tell of a pending reboot and of the Windows version."""

from __future__ import annotations

import re
from typing import Any

from lab.machine import Machine

from .arguments import Option
from .registry import ModuleFailed, Result, Run, module

CBS = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing"
UPDATE = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
VERSION = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion"


def registry(machine: Machine) -> dict[str, dict[str, Any]]:
    """Key in lower case -> its values."""
    build = machine.computer.os_version.rpartition(".")[2]
    keys: dict[str, dict[str, Any]] = {
        CBS: {},
        UPDATE: {},
        VERSION: {
            "ProductName": machine.computer.os,
            "CurrentBuild": build,
            "CurrentBuildNumber": build,
            "DisplayVersion": machine.computer.release,
        },
    }
    if machine.updates.reboot_required:
        keys |= {rf"{CBS}\RebootPending": {}, rf"{UPDATE}\RebootRequired": {}}
    return {key.lower(): values for key, values in {**keys, **machine.registry}.items()}


@module(
    "ansible.windows.win_reg_stat",
    options={
        "path": Option("str", required=True, aliases=("key",)),
        "name": Option("str", aliases=("entry", "value")),
    },
    any_option=True,
)
async def win_reg_stat(run: Run) -> Result:
    path, name = run.args["path"], run.args["name"]
    if not re.match(r"HK(CC|CR|CU|LM|U):\\", path, re.IGNORECASE):
        raise ModuleFailed(f"path: {path} is not a valid registry path, see module documentation for examples.")
    keys = registry(run.machine)
    wanted = path.lower().rstrip("\\")
    values = keys.get(wanted)
    if values is None:
        return {"changed": False, "exists": False}
    if name is not None:
        found = {key.lower(): value for key, value in values.items()}.get(name.lower())
        return {"changed": False, "exists": found is not None, **(_told(found) if found is not None else {})}
    below = [key[len(wanted) + 1 :] for key in keys if key.startswith(wanted + "\\")]
    return {
        "changed": False,
        "exists": True,
        "sub_keys": [key for key in below if "\\" not in key],
        "properties": {key: _told(value) for key, value in values.items()},
    }


def _told(value: Any) -> dict[str, Any]:
    kind = "REG_DWORD" if isinstance(value, int) else "REG_SZ"
    return {"type": kind, "value": value, "raw_value": value}
