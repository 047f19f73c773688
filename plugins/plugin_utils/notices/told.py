# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that people are told at one instant: as events for the ledger, as words for the run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..ledger import Event
from . import coverage, renewals, reviews, soaks, strangers
from .letters import Letter
from .outlook import Outlook


@dataclass(frozen=True, slots=True)
class Told:
    """`changes` are events of what is new (soaks that passed, gaps); `letters` the tickets that there are to be, those
    of earlier runs among them; `words` what a run says of it, `warnings` what it warns of."""

    changes: list[Event]
    letters: list[Letter]
    words: str
    warnings: list[str]

    def events(self, outlook: Outlook, wanted: Collection[str]) -> list[Event]:
        """What the ledger does not have yet; `wanted` are the ids of the tickets that it has."""
        return self.changes + [one.event(outlook.now) for one in self.letters if one.id not in wanted]


def tell(outlook: Outlook) -> Told:
    """Reviews (section 4), exceptions (R2), soaks and the pilot's coverage (R5)."""
    waiting = reviews.reviews(outlook)
    exceptions = renewals.renewals(outlook)
    gates = soaks.gates(outlook.cases, outlook.settings(), outlook.known.promotions)
    gaps = coverage.gaps(outlook)
    return Told(
        changes=soaks.promotions(gates, outlook.now) + coverage.changes(outlook, gaps),
        letters=[
            *reviews.escalations(outlook, waiting),
            *renewals.letters(outlook, exceptions),
            *coverage.letters(outlook, gaps),
        ],
        words=soaks.in_words(gates, outlook.now)
        + reviews.in_words(waiting, outlook.now)
        + renewals.in_words(exceptions),
        warnings=coverage.warnings(gaps) + strangers.warnings(outlook),
    )
