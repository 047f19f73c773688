# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of the soak (R5) as one line for each update and scope: what soaks, what waits and for what, what passed.

Promotion is automatic: the gate opens when the soak has passed. That it did is put on the ledger once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint, Settings, Update
from ..flow.fields import LATEST_YEAR
from ..flow.soak import Soak, waits
from ..ledger import Event, text_of
from ..planning.prose import Prose, count

if TYPE_CHECKING:
    from ..flow.case import Case
    from ..ledger.overview import Promotion

TITLE = "Soak"
LINES = 10
"""A run tells of so many gates; the others are counted."""

Key = tuple[str, str, str | None]
"""Update id, kind, and the client, or None for all."""
_NEVER = datetime(LATEST_YEAR, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Gate:
    """One update and the endpoints of a `kind` that wait for it, those of one `client` or of all (None)."""

    update: Update
    kind: str
    client: str | None
    soak: Soak
    passed_at: datetime | None = None
    endpoints: list[Endpoint] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return self.update.id, self.kind, self.client

    @property
    def is_open(self) -> bool:
        return self.soak.passed

    def line(self, now: datetime) -> str:
        """``KB5066835, all clients' workstations: soaks until Tue 20 Oct 02:31 UTC, 3 of 4 pilot endpoints healthy``"""
        whose = f"{self.client}'s" if self.client else "all clients'"
        return f"{self.update.label}, {whose} {self.kind}s: {self._state(Prose(None, now))}"

    def _state(self, prose: Prose) -> str:
        soak = self.soak
        healthy = f"{soak.healthy} of {count(soak.taken, 'pilot endpoint')} healthy"
        match soak.waits_for:
            case None:
                return f"passed{prose.maybe(' on ', self.passed_at or soak.full_at)}, {healthy}"
            case "pilot":
                return "waits: no pilot endpoint has taken it"
            case "root_cause":
                more = f" and {len(soak.failing) - 1} more" if len(soak.failing) > 1 else ""
                return f"waits: an open failure on {soak.failing[0]}{more}, {healthy}"
            case "time" if soak.until is not None:
                return f"soaks until {prose.when(soak.until)}, {healthy}"
        return f"waits: {healthy}{prose.maybe(', its time is full on ', soak.full_at)}"

    def event(self, now: datetime) -> Event:
        """That it passed."""
        soak = self.soak
        body: dict[str, Any] = {
            "update": self.update.id,
            "kind": self.kind,
            "client": self.client,
            "since": text_of(soak.since) if soak.since else None,
            "full_at": text_of(soak.full_at) if soak.full_at else None,
            "taken": soak.taken,
            "healthy": soak.healthy,
            "reason": soak.reason,
        }
        return Event("soak.passed", None, now, body)


def gates(cases: Iterable[Case], everybody: Settings, passed: Mapping[Key, Promotion]) -> list[Gate]:
    """The gate of every approved update that applies to endpoints which wait for the soak; those that somebody has to
    look at first, then by when they open.

    `cases` are endpoints with the updates that apply to them, `everybody` the policy's figures for all, `passed` the
    promotions on the ledger. A client whose own figures differ has gates of its own; where several figures meet in one
    scope, it is as far as the last of them.
    """
    found: dict[Key, Gate] = {}
    judged: dict[tuple[str, str, str, Settings], Gate | None] = {}
    for case in cases:
        endpoint = case.endpoint
        if not waits(endpoint, case.settings):
            continue
        for update in case.updates or ():
            asked = (update.id, endpoint.client, endpoint.kind or "", case.settings)
            if asked not in judged:
                judged[asked] = _gate(case, update, everybody, found)
            gate = judged[asked]
            if gate is not None:
                gate.endpoints.append(endpoint)
    for key, gate in found.items():
        gate.passed_at = passed[key].at if key in passed else None
    return sorted(found.values(), key=_rank)


def _gate(case: Case, update: Update, everybody: Settings, found: dict[Key, Gate]) -> Gate | None:
    endpoint, settings = case.endpoint, case.settings
    outcome = case.facts.outcome(update, endpoint.client, settings)
    if outcome.node is not None or outcome.waived or endpoint.kind is None:
        return None
    soak = case.facts.soak.judge(update, endpoint, settings, case.lane_of(update))
    own = settings.soak_scope[endpoint.kind] == "client" or _figures(settings) != _figures(everybody)
    key = (update.id, endpoint.kind, endpoint.client if own else None)
    gate = found.setdefault(key, Gate(update, endpoint.kind, key[2], soak))
    if _lateness(soak) > _lateness(gate.soak):
        gate.soak = soak
    return gate


def _figures(settings: Settings) -> tuple[Any, ...]:
    return settings.soak, settings.soak_minimum_endpoints, settings.soak_minimum_healthy, dict(settings.soak_scope)


def _lateness(soak: Soak) -> tuple[bool, bool, datetime]:
    """What opens later is more."""
    return not soak.passed, soak.waits_for != "time", soak.until or _NEVER


def _rank(gate: Gate) -> tuple[int, datetime, str]:
    """What somebody has to see to, what time will open, what has passed."""
    soak = gate.soak
    state = 2 if soak.passed else 1 if soak.waits_for == "time" else 0
    return state, soak.until or gate.passed_at or _NEVER, f"{gate.update.label} {gate.client or ''}"


def promotions(found: Iterable[Gate], now: datetime) -> list[Event]:
    """The events of the gates that are open and not on the ledger as such."""
    return [gate.event(now) for gate in found if gate.is_open and gate.passed_at is None]


def in_words(found: Sequence[Gate], now: datetime) -> str:
    """The gates that are not open yet, a line each, and those that open now; bounded. Empty where nothing soaks."""
    shut = [gate for gate in found if not gate.is_open]
    fresh = [gate for gate in found if gate.is_open and gate.passed_at is None]
    return listed(TITLE, shut, now) + listed("Promoted, for the soak has passed", fresh, now)


def listed(title: str, found: Sequence[Gate], now: datetime) -> str:
    """A line a gate, at most `LINES` of them, under a `title`; empty where there is none."""
    lines = list(dict.fromkeys(gate.line(now) for gate in found))
    if not lines:
        return ""
    more = f"  and {len(lines) - LINES} more\n" if len(lines) > LINES else ""
    return f"{title}:\n" + "".join(f"  {line}\n" for line in lines[:LINES]) + more
