# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a pass waits before it looks again.

What started a moment ago is looked at soon, what has run for an hour is looked at every two minutes: a wait is a tenth
of the youngest age, so that nothing is noticed more than 10 % late, and never under a second. A look costs the control
node as much as a start does, and there are many more of them. A run has
a fixed number of passes; after its first quarter, the rest of the time is spread over the rest of the passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHARE = 0.1
SHORTEST = 1.0
LONGEST = 120.0  # seconds: a run that is silent for longer is taken for dead by schedulers


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a run stands: `passed` of `passes` are used, `remaining` seconds until the last time limit."""

    passed: int
    passes: int
    remaining: float

    def wait(self, ages: Iterable[float], due_in: Iterable[float] = ()) -> float:
        """Real seconds to wait, for things under way since `ages` seconds and others due in `due_in` seconds.

        Nothing under way and nothing due: 0.
        """
        looks = [max(SHORTEST, SHARE * age) for age in ages]
        looks += [max(0.0, due) for due in due_in]
        if not looks:
            return 0.0
        left = self.passes - self.passed
        spread = self.remaining / left if 0 < left < self.passes * 3 / 4 else 0.0
        return min(max(min(looks), spread), LONGEST)
