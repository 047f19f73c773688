# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all channels have in common: how they deliver, and how long they may take."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from ..errors import UnavailableError
from ..ledger import Event
from ..ledger.deliveries import Pending

Told = Sequence[Event] | str


class Channel(ABC):
    """Brings over what is pending for one system.

    `name` is the channel's on the ledger, `things` what people call what it brings.
    """

    name: ClassVar[str]
    things: ClassVar[str]

    @property
    @abstractmethod
    def missing(self) -> str | None:
        """Why nothing can be brought over: the setting that is not there. None where it can."""

    @abstractmethod
    def deliver(self, pending: Sequence[Pending], budget: Budget) -> Iterator[Told]:
        """Bring over what is `pending`, oldest first; gives the events of what is confirmed, as soon as it is, and a
        sentence for what people have to know.

        Raises UnavailableError where the system is down or the `budget` is used up; what was not confirmed by then
        stays pending.
        """


class Budget:
    """The real seconds that one sending may take, from now on."""

    def __init__(
        self,
        seconds: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._end = monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - self._monotonic())

    def check(self) -> None:
        """Raises SpentError where nothing is left."""
        if not self.left:
            raise SpentError("its time for deliveries is used up")

    def waited(self, seconds: float) -> bool:
        """Sleep, and say that it was done; where that would take longer than is left, it is not."""
        if seconds > self.left:
            return False
        self._sleep(seconds)
        return True

    def wait(self, seconds: float) -> None:
        """The same; raises SpentError at once where it is not done."""
        if not self.waited(seconds):
            raise SpentError("its time for deliveries is used up")


class SpentError(UnavailableError):
    """The time for sending is used up; the rest is for later."""
