# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is told about: one endpoint, what was decided for it, and everything that rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ..flow import Decision, Endpoint, Settings, Update
from .prose import Prose
from .steps import Step

if TYPE_CHECKING:
    from ..flow.approval import Outcome
    from ..flow.case import Case
    from ..flow.register import Hold
    from ..flow.soak import Soak
    from ..ledger.register import Progress


@dataclass(frozen=True, slots=True)
class Subject:
    """`case` is what the nodes of the flow were asked about, `failures` the texts of the endpoint's open failures,
    `holder` the run that is at it, in words."""

    case: Case
    decision: Decision
    progress: Progress
    step: Step
    prose: Prose
    failures: Sequence[str] = ()
    holder: str | None = None

    @property
    def endpoint(self) -> Endpoint:
        return self.case.endpoint

    @property
    def settings(self) -> Settings:
        return self.case.settings

    @property
    def updates(self) -> Sequence[Update]:
        return self.case.updates or ()

    def outcome(self, update: Update) -> Outcome:
        return self.case.facts.outcome(update, self.endpoint.client, self.settings)

    @property
    def approved(self) -> list[Update]:
        return [update for update in self.updates if self.outcome(update).node is None]

    @property
    def holds(self) -> list[Hold]:
        return list(self.case.facts.holds_on(self.endpoint, [lane.cycle for lane in self.case.lanes()]))

    def soak(self, update: Update) -> Soak:
        return self.case.facts.soak.judge(update, self.endpoint, self.settings, self.case.lane_of(update))

    def wanted_soak(self, update: Update) -> timedelta:
        lane = self.case.lane_of(update)
        return self.settings.soak if lane is None else lane.soak
