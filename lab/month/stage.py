# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays a script on a lab. The clock stands still between the runs, so that a slow machine sees the same month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ..client import LabClient
from .script import Act, Breaks, Changes, Decides, Mends, Restarts, Step

FASTEST, SLOWEST = 90.0, 15.0
"""Lab seconds per second while a run runs: at best, an install of five minutes takes some three seconds."""
LONGEST_RUN = timedelta(minutes=18)
"""Lab time that a run is to take: windows are two hours, and a machine that is slow today lets the clock run slower."""
BY_HAND = 45.0
"""Lab seconds a restart by hand takes."""


class Players(Protocol):
    """Who calls the playbooks, and tells whoever watches."""

    def announce(self, step: Step) -> None: ...

    def happens(self, act: Act) -> None:
        """Something that needs no playbook happens now."""

    def decide(self, decisions: Sequence[Decides]) -> None:
        """Call the playbooks of people's decisions, who do not wait for each other; each has to succeed."""

    def cycle(self, step: Step) -> None:
        """Call the playbook cycle."""


@dataclass
class Stage:
    """A lab in which a script is played; `decided` keeps each decision with its instant."""

    lab: LabClient
    players: Players
    speed: float = FASTEST
    decided: list[tuple[datetime, Decides]] = field(default_factory=list)

    def play(self, steps: Iterable[Step]) -> None:
        self.lab.speed(0)
        for step in steps:
            self.players.announce(step)
            for acts in _at_once(step.before):
                if acts[0].at is not None:
                    self._go_to(acts[0].at.instant)
                self._act(acts)
            self._go_to(step.hour.instant)
            self._run(step)

    def _run(self, step: Step) -> None:
        began = self.now
        self.lab.speed(self.speed)
        try:
            self.players.cycle(step)
        finally:
            self.lab.speed(0)
        took = max(self.now - began, timedelta(seconds=1))
        self.speed = max(SLOWEST, min(FASTEST, self.speed * min(1.3, LONGEST_RUN / took)))

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.lab.clock()["now"]).astimezone(UTC)

    def _go_to(self, instant: datetime) -> None:
        """Nothing is done where it is later already: the run before took longer than the script thinks."""
        if self.now < instant:
            self.lab.set_clock(instant.isoformat())

    def _act(self, acts: Sequence[Act]) -> None:
        decisions = [act for act in acts if isinstance(act, Decides)]
        if decisions:
            self.decided += [(self.now, decision) for decision in decisions]
            self.players.decide(decisions)
        for act in acts:
            if not isinstance(act, Decides):
                self._happen(act)
                self.players.happens(act)

    def _happen(self, act: Restarts | Changes | Breaks | Mends) -> None:
        match act:
            case Restarts():
                self.lab.update_machine(act.machine, power="off")
                self.lab.advance(BY_HAND)
                self.lab.update_machine(act.machine, power="on", users=[act.user] if act.user else [])
            case Changes():
                self.lab.update_machine(act.machine, **act.state)
            case Breaks():
                self.lab.inject(act.fault)
            case Mends():
                for fault in self.lab.faults():
                    if act.target in (None, fault["target"]):
                        self.lab.remove_fault(fault["id"])


def _at_once(acts: Iterable[Act]) -> Iterator[list[Act]]:
    """Decisions that follow each other without another hour between them, together; everything else one by one."""
    together: list[Act] = []
    for act in acts:
        if together and not (isinstance(act, Decides) and isinstance(together[-1], Decides) and act.at is None):
            yield together
            together = []
        together.append(act)
    if together:
        yield together
