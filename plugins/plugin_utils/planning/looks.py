# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which looks of a plan are due, and how long a pass waits where nothing else is: `pace` on the endpoints of a run.

Pure, as the plan is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from .pace import looks_by, next_look, wait
from .plan import Plan
from .steps import under_way_since


@dataclass(frozen=True)
class Looks:
    """The looks of a `plan` that follows on one made at the instant `before`, in a time that runs `speed` times as fast
    as the real one (a lab's). The endpoints `woken` are waited for until they accept a connection."""

    plan: Plan
    before: datetime
    speed: float = 1.0
    woken: Collection[str] = ()

    def pause(self) -> float:
        """Real seconds until something is due: 0 where a step is that looks after nothing, or where nobody is left."""
        steps = self.plan.steps
        if all(step.ends for step in steps.values()):
            return 0.0
        if any(step.acts and name not in self._ages for name, step in steps.items()):
            return 0.0
        looks = [0.0 if self._is_due(age) else next_look(age) for age in self._ages.values()]
        waiting = {name: step for name, step in steps.items() if step.name == "wait"}
        due = [at for name, step in waiting.items() for at in (step.until, self.plan.progress[name].retry_at) if at]
        return wait([*looks, *(self._seconds(at - self.plan.now) for at in due)])

    def in_time(self) -> Plan:
        """The plan without the looks that have not become due since the one before: who was looked at a moment ago is
        told nothing, and stays at what it is at."""
        early = {name for name, age in self._ages.items() if not self._is_due(age)}
        steps = self.plan.steps
        return replace(
            self.plan, steps={name: step for name, step in steps.items() if not (name in early and step.acts)}
        )

    def _is_due(self, age: float) -> bool:
        return looks_by(age) > looks_by(age - self._seconds(self.plan.now - self.before))

    @cached_property
    def _ages(self) -> dict[str, float]:
        """Of the endpoints on which something is under way, since how many real seconds it is."""
        plan = self.plan
        begun = {name: under_way_since(step, plan.progress[name]) for name, step in plan.steps.items()}
        begun |= {name: plan.progress[name].woken_at for name in self.woken if plan.steps[name].name == "wait"}
        return {name: self._seconds(plan.now - at) for name, at in begun.items() if at is not None}

    def _seconds(self, duration: timedelta) -> float:
        return duration.total_seconds() / self.speed
