# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""msp.patching.win_wake: a packet in the machine's own network, which wakes who listens for it."""

from __future__ import annotations

import re

from .arguments import Option
from .registry import Result, Run, module


@module(
    "msp.patching.win_wake",
    options={"machines": Option("list", elements="dict", required=True), "port": Option("int", default=9)},
)
async def win_wake(run: Run) -> Result:
    rows = []
    for asked in run.args["machines"]:
        mac = re.sub("[^0-9a-f]", "", str(asked["mac"]).lower())
        ok = len(mac) == 12
        message = f"{asked['mac']} is no MAC address" if not ok else "2 packets sent"
        if ok and run.check_mode:
            message = "not sent: check mode"
        elif ok:
            run.machine.broadcast(run.machine, mac)
        rows.append({"name": asked["name"], "mac": asked["mac"], "ok": ok, "message": message})
    return {"changed": False, "sent": rows}
