# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an account to an assessment: the verdicts, and what tells this ledger from another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ..account import Account
from ..flow import Policy
from ..ledger import Ledger
from ..ledger.event import GENESIS, canonical
from .judge import judge
from .judged import Assessment, Evidence

PROVIDER = "The managed service provider"


def assess(
    account: Account,
    policy: Policy,
    *,
    ledger: str,
    evidence: Iterable[Evidence] = (),
    provider: str = PROVIDER,
    security_plan: str | None = None,
    stem: str = "",
) -> Assessment:
    """What is to be said of `account`.

    `ledger` is `ledger_id` of the ledger that it is of, `evidence` are the files shown with it, `provider` the name of
    who patches, `security_plan` the URL of the client's system security plan where it is known; `stem` begins the names
    of the plan's and the results' files.
    """
    return Assessment(
        ledger=ledger,
        head=(account.events, account.head),
        scope=str(account.scope),
        cycle=account.scope.cycle,
        start=account.start,
        at=account.at,
        judged=judge(account, policy),
        policy=hashlib.sha256(canonical(policy.document).encode()).hexdigest(),
        evidence=tuple(evidence),
        provider=provider,
        security_plan=security_plan,
        stem=stem,
    )


def ledger_id(ledger: Ledger) -> str:
    """The hash of the ledger's first event, by which its things have uuids of their own; that before it if there is
    none."""
    return ledger.hash_at(1) or GENESIS
