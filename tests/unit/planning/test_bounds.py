# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No location has more installs under way, or begun in a minute, than its policy allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.planning.bounds import Bound, Place, within_bounds
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import Step

NOW = datetime(2026, 11, 11, 7, 5, tzinfo=UTC)
OFFICE: Place = ("Acme", "Office")
PLANT: Place = ("Acme", "Plant")
INSTALL = Step("install", "")


def ago(seconds: float, place: Place = OFFICE) -> tuple[Place, datetime]:
    return place, NOW - timedelta(seconds=seconds)


def started(bound: Bound, under_way: list[tuple[Place, datetime]], due: int = 5, place: Place = OFFICE) -> list[str]:
    steps = {f"WS{number}": INSTALL for number in range(due)}
    running = {f"other{number}": one for number, one in enumerate(under_way)}
    got = within_bounds(steps, dict.fromkeys(steps, place), dict.fromkeys(steps, bound), running, NOW)
    assert {step.name for step in got.values()} <= {"install", "wait"}
    return [name for name, step in got.items() if step.name == "install"]


@pytest.mark.parametrize(
    ("bound", "under_way", "names"),
    [
        (Bound(2, None), [], ["WS0", "WS1"]),  # first by name
        (Bound(2, None), [ago(3000)], ["WS0"]),
        (Bound(2, None), [ago(3000), ago(10)], []),
        (Bound(2, None), [ago(3000, PLANT), ago(10, PLANT)], ["WS0", "WS1"]),  # another location's
        (Bound(None, 2), [ago(61)], ["WS0", "WS1"]),  # longer than a minute ago
        (Bound(None, 2), [ago(59)], ["WS0"]),
        (Bound(3, 2), [ago(61), ago(62)], ["WS0"]),  # the tighter one
        (Bound(None, None), [ago(1)] * 9, ["WS0", "WS1", "WS2", "WS3", "WS4"]),
    ],
)
def test_who_may_start(bound: Bound, under_way: list[tuple[Place, datetime]], names: list[str]) -> None:
    assert started(bound, under_way) == names


def test_who_waits_is_told_why_and_until_when() -> None:
    steps = {"WS0": INSTALL, "WS1": INSTALL}
    got = within_bounds(
        steps, dict.fromkeys(steps, OFFICE), dict.fromkeys(steps, Bound(None, 1)), {"x": ago(20)}, NOW
    )  # fmt: skip
    assert "Acme, Office" in got["WS0"].why
    assert got["WS0"].until == got["WS1"].until == NOW + timedelta(seconds=40)


def test_other_steps_and_endpoints_without_a_location_are_left_alone() -> None:
    steps = {"A": Step("reboot", ""), "B": INSTALL, "C": Step("look", "")}
    assert within_bounds(steps, {"A": OFFICE, "C": OFFICE}, {"B": Bound(1, 1)}, {"x": ago(1)}, NOW) == steps


@given(
    st.lists(st.tuples(st.sampled_from([OFFICE, PLANT]), st.floats(0, 200)), max_size=8),
    st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.sampled_from([OFFICE, PLANT]), max_size=12),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_never_more_than_allowed_and_as_many_as_allowed(
    running: list[tuple[Place, float]], places: dict[str, Place], at_once: int, per_minute: int
) -> None:
    under_way = {f"x{n}": ago(seconds, place) for n, (place, seconds) in enumerate(running)}
    steps = dict.fromkeys(places, INSTALL)
    got = within_bounds(steps, places, dict.fromkeys(places, Bound(at_once, per_minute)), under_way, NOW)
    for place in (OFFICE, PLANT):
        there = [since for where, since in under_way.values() if where == place]
        lately = [since for since in there if NOW - since < timedelta(minutes=1)]
        due = [name for name in places if places[name] == place]
        begun = [name for name in due if got[name].name == "install"]
        room = max(0, min(at_once - len(there), per_minute - len(lately)))
        assert len(begun) == min(room, len(due))
