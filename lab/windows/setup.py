# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.setup: the facts that playbooks look at, in the subsets of the real module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.machine import Machine
from lab.machine_parts import ACCOUNT, ENVIRONMENT, HOME

from .arguments import Option
from .posture import os_build
from .registry import Result, Run, module

Facts = dict[str, Any]


def _interfaces(_machine: Machine) -> Facts:
    return {
        "ansible_ip_addresses": ["127.0.0.1"],
        "ansible_interfaces": [{"connection_name": "Ethernet", "interface_index": 4, "default_gateway": None}],
    }


def _bios(machine: Machine) -> Facts:
    return {
        "ansible_bios_date": "01/01/2024",
        "ansible_bios_version": "Hyper-V UEFI Release v4.1",
        "ansible_product_name": "Virtual Machine",
        "ansible_product_serial": f"LAB-{machine.computer.id:06d}",
    }


def _date_time(machine: Machine) -> Facts:
    now = machine.clock.now()
    return {
        "ansible_date_time": {
            "date": f"{now:%Y-%m-%d}",
            "time": f"{now:%H:%M:%S}",
            "year": f"{now:%Y}",
            "month": f"{now:%m}",
            "day": f"{now:%d}",
            "hour": f"{now:%H}",
            "minute": f"{now:%M}",
            "second": f"{now:%S}",
            "weekday": f"{now:%A}",
            "weekday_number": f"{now:%w}",
            "epoch": str(int(now.timestamp())),
            "epoch_int": int(now.timestamp()),
            "iso8601": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "tz": "UTC",
            "tz_offset": "+00:00",
        }
    }


def _distribution(machine: Machine) -> Facts:
    computer = machine.computer
    server = computer.kind == "server"
    domain_controller = computer.in_group("Patching.Role.") == "Domain Controller"
    return {
        "ansible_distribution": computer.os.removesuffix(" x64"),
        "ansible_distribution_version": f"{computer.os_version}.0",
        "ansible_distribution_major_version": computer.os_version.partition(".")[0],
        "ansible_os_family": "Windows",
        "ansible_os_name": computer.os.removesuffix(" x64"),
        "ansible_os_product_type": "domain_controller" if domain_controller else "server" if server else "workstation",
        "ansible_os_installation_type": "Server" if server else "Client",
    }


def _env(machine: Machine) -> Facts:
    return {
        "ansible_env": {
            **{key.upper(): value for key, value in ENVIRONMENT.items()},
            "COMPUTERNAME": machine.computer.name,
        }
    }


def _memory(machine: Machine) -> Facts:
    total = 16_384 if machine.computer.kind == "server" else 8_192
    return {"ansible_memtotal_mb": total, "ansible_memfree_mb": total // 2, "ansible_swaptotal_mb": 0}


def _platform(machine: Machine) -> Facts:
    name = machine.computer.name
    return {
        "ansible_hostname": name,
        "ansible_netbios_name": name.upper()[:15],
        "ansible_fqdn": name,
        "ansible_nodename": name,
        "ansible_domain": "",
        "ansible_kernel": os_build(machine),
        "ansible_system": "Win32NT",
        "ansible_system_description": "",
        "ansible_system_vendor": "Microsoft Corporation",
        "ansible_machine_id": f"S-1-5-21-0-0-{machine.computer.id}",
        "ansible_architecture": "64-bit",
        "ansible_architecture2": "x86_64",
        "ansible_owner_name": "",
        "ansible_owner_contact": "",
        "ansible_reboot_pending": machine.reboot_pending,
    }


def _powershell(_machine: Machine) -> Facts:
    return {"ansible_powershell_version": 5}


def _processor(_machine: Machine) -> Facts:
    return {
        "ansible_processor": ["0", "GenuineIntel", "Intel(R) Xeon(R)"],
        "ansible_processor_count": 1,
        "ansible_processor_cores": 2,
        "ansible_processor_vcpus": 2,
        "ansible_processor_threads_per_core": 1,
    }


def _uptime(machine: Machine) -> Facts:
    seconds = round((machine.clock.now() - machine.boot_time).total_seconds())
    return {"ansible_uptime_seconds": seconds, "ansible_lastboot": f"{machine.boot_time:%Y-%m-%d %H:%M:%SZ}"}


def _user(_machine: Machine) -> Facts:
    return {
        "ansible_user_id": ACCOUNT,
        "ansible_user_dir": HOME,
        "ansible_user_gecos": "",
        "ansible_user_sid": "S-1-5-21-0-0-0-1001",
    }


def _windows_domain(_machine: Machine) -> Facts:
    return {
        "ansible_windows_domain": "WORKGROUP",
        "ansible_windows_domain_member": False,
        "ansible_windows_domain_role": "Stand-alone server",
    }


def _virtual(_machine: Machine) -> Facts:
    return {"ansible_virtualization_role": "guest", "ansible_virtualization_type": "Hyper-V"}


def _nothing(_machine: Machine) -> Facts:
    return {}


SUBSETS: dict[str, Callable[[Machine], Facts]] = {
    "all_ipv4_addresses": _interfaces,
    "all_ipv6_addresses": _interfaces,
    "bios": _bios,
    "date_time": _date_time,
    "distribution": _distribution,
    "dns": _nothing,
    "env": _env,
    "facter": _nothing,
    "interfaces": _interfaces,
    "local": _nothing,
    "memory": _memory,
    "platform": _platform,
    "powershell_version": _powershell,
    "processor": _processor,
    "uptime": _uptime,
    "user": _user,
    "virtual": _virtual,
    "windows_domain": _windows_domain,
    "winrm": _nothing,
}
META = {
    "all": tuple(SUBSETS),
    "min": ("date_time", "distribution", "dns", "env", "local", "platform", "powershell_version", "user"),
    "hardware": ("bios", "memory", "processor", "uptime", "virtual"),
    "network": ("all_ipv4_addresses", "all_ipv6_addresses", "interfaces", "windows_domain", "winrm"),
    "external": ("facter",),
}


@module(
    "ansible.windows.setup",
    options={
        "_measure_subset": Option("bool", default=False),
        "fact_path": Option("path"),
        "gather_subset": Option("list", elements="str", default=["all"]),
        "gather_timeout": Option("int", default=10),
    },
    any_option=True,
)
async def setup(run: Run) -> Result:
    asked: list[str] = run.args["gather_subset"]
    facts: Facts = {"gather_subset": asked, "module_setup": True}
    for subset in sorted(_chosen(asked)):
        facts |= SUBSETS[subset](run.machine)
    return {"changed": False, "ansible_facts": facts}


def _chosen(asked: list[str]) -> set[str]:
    """As the real module has it: all of them less the excluded, and what is named comes back in any case."""
    named = [item for item in asked if not item.startswith("!")]
    excluded = {name for item in asked if item.startswith("!") for name in _members(item[1:])}
    if "!all" in asked:
        excluded -= set(META["min"]) - {name for item in asked if item == "!min" for name in META["min"]}
    return set(SUBSETS) - excluded | {name for item in named for name in _members(item)}


def _members(item: str) -> set[str]:
    return set(META.get(item, (item,))) & set(SUBSETS)
