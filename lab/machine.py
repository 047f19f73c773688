# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated Windows machine: power, boots, services, users, updates, and a history of what happened.

It knows no sockets and no Ansible. All durations are lab seconds on the lab clock, so a test can live
through a night of patching by advancing it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from .clock import Alarm, LabClock, iso
from .faults import FaultBook
from .fleet_model import CatalogueUpdate, Computer
from .machine_parts import (
    AGENT_SERVICE,
    FileSystem,
    Job,
    Service,
    default_services,
    draw,
    filetime,
)
from .machine_updates import UpdateAgent

SHUTDOWN_SCHEDULED = 1190  # ERROR_SHUTDOWN_IS_SCHEDULED
SHUTDOWN_IN_PROGRESS = 1115  # ERROR_SHUTDOWN_IN_PROGRESS
NO_SHUTDOWN = 1116  # ERROR_NO_SHUTDOWN_IN_PROGRESS
SLOWEST_SERVICE_SECONDS = 45
WAKE_SECONDS = 20
TRIGGER_STARTED = ("trustedinstaller", "wuauserv")


class MachineError(ValueError):
    """A state that a machine cannot be given."""


class Machine:
    """`on_change` is called whenever it becomes reachable, or stops being so."""

    def __init__(
        self,
        computer: Computer,
        updates: Mapping[str, CatalogueUpdate],
        clock: LabClock,
        faults: FaultBook,
        seed: int = 0,
    ) -> None:
        self.computer = computer
        self.name = computer.key
        self.clock = clock
        self.faults = faults
        self.seed = seed
        self.on_change: Callable[[Machine], None] = lambda _machine: None
        self.broadcast: Callable[[Machine, str], None] = lambda _machine, _mac: None
        self.power = "on"
        self.online = computer.online
        self.asleep = computer.asleep
        self.absence = "refuse"  # what a caller of an absent machine meets: refuse or hang
        self.boot_seconds = float(computer.boot_seconds)
        self.boot_time = clock.now() - timedelta(days=1 + 20 * draw(seed, self.name, "uptime"))
        self.lost_at = clock.now() - timedelta(hours=6) if not self.reachable else None
        self.services = default_services(computer.in_group("Patching.Role."), iter(computer.services.items()))
        self.users = ["jdoe"] if computer.user_logged_on else []
        self.system_drive_free_mb = 20_480 + int(61_440 * draw(seed, self.name, "disk"))
        self.other_reboot_reasons: list[str] = []
        self.registry: dict[str, dict[str, Any]] = {}
        self.files = FileSystem()
        self.jobs: dict[str, Job] = {}
        self.notices: list[dict[str, Any]] = []
        self.kept: dict[str, Any] = {}  # what a module knows of the machine and nobody else does, under its name
        self.history: list[dict[str, Any]] = []
        self.updates = UpdateAgent(self, updates, computer.pending, computer.installed)
        self.on_shutdown: list[Callable[[], None]] = []
        self._shutdown: Alarm | None = None
        self._shutdown_due = False
        self._holds = 0
        self._next_pid = 1000 + int(8000 * draw(seed, self.name, "pid"))

    # -- what others read -------------------------------------------------------------------------------

    @property
    def reachable(self) -> bool:
        return self.power == "on" and self.online and not self.asleep

    @property
    def boot_id(self) -> str:
        return str(filetime(self.boot_time))

    @property
    def reboot_reasons(self) -> list[str]:
        return (["windows_update"] if self.updates.reboot_required else []) + self.other_reboot_reasons

    @property
    def reboot_pending(self) -> bool:
        return bool(self.reboot_reasons)

    @property
    def user_logged_on(self) -> bool:
        return bool(self.users)

    @property
    def agent_reporting(self) -> bool:
        agent = self.services.get(AGENT_SERVICE.lower())
        return self.reachable and agent is not None and agent.state == "running"

    @property
    def last_contact(self) -> datetime:
        """When the RMM agent last called home."""
        return self.clock.now() if self.agent_reporting or self.lost_at is None else self.lost_at

    @property
    def reboot_scheduled(self) -> bool:
        return self._shutdown is not None or self._shutdown_due

    def record(self, event: str, **told: Any) -> None:
        self.history.append({"at": iso(self.clock.now()), "event": event, **told})

    def next_pid(self) -> int:
        self._next_pid += 4
        return self._next_pid

    # -- power ------------------------------------------------------------------------------------------

    def request_reboot(self, delay_seconds: float, comment: str = "") -> int:
        """What `shutdown.exe /r /t` does; its exit code."""
        if self._shutdown_due:
            return SHUTDOWN_IN_PROGRESS
        if self._shutdown:
            return SHUTDOWN_SCHEDULED
        self.record("reboot.requested", delay_seconds=delay_seconds, comment=comment)
        self._shutdown = self.clock.call_later(delay_seconds, self._shutdown_falls_due)
        return 0

    def abort_reboot(self) -> int:
        if not self._shutdown:
            return SHUTDOWN_IN_PROGRESS if self._shutdown_due else NO_SHUTDOWN
        self._shutdown.cancel()
        self._shutdown = None
        self.record("reboot.aborted")
        return 0

    def hold(self) -> None:
        """Keeps it from going down until `release`: the command that asked for it must get its answer."""
        self._holds += 1

    def release(self) -> None:
        self._holds -= 1
        if self._shutdown_due and not self._holds:
            self.go_down()

    def _shutdown_falls_due(self) -> None:
        self._shutdown = None
        if self._holds:
            self._shutdown_due = True
        else:
            self.go_down()

    def go_down(self) -> None:
        """Now, with everything that ran; it boots again by itself unless a fault keeps it down."""
        self._shutdown, self._shutdown_due = None, False
        self.record("shutdown", pending=self.reboot_reasons)
        self.lost_at = self.clock.now()
        self.power = "booting"
        self.users = []
        self.updates.stop()
        for job in self.jobs.values():
            job.dead = job.result is None
        for killed in self.on_shutdown:
            killed()
        self.on_shutdown.clear()
        for service in self.services.values():
            service.state = "stopped"
        if self.faults.take(self.name, "never_returns"):
            self.power = "off"
            self.on_change(self)
        elif self.boot_seconds <= 0:
            self.come_up()
        else:
            self.on_change(self)
            self.clock.call_later(self.boot_seconds, self.come_up)

    def come_up(self) -> None:
        if self.power == "on":
            return
        self.power = "on"
        # two boots never share a boot id, not even in one instant
        self.boot_time = max(self.clock.now(), self.boot_time + timedelta(microseconds=1))
        pending = self.faults.take(self.name, "restart_pending")
        self.other_reboot_reasons = [pending.reason] if pending else []
        self.record("boot", boot_id=self.boot_id)
        self.updates.after_boot()
        boot_id = self.boot_id
        for service in self.services.values():
            self._start_after_boot(service, boot_id)
        self.on_change(self)

    def _start_after_boot(self, service: Service, boot_id: str) -> None:
        if service.start_mode not in ("auto", "delayed"):
            return
        fault = self.faults.peek(self.name, "service_stays_down")
        if fault and fault.service.lower() in ("", service.name.lower()):
            self.faults.take(self.name, "service_stays_down")
            self.record("service.failed", service=service.name)
            return
        if service.name == "WinRM" or self.boot_seconds <= 0:
            service.state = "running"
            return
        seconds = 2 + SLOWEST_SERVICE_SECONDS * draw(self.seed, self.name, service.name)
        service.state = "start_pending"

        def start() -> None:
            if self.boot_id == boot_id and self.power == "on" and service.state == "start_pending":
                service.state = "running"

        self.clock.call_later(seconds, start)

    def hear(self, mac: str) -> None:
        """A Wake-on-LAN packet for `mac`, twelve hexadecimal digits, in its network: it wakes in a few seconds."""
        if mac != self.computer.mac.replace("-", "").lower() or not self.asleep:
            return
        self.record("wake.heard", wakes=self.computer.wakes)
        if self.computer.wakes:
            self.clock.call_later(WAKE_SECONDS, self._wake)

    def _wake(self) -> None:
        if self.asleep:
            self.asleep = False
            self.record("woke")
            self.on_change(self)

    # -- seen and set from outside ----------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "id": self.computer.id,
            "client": self.computer.client,
            "kind": self.computer.kind,
            "time_zone": self.computer.time_zone,
            "os": self.computer.os_full,
            "power": self.power,
            "online": self.online,
            "asleep": self.asleep,
            "absence": self.absence,
            "reachable": self.reachable,
            "last_contact": iso(self.last_contact),
            "boot_id": self.boot_id,
            "boot_time": iso(self.boot_time),
            "boot_seconds": self.boot_seconds,
            "reboot_pending": self.reboot_pending,
            "reboot_reasons": self.reboot_reasons,
            "reboot_scheduled": self.reboot_scheduled,
            "users": self.users,
            "system_drive_free_mb": self.system_drive_free_mb,
            "services": {service.name: service.state for service in self.services.values()},
            "updates": self.updates.state(),
            "jobs": {jid: "dead" if job.dead else job.status()["finished"] for jid, job in self.jobs.items()},
            "notices": self.notices,
            "kept": self.kept,
            "history": self.history,
        }

    def update(self, changes: Mapping[str, Any]) -> None:
        """Sets: online, asleep, absence, users, boot_seconds, system_drive_free_mb, services {name: state},
        reboot_reasons, pending (KBs or update ids), power (on, off), jobs ({} forgets them)."""
        setters: dict[str, Callable[[Any], None]] = {
            "online": lambda value: setattr(self, "online", bool(value)),
            "asleep": lambda value: setattr(self, "asleep", bool(value)),
            "absence": self._set_absence,
            "users": lambda value: setattr(self, "users", list(value)),
            "boot_seconds": lambda value: setattr(self, "boot_seconds", float(value)),
            "system_drive_free_mb": lambda value: setattr(self, "system_drive_free_mb", int(value)),
            "services": self._set_services,
            "reboot_reasons": lambda value: setattr(self, "other_reboot_reasons", list(value)),
            "pending": self.updates.set_pending,
            "power": self._set_power,
            "jobs": lambda _value: self.jobs.clear(),
        }
        unknown = sorted(set(changes) - set(setters))
        if unknown:
            raise MachineError(f"{self.name}: cannot set {unknown[0]!r}; can set: {', '.join(setters)}")
        was_reachable = self.reachable
        for key, value in changes.items():
            setters[key](value)
        if was_reachable and not self.reachable:
            self.lost_at = self.clock.now()
        self.record("state.set", **changes)
        self.on_change(self)

    def _set_absence(self, value: str) -> None:
        if value not in ("refuse", "hang"):
            raise MachineError(f"{self.name}: absence is {value!r}; give refuse or hang")
        self.absence = value

    def _set_services(self, states: Mapping[str, str]) -> None:
        for name, state in states.items():
            if state not in ("running", "stopped"):
                raise MachineError(f"{self.name}: service {name} is {state!r}; give running or stopped")
            self.services.setdefault(name.lower(), Service(name, name)).state = state

    def _set_power(self, value: str) -> None:
        if value == "on":
            self.come_up()
        elif value == "off" and self.power == "on":
            self.go_down()
            self.power = "off"
        elif value != "off":
            raise MachineError(f"{self.name}: power is {value!r}; give on or off")
