# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible runs on the endpoint beside modules: core's helper scripts, and bare commands.

Bare commands are recognised by what they say, never as a whole: the connection wraps them differently
from version to version. A new one is a function with `@bare(pattern)`; the first pattern that is found wins.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from lab.machine import Machine
from lab.machine_parts import ACCOUNT, normal_path

from .payload import Call

Output = tuple[str, str, int]
"""stdout, stderr, exit code"""

SHUTDOWN = re.compile(r"shutdown(?:\.exe)?\s+/r\b.*?/t\s+(\d+)", re.IGNORECASE | re.DOTALL)


# -- helper scripts of the manifest ----------------------------------------------------------------------


def put_file(machine: Machine, call: Call) -> Output:
    content = b"".join(base64.b64decode(line) for line in call.extra.splitlines() if line.strip())
    machine.files.write(call.args["Path"], content, machine.clock.now())
    return json.dumps({"sha1": hashlib.sha1(content, usedforsecurity=False).hexdigest()}), "", 0


def fetch_file(machine: Machine, call: Call) -> Output:
    path = call.args["Path"]
    if machine.files.is_folder(path):
        return "[DIR]", "", 0
    content = machine.files.read(path)
    if content is None:
        return "", f"{path} does not exist", 1
    offset = int(call.args["Offset"])
    return base64.b64encode(content[offset : offset + int(call.args["BufferSize"])]).decode(), "", 0


def make_temporary_folder(machine: Machine, call: Call) -> Output:
    path = normal_path(call.args["Directory"] + "\\" + call.args["Name"])
    machine.files.make_folder(path, machine.clock.now())
    return path, "", 0


def expand_user(_machine: Machine, call: Call) -> Output:
    path: str = call.args["Path"]
    return normal_path(path) if path == "~" or path.startswith("~\\") else path, "", 0


HELPERS: dict[str, Callable[[Machine, Call], Output]] = {
    "winrm_put_file.ps1": put_file,
    "winrm_fetch_file.ps1": fetch_file,
    "powershell_mkdtemp.ps1": make_temporary_folder,
    "powershell_expand_user.ps1": expand_user,
}


# -- bare commands ---------------------------------------------------------------------------------------

Bare = Callable[[Machine, str, re.Match[str]], Output]
BARE: list[tuple[re.Pattern[str], Bare]] = []


def bare(pattern: str) -> Callable[[Bare], Bare]:
    def register(command: Bare) -> Bare:
        BARE.append((re.compile(pattern, re.IGNORECASE | re.DOTALL), command))
        return command

    return register


def run_bare(machine: Machine, script: str) -> Output | None:
    """None: the lab has no answer for it."""
    for pattern, command in BARE:
        found = pattern.search(script)
        if found:
            return command(machine, script, found)
    return None


@bare(r"LastBootUpTime.*ToFileTime\(\)")
def boot_id(machine: Machine, _script: str, _found: re.Match[str]) -> Output:
    return machine.boot_id, "", 0


@bare(SHUTDOWN.pattern)
def shutdown(machine: Machine, _script: str, found: re.Match[str]) -> Output:
    """win_reboot's script tells the outcome as JSON and itself ends well."""
    code = machine.request_reboot(int(found[1]), "win_reboot")
    told: dict[str, Any] = {"stdout": "", "stderr": "", "rc": code}
    return json.dumps(told), "", 0


@bare(r"shutdown(?:\.exe)?\s+/a\b")
def abort_shutdown(machine: Machine, _script: str, _found: re.Match[str]) -> Output:
    return "", "", machine.abort_reboot()


@bare(r"AutoLogonChecked.*?'(success-[0-9a-f-]+)'")
def logon_screen(machine: Machine, _script: str, found: re.Match[str]) -> Output:
    """Windows shows its logon screen when the first services are up."""
    up = machine.services["eventlog"].state == "running"
    return (found[1], "", 0) if up else ("", "the logon screen is not up yet", 1)


@bare(r"ServicingInProgress")
def servicing(_machine: Machine, _script: str, _found: re.Match[str]) -> Output:
    return "", "", 0


@bare(r"Remove-Item\s+(?:-LiteralPath\s+|-Path\s+)?(?P<quote>['\"]?)(?P<path>[^'\"\r\n]+?)(?P=quote)\s+-Force")
def remove_item(machine: Machine, _script: str, found: re.Match[str]) -> Output:
    machine.files.remove(re.sub(r"[\\/]\.$", "", found["path"]))
    return "", "", 0


@bare(r"Test-Path\s+(?:-LiteralPath\s+|-Path\s+)?(?P<quote>['\"]?)(?P<path>[^'\")\r\n]+)(?P=quote)")
def exists(machine: Machine, _script: str, found: re.Match[str]) -> Output:
    return "", "", 0 if machine.files.get(found["path"]) else 1


@bare(r"^\s*hostname(?:\.exe)?\s*(?:;|$)")
def hostname(machine: Machine, _script: str, _found: re.Match[str]) -> Output:
    return machine.computer.name, "", 0


@bare(r"^\s*whoami(?:\.exe)?\s*(?:;|$)")
def whoami(machine: Machine, _script: str, _found: re.Match[str]) -> Output:
    return f"{machine.computer.name.lower()}\\{ACCOUNT}", "", 0
