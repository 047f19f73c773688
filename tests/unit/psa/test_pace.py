# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No more requests in any minute than the rate, whatever the rhythm they are wanted in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.channel import Budget, SpentError
from ansible_collections.msp.patching.plugins.plugin_utils.psa.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(st.integers(1, 20), st.lists(st.floats(0, 30), min_size=1, max_size=80))
def test_any_minute_holds_at_most_the_rate(rate: int, pauses: list[float]) -> None:
    clock = Clock()
    pace = Pace(rate, monotonic=clock, sleep=clock.sleep)
    made = []
    for pause in pauses:
        clock.now += pause
        pace.request()
        made.append(clock.now)
    for at in made:
        assert sum(at <= one < at + 59.999 for one in made) <= rate


def test_the_first_ones_wait_for_nothing() -> None:
    clock = Clock()
    pace = Pace(60, monotonic=clock, sleep=clock.sleep)
    for dummy in range(60):
        pace.request()
    assert clock.now == 0
    pace.request()
    assert clock.now == 60


def test_a_budget_is_not_slept_away() -> None:
    clock = Clock()
    budget = Budget(30, monotonic=clock, sleep=clock.sleep)
    pace = Pace(1, monotonic=clock, sleep=budget.wait)
    pace.request()
    with pytest.raises(SpentError):
        pace.request()
    assert clock.now == 0
    budget.wait(30)
    with pytest.raises(SpentError):
        budget.check()
