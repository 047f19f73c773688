# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of one endpoint, to see what they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
PILOT = MappingProxyType({"client": "Acme", "ring": "pilot", "kind": "server", "role": "file_server"})
UPDATES = [{"id": "u-1", "kb": ["1"]}, {"id": "u-2", "severity": "Critical"}]
POSTURE: dict[str, Any] = {
    "boot_id": "100",
    "boot_time": text_of(NOW),
    "now": text_of(NOW),
    "reboot_pending": False,
    "services_running": ["LTService", "LanmanServer"],
}


class Story:
    """Appends events of one endpoint, a minute apart."""

    def __init__(self, ledger: Ledger, endpoint: str = "A", about: Mapping[str, Any] = PILOT) -> None:
        self.ledger, self.endpoint, self.about, self.now = ledger, endpoint, dict(about), NOW

    def __call__(self, kind: str, run: str = "r1", **body: Any) -> str:
        self.now += timedelta(minutes=1)
        self.ledger.append([Event(kind, self.endpoint, self.now, {**body, "about": self.about})], run=run)
        return text_of(self.now)

    def row(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ledger.register_record()["endpoints"][self.endpoint]
        return found

    def soak(self) -> list[bool | None]:
        return [row["healthy"] for row in self.ledger.register_record()["soak"]]


def install(*done: str, failed: tuple[str, ...] = (), reboot: bool = True) -> dict[str, Any]:
    results = [{"update": update, "ok": True, "hresult": None} for update in done]
    results += [{"update": update, "ok": False, "hresult": "0x80070643"} for update in failed]
    return {"results": results, "reboot_required": reboot}


def failure(key: str, step: str = "install") -> dict[str, Any]:
    nothing = dict.fromkeys(("update", "hresult", "name", "next_window", "cycle"))
    return {"id": key, "step": step, "class": "unknown", "text": "it failed", **nothing}
