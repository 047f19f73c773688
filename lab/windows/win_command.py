# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.win_command and win_shell: the few programs that the lab has.

A program is a function from the machine and its arguments to (stdout, stderr, exit code).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from lab.machine import Machine
from lab.machine_parts import ACCOUNT
from lab.winrm.payload import split_windows

from .arguments import Option
from .registry import ModuleFailed, Result, Run, Unsimulated, module

Output = tuple[str, str, int]
Program = Callable[[Machine, list[str]], Output]
PROGRAMS: dict[str, Program] = {}
SHUTDOWN_SAYS = {
    1190: "A system shutdown has already been scheduled.(1190)\r\n",
    1115: "A system shutdown is in progress.(1115)\r\n",
    1116: "Unable to abort the system shutdown because no shutdown was in progress.(1116)\r\n",
}
SHUTDOWN_DEFAULT_SECONDS = 30


def program(*names: str) -> Callable[[Program], Program]:
    def register(function: Program) -> Program:
        PROGRAMS.update(dict.fromkeys(names, function))
        return function

    return register


@program("shutdown")
def shutdown(machine: Machine, arguments: list[str]) -> Output:
    """/r /t N, /a; /d and /c are taken note of."""
    words = [word.lower() for word in arguments]
    if "/a" in words:
        code = machine.abort_reboot()
    elif "/r" in words or "/g" in words:
        seconds = int(words[words.index("/t") + 1]) if "/t" in words else SHUTDOWN_DEFAULT_SECONDS
        comment = arguments[words.index("/c") + 1] if "/c" in words else ""
        code = machine.request_reboot(seconds, comment)
    else:
        raise Unsimulated(f"shutdown.exe {' '.join(arguments)}: only /r and /a")
    return "", SHUTDOWN_SAYS.get(code, ""), code


@program("hostname")
def hostname(machine: Machine, _arguments: list[str]) -> Output:
    return f"{machine.computer.name}\r\n", "", 0


@program("whoami")
def whoami(machine: Machine, _arguments: list[str]) -> Output:
    return f"{machine.computer.name.lower()}\\{ACCOUNT}\r\n", "", 0


@program("quser", "query user")
def quser(machine: Machine, _arguments: list[str]) -> Output:
    if not machine.users:
        return "", "No User exists for *\r\n", 1
    head = " USERNAME              SESSIONNAME        ID  STATE   IDLE TIME  LOGON TIME\r\n"
    rows = [
        f" {user:<22}{'console' if number == 1 else f'rdp-tcp#{number}':<18} {number:>3}  Active"
        f"      none   {machine.boot_time:%m/%d/%Y %I:%M %p}\r\n"
        for number, user in enumerate(machine.users, 1)
    ]
    return head + "".join(rows), "", 0


@program("ver")
def ver(machine: Machine, _arguments: list[str]) -> Output:
    return f"\r\nMicrosoft Windows [Version {machine.computer.os_version}]\r\n", "", 0


@program("echo")
def echo(_machine: Machine, arguments: list[str]) -> Output:
    return " ".join(arguments) + "\r\n", "", 0


COMMON = {
    "_raw_params": Option("str"),
    "cmd": Option("str"),
    "chdir": Option("path"),
    "creates": Option("path"),
    "removes": Option("path"),
    "stdin": Option("str"),
    "output_encoding_override": Option("str"),
}


@module(
    "ansible.windows.win_command",
    options={**COMMON, "argv": Option("list", elements="str")},
    exclusive=[("_raw_params", "argv", "cmd")],
    one_of=[("_raw_params", "argv", "cmd")],
)
async def win_command(run: Run) -> Result:
    return _run(run, script=False)


@module(
    "ansible.windows.win_shell",
    options={**COMMON, "executable": Option("path"), "no_profile": Option("bool", default=False)},
    exclusive=[("_raw_params", "cmd")],
    one_of=[("_raw_params", "cmd")],
)
async def win_shell(run: Run) -> Result:
    return _run(run, script=True)


def _run(run: Run, *, script: bool) -> Result:
    line = (run.args["cmd"] or run.args["_raw_params"] or "").strip()
    words = run.args.get("argv") or split_windows(line)
    line = line or " ".join(words)
    files = run.machine.files
    for key, there, says in (("creates", True, "exists"), ("removes", False, "does not exist")):
        path = run.args[key]
        if path and (files.get(path) is not None) is there:
            return {"changed": False, "cmd": line, "rc": 0, "skipped": True, "msg": f"skipped, since {path} {says}"}
    if run.check_mode:
        return {"changed": False, "skipped": True, "msg": "remote module does not support check mode"}
    if any(mark in line for mark in "|;&><\n") and script:
        raise Unsimulated(f"the shell script {line[:200]!r}")
    started = run.machine.clock.now()
    stdout, stderr, code = _program(words)(run.machine, words[1:])
    told = {
        "cmd": line,
        "rc": code,
        "stdout": stdout,
        "stderr": stderr,
        "start": _stamp(started),
        "end": _stamp(run.machine.clock.now()),
        "delta": "0:00:00.015625",
    }
    if code:
        raise ModuleFailed("non-zero return code", **{**told, "changed": True})
    return {"changed": True, **told}


def _program(words: list[str]) -> Program:
    names = [word.lower().rpartition("\\")[2].removesuffix(".exe") for word in words[:2]]
    found = PROGRAMS.get(" ".join(names)) or PROGRAMS.get(names[0])
    if found is None:
        raise Unsimulated(f"the program {words[0]!r}; it has {', '.join(sorted(PROGRAMS))}")
    return found


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f")
