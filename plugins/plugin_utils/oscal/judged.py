# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said in an assessment: for each client of a cycle six verdicts and the flaws that are past their deadline.

`judge` makes these from an account, `results` makes OSCAL of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

OBJECTIVES = {
    "a": "the time within which to identify system flaws is specified",
    "b": "system flaws are identified within the specified time frame",
    "c": "the time within which to report system flaws is specified",
    "d": "system flaws are reported within the specified time frame",
    "e": "the time within which to correct system flaws is specified",
    "f": "system flaws are corrected within the specified time frame",
}
"""Of SP 800-171 3.14.1, as SP 800-171A words them; the catalog has them under `target`."""
CONTROL = "si-3.14.1"


def target(objective: str) -> str:
    """The objective's id in the catalog."""
    return f"{CONTROL}_obj.{objective}"


@dataclass(frozen=True, slots=True)
class Figure:
    """How many of how many; `part` says of what (``pilot servers``)."""

    part: str
    met: int
    of: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one objective is satisfied.

    `shown` is a sentence that says what the ledger shows, `remarks` are sentences on what speaks against it or
    qualifies it; `figures` are by tier, and empty for [a], [c] and [e], which are about what is specified.
    """

    objective: str
    satisfied: bool
    shown: str
    remarks: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """An endpoint on which a flaw is left past its deadline, and what stands in the way; `excepted` where the client
    signed for it."""

    endpoint: str
    reason: str
    excepted: bool = False


@dataclass(frozen=True, slots=True)
class Overdue:
    """A flaw that is open past its deadline: `deadline` is the earliest one missed."""

    update: str
    title: str
    severity: str | None
    cves: tuple[str, ...]
    cvss: float | None
    deadline: datetime
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """A tier (``pilot servers``) that closed at `at`, with the proof that `counts` sums up: place → endpoints."""

    part: str
    opened: datetime
    at: datetime
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One client's part: how many `endpoints` it is about, and its verdicts, one an objective, in their order."""

    client: str
    endpoints: int
    verdicts: tuple[Verdict, ...]
    overdue: tuple[Overdue, ...] = ()
    closed: tuple[Closed, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file that is shown: where it lies beside this one, what it holds, and the `objectives` it is evidence of."""

    href: str
    title: str
    sha256: str
    media_type: str = "application/json"
    objectives: str = "abcdef"


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that a file of results says.

    `ledger` tells one ledger from another (the hash of its first event), `head` is number and hash of the last event
    that was read; `start` is when the cycle opened, `at` up to when the account goes. `policy` is the
    SHA-256 of the policy document as the ledger has it, `provider` is who patches,
    `security_plan` the URL of the system security plan, where it is known and one for all of it.
    """

    ledger: str
    head: tuple[int, str]
    scope: str
    cycle: str
    start: datetime
    at: datetime
    judged: tuple[Judged, ...]
    policy: str
    provider: str
    security_plan: str | None = None
    evidence: tuple[Evidence, ...] = ()
    stem: str = ""
    """What the names of the plan's and the results' files begin with."""

    @property
    def results_name(self) -> str:
        return f"{self.stem}assessment-results.json"

    @property
    def plan_name(self) -> str:
        return f"{self.stem}assessment-plan.json"
