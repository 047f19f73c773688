# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""msp.patching.win_posture and win_check: this collection's own modules for endpoints."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from lab.clock import iso
from lab.machine import Machine
from lab.machine_parts import AGENT_SERVICE

from .arguments import COERCE, Option
from .registry import ModuleFailed, Result, Run, module

REASONS = {"windows_update": "windows update"}
SERVICE_BEHIND_PORT = {
    25: "SMTPSVC",
    53: "DNS",
    80: "W3SVC",
    88: "Kdc",
    389: "NTDS",
    443: "W3SVC",
    445: "LanmanServer",
    587: "SMTPSVC",
    1433: "MSSQLSERVER",
    5985: "WinRM",
}
REVISION_BASE = 3000
UNTRUSTED = (
    "The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel."
)


def os_build(machine: Machine) -> str:
    """The revision grows with what is installed and in effect."""
    effective = len(machine.updates.installed) - len(machine.updates.awaiting_boot)
    return f"{machine.computer.os_version}.{REVISION_BASE + 10 * effective}"


@module("msp.patching.win_posture", options={"agent_service": Option("str", default=AGENT_SERVICE)})
async def win_posture(run: Run) -> Result:
    machine = run.machine
    automatic = [service for service in machine.services.values() if service.start_mode == "auto"]
    agent = machine.services.get(run.args["agent_service"].lower())
    state = "missing" if agent is None else "running" if agent.state == "running" else "stopped"
    reasons = [REASONS.get(reason, reason) for reason in machine.reboot_reasons]
    return {
        "changed": False,
        "computer_name": machine.computer.name,
        "boot_id": machine.boot_id,
        "boot_time": iso(machine.boot_time),
        "now": iso(machine.clock.now()),
        "os_build": os_build(machine),
        "reboot_pending": bool(reasons),
        "reboot_pending_reasons": reasons,
        "services_running": sorted(service.name for service in automatic if service.state == "running"),
        "services_stopped": sorted(service.name for service in automatic if service.state != "running"),
        "agent": {"service": run.args["agent_service"], "state": state},
        "users_logged_on": len(machine.users),
        "system_drive_free_mb": machine.system_drive_free_mb,
    }


CHECK = {
    "name": Option("str", required=True),
    "type": Option("str", required=True, choices=("service", "tcp", "http", "dns")),
    "service": Option("str"),
    "host": Option("str", default="127.0.0.1"),
    "port": Option("int"),
    "url": Option("str"),
    "status": Option("list", elements="int", default=[200]),
    "validate_certs": Option("bool", default=True),
    "server": Option("str", default="127.0.0.1"),
    "record": Option("str"),
    "timeout": Option("int", default=10),
}
LOOPBACK = ("127.0.0.1", "localhost")
NEEDS = {"service": ("service",), "tcp": ("port",), "http": ("url",), "dns": ("record",)}
"""By the type of a check what it cannot be without: the module's `required_if`."""


@module("msp.patching.win_check", options={"checks": Option("list", elements="dict", required=True)})
async def win_check(run: Run) -> Result:
    """A port or a site answers while the service behind it runs; other hosts always do."""
    return {"changed": False, "checks": [_probe(run.machine, _checked(given)) for given in run.args["checks"]]}


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    where = "found in checks"
    unknown = sorted(set(given) - set(CHECK))
    if unknown:
        raise ModuleFailed(f"Unsupported parameters for (win_check) module: {', '.join(unknown)} {where}")
    check = {}
    for name, option in CHECK.items():
        value = given.get(name)
        if value is None and option.required:
            raise ModuleFailed(f"missing required arguments: {name} {where}")
        check[name] = option.default if value is None else COERCE[option.type](value)
    if check["type"] not in NEEDS:
        kinds = ", ".join(NEEDS)
        raise ModuleFailed(f"value of type must be one of: {kinds}. Got no match for: {check['type']} {where}")
    if missing := [name for name in NEEDS[check["type"]] if check[name] is None]:
        lacks = f"all of the following are missing: {', '.join(missing)}"
        raise ModuleFailed(f"type is {check['type']} but {lacks} {where}")
    return check


def _probe(machine: Machine, check: dict[str, Any]) -> dict[str, Any]:
    ok, seen = PROBES[check["type"]](machine, check)
    return {"name": check["name"], "ok": ok, "seen": seen}


def _running(machine: Machine, name: str) -> bool:
    service = machine.services.get(name.lower())
    return service is not None and service.state == "running"


def _service(machine: Machine, check: dict[str, Any]) -> tuple[bool, str]:
    name = check["service"]
    service = machine.services.get(name.lower())
    if service is None:
        return False, f"there is no service {name}"
    return service.state == "running", f"service {name} is {service.state.replace('_', '')}"


def port_answers(machine: Machine, host: str, port: int) -> bool:
    if host.lower() not in (*LOOPBACK, machine.computer.name.lower()):
        return True
    behind = SERVICE_BEHIND_PORT.get(port)
    return behind is not None and _running(machine, behind)


def _tcp(machine: Machine, check: dict[str, Any]) -> tuple[bool, str]:
    where = f"{check['host']}:{check['port']}"
    if port_answers(machine, check["host"], check["port"]):
        return True, f"{where} accepts connections"
    return False, f"{where} refused: No connection could be made because the target machine actively refused it"


def _http(machine: Machine, check: dict[str, Any]) -> tuple[bool, str]:
    url = urlsplit(check["url"])
    port = url.port or (443 if url.scheme == "https" else 80)
    if port_answers(machine, url.hostname or "", port):
        if url.scheme == "https" and url.hostname in LOOPBACK and check["validate_certs"]:
            return False, f"{check['url']}: {UNTRUSTED}"  # it bears the name of the machine
        return 200 in check["status"], f"{check['url']} answered 200"
    return False, f"{check['url']}: Unable to connect to the remote server"


def _dns(machine: Machine, check: dict[str, Any]) -> tuple[bool, str]:
    if port_answers(machine, check["server"], 53):
        return True, f"{check['server']} resolves {check['record']}"
    return False, f"{check['server']} does not resolve {check['record']}: the server did not answer"


PROBES = {"service": _service, "tcp": _tcp, "http": _http, "dns": _dns}
