# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's RMM keeps for itself: EDF values, groups and their members, stages, retired agents.

All else it tells is read from the machines at the moment of asking.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ..fleet_model import Client, Computer, EdfValue, Location, RmmGroup
from ..machine import Machine
from ..web import ApiWorld

AUTO_JOIN_INTERVAL = timedelta(minutes=2)
"""How long after a change of EDFs or members the RMM runs its searches and joins and evicts."""


@dataclass(frozen=True)
class Membership:
    id: int
    group_id: int
    computer_id: int


@dataclass(frozen=True)
class Maintenance:
    """Alerts of the computer are silent from ``start`` for ``minutes``."""

    computer_id: int
    start: datetime
    minutes: int
    user: str


@dataclass
class AutomateState:
    """Made anew for each lab; ids are those of the fleet."""

    world: ApiWorld
    clients: dict[int, Client] = field(init=False)
    locations: dict[int, tuple[Client, Location]] = field(init=False)
    computers: dict[int, Computer] = field(init=False)
    retired: dict[int, tuple[Computer, datetime]] = field(default_factory=dict)
    groups: dict[int, RmmGroup] = field(init=False)
    stages: dict[tuple[str, int], str] = field(default_factory=dict)
    maintenance: dict[int, Maintenance] = field(default_factory=dict)
    _edfs: dict[tuple[str, int, str], EdfValue] = field(default_factory=dict)
    _members: dict[int, dict[int, Membership]] = field(default_factory=dict)
    _rows: list[Membership] | None = None
    _changed: datetime | None = None

    def __post_init__(self) -> None:
        fleet = self.world.fleet
        self.clients = {client.id: client for client in fleet.clients}
        self.locations = {loc.id: (client, loc) for client in fleet.clients for loc in client.locations}
        self.computers = dict(sorted((c.id, c) for c in fleet.computers.values()))
        self.groups = {group.id: group for group in _with_parents(_with_redundancy(fleet.groups, self.computers))}
        self._entity_ids = itertools.count(1)
        by_name = {group.name: group.id for group in self.groups.values()}
        for computer in self.computers.values():
            for name in computer.groups:
                self._join(by_name[name], computer.id)
        for level, rows in (
            ("client", fleet.clients),
            ("location", [location for _client, location in self.locations.values()]),
            ("computer", self.computers.values()),
        ):
            for row in rows:
                self._edfs.update({(level, row.id, name): value for name, value in row.edfs.items()})

    # -- computers --------------------------------------------------------------------------------------

    def machine(self, computer: Computer) -> Machine:
        return self.world.machines[computer.key]

    def retire(self, computer_id: int) -> None:
        self.retired[computer_id] = (self.computers.pop(computer_id), self.world.clock.now())
        for members in self._members.values():
            members.pop(computer_id, None)
        self._rows = None

    # -- EDFs -------------------------------------------------------------------------------------------

    def edf(self, level: str, target: int, name: str, default: EdfValue = "") -> EdfValue:
        return self._edfs.get((level, target, name), default)

    def is_default(self, level: str, target: int, name: str) -> bool:
        return (level, target, name) not in self._edfs

    def set_edf(self, level: str, target: int, name: str, value: EdfValue) -> None:
        self._settle()
        self._edfs[level, target, name] = value
        self._touch()

    def clear_edf(self, level: str, target: int, name: str) -> None:
        self._settle()
        self._edfs.pop((level, target, name), None)
        self._touch()

    # -- groups -----------------------------------------------------------------------------------------

    def members(self, group_id: int) -> list[Membership]:
        self._settle()
        return list(self._members.get(group_id, {}).values())

    def memberships(self) -> list[Membership]:
        self._settle()
        if self._rows is None:
            self._rows = sorted(
                (row for members in self._members.values() for row in members.values()), key=lambda row: row.id
            )
        return self._rows

    def groups_of(self, computer_id: int) -> list[RmmGroup]:
        self._settle()
        return [group for group in self.groups.values() if computer_id in self._members.get(group.id, ())]

    def join(self, group_id: int, computer_id: int) -> Membership:
        """By hand. Where the group is limited to its search, the next auto-join run undoes it."""
        self._settle()
        row = self._join(group_id, computer_id)
        self._touch()
        return row

    def leave(self, group_id: int, computer_id: int) -> None:
        self._settle()
        self._members.get(group_id, {}).pop(computer_id, None)
        self._touch()

    def put_group(self, group: RmmGroup) -> None:
        self.groups[group.id] = group
        self._touch()

    def drop_group(self, group_id: int) -> None:
        self.groups.pop(group_id, None)
        self._members.pop(group_id, None)
        self._touch()

    def next_group_id(self) -> int:
        return max(self.groups, default=100) + 1

    def _join(self, group_id: int, computer_id: int) -> Membership:
        members = self._members.setdefault(group_id, {})
        if computer_id not in members:
            members[computer_id] = Membership(next(self._entity_ids), group_id, computer_id)
        return members[computer_id]

    def _touch(self) -> None:
        self._rows = None
        if self._changed is None:
            self._changed = self.world.clock.now()

    def _settle(self) -> None:
        """The auto-join run that is due since the last change, if one is."""
        if self._changed is None or self.world.clock.now() < self._changed + AUTO_JOIN_INTERVAL:
            return
        self._changed, self._rows = None, None
        for group in self.groups.values():
            if group.search is None:
                continue
            found = {
                computer_id
                for computer_id in self.computers
                if self.edf("computer", computer_id, group.search.edf) == group.search.value
            }
            for computer_id in sorted(found):
                self._join(group.id, computer_id)
            if group.limited:
                members = self._members.get(group.id, {})
                self._members[group.id] = {key: row for key, row in members.items() if key in found}


def _with_redundancy(groups: Iterable[RmmGroup], computers: dict[int, Computer]) -> list[RmmGroup]:
    """Redundancy groups need no declaration in the fleet file."""
    declared = list(groups)
    known = {group.name for group in declared}
    for name in sorted({name for computer in computers.values() for name in computer.groups} - known):
        declared.append(RmmGroup(id=max(row.id for row in declared) + 1, name=name, priority=len(declared) + 1))
    return declared


def _with_parents(groups: list[RmmGroup]) -> Iterator[RmmGroup]:
    """The folders that dotted names stand in are groups too."""
    known = {group.name for group in groups}
    number = itertools.count(1)
    for group in groups:
        steps = group.name.split(".")
        for depth in range(1, len(steps)):
            name = ".".join(steps[:depth])
            if name not in known:
                known.add(name)
                yield replace(group, id=next(number), name=name, search=None, limited=False, priority=0)
        yield group
