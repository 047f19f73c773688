# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where endpoints stand, by what the plans of a run ordered; and what is said of it, in lines and in a view."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ansible_collections.msp.patching.plugins.plugin_utils.planning.calls import STEPS
from ansible_collections.msp.patching.plugins.plugin_utils.progress import lines
from ansible_collections.msp.patching.plugins.plugin_utils.progress.board import DOING, STATES, THROUGH, Board
from ansible_collections.msp.patching.plugins.plugin_utils.progress.live import view

NOW = datetime(2026, 11, 11, 2, 5, tzinfo=UTC)
"""Steps that have no state of their own; the last is ordered by no plan."""


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def walked(*steps: str, name: str = "WS01", ring: str = "pilot", board: Board | None = None) -> Board:
    """A board on which an endpoint took these steps, one a minute."""
    board = board or Board()
    board.open({name: ring}, NOW)
    for count, step in enumerate(steps, 1):
        board.take({name: {"step": step, "why": f"why {step}"}}, minutes(count))
    return board


def test_each_step_of_the_flow_has_a_state() -> None:
    assert {*STEPS, "wait"} == {*DOING, "look"}


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([], "due"),
        (["scan", "look", "look"], "searching"),
        (["scan", "look", "install", "look"], "installing"),
        (["look"], "under way"),
        (["install", "look", "reboot", "confirm", "validate"], "validating"),
        (["install", "reboot", "validate", "scan", "look", "leave"], "patched"),
        (["install", "reboot", "confirm", "wait", "validate", "leave"], "patched"),
        (["scan", "look", "leave"], "left"),
        (["validate", "install", "look", "leave"], "left"),
        (["install", "validate", "fail"], "FAILED"),
    ],
)
def test_the_state_follows_from_the_steps(steps: list[str], state: str) -> None:
    assert walked(*steps).counts() == {state: 1}


def test_a_change_is_told_once_and_counted_from_when_it_began() -> None:
    board = walked("install")
    assert board.take({"WS01": {"step": "look", "why": ""}}, minutes(9)) == []
    assert board.places["WS01"].since == minutes(1)
    (place,) = board.take({"WS01": {"step": "reboot", "why": ""}}, minutes(10))
    assert (place.state, place.since) == ("restarting", minutes(10))


def test_how_far_a_pass_is_is_told_while_it_is_under_way() -> None:
    board = Board()
    steps = {"WS01": "scan", "WS02": "look", "WS03": "wait", "WS04": "leave"}
    board.take({name: {"step": step, "why": ""} for name, step in steps.items()}, NOW)
    assert lines.now_in(board) == "0 of 2 visited now"
    for name in ("WS01", "WS01", "WS03", "somebody-else"):
        board.answered(name, yes=False)
    assert lines.now_in(board) == "1 of 2 visited now"
    assert "1 of 2 visited now" in lines.standing(board, NOW)
    board.answered("WS02", yes=True)
    assert lines.now_in(board) == ""
    assert "visited" not in lines.standing(board, NOW)
    board.take({"WS01": {"step": "install", "why": ""}}, NOW)
    assert lines.now_in(board) == "0 of 1 visited now"


def test_that_an_endpoint_does_not_answer_is_news_unless_it_restarts() -> None:
    board = walked("scan")
    assert board.answered("WS01", yes=False) is board.places["WS01"]
    assert board.answered("WS01", yes=False) is None
    assert board.counts() == {"not answering": 1}
    assert board.answered("WS01", yes=True) is board.places["WS01"]
    restarting = walked("reboot")
    assert restarting.answered("WS01", yes=False) is None
    assert restarting.counts() == {"restarting": 1}
    assert restarting.answered("somebody-else", yes=False) is None


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["A", "B", "C", "D"]), st.sampled_from([*DOING, "look", "leave", "fail"]), max_size=4
        ),
        max_size=12,
    )
)
def test_nobody_is_lost_and_nobody_counted_twice(passes: list[dict[str, str]]) -> None:
    board = Board()
    board.open({"A": "pilot", "B": "regular", "C": None}, NOW)
    for count, steps in enumerate(passes):
        board.take({name: {"step": step, "why": "because"} for name, step in steps.items()}, minutes(count))
    counts = board.counts()
    assert sum(counts.values()) == len(board.places) == len({"A", "B", "C"} | {name for one in passes for name in one})
    assert set(counts) <= set(STATES)
    assert sum(board.through(ring) for ring in board.rings()) == board.through() == sum(counts[one] for one in THROUGH)
    going = board.in_flight()
    assert going == sorted(going, key=lambda place: (place.since, place.name))


# -- lines ------------------------------------------------------------------------------------------------------------


def fleet(count: int, step: str) -> Board:
    board = Board()
    board.open({f"WS{number:03d}": "pilot" if number % 3 else "regular" for number in range(count)}, NOW)
    board.take({name: {"step": step, "why": "nothing is approved"} for name in board.places}, minutes(1))
    return board


def test_a_thousand_endpoints_are_one_line() -> None:
    (line,) = lines.changes(fleet(1000, "install").places.values(), names=3)
    assert line == "1000 installing in regular 334, pilot 666: WS000, WS001, WS002 and 997 more"


def test_those_that_leave_are_told_by_reason_and_failures_by_their_task() -> None:
    board = walked("leave", name="A")
    walked("leave", name="B", board=board)
    walked("fail", name="C", board=board)
    assert lines.changes(board.places.values(), names=5) == ["2 left (why leave): A, B"]
    board.places["B"].why = "w " * 300
    assert max(map(len, lines.changes(board.places.values(), names=5))) < 250


def test_many_reasons_are_not_many_lines() -> None:
    board = fleet(40, "leave")
    for number, place in enumerate(board.places.values()):
        place.why = f"reason {number}"
    told = lines.changes(board.places.values(), names=2)
    assert len(told) == 7
    assert told[-1] == "34 left for other reasons"


def test_how_it_stands_names_the_slowest() -> None:
    board = walked("scan", "look", name="A")
    walked("install", name="B", board=board)
    walked("leave", name="C", board=board)
    board.places["A"].since = NOW
    assert (
        lines.standing(board, minutes(65))
        == "1 of 3 through; 1 searching, 1 installing; longest: A searching for 1h 05m"
    )
    assert lines.closing(board, timedelta(seconds=75)) == "1 searching, 1 installing, 1 left in 1m 15s"
    assert lines.broken_off(board, 5) == "ended before its end; the next run takes up 2 that were under way: A, B"


def test_the_end_of_a_run_with_nothing_under_way_says_so() -> None:
    assert "nothing was under way" in lines.broken_off(walked("leave"), 5)


# -- the view ---------------------------------------------------------------------------------------------------------


def drawn(board: Board, *, width: int, height: int) -> list[str]:
    text = io.StringIO()
    console = Console(file=text, width=width, height=height, no_color=True)
    console.print(view(board, "cycle", NOW, minutes(6), height))
    return text.getvalue().splitlines()


def test_the_view_has_a_row_for_each_ring_and_the_slowest_below() -> None:
    board = fleet(30, "install")
    walked("fail", name="OLD", ring="production", board=board)
    told = drawn(board, width=120, height=40)
    assert "cycle" in told[1]
    assert "1 of 31 through" in told[1]
    assert [line.split()[0] for line in told[3:6]] == ["pilot", "regular", "production"]
    assert told[2].split()[-2:] == ["installing", "FAILED"]
    assert told[-1].strip() == "and 22 more"


@pytest.mark.parametrize("height", [8, 12, 24, 60])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_view_leaves_room_above_it(width: int, height: int) -> None:
    told = drawn(fleet(500, "install"), width=width, height=height)
    assert len(told) <= max(5, height - 6)
    assert max(map(len, told)) <= width
