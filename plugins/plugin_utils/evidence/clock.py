# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the time is, for a run: the real time or, where the policy says so, a simulated one.

A clock is a callable that gives an aware instant. Simulated time never comes into a run whose policy does not
say ``clock: simulated``: a wrong hour would patch machines at noon.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ..ledger.event import EventError, instant
from ..requirements import requests
from .settings import SettingsError, loopback

Clock = Callable[[], datetime]

TOLERANCE = timedelta(seconds=60)
"""How far `as_of` may be from the real time without a simulated clock."""
POLL_SECONDS = 0.25
"""How long an answer of the simulated clock is extrapolated before it is asked again."""
TIMEOUT_SECONDS = 5


def real() -> datetime:
    return datetime.now(UTC)


def starting_at(start: datetime) -> Clock:
    """A clock that shows `start` now and runs at the real speed (also in processes forked later)."""
    began = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)


class Remote:
    """The clock of a lab: GET `url` answers ``{"now": instant, "speed": factor}``."""

    def __init__(self, url: str) -> None:
        self._url = loopback(url)
        self._asked = float("-inf")
        self._now = datetime.min.replace(tzinfo=UTC)
        self._speed = 1.0

    def __call__(self) -> datetime:
        """Raises SettingsError where the clock does not answer."""
        if time.monotonic() - self._asked > POLL_SECONDS:
            self._ask()
        return self._now + timedelta(seconds=(time.monotonic() - self._asked) * self._speed)

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
            return starting_at(as_of)
        return real if clock_url is None else Remote(clock_url)
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
    return real
