# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with a ledger."""

from __future__ import annotations

from ..errors import PatchingError


class LedgerError(PatchingError):
    """The ledger cannot be opened, read or written, or its chain is broken."""


class TamperedError(LedgerError):
    """Something on the ledger is not as it was written; `seq` is the number of the first event that shows it."""

    def __init__(self, seq: int, problem: str) -> None:
        super().__init__(problem)
        self.seq = seq
