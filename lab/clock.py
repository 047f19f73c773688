# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's time: everything the lab simulates waits on it, so that a month passes in seconds.

Lab time runs at `speed` lab seconds per real second (0 stands still) and can be moved forward by hand.
What falls due in between happens in order, each at its own instant: a jump over a reboot records the same
times as living through it. Lab time never goes back: `World.reset` starts it anew.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MAX_SPEED = 100_000.0
SETTLING_TURNS = 8


class ClockError(ValueError):
    """A time or a speed the lab clock cannot take."""


def parse_instant(text: str) -> datetime:
    """ISO 8601 with an offset -> aware datetime in UTC."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ClockError(f"{text!r} is no instant: give ISO 8601, such as 2026-11-11T08:05:00Z") from error
    if instant.tzinfo is None:
        raise ClockError(f"{text!r} has no offset from UTC: give one, such as 2026-11-11T08:05:00Z")
    return instant.astimezone(UTC)


def iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


async def settle() -> None:
    """Lets everything run that is ready to run."""
    for _turn in range(SETTLING_TURNS):
        await asyncio.sleep(0)


@dataclass(order=True)
class Alarm:
    """Something that happens at an instant of lab time, unless cancelled."""

    due: datetime
    number: int
    action: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        self.action = None


class LabClock:
    """`monotonic` gives real seconds; tests pass their own, or leave the speed at 0 and advance by hand."""

    def __init__(self, start: datetime, speed: float = 0.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._base = start.astimezone(UTC)
        self._real = monotonic()
        self._speed = 0.0
        self._alarms: list[Alarm] = []
        self._numbers = itertools.count()
        self._firing_at: datetime | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.set_speed(speed)

    def now(self) -> datetime:
        if self._firing_at is not None:
            return self._firing_at
        return self._base + timedelta(seconds=(self._monotonic() - self._real) * self._speed)

    @property
    def speed(self) -> float:
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Lab seconds per real second; 0 stops the clock."""
        if not 0 <= speed <= MAX_SPEED:
            raise ClockError(f"speed {speed!r} is out of range: give 0 (stopped) to {MAX_SPEED:g}")
        self._base, self._real = self.now(), self._monotonic()
        self._speed = float(speed)
        self._rearm()

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ClockError(f"cannot advance by {seconds!r} seconds: the lab clock only goes forward")
        self._move_to(self.now() + timedelta(seconds=seconds))

    def set(self, instant: datetime) -> None:
        now = self.now()
        if instant < now:
            raise ClockError(f"cannot go back from {iso(now)} to {iso(instant)}: reset the lab to start over")
        self._move_to(instant.astimezone(UTC))

    async def travel_to(self, instant: datetime) -> None:
        """Like `set`, and whoever sleeps on the clock runs at the instant that he is woken at."""
        if instant < self.now():
            self.set(instant)
        while (due := self._next_due()) is not None and due <= instant:
            self._move_to(max(due, self.now()))
            await settle()
        self._move_to(max(instant, self.now()))
        await settle()

    def restart(self, instant: datetime, speed: float) -> None:
        """A new beginning: whatever was due is forgotten."""
        self._alarms.clear()
        self._base, self._real = instant.astimezone(UTC), self._monotonic()
        self.set_speed(speed)

    def call_at(self, due: datetime, action: Callable[[], None]) -> Alarm:
        alarm = Alarm(due.astimezone(UTC), next(self._numbers), action)
        heapq.heappush(self._alarms, alarm)
        if self._alarms[0] is alarm:
            self._rearm()
        return alarm

    def call_later(self, seconds: float, action: Callable[[], None]) -> Alarm:
        return self.call_at(self.now() + timedelta(seconds=seconds), action)

    async def sleep(self, seconds: float) -> None:
        """Waits `seconds` of lab time; moving or speeding up the clock shortens the wait at once."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        done = asyncio.get_running_loop().create_future()
        alarm = self.call_later(seconds, lambda: None if done.done() else done.set_result(None))
        try:
            await done
        finally:
            alarm.cancel()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on what falls due happens by itself, in this event loop."""
        self._loop = loop
        self._rearm()

    def detach(self) -> None:
        self._loop = None
        if self._timer:
            self._timer.cancel()

    def _next_due(self) -> datetime | None:
        while self._alarms and self._alarms[0].action is None:
            heapq.heappop(self._alarms)
        return self._alarms[0].due if self._alarms else None

    def _move_to(self, instant: datetime) -> None:
        self._fire_until(instant)
        self._base, self._real = instant, self._monotonic()
        self._rearm()

    def _fire_until(self, instant: datetime) -> None:
        """Runs what is due up to `instant`; meanwhile `now` is each alarm's own instant."""
        if self._firing_at is not None:
            raise ClockError("the clock cannot be moved by something that it fires")
        try:
            while self._alarms and self._alarms[0].due <= instant:
                alarm = heapq.heappop(self._alarms)
                self._firing_at = alarm.due
                if alarm.action is not None:
                    alarm.action()
        finally:
            self._firing_at = None

    def _fire(self) -> None:
        self._fire_until(self.now())
        self._rearm()

    def _rearm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        due = self._next_due()
        if due is None or not (self._loop and self._speed) or self._firing_at is not None:
            return
        seconds = (due - self.now()).total_seconds() / self._speed
        self._timer = self._loop.call_later(max(0.0, min(seconds, 3600.0)), self._fire)
