# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each endpoint of a run stands, as far as Ansible's own results tell.

It knows what the plans of the run ordered and who did not answer; it reads neither ledger nor clock. What became of an
endpoint in the end is told by the run's summary, which the ledger is read for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..visible import one_line

DUE, UNDER_WAY, SILENT = "due", "under way", "not answering"
PATCHED, LEFT, FAILED = "patched", "left", "FAILED"

DOING = {
    "wait": "waiting",
    "wake": "waking",
    "see": "looked at",
    "scan": "searching",
    "install": "installing",
    "reboot": "restarting",
    "confirm": "restarting",
    "validate": "validating",
    "remind": "reminding",
}
"""By step of the role ``flow``, the state of an endpoint that takes it. A ``look`` leaves it in the state it is in."""

IDLE = ("wait", "leave", "fail")
"""Steps in which the endpoint is not connected to."""

THROUGH = (PATCHED, LEFT, FAILED)
"""States that an endpoint does not leave in this run."""

STATES = (DUE, *dict.fromkeys(DOING.values()), UNDER_WAY, SILENT, *THROUGH)
"""In the order in which they are shown."""

NO_RING = "–"


@dataclass(slots=True)
class Place:
    """Where one endpoint stands: since when, and why where the plan says so."""

    name: str
    ring: str
    since: datetime
    state: str = DUE
    why: str = ""
    silent: bool = False
    validated: bool = False

    @property
    def shown(self) -> str:
        """The state, or that it does not answer. One that restarts need not."""
        return SILENT if self.silent and self.state not in (*THROUGH, "restarting") else self.state


@dataclass(slots=True)
class Board:
    """The endpoints that a run has to do with, by name."""

    places: dict[str, Place] = field(default_factory=dict)
    ordered: set[str] = field(default_factory=set)
    """Those to whom the pass that is under way goes."""
    visited: set[str] = field(default_factory=set)
    """Those of them that it has been to."""

    def open(self, rings: Mapping[str, str | None], now: datetime) -> None:
        """These endpoints are due; `rings` has the ring of each, None where it has none."""
        for name, ring in rings.items():
            self.places.setdefault(name, Place(name, ring or NO_RING, now))

    def take(self, steps: Mapping[str, Mapping[str, Any]], now: datetime) -> list[Place]:
        """The steps that a plan ordered (``step``, ``why``); gives those whose state is another than before."""
        changed = []
        self.ordered = {name for name, order in steps.items() if order["step"] not in IDLE}
        self.visited.clear()
        for name, order in steps.items():
            place = self.places.setdefault(name, Place(name, NO_RING, now))
            before = place.shown
            self._go(place, str(order["step"]), str(order.get("why", "")), now)
            if place.shown != before:
                changed.append(place)
        return changed

    def _go(self, place: Place, step: str, why: str, now: datetime) -> None:
        place.why = one_line(why)
        if step == "look":
            state = place.state if place.state in ("searching", "installing") else UNDER_WAY
        elif step == "leave":
            state = PATCHED if place.validated else LEFT
        elif step == "fail":
            state = FAILED
        else:
            state = DOING[step]
        place.validated = step == "validate" or (place.validated and step not in ("install", "fail"))
        self._set(place, state, now)

    def fail(self, name: str, why: str, now: datetime) -> None:
        """Its task failed for good."""
        place = self.places.setdefault(name, Place(name, NO_RING, now))
        place.why = one_line(why)
        self._set(place, FAILED, now)

    def answered(self, name: str, *, yes: bool) -> Place | None:
        """Whether the endpoint answered; gives it where that is news to people."""
        self.visited.update({name} & self.ordered)
        place = self.places.get(name)
        if place is None:
            return None
        before = place.shown
        place.silent = not yes
        return place if place.shown != before else None

    @staticmethod
    def _set(place: Place, state: str, now: datetime) -> None:
        if place.state != state:
            place.state, place.since = state, now

    def counts(self, ring: str | None = None) -> Counter[str]:
        """How many endpoints are in each state, in all rings or one."""
        return Counter(place.shown for place in self.places.values() if ring is None or place.ring == ring)

    def rings(self) -> list[str]:
        """The rings that endpoints of the run are in, pilot first."""
        known = ("pilot", "mosttest", "regular", "production")
        found = {place.ring for place in self.places.values()}
        return [*(ring for ring in known if ring in found), *sorted(found.difference(known))]

    def in_flight(self) -> list[Place]:
        """Those the run is not through with, the one that has been at the same thing for longest first."""
        left = (place for place in self.places.values() if place.state not in (*THROUGH, DUE))
        return sorted(left, key=lambda place: (place.since, place.name))

    def through(self, ring: str | None = None) -> int:
        """How many endpoints the run is through with."""
        counts = self.counts(ring)
        return sum(counts[state] for state in THROUGH)


def in_order(counts: Mapping[str, int], states: Iterable[str] = STATES) -> list[tuple[str, int]]:
    """The states that somebody is in, with how many, in the order in which they are shown."""
    return [(state, counts[state]) for state in states if counts.get(state)]
