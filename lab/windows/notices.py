# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a logged-on user is told: msp.patching.win_tell, and community.windows.win_toast and win_msg. The machine keeps
what was shown, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from lab.clock import iso
from lab.machine import Machine
from lab.machine_parts import ACCOUNT

from .arguments import Option
from .registry import ModuleFailed, Result, Run, module

LONGEST_MESSAGE = 255
"""Characters that win_msg takes."""
REMOTE_DESKTOP_SERVICES = "TermService"
"""A machine of the fleet that has it stopped shows no message boxes; one that does not name it does."""
PUSH_NOTIFICATIONS = "WpnService"
"""A machine of the fleet that has it stopped shows no toasts; one that does not name it does."""


def _lacks(machine: Machine, service: str) -> bool:
    found = machine.services.get(service.lower())
    return found is not None and found.state != "running"


def _show(machine: Machine, by: str, title: str, text: str, users: Sequence[str]) -> None:
    told = {"by": by, "msg": text, "users": list(users)}
    machine.notices.append({"at": iso(machine.clock.now()), "title": title, **told})
    machine.record("notice", **told)


@module(
    "msp.patching.win_tell",
    options={
        "title": Option("str", required=True),
        "text": Option("str", required=True),
        "seconds": Option("int", default=3600),
    },
)
async def win_tell(run: Run) -> Result:
    machine = run.machine
    wrong = "not told: check mode" if run.check_mode else None
    if _lacks(machine, REMOTE_DESKTOP_SERVICES):
        wrong = wrong or "The RPC server is unavailable"
    if machine.users and wrong is None:
        _show(machine, "win_tell", run.args["title"], run.args["text"], machine.users)
    sessions = range(1, len(machine.users) + 1)
    return {"changed": False, "sessions": [{"session": at, "ok": wrong is None, "message": wrong} for at in sessions]}


@module(
    "community.windows.win_toast",
    options={
        "expire": Option("int", default=45),
        "group": Option("str", default="Powershell"),
        "msg": Option("str", default="Hello world!"),
        "popup": Option("bool", default=True),
        "tag": Option("str", default="Ansible"),
        "title": Option("str"),
    },
    any_option=True,
)
async def win_toast(run: Run) -> Result:
    """It says that it was sent where anybody is logged on, and is shown to its own account alone, if that is.

    The real one sleeps until the toast expires; so does this, on the lab clock.
    """
    machine, expire = run.machine, run.args["expire"]
    sent_at = machine.clock.now()
    title = run.args["title"] or f"Notification: {sent_at:%H:%M}"
    expires = sent_at + timedelta(seconds=expire)
    result: Result = {
        "changed": False,
        "expire_at": iso(expires),
        "expire_at_utc": iso(expires),
        "toast_sent": False,
    }
    if not machine.users:
        result["no_toast_sent_reason"] = "No logged in users to notify"
    elif _lacks(machine, PUSH_NOTIFICATIONS):
        raise ModuleFailed("Failed to create toast notifier: The notification platform is unavailable.", **result)
    elif not run.check_mode:
        if ACCOUNT in machine.users:
            _show(machine, "win_toast", title, run.args["msg"], [ACCOUNT])
        result["toast_sent"] = True
        await machine.clock.sleep(expire)
    ended = machine.clock.now()
    return result | {"time_taken": (ended - sent_at).total_seconds(), "sent_localtime": iso(ended)}


@module(
    "community.windows.win_msg",
    options={
        "display_seconds": Option("int", default=10),
        "msg": Option("str", default="Hello world!"),
        "to": Option("str", default="*"),
        "wait": Option("bool", default=False),
    },
    any_option=True,
)
async def win_msg(run: Run) -> Result:
    """What msg.exe says of an error ends the real one before it has taken note of an exit code."""
    machine, msg, to = run.machine, run.args["msg"], run.args["to"]
    result: Result = {
        "changed": False,
        "display_seconds": run.args["display_seconds"],
        "msg": msg,
        "wait": run.args["wait"],
    }
    if len(msg) > LONGEST_MESSAGE:
        raise ModuleFailed(f"msg length must be less than 256 characters, current length: {len(msg)}")
    started = machine.clock.now()
    if not run.check_mode:
        reached = [user for user in machine.users if to in ("*", user)]
        if not reached:
            raise ModuleFailed(f"Unhandled exception while executing module: No User exists for {to}")
        _show(machine, "win_msg", "", msg, reached)
        result["rc"] = 0
        if run.args["wait"]:
            await machine.clock.sleep(run.args["display_seconds"])
    ended = machine.clock.now()
    return {
        **result,
        "changed": True,
        "runtime_seconds": (ended - started).total_seconds(),
        "sent_localtime": iso(ended),
    }
