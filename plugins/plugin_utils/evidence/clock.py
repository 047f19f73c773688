# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the time is, for a run: the real time or, where the policy says so, a simulated one.

Simulated time never comes into a run whose policy does not
say ``clock: simulated``: a wrong hour would patch machines at noon.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from ..ledger.event import EventError, instant
from ..requirements import requests
from .settings import SettingsError, loopback


class Clock(Protocol):
    """What a run takes for the time; forked processes go on with the same one."""

    @property
    def speed(self) -> float:
        """Seconds of the run's time in a second of the real one."""

    def now(self) -> datetime:
        """The run's present, aware."""


TOLERANCE = timedelta(seconds=60)
"""How far `as_of` may be from the real time without a simulated clock."""
POLL_SECONDS = 0.25
"""How long an answer of the simulated clock is extrapolated before it is asked again."""
TIMEOUT_SECONDS = 5


def real() -> datetime:
    return datetime.now(UTC)


class RealClock:
    """The time of this machine."""

    speed = 1.0

    def now(self) -> datetime:
        return real()


class StartedClock:
    """Shows `start` when it is made, and runs at the real speed from there."""

    speed = 1.0

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._began)


class RemoteClock:
    """The clock of a lab: GET `url` answers ``{"now": instant, "speed": factor}``."""

    def __init__(self, url: str) -> None:
        self._url = loopback(url)
        self._asked = float("-inf")
        self._now = datetime.min.replace(tzinfo=UTC)
        self._speed = 1.0

    @property
    def speed(self) -> float:
        self._keep_fresh()
        return self._speed

    def now(self) -> datetime:
        """Raises SettingsError where the clock does not answer."""
        self._keep_fresh()
        return self._now + timedelta(seconds=(time.monotonic() - self._asked) * self._speed)

    def _keep_fresh(self) -> None:
        if time.monotonic() - self._asked > POLL_SECONDS:
            self._ask()

    def _ask(self) -> None:
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy stands between this machine and itself
                answer: Any = session.get(self._url, timeout=TIMEOUT_SECONDS, allow_redirects=False).json()
            self._now, self._speed = instant(answer["now"]), float(answer["speed"])
        except (requests.RequestException, EventError, KeyError, TypeError, ValueError) as exc:
            raise SettingsError(f"the simulated clock at {self._url} does not tell the time: {exc}") from exc
        self._asked = time.monotonic()


def clock_for(*, simulated: bool, clock_url: str | None, as_of: datetime | None) -> Clock:
    """The clock of a run. `as_of` comes first: it is what the person asked for.

    Raises SettingsError for a simulated time that the policy does not allow, naming both instants.
    """
    if simulated:
        if as_of is not None:
            return StartedClock(as_of)
        return RealClock() if clock_url is None else RemoteClock(clock_url)
    if clock_url is not None:
        raise SettingsError(
            f"a clock address is set ({clock_url}), and the policy does not say `clock: simulated`: "
            "unset MSP_PATCHING_CLOCK, or use the lab's policy"
        )
    now = real()
    if as_of is not None and abs(as_of - now) > TOLERANCE:
        raise SettingsError(
            f"as_of is {as_of.isoformat()} and the time is {now.isoformat(timespec='seconds')}: a run at "
            "another time than the real one needs a policy that says `clock: simulated`"
        )
    return RealClock()
