# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machines of a month say themselves, held against what may be by the operating model.

What may be installed and when a machine may restart is worked out here from the fleet file, the wall clock and what
people decided, with none of the collection's code, so that a mistake there does not vouch for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..client import LabClient
from ..fleet import load_fleet
from ..fleet_model import CatalogueUpdate, Computer
from .script import Decides

SOAK = timedelta(days=7)
NIGHT, SERVERS, OFFICE = ("02:00", "04:00"), ("21:20", "03:20"), ("09:00", "17:00")
P1 = frozenset({"Domain Controller", "SQL Server", "App Server"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a machine's own history."""

    machine: str
    event: str
    at: datetime
    told: Mapping[str, Any]


class Machines:
    """The machines of the lab behind `client`; `decided` is what people decided, with the instants."""

    def __init__(self, client: LabClient, decided: Sequence[tuple[datetime, Decides]]) -> None:
        self.client = client
        self.decided = decided
        self.fleet = load_fleet(Path(client.info["fleet"]))
        self._servers = Counter(one.client for one in self.fleet.computers.values() if one.kind == "server")

    @cached_property
    def histories(self) -> dict[str, list[Entry]]:
        return {
            name: [
                Entry(name, row["event"], datetime.fromisoformat(row["at"]), row)
                for row in self.client.machine(name)["history"]
            ]
            for name in self.fleet.computers
        }

    def happened(self, *events: str) -> list[Entry]:
        """The entries of all machines of these kinds, in order of time."""
        found = [entry for entries in self.histories.values() for entry in entries if entry.event in events]
        return sorted(found, key=lambda entry: entry.at)

    def restarts(self) -> tuple[list[Entry], list[Entry]]:
        """The boots that were asked for over the network, and those that somebody made by hand."""
        asked: list[Entry] = []
        by_hand: list[Entry] = []
        for entries in self.histories.values():
            switched = {entry.at for entry in entries if entry.event == "state.set" and entry.told.get("power") == "on"}
            wanted = False
            for entry in entries:
                if entry.event == "reboot.requested":
                    wanted = True
                elif entry.event == "boot":
                    # one that never came back is switched on by somebody, whatever hour it is
                    (asked if wanted and entry.at not in switched else by_hand).append(entry)
                    wanted = False
        return sorted(asked, key=lambda one: one.at), sorted(by_hand, key=lambda one: one.at)

    def label(self, entry: Entry) -> str:
        """The update of an install as people call it."""
        update = self.fleet.updates_by_id[entry.told["update"]]
        return f"KB{update.kb}" if update.kb else update.title

    # -- what may be, by the operating model --------------------------------------------------------------------------

    def outside_a_window(self) -> Iterator[str]:
        """Sections 3, 5 and 6: installs and restarts at an hour that is none of theirs."""
        for entry in self.happened("install.started"):
            one = self.fleet.computers[entry.machine]
            if not in_window(entry.at, one, _install_window(one)):
                yield f"{entry.machine} began to install at {_local(entry.at, one)}, outside its window"
        for entry in (*self.happened("reboot.requested"), *self.restarts()[0]):
            one = self.fleet.computers[entry.machine]
            if not in_window(entry.at, one, SERVERS if one.kind == "server" else NIGHT):
                yield f"{entry.machine}: {entry.event} at {_local(entry.at, one)}, outside its window"
            if one.kind == "server" and "Patching.Unattended Reboot" not in one.groups:
                yield f"{entry.machine} was restarted by the automation, which is a technician's to do"

    def not_due(self) -> Iterator[str]:
        """Sections 4 and 5, R5: installs that were not approved, not soaked, or not let go by a technician."""
        for entry in self.happened("install.succeeded", "install.failed"):
            one, update = self.fleet.computers[entry.machine], self.fleet.updates_by_id[entry.told["update"]]
            began = self._began(entry)
            what = f"{entry.machine} took {update.kb or update.title} at {_local(began, one)}"
            if not (one.in_group("Patching.Ring.") and one.in_group("Patching.Policy.")):
                yield f"{what}: it is not classified"
            if one.in_group("Patching.Policy.") in ("Do Not Patch", "Manual") or "Patching.Disabled" in one.groups:
                yield f"{what}: automation leaves it alone"
            if not self._approved(update, one, began):
                yield f"{what}: it was not approved"
            if self._waits(one) and not self._soaked(update, one, began):
                yield f"{what}: it had not soaked"
            if self._needs_a_go(one) and not self._let_go(one, began):
                yield f"{what}: no technician had let it go"

    def _began(self, entry: Entry) -> datetime:
        """When the install that the entry belongs to was started."""
        return max(
            one.at for one in self.histories[entry.machine] if one.event == "install.started" and one.at <= entry.at
        )

    def _approved(self, update: CatalogueUpdate, one: Computer, at: datetime) -> bool:
        recorded = [
            given["decision"] for given in self._about(update, one, at) if given.get("client") in (None, one.client)
        ]
        if recorded:
            return recorded[-1] == "approved"
        if "Drivers" in update.categories:
            return False
        if "Definition Updates" in update.categories:
            return True
        severe = update.severity in ("Critical", "Important")
        return update.vendor == "Microsoft" and "Security Updates" in update.categories and severe

    def _about(self, update: CatalogueUpdate, one: Computer, at: datetime) -> list[dict[str, str]]:
        """The decisions on an update that stood at an instant and count for the client."""
        names = {update.id, f"KB{update.kb}"}
        return [
            {"decision": "approved", **decision.arguments}
            for when, decision in self.decided
            if decision.playbook == "approve"
            and when <= at
            and decision.arguments["updates"] in names
            and decision.arguments.get("client") in (None, one.client)
        ]

    def _waits(self, one: Computer) -> bool:
        rings = ("MostTest", "Regular", "Production") if one.kind == "server" else ("Regular", "Production")
        return one.in_group("Patching.Ring.") in rings and not self._single(one)

    def _soaked(self, update: CatalogueUpdate, one: Computer, at: datetime) -> bool:
        if "Definition Updates" in update.categories:
            return True
        if any(given.get("promote") == "true" for given in self._about(update, one, at)):
            return True
        taken = [
            entry.at
            for entry in self.happened("install.succeeded")
            if entry.told["update"] == update.id and self._pilot_for(entry.machine, one)
        ]
        return any(when + SOAK <= at for when in taken)

    def _pilot_for(self, machine: str, one: Computer) -> bool:
        """Servers are proven to by the pilot server of their client, workstations by any client's."""
        pilot = self.fleet.computers[machine]
        in_pilot = pilot.in_group("Patching.Ring.") == "Pilot" and pilot.kind == one.kind
        return in_pilot and (one.kind == "workstation" or pilot.client == one.client)

    def _single(self, one: Computer) -> bool:
        return one.kind == "server" and self._servers[one.client] == 1

    def _needs_a_go(self, one: Computer) -> bool:
        pilot = one.in_group("Patching.Ring.") == "Pilot"
        return one.kind == "server" and (pilot or self._single(one) or one.in_group("Patching.Role.") in P1)

    def _let_go(self, one: Computer, at: datetime) -> bool:
        ring = (one.in_group("Patching.Ring.") or "").lower()
        tier = {"client": one.client, "ring": ring, "kind": one.kind}
        return any(
            when <= at
            and decision.playbook == "authorize"
            and decision.arguments.get("cycle", cycle_of(when)) == cycle_of(at)
            and (
                decision.arguments.get("endpoint") == one.key
                or all(decision.arguments.get(key) == value for key, value in tier.items())
            )
            for when, decision in self.decided
        )

    def twice_at_once(self) -> Iterator[str]:
        """R6: of two servers of one client and role the second restarts when the first is up again."""
        groups: dict[tuple[str, str], list[str]] = {}
        for name, one in self.fleet.computers.items():
            role = one.in_group("Patching.Role.")
            if one.kind == "server" and role:
                groups.setdefault((one.client, role), []).append(name)
        for names in groups.values():
            spans = sorted(span for name in names for span in self._down(name))
            for first, second in pairwise(spans):
                if second[0] < first[1] and second[2] != first[2]:
                    yield f"{first[2]} and {second[2]} were down at once at {second[0].isoformat()}"

    def _down(self, name: str) -> Iterator[tuple[datetime, datetime, str]]:
        since = None
        for entry in self.histories[name]:
            if entry.event == "reboot.requested":
                since = entry.at
            elif entry.event == "boot" and since is not None:
                yield since, entry.at, name
                since = None


def awaited_boot(entries: Sequence[Entry]) -> str | None:
    """The boot id of the last boot in a machine's history that somebody waited for, if there was one.

    That is one which an install needed, or which was asked for over the network. What else its user restarts it for
    is nobody's business.
    """
    found, awaited = None, False
    for entry in entries:
        if entry.event == "reboot.requested" or (
            entry.event == "shutdown" and "windows_update" in entry.told["pending"]
        ):
            awaited = True
        elif entry.event == "boot":
            found = entry.told["boot_id"] if awaited else found
            awaited = False
    return found


def cycle_of(instant: datetime) -> str:
    """R1: cycles begin at 10:00 in Los Angeles on the second Tuesday of a month."""
    local = instant.astimezone(ZoneInfo("America/Los_Angeles"))
    begins = next(day for day in range(8, 15) if local.replace(day=day).weekday() == 1)
    if (local.day, local.hour) < (begins, 10):
        local = local.replace(day=1) - timedelta(days=1)
    return f"{local:%Y-%m}"


def _install_window(one: Computer) -> tuple[str, str]:
    if one.kind == "server":
        return SERVERS
    return OFFICE if one.in_group("Patching.Track.") == "Daytime" else NIGHT


def in_window(instant: datetime, one: Computer, window: tuple[str, str]) -> bool:
    """Whether the machine's wall clock shows an hour of the window; office hours are those of working days."""
    local = instant.astimezone(ZoneInfo(one.time_zone or "UTC"))
    start, end = window
    wall = f"{local:%H:%M:%S}"
    if window == OFFICE and local.weekday() > 4:
        return False
    return start <= wall < end if start < end else wall >= start or wall < end


def _local(instant: datetime, one: Computer) -> str:
    return f"{instant.astimezone(ZoneInfo(one.time_zone or 'UTC')):%a %d %b %H:%M}"
