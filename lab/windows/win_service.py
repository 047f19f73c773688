# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.win_service and win_service_info"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from lab.machine_parts import Service

from .arguments import Option
from .registry import ModuleFailed, Result, Run, module

START_SECONDS = 3
STATES = {"running": "started", "stopped": "stopped", "start_pending": "start_pending"}
NOT_SIMULATED = (
    "dependencies",
    "failure_actions",
    "failure_actions_on_non_crash_failure",
    "failure_command",
    "failure_reboot_msg",
    "failure_reset_period_sec",
    "load_order_group",
    "password",
    "path",
    "pre_shutdown_timeout_ms",
    "required_privileges",
    "service_type",
    "sid_info",
    "update_password",
    "username",
    "error_control",
)
OPTIONS = {
    "name": Option("str", required=True),
    "state": Option("str", choices=("started", "stopped", "restarted", "absent", "paused")),
    "start_mode": Option("str", choices=("auto", "manual", "disabled", "delayed")),
    "display_name": Option("str"),
    "description": Option("str"),
    "force_dependent_services": Option("bool", default=False),
    "desktop_interact": Option("bool", default=False),
    "dependency_action": Option("str", default="set", choices=("add", "remove", "set")),
    **{name: Option("raw", no_log=name == "password") for name in NOT_SIMULATED},
}


def describe(service: Service) -> dict[str, Any]:
    """What both modules tell of a service."""
    running = service.state == "running"
    return {
        "name": service.name,
        "display_name": service.display_name,
        "description": service.description,
        "start_mode": service.start_mode,
        "state": STATES[service.state],
        "username": "NT AUTHORITY\\SYSTEM",
        "desktop_interact": False,
        "dependencies": [],
        "path": f"C:\\Windows\\System32\\{service.name}.exe",
        "controls_accepted": ["shutdown", "stop"] if running else [],
    }


@module("ansible.windows.win_service", options=OPTIONS)
async def win_service(run: Run) -> Result:
    name = run.args["name"]
    given = sorted(key for key in NOT_SIMULATED if run.args[key] is not None)
    if given:
        raise ModuleFailed(f"LAB-UNSIMULATED: the lab's win_service does not simulate {', '.join(given)}")
    services = run.machine.services
    service = services.get(name.lower()) or next(
        (found for found in services.values() if found.display_name.lower() == name.lower()), None
    )
    if service is None:
        if run.args["state"] == "absent":
            return {"changed": False, "exists": False}
        msg = f"Service '{name}' is not installed, need to set 'path' to create a new service"
        raise ModuleFailed(msg, exists=False)
    changed = _configure(run, service)
    changed |= await _bring_to(run, service, run.args["state"])
    if run.args["state"] == "absent":
        return {"changed": True, "exists": False}
    return {"changed": changed, "exists": True, **describe(service)}


def _configure(run: Run, service: Service) -> bool:
    changed = False
    for key in ("start_mode", "display_name", "description"):
        wanted = run.args[key]
        if wanted is not None and wanted != getattr(service, key):
            changed = True
            if not run.check_mode:
                setattr(service, key, wanted)
    return changed


async def _bring_to(run: Run, service: Service, state: str | None) -> bool:
    if state is None or (state == "started" and service.state == "running"):
        return False
    if state == "stopped" and service.state == "stopped":
        return False
    if state == "paused":
        raise ModuleFailed(f"Service '{service.name}' cannot be paused")
    if run.check_mode:
        return True
    machine = run.machine
    if state == "absent":
        del machine.services[service.name.lower()]
    elif state == "stopped":
        service.state = "stopped"
    else:
        if service.start_mode == "disabled":
            raise ModuleFailed(f"Cannot start service '{service.name}': the service cannot be started (1058)")
        service.state = "start_pending"
        await machine.clock.sleep(START_SECONDS)
        service.state = "running"
    machine.record("service." + state, service=service.name)
    return True


@module("ansible.windows.win_service_info", options={"name": Option("str")})
async def win_service_info(run: Run) -> Result:
    wanted = run.args["name"]
    found = [
        service
        for service in run.machine.services.values()
        if wanted is None
        or fnmatchcase(service.name.lower(), wanted.lower())
        or service.display_name.lower() == wanted.lower()
    ]
    more = {
        "checkpoint": 0,
        "dependency_of": [],
        "error_control": "normal",
        "failure_actions": [],
        "failure_actions_on_non_crash_failure": False,
        "failure_command": None,
        "failure_reboot_msg": None,
        "failure_reset_period_sec": 0,
        "launch_protection": "none",
        "load_order_group": "",
        "pre_shutdown_timeout_ms": 10000,
        "preferred_node": None,
        "required_privileges": [],
        "service_exit_code": 0,
        "service_flags": [],
        "service_type": "win32_own_process",
        "sid_info": "none",
        "triggers": [],
        "wait_hint_ms": 0,
        "win32_exit_code": 0,
    }
    rows = [{**describe(service), **more, "process_id": 800 if service.state == "running" else 0} for service in found]
    return {"changed": False, "exists": bool(rows), "services": rows}
