# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a system is waited for that asks for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.channel import Budget, SpentError


class Time:
    """Stands still but for what is slept."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def budget(self, seconds: float) -> Budget:
        return Budget(seconds, monotonic=self.monotonic, sleep=self.sleep)


@pytest.mark.parametrize(("seconds", "waits"), [(0.5, True), (10.0, True), (10.1, False)])
def test_no_longer_than_is_left(seconds: float, waits: bool) -> None:
    time = Time()
    budget = time.budget(10.0)
    assert budget.waited(seconds) is waits
    assert time.now == (seconds if waits else 0.0)


@pytest.mark.parametrize("spend", [lambda budget: budget.wait(1.0), lambda budget: budget.check()])
def test_who_cannot_go_on_without_is_told_that_it_is_spent(spend: Callable[[Budget], None]) -> None:
    budget = Time().budget(0.0)
    with pytest.raises(SpentError):
        spend(budget)
