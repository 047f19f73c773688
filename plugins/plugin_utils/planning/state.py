# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run through the flow hands from one pass to the next; all else is on the ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .plan import Plan


@dataclass(frozen=True)
class State:
    """The run began at `started`, the last of its passes was `planned` at that instant; the endpoints in `left` have
    nothing left to do in this run, `changed` are those that something was done to, `failed` says of those that
    failed why. At `rmm_failed` the RMM was asked in vain."""

    started: datetime | None = None
    planned: datetime | None = None
    left: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)
    rmm_failed: datetime | None = None

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> State:
        """Of `as_record`; of an empty one the state before the first pass."""
        if not record:
            return cls()
        started, planned, rmm_failed = (
            None if record[key] is None else datetime.fromisoformat(record[key])
            for key in ("started", "planned", "rmm_failed")
        )
        left, changed = frozenset(record["left"]), frozenset(record["changed"])
        return cls(started, planned, left, changed, dict(record["failed"]), rmm_failed)

    def as_record(self) -> dict[str, Any]:
        return {
            "started": self.started.isoformat() if self.started else None,
            "planned": self.planned.isoformat() if self.planned else None,
            "left": sorted(self.left),
            "changed": sorted(self.changed),
            "failed": dict(self.failed),
            "rmm_failed": self.rmm_failed.isoformat() if self.rmm_failed else None,
        }

    def after(self, plan: Plan, changed: Collection[str]) -> State:
        """After one more `plan`; `changed` are those that the steps before it did something to.

        Told or not, a run tries once to remind a user: nobody may be there any more, and until the user restarts
        nothing else is due. What was planned for the endpoint is done before it leaves.
        """
        leaving = {name for name, step in plan.steps.items() if step.ends or step.name == "remind"}
        failed = {name: step.why for name, step in plan.steps.items() if step.name == "fail"}
        return State(
            self.started or plan.now,
            plan.now,
            self.left | leaving,
            self.changed | frozenset(changed),
            {**self.failed, **failed},
            self.rmm_failed,
        )
