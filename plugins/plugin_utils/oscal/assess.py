# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an account to an assessment: the verdicts, and what tells this ledger from another."""

from __future__ import annotations

from collections.abc import Iterable

from ..account import Account
from ..flow import Endpoint, Policy
from ..ledger import Ledger
from ..ledger.event import GENESIS
from ..ledger.kept import policy_digest
from .judge import judge
from .judged import Assessment, Evidence


def assess(
    account: Account, policy: Policy, *, ledger: str, evidence: Iterable[Evidence] = (), stem: str = ""
) -> Assessment:
    """What is to be said of `account`.

    `policy` is the one that the account is held by (`account.in_force`). `ledger` is `ledger_id` of the ledger that it
    is of, `evidence` are the files shown with it, and `stem` begins the names of the plan's and the results' files.
    """
    judged = judge(account, policy)
    plans = {policy.settings(Endpoint.parse({"name": "any", "client": one.client})).security_plan for one in judged}
    return Assessment(
        ledger=ledger,
        head=(account.events, account.head),
        scope=str(account.scope),
        cycle=account.scope.cycle,
        start=account.start,
        at=account.at,
        judged=judged,
        policy=policy_digest(policy.document),
        evidence=tuple(evidence),
        provider=policy.settings().provider,
        security_plan=plans.pop() if len(plans) == 1 else None,
        stem=stem,
    )


def ledger_id(ledger: Ledger) -> str:
    """The hash of the ledger's first event, by which its things have uuids of their own; that before it if there is
    none."""
    return ledger.hash_at(1) or GENESIS
