# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The completeness proof of a tier (section 9): each endpoint of it stands in exactly one place.

===============  =====================================================================================================
``patched``      searched since the cycle opened, nothing approved is left, validated since its last install or reboot
``excluded``     out of scope: disabled, Do Not Patch, or a signed exception; or called otherwise now, and counted so
``held``         a gate that somebody or time must clear, a technician's step that is due, a change freeze
``failed``       a failure of it has no documented root cause
``unreachable``  silent, asleep, or it did not answer when it was its turn; or the inventory no longer has it
``open``         not settled: something is due, in flight, or waits for its hour
===============  =====================================================================================================

When a tier closes. Where all of it is patched or excluded there is nothing left to do, and it closes at once. Held,
failed and unreachable endpoints keep it open as long as the cycle lasts: until the next Patch Tuesday a hold can be
released, a root cause documented, a laptop come back, and what is caught up then still belongs to this month. Once the
cycle's span is over the month has to be reported, and the tier closes with what is left named by endpoint and reason.
An open endpoint keeps it from closing even then: of one that is about to be patched nobody can say how it ends, and
it settles within its next window.

An endpoint that joins a tier after it closed is patched as any other, and counted in the next cycle's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .register import EndpointState
from .times import cycle_span

PLACES = ("patched", "excluded", "held", "failed", "unreachable", "open")
SETTLED = frozenset({"patched", "excluded"})
"""Where nothing is left to be done in the cycle."""
OFFERED = timedelta(days=1)
"""An endpoint on which nothing is found is only done when it is searched this long after the cycle opened: what is
released on Patch Tuesday at 10:00 is not on offer everywhere at 10:01."""
NOTHING = EndpointState()
AWAY = frozenset({"posture.offline", "posture.asleep"})
UNVALIDATED = "it is not validated since it was installed or rebooted"
FROZEN = frozenset({"schedule.freeze", "reboot.freeze"})


@dataclass(frozen=True, slots=True, order=True)
class Tier:
    """One cycle × client × ring × kind."""

    cycle: str
    client: str
    ring: str
    kind: str

    def __str__(self) -> str:
        return f"{self.client}, {self.ring} {self.kind}s, {self.cycle}"

    def as_record(self) -> dict[str, str]:
        return {"cycle": self.cycle, "client": self.client, "ring": self.ring, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the proof asks of one endpoint.

    `action`, `node` and `reason` are those of its decision, whatever the age of its last search (`Planner.standing`);
    `in_flight` what was started on it and is not finished, in words; `failure` its failure without a root cause;
    `unreachable_since` is set while it does not answer; `gone` says why no run sees it by its name any more, and
    `counted` that its other name counts in the same tier.
    """

    action: str
    node: str
    reason: str
    state: EndpointState = NOTHING
    in_flight: str | None = None
    failure: str | None = None
    unreachable_since: datetime | None = None
    gone: str | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Where one endpoint stands, one of :data:`PLACES`, and why."""

    endpoint: str
    stands: str
    reason: str

    def as_record(self) -> dict[str, str]:
        return {"endpoint": self.endpoint, "stands": self.stands, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Proof:
    """A tier's endpoints, each with its one place; `over` where the cycle's span has ended."""

    tier: Tier
    rows: tuple[Row, ...]
    over: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many stand in each place; they add up to the tier."""
        counted = Counter(row.stands for row in self.rows)
        return {place: counted[place] for place in PLACES}

    @property
    def in_the_way(self) -> tuple[Row, ...]:
        """The endpoints that keep the tier from closing."""
        return tuple(row for row in self.rows if row.stands == "open" or not (self.over or row.stands in SETTLED))

    @property
    def closes(self) -> bool:
        """A tier that has lost all its endpoints proves nothing, and ends with its cycle."""
        return not self.in_the_way and (self.over or bool(self.rows))


def prove(tier: Tier, standings: Mapping[str, Standing], now: datetime) -> Proof:
    """Put each endpoint of the tier in its one place, at `now`."""
    opened, ends = cycle_span(tier.cycle)
    rows = (Row(name, *place(standings[name], opened)) for name in sorted(standings))
    return Proof(tier, tuple(rows), now >= ends)


def place(standing: Standing, opened: datetime) -> tuple[str, str]:
    """The one of :data:`PLACES` an endpoint stands in, in a cycle that opened at `opened`, and the reason."""
    if standing.action == "skip":
        return "excluded", standing.reason
    gone = standing.gone
    if standing.in_flight is not None and not gone:
        return "open", standing.in_flight
    if standing.failure is not None:
        return "failed", standing.failure
    if standing.in_flight is not None:  # no run will ever hear the end
        return "unreachable", f"{standing.in_flight}, and {gone}"
    if gone and standing.counted:
        return _by_another_name(standing, gone, opened)
    if standing.node == "gate.failure_open":
        return "failed", standing.reason
    if standing.node in AWAY:
        return "unreachable", standing.reason
    if standing.action in ("hold", "manual") or standing.node in FROZEN:
        return "held", standing.reason
    found = _nothing_left(standing.state, opened) if standing.action == "none" else ("open", standing.reason)
    if found[0] == "open" and standing.unreachable_since is not None:
        return "unreachable", f"it has not answered since {standing.unreachable_since.isoformat(timespec='minutes')}"
    return ("unreachable", gone) if found[0] == "open" and gone else found


def _by_another_name(standing: Standing, gone: str, opened: datetime) -> tuple[str, str]:
    """What was done by the former name stays said of it; what is left to be done is so by the other."""
    if _is_unvalidated(standing.state):
        return "unreachable", f"{UNVALIDATED}, and {gone}"
    if standing.action == "none" and (found := _nothing_left(standing.state, opened))[0] == "patched":
        return found
    return "excluded", f"{gone}, and counts by that name"


def _nothing_left(state: EndpointState, opened: datetime) -> tuple[str, str]:
    """Patched, where it was searched late enough for that to be worth something, and validated."""
    if state.scanned_at is None or state.scanned_at < opened:
        return "open", "it has not been searched since the cycle opened"
    if _is_unvalidated(state):
        return "open", UNVALIDATED
    if state.installed_at is not None and state.installed_at >= opened:
        return "patched", f"installed at {state.installed_at.isoformat(timespec='minutes')}, validated, nothing is left"
    if state.scanned_at >= opened + OFFERED:
        return "patched", f"nothing was left on it at {state.scanned_at.isoformat(timespec='minutes')}"
    return "open", "nothing is on offer for it yet; a search a day after the cycle's opening shows whether it stays so"


def _is_unvalidated(state: EndpointState) -> bool:
    done = max((at for at in (state.installed_at, state.rebooted_at) if at is not None), default=None)
    return done is not None and (state.validated_at is None or state.validated_at < done)
