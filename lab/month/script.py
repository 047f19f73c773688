# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words a month is written in. Wall times are told with their zone, as people and schedulers mean them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

NEW_YORK, CHICAGO, LOS_ANGELES = "America/New_York", "America/Chicago", "America/Los_Angeles"


@dataclass(frozen=True, slots=True)
class Hour:
    """A wall time such as ``2026-10-14 02:05``; `again` is its second occurrence, where the clock is set back."""

    wall: str
    zone: str = NEW_YORK
    again: bool = False

    @property
    def instant(self) -> datetime:
        wall = datetime.fromisoformat(self.wall).replace(tzinfo=ZoneInfo(self.zone), fold=int(self.again))
        return wall.astimezone(UTC)

    def __str__(self) -> str:
        place = self.zone.partition("/")[2].replace("_", " ")
        again = ", for the second time" if self.again else ""
        return f"{datetime.fromisoformat(self.wall):%a %d %b %Y, %H:%M} in {place}{again}"


@dataclass(frozen=True, slots=True)
class Decides:
    """A person decides something, with the playbook of that name."""

    by: str
    playbook: str
    arguments: Mapping[str, str]
    at: Hour | None = None

    @property
    def words(self) -> list[str]:
        """The extra vars of the call, as somebody types them."""
        given = {**self.arguments, "by": self.by}
        return [
            word
            for key, value in given.items()
            for word in ("-e", f"{key}='{value}'" if " " in value else f"{key}={value}")
        ]


@dataclass(frozen=True, slots=True)
class Restarts:
    """Somebody restarts a machine by hand; `user` logs on again afterwards."""

    who: str
    machine: str
    user: str | None = None
    at: Hour | None = None

    def __str__(self) -> str:
        return f"{self.who} restarts {self.machine} by hand"


@dataclass(frozen=True, slots=True)
class Changes:
    """Something about a machine changes, by itself or by hand: `state` as ``LabClient.update_machine`` takes it."""

    what: str
    machine: str
    state: Mapping[str, Any]
    at: Hour | None = None

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Breaks:
    """Something goes wrong from here on: `fault` as `lab.faults` has it."""

    what: str
    fault: Mapping[str, Any]
    at: Hour | None = None

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Mends:
    """What is broken of a machine, of ``automate`` or of ``psa`` is mended; without `target` all that is."""

    what: str
    target: str | None = None
    at: Hour | None = None

    def __str__(self) -> str:
        return self.what


Act = Decides | Restarts | Changes | Breaks | Mends


@dataclass(frozen=True, slots=True)
class Step:
    """The playbook ``cycle`` is called at `hour`, and `why` it is worth it; the acts of `before` come first.

    `red`: something fails on purpose, so that the run may end red.
    """

    hour: Hour
    why: str
    before: tuple[Act, ...] = field(default=())
    red: bool = False
