# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of a cycle, a client or a tier: what was found, decided, done and proven, from the ledger alone.

``account_of(ledger, policy, Scope("2026-11", client="Acme"), now)`` gives an :class:`Account`: frozen dataclasses,
each with ``as_record()`` (JSON types, the fields in their order, instants as the ledger writes them). The compliance
report, the evidence package and the assessment results are made of it and of nothing else.

It is read in a handful of statements whatever the size (``read``), and the rest is pure: the same ledger, policy and
`now` give the same account. Of a cycle that is over and whose tiers are closed it no longer depends on `now`.

``model`` says what an account holds, ``flaws`` how far each flaw has come and by when it should have, ``standing``
where each endpoint stands (operating model, section 9; 3.14.1 [a] to [f]).
"""

from __future__ import annotations

from .build import account_of, last_instant, scope_of
from .model import (
    Account,
    Authorization,
    Boot,
    Deadline,
    Decision,
    EndpointResult,
    ExceptionRow,
    FailureRow,
    Flaw,
    HoldRow,
    Install,
    MissedWindow,
    RecordedApproval,
    Run,
    Scope,
    TicketRow,
    TierResult,
    Validation,
)
from .policies import in_force
from .read import AccountError
from .then import client_of

__all__ = [
    "Account",
    "AccountError",
    "Authorization",
    "Boot",
    "Deadline",
    "Decision",
    "EndpointResult",
    "ExceptionRow",
    "FailureRow",
    "Flaw",
    "HoldRow",
    "Install",
    "MissedWindow",
    "RecordedApproval",
    "Run",
    "Scope",
    "TicketRow",
    "TierResult",
    "Validation",
    "account_of",
    "client_of",
    "in_force",
    "last_instant",
    "scope_of",
]
