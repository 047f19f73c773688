# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one pass hands to the next."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import Plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.state import State
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import Step

NOW = datetime(2026, 11, 11, 7, 5, tzinfo=UTC)
NAMES = st.frozensets(st.text(min_size=1, max_size=5), max_size=4)
STATES = st.builds(
    State,
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
    NAMES,
    NAMES,
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=9), max_size=3),
    st.none() | st.datetimes(timezones=st.just(UTC)),
)


def plan(now: datetime = NOW, /, **steps: str) -> Plan:
    """Only what a state looks at."""
    made: Any = SimpleNamespace(now=now, steps={name: Step(step, f"{name} {step}") for name, step in steps.items()})
    return cast("Plan", made)


@given(STATES)
def test_it_survives_a_variable_of_ansible(state: State) -> None:
    assert State.parse(json.loads(json.dumps(state.as_record()))) == state


def test_before_the_first_pass_there_is_none() -> None:
    assert State.parse({}) == State()
    assert State.parse(State().as_record()) == State()


def test_who_leaves_fails_or_is_reminded_has_left() -> None:
    state = State().after(plan(A="look", B="leave", C="fail", D="remind", E="wait"), [])
    assert state == State(NOW, NOW, frozenset("BCD"), frozenset(), {"C": "C fail"})


def test_nothing_of_earlier_passes_is_forgotten() -> None:
    first = State().after(plan(A="install", B="fail"), [])
    later = NOW + timedelta(seconds=9)
    assert State(rmm_failed=NOW).after(plan(later), []).rmm_failed == NOW
    state = first.after(plan(later, A="leave"), ["A"])
    assert state == State(NOW, later, frozenset("AB"), frozenset("A"), {"B": "B fail"})
