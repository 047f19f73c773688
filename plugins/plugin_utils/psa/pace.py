# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the PSA is asked: technicians work on it as well, and it answers 429 to whoever asks too much."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

MINUTE = 60.0


class Pace:
    """At most `rate` requests in any minute: one more waits until the minute before it has room.

    `sleep` may raise instead of waiting; then the request is not made.
    """

    def __init__(
        self,
        rate: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._made: deque[float] = deque(maxlen=rate)
        self._rate = rate
        self._monotonic = monotonic
        self._sleep = sleep

    def request(self) -> None:
        """Call before each request."""
        if len(self._made) == self._rate:
            ahead = self._made[0] + MINUTE - self._monotonic()
            if ahead > 0:
                self._sleep(ahead)
        self._made.append(self._monotonic())
