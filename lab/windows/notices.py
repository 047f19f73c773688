# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""community.windows.win_toast and win_msg: what a logged-on user is told. The machine keeps what was shown."""

from __future__ import annotations

from datetime import timedelta

from lab.clock import iso

from .arguments import Option
from .registry import ModuleFailed, Result, Run, module

LONGEST_MESSAGE = 255
PUSH_NOTIFICATIONS = "WpnService"
"""A machine of the fleet that has it stopped shows no toasts; one that does not name it does."""


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
    """The real one sleeps until the toast expires; so does this, on the lab clock."""
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
    elif (service := machine.services.get(PUSH_NOTIFICATIONS.lower())) and service.state != "running":
        raise ModuleFailed("Failed to create toast notifier: The notification platform is unavailable.", **result)
    elif not run.check_mode:
        machine.notices.append({"at": iso(sent_at), "by": "win_toast", "title": title, "msg": run.args["msg"]})
        machine.record("notice", by="win_toast", msg=run.args["msg"], users=list(machine.users))
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
            raise ModuleFailed(f"No User exists for {to}", changed=True, rc=1)
        machine.notices.append({"at": iso(started), "by": "win_msg", "title": "", "msg": msg})
        machine.record("notice", by="win_msg", msg=msg, users=reached)
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
