# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the lab simulates, in one place: the machines of a fleet, the clock, the faults, the journal.

The faces (WinRM, Automate, PSA, on-call, control) get the World and read live values from it, as in
``world.machines['ACME-DC01'].reboot_pending``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .clock import LabClock, iso
from .faults import API_TARGETS, Fault, FaultBook, FaultError
from .fleet_model import Fleet
from .journal import Journal
from .machine import Machine


class World:
    """`on_reset` are called after a reset, when `machines` holds new ones."""

    def __init__(self, fleet: Fleet, clock: LabClock, journal_path: Path | None = None) -> None:
        self.fleet = fleet
        self.clock = clock
        self.start = clock.now()
        self.speed = clock.speed
        self.faults = FaultBook()
        self.journal = Journal(lambda: iso(clock.now()), journal_path)
        self.machines: dict[str, Machine] = {}
        self.alerts: list[dict[str, Any]] = []
        """What on-call was told, oldest first: see `lab.oncall`."""
        self.on_reset: list[Callable[[], None]] = []
        self.on_machine_change: Callable[[Machine], None] = lambda _machine: None
        self._unsimulated: list[dict[str, Any]] = []
        self.faults.on_change = self._faults_changed
        self._populate()

    def _populate(self) -> None:
        by_id = self.fleet.updates_by_id
        for name, computer in self.fleet.computers.items():
            machine = Machine(computer, by_id, self.clock, self.faults, self.fleet.seed)
            machine.on_change = self._machine_changed
            machine.broadcast = self._broadcast
            self.machines[name] = machine
        for document in self.fleet.faults:
            self.inject(document)

    def _broadcast(self, sender: Machine, mac: str) -> None:
        """What all machines of the sender's location hear."""
        for machine in self.machines.values():
            if machine.computer.location_id == sender.computer.location_id:
                machine.hear(mac)

    def machine(self, name: str) -> Machine:
        """Raises KeyError naming it."""
        if name not in self.machines:
            raise KeyError(f"no machine {name!r} in this lab")
        return self.machines[name]

    def inject(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A fault, as in `lab.faults`; gives it back with its id. A refusal may last `seconds` of lab time."""
        target = document.get("target")
        if target not in self.machines and target not in API_TARGETS:
            raise FaultError(f"fault on {target!r}: no such machine; the APIs are {', '.join(API_TARGETS)}")
        fault = self.faults.add(document)
        if fault.kind == "refuse" and fault.seconds:
            self.clock.call_later(fault.seconds, lambda: self._expire(fault))
        return fault.as_record()

    def _expire(self, fault: Fault) -> None:
        self.faults.remove(fault.id)

    def _faults_changed(self, target: str) -> None:
        machine = self.machines.get(target)
        if machine is not None:
            self.on_machine_change(machine)

    def _machine_changed(self, machine: Machine) -> None:
        self.on_machine_change(machine)

    def missing(self, machine: Machine, what: str) -> None:
        """Somebody asked for something that the lab has no answer for."""
        self._unsimulated.append({"at": iso(self.clock.now()), "machine": machine.name, "what": what})

    def unsimulated(self) -> list[dict[str, Any]]:
        return list(self._unsimulated)

    def reset(self) -> None:
        """Back to the fleet file and to the instant that the lab started at."""
        self.clock.restart(self.start, self.speed)
        self.faults.clear()
        self.machines.clear()
        self.alerts.clear()
        self._unsimulated.clear()
        self.journal.clear()
        self._populate()
        for callback in self.on_reset:
            callback()
