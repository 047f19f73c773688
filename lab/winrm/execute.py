# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs what a command asks for on a machine: a module, in the foreground or as a job, or something bare."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.machine import Machine
from lab.machine_parts import Job, normal_path
from lab.windows.registry import UNSIMULATED, ModuleFailed, Unsimulated, run_module

from . import lowlevel
from .payload import Call, PayloadError, parse_command_line, parse_stdin, uploaded_payload


@dataclass
class Outcome:
    """What a command printed and how it ended; `told` is for the journal."""

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0
    told: dict[str, Any] = field(default_factory=dict)


Missing = Callable[[Machine, str], None]
"""Told of everything that was asked for and is not simulated."""


async def execute(machine: Machine, line: str, stdin: bytes | None, missing: Missing) -> Outcome:
    try:
        path = uploaded_payload(line) if stdin is None else None
        if path is not None:
            stdin = machine.files.read(path)
        if stdin is None:
            return _bare(machine, parse_command_line(line))
        call = parse_stdin(stdin)
        del stdin  # 2,000 endpoints would hold 180 kB each for as long as their modules run
        if call.is_module:
            return await _module(machine, call, missing)
        return _helper(machine, call)
    except (Unsimulated, PayloadError) as error:
        missing(machine, str(error))
        failure = {"failed": True, "changed": False, "msg": f"{error}"}
        return Outcome(json.dumps(failure), str(error), 1, {"error": str(error)})


def _bare(machine: Machine, script: str) -> Outcome:
    output = lowlevel.run_bare(machine, script)
    if output is None:
        digest = hashlib.sha256(script.encode()).hexdigest()[:12]
        raise Unsimulated(f"the command {' '.join(script.split())[:200]!r} (sha256 {digest})")
    stdout, stderr, code = output
    return Outcome(stdout, stderr, code, {"command": " ".join(script.split())[:200]})


def _helper(machine: Machine, call: Call) -> Outcome:
    helper = lowlevel.HELPERS.get(call.script)
    if helper is None:
        raise Unsimulated(f"the script {call.script}")
    stdout, stderr, code = helper(machine, call)
    return Outcome(stdout, stderr, code, {"script": call.script, "path": call.args.get("Path")})


async def _module(machine: Machine, call: Call, missing: Missing) -> Outcome:
    told: dict[str, Any] = {"module": call.name, "source": hashlib.sha256(call.source.encode()).hexdigest()[:12]}
    told["args"] = "hidden by no_log" if call.no_log else call.user_args()
    call.source = call.source if len(call.source) < 4096 else call.source[:4096]
    if "async_wrapper.ps1" in call.wrappers:
        result = _start_job(machine, call, missing)
        told["job"] = result["ansible_job_id"]
    else:
        result = await _result(machine, call, missing)
    told["failed"] = bool(result.get("failed"))
    if result.get("failed"):
        told["msg"] = result.get("msg")
    return Outcome(json.dumps(result), "", 1 if result.get("failed") else 0, told)


async def _result(machine: Machine, call: Call, missing: Missing) -> dict[str, Any]:
    try:
        return await run_module(machine, call)
    except Unsimulated:
        raise
    except Exception as error:  # a bug of the handler: the module crashes, the lab goes on and tells
        what = f"{UNSIMULATED}: the handler of {call.name} crashed: {error!r}"
        missing(machine, what)
        return ModuleFailed(f"Unhandled exception while executing module: {error!r}", exception=what).result


def _start_job(machine: Machine, call: Call, missing: Missing) -> dict[str, Any]:
    """The async wrapper: answers at once, and leaves the result in a job file for async_status."""
    wrapper = call.wrappers["async_wrapper.ps1"]
    limit = float(call.wrappers.get("async_watchdog.ps1", {}).get("Timeout", 0))
    jid = f"{wrapper['AsyncJid']}.{machine.next_pid()}"
    path = normal_path(f"{wrapper['AsyncDir']}\\{jid}")
    job = machine.jobs[jid] = Job(jid, path, machine.clock.now())
    machine.record("job.started", job=jid, module=call.name)

    async def work() -> None:
        running = asyncio.ensure_future(_result(machine, call, missing))
        watchdog = asyncio.ensure_future(machine.clock.sleep(limit)) if limit else None

        def die() -> None:
            running.cancel()

        machine.on_shutdown.append(die)
        try:
            await asyncio.wait({running, watchdog} if watchdog else {running}, return_when=asyncio.FIRST_COMPLETED)
            if running.cancelled() or job.dead:
                return
            if running.done():
                job.result = running.result()
            else:
                running.cancel()
                job.result = {"failed": True, "msg": "timed out waiting for module completion"}
            machine.record("job.finished", job=jid, failed=bool(job.result.get("failed")))
        except Unsimulated as error:
            missing(machine, str(error))
            job.result = {"failed": True, "changed": False, "msg": str(error)}
        finally:
            if watchdog:
                watchdog.cancel()

    _keep(asyncio.ensure_future(work()))
    return {**job.status(), "ansible_async_watchdog_pid": machine.next_pid()}


_TASKS: set[asyncio.Future[None]] = set()


def _keep(task: asyncio.Future[None]) -> None:
    """asyncio itself holds its tasks only weakly."""
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)
