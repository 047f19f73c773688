# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the RMM agent on a lab machine can be told to do, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..machine import Machine

RUN, FASTALK, RESEND = 2, 35, 123
COMMANDS = {RUN: "Execute Command", FASTALK: "FasTalk", RESEND: "Resend Everything"}
REBOOT, MAINTENANCE, NOTIFY = 1, 2, 3
SCRIPTS = {REBOOT: "Reboot Computer", MAINTENANCE: "Maintenance Mode", NOTIFY: "Notify User"}

_SHUTDOWN = re.compile(r"\bshutdown(?:\.exe)?\s+(?P<flags>.*)", re.IGNORECASE)
_DELAY = re.compile(r"[/-]t\s+(\d+)", re.IGNORECASE)
_SERVICE = re.compile(r"\bnet(?:\.exe)?\s+(?P<verb>start|stop)\s+\"?(?P<name>[\w$]+)", re.IGNORECASE)


def run_command(machine: Machine, command_id: int, text: str) -> tuple[bool, str]:
    """Whether it succeeded, and its output. ``text`` is ``program!!! arguments``, or a line for the shell."""
    if command_id != RUN:
        return True, "OK"
    line = text.replace("!!!", " ")
    if re.search(r"\bhostname\b", line, re.IGNORECASE):
        return True, machine.computer.name
    if found := _SHUTDOWN.search(line):
        return _shutdown(machine, found["flags"])
    if found := _SERVICE.search(line):
        service = machine.services.get(found["name"].lower())
        if service is None:
            return False, "The service name is invalid."
        service.state = "running" if found["verb"].lower() == "start" else "stopped"
        return True, f"The {service.name} service was {'started' if service.state == 'running' else 'stopped'}."
    return False, f"The lab does not know how to run {line.strip()!r}."


def run_script(machine: Machine, script_id: int, parameters: Mapping[str, str]) -> tuple[bool, str]:
    if script_id == REBOOT:
        return _shutdown(machine, f"/r /t {parameters.get('Delay') or 0}")
    if not machine.user_logged_on:
        return False, "Nobody is logged on."
    text = parameters.get("Message", "")
    machine.record("notice.shown", text=text)
    return True, f"Shown: {text}"


def _shutdown(machine: Machine, flags: str) -> tuple[bool, str]:
    if not re.search(r"[/-][rg]\b", flags, re.IGNORECASE):
        return False, "The lab only restarts machines."
    delay = _DELAY.search(flags)
    code = machine.request_reboot(float(delay[1]) if delay else 30.0, "RMM")
    return code == 0, "" if code == 0 else f"A system shutdown is in progress. ({code})"
