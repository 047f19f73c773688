# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the tickets that the ledger wants to the PSA, and puts on the ledger that they were.

Where no PSA is set, or it is down, they stay wanted and the next run sends them. One run sends at a time: a lease
in the ledger keeps two runs side by side from creating one ticket twice.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from ..ledger import Event, LedgerError
from ..psa.client import PsaClient, PsaError, PsaUnavailableError
from ..psa.delivery import Delivery
from ..psa.directory import Directory
from .clock import real

if TYPE_CHECKING:
    from .recorder import Recorder

SECONDS = 60.0
"""How long one call may go on sending; what is left waits for the next."""
LEASE = timedelta(minutes=5)


class Outbox:
    """The tickets wanted by the ledger of `recorder`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._delivery: Delivery | None = None
        self.trouble: list[str] = []
        """Why tickets were not sent, since this outbox was made, each cause once."""

    def send(self) -> int:
        """Send what is wanted, oldest first, within a bounded time; gives how many went. Never raises."""
        recorder = self._recorder
        if recorder.check_mode:
            return 0
        try:
            ledger = recorder.ledger
            pending = ledger.pending_tickets()
            if not pending:
                return 0
            if recorder.settings.psa is None:
                self._tell(f"{len(pending)} ticket(s) wait in the ledger: no PSA is set (psa_url)")
                return 0
            if not ledger.lease("outbox", recorder.run, real() + LEASE):
                return 0
            try:
                return self._send_all()
            finally:
                ledger.give_back("outbox", recorder.run)
        except LedgerError as exc:
            self._tell(str(exc))
            return 0

    def _send_all(self) -> int:
        """Reads the outbox again, now that no other run sends."""
        recorder, sent, end = self._recorder, 0, time.monotonic() + SECONDS
        known: dict[str, int] = {}
        for wanted, ticket in recorder.ledger.pending_tickets():
            if time.monotonic() > end:
                self._tell("the PSA is slow: the remaining tickets are sent by the next run")
                break
            xref = wanted["xref"]
            try:
                known[xref] = self._deliverer().deliver(wanted, known.get(xref, ticket))
            except PsaUnavailableError as exc:
                self._tell(str(exc))
                break
            except PsaError as exc:
                self._tell(f"ticket {xref}: {exc}")
                continue
            body = {"id": wanted["id"], "xref": xref, "ticket": known[xref]}
            recorder.append(recorder.ledger, [Event("ticket.sent", None, recorder.clock.now(), body)])
            sent += 1
        return sent

    def _deliverer(self) -> Delivery:
        psa = self._recorder.settings.psa
        if psa is None:
            raise PsaError("no PSA is set (psa_url)")
        if self._delivery is None:
            client = PsaClient(psa)
            directory = Directory(client, companies=psa.companies, priorities=psa.priorities)
            self._delivery = Delivery(client, directory, board=psa.board, on_call_board=psa.on_call_board)
        return self._delivery

    def _tell(self, trouble: str) -> None:
        if trouble not in self.trouble:
            self.trouble.append(trouble)
