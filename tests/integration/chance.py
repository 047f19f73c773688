# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A month in which chance decides what breaks, who answers and when: the same seed gives the same month.

Machines fail to install, hang, lose connections and do not come back; Automate and the PSA are down, overloaded or
cut off; runs are killed; people take their time. At the end everything is mended and everybody has answered, so that
whatever is still not accounted for is a mistake of ours.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.month.script import NEW_YORK, Act, Breaks, Changes, Decides, Hour, Mends, Restarts, Step
from lab.month.stage import Stage

from .ring import ROOT, Night, server, workstation

CYCLE = "2026-10"
START = Hour("2026-10-13 13:05", NEW_YORK)
HOURS = [
    START,
    *(Hour(f"2026-10-{day} 02:05") for day in ("14", "15", "17")),
    Hour("2026-10-19 10:05"),
    *(Hour(f"2026-10-{day} 02:05") for day in ("22", "23")),
    Hour("2026-10-23 10:05"),
    Hour("2026-11-01 01:10", again=True),
    Hour("2026-11-01 02:20"),
    Hour("2026-11-02 10:05"),
]
MENDED = [Hour("2026-11-04 02:05"), Hour("2026-11-05 10:05"), Hour("2026-11-08 02:05"), Hour("2026-11-10 13:05")]
"""From the first of these on nothing breaks any more; the last is the next Patch Tuesday."""

BIG, SMALL, SERVER, REVIEW, NEXT = "5087211", "5087231", "5087202", "5086877", "5091211"


def _update(kb: str, words: str, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "kb": kb,
        "title": f"{words} (KB{kb})",
        "categories": ["Security Updates"],
        "severity": "Critical",
    }
    given |= {"released": "2026-10-13T17:00:00Z", "os": ["Windows"], "reboot": "always", "download_mb": 60}
    return {**given, "install_seconds": 120, **more}


UPDATES = [
    _update(BIG, "2026-10 Cumulative Update", os=["Windows 11"]),
    _update(SERVER, "2026-10 Cumulative Update for server", os=["Windows Server 2022"]),
    _update(SMALL, "2026-10 .NET Framework Update", severity="Important", reboot="never", install_seconds=40),
    _update(REVIEW, "2026-09 Preview", categories=["Updates"], severity=None, optional=True, os=["Windows 11"]),
    # the next month's, which must not keep this month's tiers from closing
    _update(NEXT, "2026-11 Cumulative Update", released="2026-11-10T18:00:00Z"),
]
FLEET = {
    "Acme": {
        "FS1": server("File Server"),
        "DC1": server("Domain Controller", ring="Production"),
        "DC2": server("Domain Controller", ring="Production"),
        "PILOT1": workstation(),
        "PILOT2": workstation(track="Daytime", user_logged_on=True),
        "REG1": workstation(ring="Regular"),
        "REG2": workstation(ring="Regular", track="Daytime", user_logged_on=True),
        "PROD1": workstation(ring="Production"),
    },
    "Birch": {
        "ONLY1": server("App Server", ring="Production", policy="Auto Install Manual Reboot"),
        "MOST1": workstation(ring="MostTest"),
        "REG3": workstation(ring="Regular"),
    },
}
MACHINES = [name for machines in FLEET.values() for name in machines]
CODES = ("0x80070643", "0x80070070", "0x8024402C", "0x80072EE2", "0x800F0922", "0x80240438", "0x87654321")

BREAKING = (
    "code",
    "code",
    "code",
    "rolled_back",
    "refuse",
    "hang",
    "reset",
    "answer",
    "login",
    "service",
    "pending",
    "lost",
    "slow",
)
"""What breaks of a machine; an install that fails three times as often as the others."""


@dataclass
class Chance:
    """The players of such a month: they call the playbooks, whatever comes of it, and keep what the runs said."""

    seed: int
    night: Night
    runs: list[tuple[str, Any]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    mended: bool = False

    def __post_init__(self) -> None:
        self.dice = random.Random(f"month/{self.seed}")
        self.stage = Stage(self.night.lab, self)

    # -- the month ----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        forced = self.dice.choice(HOURS[1:5])  # one run of each month finds Automate down
        for hour in HOURS:
            people = tuple(self._people())
            broken = tuple(self._breaks(automate_down=hour is forced))
            self._live(Step(hour, "whatever is due", before=(*people, *broken), red=True))
        self.mended = True
        for hour in MENDED:
            self._live(Step(hour, "everything is mended", before=(*self._mends(), *self._people()), red=True))

    def _live(self, step: Step) -> None:
        # what people are to answer to is known only when the step begins, so one step is played at a time
        self.stage.play([step])

    # -- what breaks --------------------------------------------------------------------------------------------------

    def _breaks(self, *, automate_down: bool) -> Iterator[Act]:
        self.down.clear()
        for dummy in range(self.dice.choice((0, 1, 1, 2))):
            yield self._machine_breaks(self.dice.choice(MACHINES))
        if automate_down:
            self.down.add("automate")
            yield Breaks("Automate is down", {"target": "automate", "kind": "error"})
        elif self.dice.random() < 0.3:
            yield self._api_breaks("automate", times=self.dice.choice((1, 2, 3)))
        if self.dice.random() < 0.4:
            yield self._api_breaks("psa", times=self.dice.choice((1, 2, 5, None)))

    def _machine_breaks(self, machine: str) -> Act:
        times = self.dice.choice((1, 1, 2, 4))
        fault: dict[str, Any] = {"target": machine, "times": times}
        match self.dice.choice(BREAKING):
            case "code":
                kb = self.dice.choice((BIG, SERVER, SMALL, ""))
                fault |= {"kind": "update_fails", "kb": kb, "hresult": self.dice.choice(CODES)}
            case "rolled_back":
                fault |= {"kind": "rolled_back", "times": 1}
            case "refuse":
                fault |= {"kind": "refuse", "times": None, "seconds": self.dice.choice((300, 5_000, 90_000))}
            case "hang":
                fault |= {"kind": "hang", "times": 1}
            case "reset":
                fault |= {"kind": "reset", "at": self.dice.choice(("connection", "command"))}
            case "answer":
                modules = ("", "ansible.windows.win_updates", "ansible.windows.win_command")
                fault |= {"kind": "reset", "at": "answer", "times": 1, "module": self.dice.choice(modules)}
            case "login":
                fault |= {"kind": "unauthorized"}
            case "service":
                fault |= {"kind": "service_stays_down", "times": 1, "service": "Spooler"}
            case "pending":
                reason = self.dice.choice(("file renames", "component based servicing"))
                fault |= {"kind": "restart_pending", "times": 1, "reason": reason}
            case "lost":
                fault |= {"kind": "never_returns", "times": 1}
            case "slow":
                return Changes(f"{machine} boots slowly", machine, {"boot_seconds": self.dice.choice((200, 500))})
        return Breaks(f"{machine}: {fault['kind']}", fault)

    def _api_breaks(self, target: str, times: int | None) -> Act:
        kind = self.dice.choice(("error", "throttle", "reset", "cut"))
        fault = {"target": target, "kind": kind, "times": times, "retry_after": 1}
        return Breaks(f"{target}: {kind}", fault)

    def _mends(self) -> Iterator[Act]:
        self.down.clear()
        yield Mends("everything is mended")
        for name in MACHINES:
            machine = self.night.lab.machine(name)
            state: dict[str, Any] = {"boot_seconds": 30, "online": True, "asleep": False, "reboot_reasons": []}
            state |= {"services": {name: "running" for name, now in machine["services"].items() if now == "stopped"}}
            if machine["power"] == "off":
                state["power"] = "on"
            yield Changes(f"{name} is as it should be", name, state)

    # -- who answers --------------------------------------------------------------------------------------------------

    def _people(self) -> Iterator[Act]:
        """People decide while the systems they decide with answer."""
        for target in ("automate", "psa"):
            yield Mends(f"{target} is back", target)
        yield from self._technicians()
        yield from self._engineers()

    def _likely(self, chance: float) -> bool:
        return self.mended or self.dice.random() < chance

    def _technicians(self) -> Iterator[Act]:
        given = " ".join(row["scope"] for row in self.night.ledger.rows("authorizations"))
        for name, chance in (("FS1", 0.7), ("ONLY1", 0.4), ("DC1", 0.3), ("DC2", 0.3)):
            if f'"{name}"' not in given and self._likely(chance):
                yield Decides("t.brandt", "authorize", {"endpoint": name, "reason": "tonight", "cycle": CYCLE})
        for name in MACHINES:
            machine = self.night.lab.machine(name)
            if machine["power"] == "off" and self._likely(0.6):
                yield Changes(f"somebody switches {name} on", name, {"power": "on"})
            elif machine["reboot_pending"] and name == "ONLY1" and self._likely(0.6):
                yield Restarts("t.brandt", name)
            elif machine["reboot_pending"] and machine["users"] and self._likely(0.2):
                yield Restarts("its user", name, user="jdoe")
        stopped = [name for name in MACHINES if self.night.lab.machine(name)["services"].get("Spooler") == "stopped"]
        for name in stopped:
            if self._likely(0.5):
                yield Changes(f"somebody starts the spooler of {name}", name, {"services": {"Spooler": "running"}})

    def _engineers(self) -> Iterator[Act]:
        ledger = self.night.ledger
        failing = sorted({row["endpoint"] for row in ledger.rows("failures") if row["root_cause"] is None})
        for name in failing:
            if self._likely(0.5):
                yield Decides("m.okafor", "root_cause", {"endpoint": name, "code": "FOUND", "text": "repaired"})
        standing = [row for row in ledger.rows("holds") if row["released"] is None]
        for row in standing:
            if self._likely(0.4):
                yield Decides("m.okafor", "release", {"hold": row["id"], "reason": "repaired"})
        if not ledger.rows("approvals") and self._likely(0.3):
            verdict = self.dice.choice(({}, {"decision": "declined", "code": "PREVIEW"}))
            yield Decides("m.okafor", "approve", {"updates": f"KB{REVIEW}", "reason": "reviewed", **verdict})

    # -- the players' part --------------------------------------------------------------------------------------------

    def announce(self, step: Step) -> None:
        self.runs.append((f"== {step.hour}", None))

    def happens(self, act: Act) -> None:
        self.runs.append((f"   {act}", None))

    def decide(self, decisions: Sequence[Decides]) -> None:
        for decision in decisions:
            self.runs.append((f"   {decision.playbook} {' '.join(decision.words)}", None))
            self.night.run(*decision.words, playbook=ROOT / "playbooks" / f"{decision.playbook}.yml").ok()

    def cycle(self, step: Step) -> None:  # noqa: ARG002 - one run is as any other
        if not self.mended and self.dice.random() < 0.25:
            self._killed(after=self.dice.uniform(3, 15))
        run = self.night.run(playbook=ROOT / "playbooks" / "cycle.yml")
        self.runs.append((f"   cycle ended with {run.returncode}", run))
        if "automate" in self.down:
            assert run.returncode != 0, run.output
            assert "Automate" in run.output
            assert "Traceback" not in run.output
        if self.mended:
            assert run.returncode in (0, 2), run.output

    def _killed(self, after: float) -> None:
        self.runs.append((f"   a run is killed after {after:.1f} seconds", None))
        with self.night.running(playbook=ROOT / "playbooks" / "cycle.yml") as process:
            end = time.monotonic() + after
            while time.monotonic() < end and process.poll() is None:
                try:
                    process.communicate(timeout=0.5)
                except subprocess.TimeoutExpired:
                    continue

    def told(self) -> str:
        """The month in lines, for whoever looks at what went wrong."""
        return "\n".join(line for line, _run in self.runs)
