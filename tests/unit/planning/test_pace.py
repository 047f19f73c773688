# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a pass waits: soon for what is young, within the run's passes for what is old."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.planning.pace import LONGEST, Pace

EARLY = Pace(passed=3, passes=320, remaining=7200)


@pytest.mark.parametrize(
    ("ages", "due_in", "seconds"),
    [
        ([], [], 0),  # nothing to wait for
        ([2], [], 1),  # young: a second
        ([400], [], 40),  # a tenth
        ([400, 3600], [], 40),  # the youngest decides
        ([36000], [], LONGEST),  # never silent for longer
        ([400], [5], 5),  # a retry is due before that
        ([400], [-5], 0),  # it is due already
    ],
)
def test_waits(ages: list[float], due_in: list[float], seconds: float) -> None:
    assert EARLY.wait(ages, due_in) == pytest.approx(seconds)


@given(limit=st.floats(60, 8 * 3600), restarts=st.integers(1, 20))
def test_the_passes_last_for_the_longest_job(limit: float, restarts: int) -> None:
    """Also where something young starts again and again, as servers that take turns do (R6)."""
    elapsed, passes = 0.0, 320
    for passed in range(passes):
        age = elapsed % (limit / restarts)
        elapsed += Pace(passed, passes, max(0.0, limit - elapsed)).wait([age])
    assert elapsed >= limit * 0.99


@given(st.floats(1, 4 * 3600))
def test_the_end_of_a_job_is_noticed_in_time(length: float) -> None:
    elapsed, passed = 0.0, 0
    while elapsed < length:
        elapsed += Pace(passed, 320, 6 * 3600 - elapsed).wait([elapsed])
        passed += 1
    assert elapsed - length <= max(1.0, 0.05 * length, LONGEST)
