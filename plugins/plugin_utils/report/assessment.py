# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assessment results (OSCAL) beside the report: what the same account says of 3.14.1, [a] to [f], for tools.

They point by hash to the report's files that were made with them, and to the policy in force, which is made here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import oscal
from ..account import Account
from ..flow import Policy
from ..packages.members import as_json, policy_in_force, policy_title
from . import words
from .render import MEDIA, Made

FORMAT = "oscal"
TITLES = {
    "html": ("The compliance report", "bdf"),
    "pdf": ("The compliance report, as a document", "bdf"),
    "endpoints.csv": ("Each endpoint: where it stands and why", "bf"),
    "flaws.csv": ("Each flaw: released, identified, reported, corrected, and by when each was due", "bdf"),
    "boots.csv": ("Each boot that was confirmed", "f"),
}
"""By the end of a file's name: what it is, and the objectives that it is evidence of."""


def assessed(account: Account, policy: Policy, ledger: str, beside: Sequence[Mapping[str, Any]]) -> Iterator[Made]:
    """The three files of OSCAL and the policy; nothing where the account has no endpoint, and so nothing to assess.

    `ledger` tells it from others (`oscal.ledger_id`); `beside` are the files that lie in the same folder already, with
    `path`, `format` and `sha256`.
    """
    if not account.endpoints:
        return
    stem = words.stem(account.scope)
    in_force = Made(FORMAT, f"{stem}-policy.json", as_json(policy_in_force(policy, account)))
    digest = hashlib.sha256(in_force.content).hexdigest()
    shown = [oscal.Evidence(in_force.name, policy_title(account), digest, objectives="ace")]
    for row in beside:
        name = Path(row["path"]).name
        for end, (title, objectives) in TITLES.items():
            if name.endswith(end):
                media_type = MEDIA[row["format"]]
                shown.append(oscal.Evidence(name, title, row["sha256"], media_type, objectives))
    yield in_force
    assessment = oscal.assess(account, policy, ledger=ledger, evidence=shown, stem=f"{stem}-")
    for name, content in oscal.files(assessment).items():
        yield Made(FORMAT, name, content)
