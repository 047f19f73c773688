# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.win_ping"""

from __future__ import annotations

from .arguments import Option
from .registry import ModuleFailed, Result, Run, module


@module("ansible.windows.win_ping", options={"data": Option("str", default="pong")})
async def win_ping(run: Run) -> Result:
    if run.args["data"] == "crash":
        raise ModuleFailed("Unhandled exception while executing module: boom")
    return {"changed": False, "ping": run.args["data"]}
