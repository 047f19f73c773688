# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.win_updates: start, poll and cancel of a background run, or all in one (async)."""

from __future__ import annotations

import asyncio
from typing import Any

from lab.machine import Machine
from lab.machine_updates import Selection, UpdateRun

from .arguments import Option
from .registry import ModuleFailed, Result, Run, module

OPTIONS = {
    "accept_list": Option("list", elements="str"),
    "category_names": Option("list", elements="str", default=["CriticalUpdates", "SecurityUpdates", "UpdateRollups"]),
    "log_path": Option("path"),
    "reject_list": Option("list", elements="str"),
    "server_selection": Option("str", choices=("default", "managed_server", "windows_update"), default="default"),
    "state": Option("str", choices=("installed", "searched", "downloaded"), default="installed"),
    "skip_optional": Option("bool", default=False),
    "reboot": Option("bool", default=False),
    "reboot_timeout": Option("int", default=1200),
    "maximum_retries_on_failed_updates": Option("int", default=1, newer=True),
    "_operation": Option("str", choices=("start", "cancel", "poll", "test"), default="start"),
    "_operation_options": Option("dict"),
}


@module("ansible.windows.win_updates", options=OPTIONS)
async def win_updates(run: Run) -> Result:
    told = run.args["_operation_options"] or {}
    if run.args["_operation"] == "cancel":
        return _cancel(run, told)
    if run.args["_operation"] == "poll":
        return await _poll(run, told)
    selection = Selection(
        categories=run.args["category_names"],
        accept=run.args["accept_list"] or [],
        reject=run.args["reject_list"] or [],
        skip_optional=run.args["skip_optional"],
    )
    task = run.machine.updates.start_run(run.args["state"], selection, check_mode=run.check_mode)
    if told.get("wait"):
        return await _wait(run.machine, task)
    return {
        "changed": False,
        "cancel_options": {"cancel_id": f"Global\\Ansible.Windows.WinUpdates-{task.id}", "task_pid": task.pid},
        "poll_options": {"pipe_name": f"Ansible.Windows.WinUpdates-{task.id}"},
    }


def _cancel(run: Run, told: dict[str, Any]) -> Result:
    """Ends the run if it still goes on. Always sent, also after it has ended."""
    task = run.machine.updates.runs.pop(_run_id(told["cancel_id"]), None)
    if task is not None:
        task.stop()
    return {"changed": False}


async def _poll(run: Run, told: dict[str, Any]) -> Result:
    """The messages since the last poll; waits for the first."""
    task = run.machine.updates.runs.get(_run_id(told["pipe_name"]))
    if task is None:
        raise ModuleFailed("Timed out waiting for server pipe to be available")
    await _message(task)
    output, task.messages = task.messages, []
    return {"changed": False, "output": output}


def _run_id(name: str) -> str:
    return name.partition("WinUpdates-")[2]


async def _message(task: UpdateRun) -> None:
    """Until there is one to read. For ever, if the machine went down: so did whoever would answer."""
    if task.messages:
        return
    arrived = asyncio.Event()
    task.on_message = arrived.set
    while not task.messages:
        arrived.clear()
        await arrived.wait()


async def _wait(machine: Machine, task: UpdateRun) -> Result:
    """The module's own account of an asynchronous run, as the action plugin's is of one in the foreground."""
    arrived = asyncio.Event()
    task.on_message = arrived.set
    while not task.finished:
        arrived.clear()
        await arrived.wait()
    machine.updates.runs.pop(task.id, None)
    result: Result = {"changed": False, "rebooted": False}
    updates: dict[str, dict[str, Any]] = {}
    for message in task.messages:
        told = message["result"]
        if message["task"] == "search_result":
            updates = _found(told)
        elif message["task"] in ("download_result", "install_result"):
            _settle(updates, told["info"], "downloaded" if message["task"] == "download_result" else "installed")
        elif message["task"] == "exit":
            result |= _ending(told)
    chosen = {id_: info for id_, info in updates.items() if "filtered_reasons" not in info}
    failed = sum("failure_hresult_code" in info for info in chosen.values())
    result |= {
        "found_update_count": len(chosen),
        "failed_update_count": failed,
        "installed_update_count": sum(
            info["installed"] and "failure_hresult_code" not in info for info in chosen.values()
        ),
        "updates": chosen,
        "filtered_updates": {id_: info for id_, info in updates.items() if id_ not in chosen},
    }
    return result


def _found(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    reasons = {row["id"]: row["reasons"] for row in told["filtered"]}
    found = {}
    for update in told["updates"]:
        info = {
            "categories": update["categories"],
            "id": update["id"],
            "installed": False,
            "downloaded": False,
            "kb": [kb.removeprefix("KB") for kb in update["kb"]],
            "title": update["title"],
        }
        if update["id"] in reasons:
            info["filtered_reasons"] = reasons[update["id"]]
        found[update["id"]] = info
    return found


def _settle(updates: dict[str, dict[str, Any]], rows: list[dict[str, Any]], done: str) -> None:
    for row in rows:
        if row["result_code"] == 2:
            updates[row["id"]][done] = True
        else:
            updates[row["id"]]["failure_hresult_code"] = row["hresult"]


def _ending(told: dict[str, Any]) -> Result:
    ending = {key: told[key] for key in ("changed", "failed", "reboot_required")}
    if told["exception"]:
        ending |= {"msg": told["exception"]["message"], "exception": told["exception"]["exception"]}
        if "hresult" in told["exception"]:
            ending["hresult"] = told["exception"]["hresult"]
    return ending
