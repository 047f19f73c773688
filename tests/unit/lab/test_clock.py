# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from lab.clock import ClockError, LabClock, iso, parse_instant

START = datetime(2026, 11, 11, 8, tzinfo=UTC)


class Real:
    """Real time that moves by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_runs_at_its_speed_and_keeps_what_passed_when_that_changes() -> None:
    real = Real()
    clock = LabClock(START, 60, real)
    real.seconds += 2
    assert clock.now() == START + timedelta(minutes=2)
    clock.set_speed(1)
    real.seconds += 5
    assert clock.now() == START + timedelta(minutes=2, seconds=5)


def test_a_jump_fires_what_is_due_in_order_each_at_its_own_instant() -> None:
    clock = LabClock(START)
    seen: list[tuple[str, datetime]] = []

    def first() -> None:
        seen.append(("first", clock.now()))
        clock.call_later(5, lambda: seen.append(("from within", clock.now())))

    clock.call_later(20, lambda: seen.append(("second", clock.now())))
    clock.call_later(10, first)
    clock.call_later(60, lambda: seen.append(("too late", clock.now())))
    clock.advance(30)
    assert [(name, (at - START).seconds) for name, at in seen] == [("first", 10), ("from within", 15), ("second", 20)]
    assert clock.now() == START + timedelta(seconds=30)


def test_a_cancelled_alarm_stays_silent() -> None:
    clock = LabClock(START)
    seen: list[int] = []
    clock.call_later(1, lambda: seen.append(1)).cancel()
    clock.advance(2)
    assert seen == []


@pytest.mark.parametrize("backwards", [lambda clock: clock.advance(-1), lambda clock: clock.set(START)])
def test_never_goes_back(backwards: Callable[[LabClock], None]) -> None:
    clock = LabClock(START)
    clock.advance(10)
    with pytest.raises(ClockError, match=r"only goes forward|cannot go back"):
        backwards(clock)


def test_sleepers_wake_on_a_jump_at_the_instant_they_waited_for() -> None:
    async def scenario() -> list[datetime]:
        clock = LabClock(START)
        clock.attach(asyncio.get_running_loop())
        woken: list[datetime] = []

        async def sleeper() -> None:
            for _turn in range(3):
                await clock.sleep(60)
                woken.append(clock.now())

        task = asyncio.create_task(sleeper())
        await asyncio.sleep(0)
        await clock.travel_to(START + timedelta(hours=1))
        await task
        return woken

    woken = asyncio.run(asyncio.wait_for(scenario(), 5))
    assert woken == [START + timedelta(minutes=minutes) for minutes in (1, 2, 3)]


def test_a_higher_speed_shortens_a_sleep_that_goes_on() -> None:
    async def scenario() -> None:
        clock = LabClock(START, 1)
        clock.attach(asyncio.get_running_loop())
        task = asyncio.create_task(clock.sleep(3600))
        await asyncio.sleep(0)
        clock.set_speed(100_000)
        await task

    asyncio.run(asyncio.wait_for(scenario(), 5))


@pytest.mark.parametrize("text", ["yesterday", "2026-11-11T08:00:00"])
def test_an_instant_needs_a_date_and_an_offset(text: str) -> None:
    with pytest.raises(ClockError, match="2026-11-11T08:05:00Z"):
        parse_instant(text)


def test_instants_are_written_in_utc() -> None:
    assert iso(parse_instant("2026-11-11T03:05:00-05:00")) == "2026-11-11T08:05:00.000000Z"
