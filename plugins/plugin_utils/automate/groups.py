# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RMM group membership says of a computer.

Of several groups that give different values the one lower in Patch Manager's list wins, as Automate applies its
policies; a group in that list wins over one that is not. Where the list does not settle it, nobody guesses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..flow.fields import suggestion
from .client import GROUP_COMPUTERS, GROUPS
from .errors import OptionError
from .pages import Row, row_id
from .rules import MAPS, GroupName, Rules
from .said import NOTHING, Said
from .snapshot import Snapshot, hidden
from .words import POLICY_GROUPS


@dataclass(frozen=True, slots=True)
class Group:
    """An RMM group: its row in Patch Manager's list, where it stands there, and what membership says.

    ``rank`` is -1 for a group that is not in the list. That a greater ``Priority`` is lower in the list is read
    from the published API description, not checked on a live server.
    """

    name: str
    rank: int
    policies: Row | None
    says: Mapping[str, Any]


class Membership:
    """Groups by computer, and what they say together; worked out once for each combination of groups."""

    def __init__(self, snapshot: Snapshot, rules: Rules) -> None:
        self._rules = rules
        if rules.use_groups:
            for resource, rows in ((GROUPS, snapshot.groups), (GROUP_COMPUTERS, snapshot.group_computers)):
                if not rows:
                    raise hidden(resource, "but the options classify computers by their groups")
        self._groups = _known_groups(snapshot, rules)
        self._telling: dict[int, list[int]] = defaultdict(list)
        self._all: dict[int, list[int]] = defaultdict(list)
        for row in snapshot.group_computers:
            group_id, computer_id = row_id(row, "GroupId"), row_id(row, "ComputerId")
            group = self._groups.get(group_id)
            if group is not None:
                self._all[computer_id].append(group_id)
                if group.says:
                    self._telling[computer_id].append(group_id)
        self._said: dict[tuple[frozenset[int], str | None], Said] = {}

    def of(self, computer_id: int) -> list[Group]:
        """Its groups in Patch Manager's order, the one that wins last."""
        groups = (self._groups[number] for number in self._all.get(computer_id, ()))
        return sorted(groups, key=lambda group: (group.rank, group.name))

    def says(self, computer_id: int, kind: str | None) -> Said:
        """What the groups give an endpoint of ``kind``. Policy groups that are not for that kind do not count."""
        numbers = self._telling.get(computer_id)
        if not numbers:
            return NOTHING
        key = (frozenset(numbers), kind)
        if key not in self._said:
            self._said[key] = _together([self._groups[number] for number in sorted(key[0])], kind)
        return self._said[key]

    def unknown_names(self) -> list[str]:
        """A warning of the names of groups, in options, that no RMM group has: nobody is in them. `OptionError` where
        the source itself names one whose members are kept from being patched: they would be patched.

        A tenant need not have every group that is one by default: it is told of such a name only where beside its place
        is a group that no option knows, which may be what it was renamed to.
        """
        names = [group.name for group in self._groups.values()]
        lost = self._rules.without_group(names)
        strange = self._strange(names, lost)
        strangers: list[str] = []
        told = []
        for row in lost:
            if row.bars and row.option in self._rules.given and row.pattern is None:
                raise OptionError(
                    row.option,
                    f"no RMM group has the name {row.name!r}, so that whom it keeps from being patched would be; write "
                    f"the full name that the group has in Automate, or leave it out{suggestion(row.name, names)}",
                )
            beside = strange.get(_parent(row.name), [])
            if row.option in self._rules.given or beside:
                told.append(f"{row.option} {row.name!r}")
                strangers += [name for name in beside if name not in strangers]
        if not told:
            return []
        known = f"; beside them, and known to no option: {', '.join(map(repr, strangers))}" if strangers else ""
        text = (
            f"no RMM group has the name, so that nobody is in it: option {', '.join(told)}{known}. "
            "Write the full names that the groups have in Automate, and leave out those that it does not have"
        )
        return [text]

    def _strange(self, names: Iterable[str], lost: Iterable[GroupName]) -> dict[str, list[str]]:
        """By the place they are in, the groups that no option knows and that are no place for others themselves."""
        places = {_parent(name) for name in (*names, *(row.name for row in lost))}
        found: dict[str, list[str]] = defaultdict(list)
        for group in self._groups.values():
            if not group.says and group.name.casefold() not in places and "." in group.name:
                found[_parent(group.name)].append(group.name)
        return found


def _parent(full_name: str) -> str:
    return full_name.casefold().rpartition(".")[0]


def _known_groups(snapshot: Snapshot, rules: Rules) -> dict[int, Group]:
    policies = {row_id(row, "GroupId"): row for row in snapshot.group_patching_policies}
    groups = {}
    for row in snapshot.groups:
        number, name = row_id(row, "Id"), str(row.get("FullName") or row.get("Name") or "")
        own = policies.get(number)
        rank = -1 if own is None or own.get("Priority") is None else row_id(own, "Priority")
        groups[number] = Group(name, rank, own, rules.meaning(name))
    return groups


def _together(groups: Sequence[Group], kind: str | None) -> Said:
    values: dict[str, Any] = {}
    doubts: dict[str, str] = {}
    for key in {key for group in groups for key in group.says}:
        voters = [group for group in groups if key in group.says]
        if key == "policy_group" and kind is not None:
            fitting = [group for group in voters if group.says[key] in POLICY_GROUPS[kind]]
            if not fitting:
                doubts[key] = f"{_names(voters)} is not for a {kind}: option {MAPS[key]}"
                continue
            voters = fitting
        top = max(group.rank for group in voters)
        winners = [group for group in voters if group.rank == top]
        if len({group.says[key] for group in winners}) == 1:
            values[key] = winners[0].says[key]
        else:
            place = "are not in Patch Manager's list" if top < 0 else f"have the same priority {top} in Patch Manager"
            doubts[key] = f"member of {_names(winners)}, which say different things and {place}"
    return Said(values, doubts)


def _names(groups: Sequence[Group]) -> str:
    return " and ".join(repr(group.name) for group in groups)
