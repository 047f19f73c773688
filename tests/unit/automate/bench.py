# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the RMM over a scripted server."""

from __future__ import annotations

from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.automate.client import (
    AutomateClient,
)
from ansible_collections.msp.patching.plugins.plugin_utils.automate.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.automate.transport import Transport
from tests.unit.automate.fakes import Automate, Call, Handler, Reply, ScriptedServer

ACCOUNT: dict[str, Any] = {
    "url": "https://rmm.example.net",
    "user": "patching",
    "password": "correct horse",
    "client_id": "6a1f2f0e-0000",
}


class Bench:
    """A client of a scripted server; ``waits`` are the seconds it slept."""

    def __init__(self, automate: Automate, **settings: Any) -> None:
        self.settings = Settings(**{**ACCOUNT, **settings})
        self.server = ScriptedServer(automate)
        self.waits: list[float] = []
        self.transport = Transport(self.settings, adapter=lambda: self.server, sleep=self.waits.append)
        self.client = AutomateClient(self.settings, transport=self.transport)


def rows(count: int) -> list[dict[str, Any]]:
    return [{"Id": str(number), "ComputerName": f"PC{number}"} for number in range(1, count + 1)]


def always(reply: Reply | Exception) -> Handler:
    return lambda _call: reply


def on_page(number: int, reply: Reply) -> Handler:
    """A fault that strikes only that page; used once."""

    def fault(call: Call) -> Reply:
        assert call.query.get("page") == str(number)
        return reply

    return fault
