# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One endpoint's walk through the flow: what the nodes are asked about, and how they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from .approval import Outcome
from .decision import LeftOut
from .records import Endpoint, Update
from .register import EndpointState, Exclusion
from .settings import Lane, Settings

if TYPE_CHECKING:
    from .facts import Facts


@dataclass(frozen=True, slots=True)
class Verdict:
    """A node's answer that ends the walk."""

    action: str
    node: str
    reason: str
    until: datetime | None = None


Answer = Verdict | str | None
"""A node answers with a verdict, or goes on: with a few words for the path, or None for a plain no."""


@dataclass(slots=True)
class Case:
    """One endpoint at one instant. ``exclusions`` are all exceptions that cover it, whether they count or not;
    ``through`` shrinks as nodes leave updates out, with the reason."""

    endpoint: Endpoint
    updates: Sequence[Update] | None
    settings: Settings
    state: EndpointState
    exclusions: Sequence[Exclusion]
    facts: Facts
    now: datetime
    zone: str = ""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    through: list[Update] = field(default_factory=list)
    left_out: dict[str, LeftOut] = field(default_factory=dict)

    def leave_out(self, update: Update, node: str, reason: str, until: datetime | None = None) -> None:
        self.left_out[update.id] = LeftOut(update.id, node, reason, until)

    def lanes(self) -> list[Lane]:
        """The out-of-band cycles that are open now (R3)."""
        return [lane for lane in self.settings.out_of_band if lane.start <= self.now < lane.end]

    def lane_of(self, update: Update) -> Lane | None:
        """The one whose soak is the update's; one that would make it longer is none: a lane shortens it (R3)."""
        holding = [lane for lane in self.lanes() if lane.holds(update) and lane.soak < self.settings.soak]
        return min(holding, key=lambda lane: lane.soak, default=None)
