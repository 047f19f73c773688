# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings over what the ledger wants delivered, and puts on the ledger that it is there.

Where a system is not set, or is down, it stays wanted and the next run brings it. Of each channel one run delivers at a
time: a lease in the ledger keeps two runs side by side from creating one ticket twice.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import PatchingError, UnavailableError
from ..evidence.clock import real
from ..ledger import LedgerError
from .alerts import AlertChannel
from .attachments import AttachmentChannel
from .channel import Budget, Channel
from .tickets import TicketChannel
from .tracker import TrackerChannel

if TYPE_CHECKING:
    from ..evidence.recorder import Recorder

BETWEEN_TASKS = 20.0
"""Seconds that the endpoints of a run may wait for deliveries; what is left goes at its end."""
LEFT_ALONE = 60.0
"""Seconds for which a system that was down, or has had enough, is not asked again while endpoints wait."""
AT_THE_END = 300.0
"""Seconds that the end of a run may take; what is left waits for the next run."""
PATIENCE = 3
"""How often in a row a system is waited for that asks for it and then takes nothing."""
LEASE = timedelta(minutes=5)
"""How long, beyond the time it may take, a run that was killed keeps others from delivering."""


class Outbox:
    """What is wanted by the ledger of `recorder`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._said: list[str] = []
        self._waiting: dict[str, str] = {}
        self._down_until: dict[str, float] = {}

    @property
    def trouble(self) -> list[str]:
        """What people have to know of deliveries since this outbox was made, and what still waits, each sentence
        once."""
        return [*self._said, *self._waiting.values()]

    @cached_property
    def _channels(self) -> tuple[Channel, ...]:
        """In the order of their urgency: who is to be woken up comes first; an attachment needs its ticket."""
        recorder = self._recorder
        tickets = TicketChannel(recorder)
        return AlertChannel(recorder), tickets, AttachmentChannel(recorder, tickets), TrackerChannel(recorder)

    def send(self, seconds: float = AT_THE_END) -> int:
        """Deliver what is pending, within `seconds`; gives how much was confirmed. Never raises."""
        if self._recorder.check_mode:
            return 0
        budget = Budget(seconds)
        return sum(self._send(channel, budget) for channel in self._channels)

    def send_between_tasks(self) -> int:
        """The same while endpoints wait for it: shortly, and not soon again to a system that was down."""
        if self._recorder.check_mode:
            return 0
        budget, now = Budget(BETWEEN_TASKS), time.monotonic()
        return sum(
            self._send(channel, budget) for channel in self._channels if self._down_until.get(channel.name, 0.0) <= now
        )

    def _send(self, channel: Channel, budget: Budget) -> int:
        recorder = self._recorder
        try:
            self._waiting.pop(channel.name, None)
            waiting = recorder.ledger.pending(channel.name)
            if not waiting:
                return 0
            if channel.missing:
                self._waiting[channel.name] = f"{len(waiting)} {channel.things} wait in the ledger: {channel.missing}"
                return 0
            lease = f"outbox/{channel.name}"
            if not recorder.ledger.lease(lease, recorder.holder, real() + timedelta(seconds=budget.left) + LEASE):
                return 0
            try:
                return self._deliver(channel, budget)
            finally:
                recorder.ledger.give_back(lease, recorder.holder)
        except LedgerError as exc:
            self._tell(str(exc))
            return 0

    def _deliver(self, channel: Channel, budget: Budget) -> int:
        """Reads what is pending again, now that no other run delivers, and whenever the system asked to wait."""
        recorder, confirmed, in_vain = self._recorder, 0, 0
        while True:
            pending, before = recorder.ledger.pending(channel.name), confirmed
            try:
                for told in channel.deliver(pending, budget):
                    if isinstance(told, str):
                        self._tell(told)
                    else:
                        recorder.append(recorder.ledger, told)
                        confirmed += len(told)
            except LedgerError:
                raise
            except PatchingError as exc:
                asked = exc.retry_after if isinstance(exc, UnavailableError) else None
                in_vain = 0 if confirmed > before else in_vain + 1
                if asked is not None and in_vain <= PATIENCE and budget.waited(max(asked, 1.0)):
                    continue
                self._left(channel, str(exc))
            return confirmed

    def _left(self, channel: Channel, why: str) -> None:
        self._down_until[channel.name] = time.monotonic() + LEFT_ALONE
        count = len(self._recorder.ledger.pending(channel.name))
        self._waiting[channel.name] = f"{count} {channel.things} wait for the next run: {why}"

    def _tell(self, trouble: str) -> None:
        if trouble not in self._said:
            self._said.append(trouble)
