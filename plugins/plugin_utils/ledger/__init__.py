# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: every event that was decided or done, hash chained, and the register it adds up to.

``Ledger.open(url)`` is the way in. ``event`` says what an event is and how the chain is made, ``kinds`` what the body
of each kind holds, ``projection`` what each kind does to the register's rows (``installs``, ``boots`` and others have a
subject each), ``register`` reads them, ``people`` makes the events of a person's decision (operating model, section 9),
``keyring`` says which of its signing keys a verifier has reason to trust.
"""

from __future__ import annotations

from .errors import LedgerError
from .event import Event, instant, text_of
from .register import Job, Progress, Reboot
from .store import Ledger, Opening

__all__ = ["Event", "Job", "Ledger", "LedgerError", "Opening", "Progress", "Reboot", "instant", "text_of"]
