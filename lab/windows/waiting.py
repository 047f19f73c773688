# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.win_wait_for: a local port, a file, or just the time. Seconds are lab seconds."""

from __future__ import annotations

import re

from lab.machine import Machine

from .arguments import Option
from .posture import port_answers
from .registry import ModuleFailed, Result, Run, Unsimulated, module


@module(
    "ansible.windows.win_wait_for",
    options={
        "connect_timeout": Option("int", default=5),
        "delay": Option("int"),
        "exclude_hosts": Option("list"),
        "host": Option("str", default="127.0.0.1"),
        "path": Option("path"),
        "port": Option("int"),
        "regex": Option("str", aliases=("search_regex", "regexp")),
        "sleep": Option("int", default=1),
        "state": Option("str", default="started", choices=("present", "started", "stopped", "absent", "drained")),
        "timeout": Option("int", default=300),
    },
    any_option=True,
)
async def win_wait_for(run: Run) -> Result:
    machine, args = run.machine, run.args
    started = machine.clock.now()
    if args["port"] is not None and args["path"] is not None:
        raise ModuleFailed("port and path parameter can not both be passed to win_wait_for", elapsed=0)
    if args["state"] == "drained":
        raise Unsimulated("win_wait_for with state drained")
    await machine.clock.sleep(args["delay"] or 0)
    if args["port"] is None and args["path"] is None:
        await machine.clock.sleep(args["timeout"])
        return {"changed": False, "elapsed": (machine.clock.now() - started).total_seconds(), "wait_attempts": 0}
    wanted = args["state"] in ("present", "started")
    attempts = 0
    while (elapsed := (machine.clock.now() - started).total_seconds()) < args["timeout"]:
        attempts += 1
        if _there(machine, run) is wanted:
            return {"changed": False, "elapsed": elapsed, "wait_attempts": attempts}
        await machine.clock.sleep(args["sleep"])
    if args["path"] is not None:
        what = f"file {args['path']} to be {'present' if wanted else 'absent'}"
    else:
        what = f"{args['host']}:{args['port']} to {'start' if wanted else 'stop'} listening"
    raise ModuleFailed(f"timeout while waiting for {what}", elapsed=elapsed, wait_attempts=attempts)


def _there(machine: Machine, run: Run) -> bool:
    if run.args["path"] is None:
        return port_answers(machine, run.args["host"], run.args["port"])
    content = machine.files.read(run.args["path"])
    if run.args["regex"] is None or content is None:
        return machine.files.get(run.args["path"]) is not None
    return re.search(run.args["regex"], content.decode("utf-8", "replace")) is not None
