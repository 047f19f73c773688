# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When what is under way is looked at: soon for what is young, seldom for what is old, each by its own start."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.planning.pace import (
    AGES,
    BREATH,
    LONGEST,
    PATIENCE,
    SHARE,
    SHORT,
    apart,
    looks_by,
    next_look,
    wait,
)

HOURS = 3600


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        (-5, 6),  # it begins in five seconds
        (0, 1),  # begun this instant
        (1, 1),  # and then every two
        (2, 2),
        (10.5, 1.5),
        (AGES[-1], LONGEST),  # never seldomer than that
        (AGES[-1] + 5 * LONGEST + 20, LONGEST - 20),
    ],
)
def test_the_next_look(age: float, seconds: float) -> None:
    assert next_look(age) == pytest.approx(seconds)


def test_what_is_older_is_looked_at_less_often() -> None:
    gaps = [after - before for before, after in pairwise([0.0, *AGES, AGES[-1] + next_look(AGES[-1])])]
    assert gaps == sorted(gaps)
    assert gaps[0] == 1
    assert gaps[-1] == LONGEST


@given(st.floats(0, 48 * HOURS), st.floats(0, 4 * HOURS))
def test_a_look_is_due_once(age: float, more: float) -> None:
    """Whenever passes are: who was looked at is due again when the next look's age is reached, and not before."""
    assert (looks_by(age + more) > looks_by(age)) == (more >= next_look(age)) or more == pytest.approx(next_look(age))


@given(st.floats(0, 8 * HOURS), st.lists(st.floats(0.5, 300), min_size=1, max_size=60))
def test_the_end_is_noticed_in_time(length: float, passes: list[float]) -> None:
    """However far the passes are apart: a look that is due is made by the next one."""
    before, age, noticed = 0.0, 0.0, None
    for gap in (*passes, *[10.0] * 10_000):
        before, age = age, age + gap
        if looks_by(age) > looks_by(before) and age >= length:
            noticed = age
            break
    assert noticed is not None
    assert noticed - length <= max(SHORT, min(SHARE * length, LONGEST)) + max(gap, 10.0) + max(passes)


@given(st.floats(0, 30 * 24 * HOURS))
def test_passes_are_apart(lasted: float) -> None:
    assert BREATH <= apart(lasted) <= LONGEST


def test_a_day_is_a_thousand_passes() -> None:
    lasted, passes = 0.0, 0
    while lasted < 24 * HOURS:
        lasted += apart(lasted)
        passes += 1
    assert 500 < passes < 1_500


@pytest.mark.parametrize(
    ("due_in", "seconds"),
    [
        ([40, 5], 5),  # the first decides
        ([-5, 9], 0),  # it is due already
        ([36000], LONGEST),  # never silent for longer
        ([], PATIENCE),  # another run is at it
    ],
)
def test_waits(due_in: list[float], seconds: float) -> None:
    assert wait(due_in) == seconds
