# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to a running lab: what tests and demonstrations use. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import LabError


def is_running(pid: int) -> bool:
    """Whether a lab runs as that process. Without /proc nobody knows: no."""
    try:
        return b"lab" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class LabClient:
    """`info` is the lab.json of the state directory: addresses, names and passwords of all faces."""

    def __init__(self, info: Mapping[str, Any], state_dir: Path) -> None:
        self.info = dict(info)
        self.state_dir = state_dir
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def from_state_dir(cls, state_dir: Path | str) -> LabClient:
        path = Path(state_dir) / "lab.json"
        try:
            return cls(json.loads(path.read_text(encoding="utf-8")), Path(state_dir))
        except FileNotFoundError as error:
            raise LabError(f"no lab is up in {state_dir}: start one with `python -m lab up`") from error

    @property
    def inventory(self) -> Path:
        """Through the Automate inventory plugin."""
        return self.state_dir / "inventory"

    @property
    def static_inventory(self) -> Path:
        """Without any plugin."""
        return self.state_dir / "inventory-static"

    def environment(self) -> dict[str, str]:
        """The settings of msp.patching for this lab, with a ledger in its state directory, and those of awx.awx."""
        automate, psa, on_call, awx = (self.info[face] for face in ("automate", "psa", "oncall", "awx"))
        return {
            "AUTOMATE_URL": automate["url"],
            "AUTOMATE_USER": automate["user"],
            "AUTOMATE_PASSWORD": automate["password"],
            "AUTOMATE_CLIENT_ID": automate["client_id"],
            "MSP_PATCHING_LEDGER": f"sqlite:///{(self.state_dir / 'ledger.sqlite').absolute()}",
            "MSP_PATCHING_POLICY": self.info["policy"],
            "MSP_PATCHING_CLOCK": self.info["clock_url"],
            "MSP_PATCHING_PSA_URL": psa["url"],
            "MSP_PATCHING_PSA_COMPANY": psa["company"],
            "MSP_PATCHING_PSA_PUBLIC_KEY": psa["public_key"],
            "MSP_PATCHING_PSA_PRIVATE_KEY": psa["private_key"],
            "MSP_PATCHING_PSA_CLIENT_ID": psa["client_id"],
            "MSP_PATCHING_PSA_CA": self.info["ca"],
            "MSP_PATCHING_PSA_OWN_COMPANY": psa["own_company"],
            "MSP_PATCHING_PSA_RATE": "6000",  # nobody else works on it
            "MSP_PATCHING_ON_CALL_KIND": "pagerduty",
            "MSP_PATCHING_ON_CALL_URL": on_call["pagerduty_url"],
            "MSP_PATCHING_ON_CALL_KEY": on_call["routing_key"],
            "CONTROLLER_HOST": awx["url"],
            "CONTROLLER_OAUTH_TOKEN": awx["token"],
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def clock(self) -> dict[str, Any]:
        """`{"now": instant, "speed": lab seconds per second}`"""
        found: dict[str, Any] = self._call("GET", "clock")
        return found

    def set_clock(self, instant: str) -> dict[str, Any]:
        found: dict[str, Any] = self._call("POST", "clock", {"set": instant})
        return found

    def advance(self, seconds: float) -> dict[str, Any]:
        """All that falls due on the way has happened when this returns."""
        found: dict[str, Any] = self._call("POST", "clock", {"advance": seconds})
        return found

    def speed(self, speed: float) -> dict[str, Any]:
        found: dict[str, Any] = self._call("POST", "clock", {"speed": speed})
        return found

    def machines(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self._call("GET", "machines")
        return found

    def machine(self, name: str) -> dict[str, Any]:
        """Its whole state, with `history`: every install and boot and when it was."""
        found: dict[str, Any] = self._call("GET", f"machines/{urllib.parse.quote(name)}")
        return found

    def update_machine(self, name: str, **state: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._call("PATCH", f"machines/{urllib.parse.quote(name)}", state)
        return found

    def inject(self, fault: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._call("POST", "faults", dict(fault))
        return found

    def faults(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", "faults")
        return found

    def remove_fault(self, number: int) -> None:
        self._call("DELETE", f"faults/{number}")

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def journal(self, *, since: int = 0, limit: int = 1000, **wanted: str) -> list[dict[str, Any]]:
        """Entries after number `since` with these values, such as `face='winrm', machine='ACME-DC01'`."""
        query = urllib.parse.urlencode({"since": since, "limit": limit, **wanted})
        found: list[dict[str, Any]] = self._call("GET", f"journal?{query}")
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """What on-call was told, oldest first, as in `lab.oncall`."""
        found: list[dict[str, Any]] = self._call("GET", "alerts")
        return found

    def unsimulated(self) -> list[dict[str, Any]]:
        """What was asked of the lab that it cannot answer: a test ends with this empty."""
        found: list[dict[str, Any]] = self._call("GET", "unsimulated")
        return found

    def reset(self) -> None:
        self._call("POST", "reset")

    def shutdown(self) -> None:
        self._call("POST", "shutdown")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        control = self.info["control"]
        request = urllib.request.Request(  # noqa: S310 - the lab's own http address on loopback
            f"{control['url']}/lab/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {control['token']}", "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            told = json.loads(error.read() or b"{}").get("error", error.reason)
            raise LabError(f"{method} /lab/{path}: {told}") from error
        except OSError as error:
            raise LabError(f"the lab at {control['url']} does not answer ({error}); is it still up?") from error
