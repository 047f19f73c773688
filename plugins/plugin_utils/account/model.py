# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account holds. All instants are aware and in UTC; None means: not so far, or not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from ..ledger import text_of

STATES = (
    "corrected",
    "open",
    "held",
    "failed",
    "unreachable",
    "declined",
    "deferred",
    "excluded",
    "gone",
)
"""What became of a flaw. ``gone``: no search shows it any more though no run installed it (a technician did, or a newer
update has replaced it); it is neither counted as corrected nor as left."""
RISK_ACCEPTED = frozenset({"declined", "deferred", "excluded"})
"""Left as it is by somebody's recorded decision: no deadline of correction runs."""


class Record:
    """The base of all: `as_record` gives JSON types."""

    __slots__ = ()

    def as_record(self) -> dict[str, Any]:
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


def plain(value: object) -> Any:
    """`value` as JSON types; an instant as the ledger writes it."""
    if isinstance(value, Record):
        return value.as_record()
    if isinstance(value, datetime):
        return text_of(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Scope(Record):
    """What an account is of: a cycle, or of it one client, one ring, one kind; all four are one tier."""

    cycle: str
    client: str | None = None
    ring: str | None = None
    kind: str | None = None

    def __str__(self) -> str:
        return ", ".join(part for part in (self.client, self.ring, self.kind and f"{self.kind}s", self.cycle) if part)

    def covers(self, client: str | None, ring: str | None, kind: str | None) -> bool:
        wanted = ((self.client, client), (self.ring, ring), (self.kind, kind))
        return all(own is None or own == other for own, other in wanted)


@dataclass(frozen=True, slots=True)
class Deadline(Record):
    """By when something was due and when it was done. `met` is None while the time runs, where none is set, and where
    it no longer matters (`due` is None, or the flaw is gone or its risk accepted)."""

    due: datetime | None
    done: datetime | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class Decision(Record):
    """Approved, declined, deferred, or held for a review: by which rule of the policy, or by whom; `at` is the instant
    from which it stood for this endpoint."""

    outcome: str
    rule: str
    by: str | None
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Boot(Record):
    """The boot that proved an install: its id, its time as Windows tells it, and when a run saw it."""

    boot_id: str
    boot_time: datetime
    seen: datetime


@dataclass(frozen=True, slots=True)
class Flaw(Record):
    """One update on one endpoint. `label` is its KB numbers, else its title."""

    update: str
    label: str
    kb: tuple[str, ...]
    title: str
    severity: str | None
    categories: tuple[str, ...]
    cvss: float | None
    cves: tuple[str, ...]
    endpoint: str
    client: str | None
    ring: str | None
    kind: str | None
    role: str | None
    criticality: str | None
    released: datetime | None
    since: datetime | None
    """From when identifying and correcting are measured: its release, or the endpoint's first day with us if later."""
    identified: datetime
    reported: datetime | None
    ticket: int | None
    """The PSA ticket on which it was reported."""
    decision: Decision
    installed: datetime | None
    reboot_needed: bool | None
    boot: Boot | None
    corrected: datetime | None
    undone: datetime | None
    """When a search showed it again after an install."""
    state: str
    reason: str
    identify: Deadline
    report: Deadline
    correct: Deadline

    @property
    def counts(self) -> bool:
        """Whether it counts in what had to be corrected."""
        return self.state not in RISK_ACCEPTED and self.state != "gone"


@dataclass(frozen=True, slots=True)
class Install(Record):
    """The result of one update in an install. `found` is true where nobody saw its end and a search proved it."""

    update: str
    label: str
    at: datetime
    ok: bool
    hresult: str | None
    found: bool


@dataclass(frozen=True, slots=True)
class Validation(Record):
    """A validation with each check (`name`, `ok`, `seen`)."""

    at: datetime
    healthy: bool
    checks: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class MissedWindow(Record):
    """A window that passed without a run, and the endpoints that had something due in it."""

    window: str
    zone: str
    start: datetime
    end: datetime
    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndpointResult(Record):
    """One endpoint of the scope: its one place in the completeness proof, and what was done on it in the cycle.

    `proven` is true where `stands` is the place of a closed tier's proof; else it is where it stands by what was last
    decided for it, at `decided`. `searched` is its last search in the cycle.
    """

    name: str
    client: str | None
    location: str | None
    ring: str | None
    kind: str | None
    role: str | None
    criticality: str | None
    stands: str
    reason: str
    proven: bool
    node: str | None
    decided: datetime | None
    searched: datetime | None
    installs: tuple[Install, ...]
    boots: tuple[Boot, ...]
    validations: tuple[Validation, ...]
    failures: tuple[str, ...]
    missed_windows: int
    known_since: datetime | None = None
    """Its first day with us."""


@dataclass(frozen=True, slots=True)
class TierResult(Record):
    """A tier: when it opened and closed, how many stand in each place, and its proof (empty while it is open)."""

    cycle: str
    client: str
    ring: str
    kind: str
    opened: datetime
    closed: datetime | None
    endpoints: int
    counts: Mapping[str, int]
    proof: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class RecordedApproval(Record):
    """An engineer's recorded decision for an update; `client` None is all clients."""

    update: str
    label: str
    decision: str
    client: str | None
    by: str
    at: datetime
    reason: str
    code: str | None
    until: datetime | None
    promote: bool


@dataclass(frozen=True, slots=True)
class ExceptionRow(Record):
    """An exception from patching. `state`: signed, unsigned, expired or revoked at the account's instant."""

    id: str
    scope: Mapping[str, str]
    reason: str
    code: str | None
    granted_by: str
    granted: datetime
    signed_by: str | None
    signed: datetime | None
    expires: datetime | None
    revoked: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class HoldRow(Record):
    """A hold, in force until `released`."""

    id: str
    scope: Mapping[str, str]
    reason: str
    placed: datetime
    by: str | None
    failure: str | None
    released: datetime | None
    released_by: str | None
    released_reason: str | None


@dataclass(frozen=True, slots=True)
class FailureRow(Record):
    """A failure; `cause` (by, code, text, at) is its root cause, None while there is none. `tickets` are its PSA
    tickets by number."""

    id: str
    endpoint: str
    client: str | None
    ring: str | None
    kind: str | None
    step: str
    update: str | None
    label: str | None
    hresult: str | None
    name: str | None
    cls: str
    text: str
    at: datetime
    cycle: str | None
    next_window: datetime | None
    cause: Mapping[str, Any] | None
    tickets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Authorization(Record):
    """A technician's go for an endpoint or a tier, for the cycle."""

    scope: Mapping[str, str]
    by: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class TicketRow(Record):
    """Something that was put, or is to be put, on a PSA ticket; `sent` and `ticket` are None until it is there."""

    id: str
    xref: str
    summary: str
    client: str | None
    endpoint: str | None
    failure: str | None
    topic: str | None
    wanted: datetime
    sent: datetime | None
    ticket: int | None


@dataclass(frozen=True, slots=True)
class Run(Record):
    """A run that was under way in the cycle."""

    id: str
    opened: datetime
    closed: datetime | None
    by: str
    playbook: str | None
    simulated: bool


@dataclass(frozen=True, slots=True)
class PolicyRow(Record):
    """A policy that runs went by from `since` on, by the hash of its document, with the times that it sets."""

    since: datetime
    sha256: str
    deadlines: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Account(Record):
    """The whole. `at` is the instant it tells of, `final` that nothing in the cycle can change any more; `events` and
    `head` say which ledger it was made of. Everything is sorted, by time or by name."""

    scope: Scope
    start: datetime
    end: datetime
    at: datetime
    final: bool
    opened_by: str | None
    opened_reason: str | None
    events: int
    head: str
    endpoints: tuple[EndpointResult, ...]
    flaws: tuple[Flaw, ...]
    tiers: tuple[TierResult, ...]
    approvals: tuple[RecordedApproval, ...]
    exceptions: tuple[ExceptionRow, ...]
    holds: tuple[HoldRow, ...]
    failures: tuple[FailureRow, ...]
    authorizations: tuple[Authorization, ...]
    missed_windows: tuple[MissedWindow, ...]
    tickets: tuple[TicketRow, ...]
    runs: tuple[Run, ...]
    policies: tuple[PolicyRow, ...] = ()
    """Those of the cycle, the last one being that which deadlines are held against."""
