# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nodes look up, indexed once for a register and an instant, and remembered across endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from . import approval, freezes, times, windows
from .approval import Outcome, Recorded
from .freezes import Freeze
from .records import Endpoint, Update
from .register import Approval, Authorization, EndpointState, Exclusion, Failure, Hold, Register
from .settings import Settings, WindowSpec
from .soak import SoakBook
from .windows import Window

_UNKNOWN = EndpointState()


class Facts:
    """The register's rows by what they are asked for, and what was worked out for one endpoint for the next."""

    def __init__(self, register: Register, now: datetime, fleet: Iterable[Endpoint] = ()) -> None:
        self.now = now
        self.cycle = times.cycle_at(now)
        self.soak = SoakBook(register, now, fleet)
        self._recorded = Recorded(register.approvals, now)
        self._states = register.endpoints
        self._exclusions: dict[tuple[str, ...], list[Exclusion]] = {}
        for exclusion in register.exceptions:
            self._exclusions.setdefault(_exclusion_key(exclusion), []).append(exclusion)
        self._failures: dict[str | int, list[Failure]] = {}
        for failure in register.failures:
            if failure.is_open(now):
                self._failures.setdefault(failure.endpoint, []).append(failure)
                if failure.endpoint_id is not None:
                    self._failures.setdefault(failure.endpoint_id, []).append(failure)
        self._holds = [hold for hold in register.holds if hold.in_force(now)]
        self._authorized = {
            (row.cycle, *_authorization_key(row)): row
            for row in register.authorizations
            if row.at is None or row.at <= now
        }
        self._outcomes: dict[tuple[str, str, Settings], tuple[Update, Outcome]] = {}
        self._windows: dict[tuple[WindowSpec, str], Window] = {}
        self._openings: dict[tuple[WindowSpec, str], datetime] = {}
        self._freezes: dict[tuple[tuple[Freeze, ...], str], tuple[str, datetime] | None] = {}
        self._next_freezes: dict[tuple[tuple[Freeze, ...], str], datetime | None] = {}

    def state(self, endpoint: Endpoint) -> EndpointState:
        return self._states.get(endpoint.name, _UNKNOWN)

    def exclusions(self, endpoint: Endpoint) -> list[Exclusion]:
        """Every exception that covers the endpoint, whether it counts or not."""
        if not self._exclusions:
            return []
        keys = [
            ("client", endpoint.client),
            ("location", endpoint.client, endpoint.location),
            ("endpoint", endpoint.name),
            ("role", endpoint.role or ""),
        ]
        return [row for key in keys for row in self._exclusions.get(key, ())]

    def open_failures(self, endpoint: Endpoint) -> list[Failure]:
        """Those of its failures that have no documented root cause, also from before the RMM called it something
        else."""
        found = list(self._failures.get(endpoint.name, ()))
        if endpoint.id is not None:
            found += self._failures.get(endpoint.id, ())
        return [one for one in dict.fromkeys(found) if one.is_of(endpoint)]

    def holds_on(self, endpoint: Endpoint, cycles: Iterable[str]) -> Iterator[Hold]:
        """The holds in force whose scope covers the endpoint in one of the cycles."""
        for hold in self._holds:
            scope = hold.scope
            if (
                scope.get("client", endpoint.client) == endpoint.client
                and scope.get("ring", endpoint.ring) == endpoint.ring
                and scope.get("kind", endpoint.kind) == endpoint.kind
                and scope.get("cycle", self.cycle) in (self.cycle, *cycles)
            ):
                yield hold

    def authorized(self, endpoint: Endpoint, cycle: str) -> Authorization | None:
        """The go given for the endpoint or its tier in a cycle."""
        own = self._authorized.get((cycle, "endpoint", endpoint.name))
        tier = (cycle, "tier", endpoint.client, endpoint.ring or "", endpoint.kind or "")
        return own or self._authorized.get(tier)

    def outcome(self, update: Update, client: str, settings: Settings) -> Outcome:
        key = (update.id, client, settings)
        known = self._outcomes.get(key)
        if known is not None and known[0] == update:
            return known[1]
        found = approval.judge(update, settings.approval, self._recorded, client, self.now)
        self._outcomes[key] = update, found
        return found

    def lapsed(self, update: Update, client: str) -> Approval | None:
        """The deferral that ended and left the update to review again."""
        return self._recorded.lapsed(update, client)

    def window(self, spec: WindowSpec, zone_name: str) -> Window:
        """The window that is open now, else the next."""
        key = (spec, zone_name)
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = windows.current_window(spec, zone_name, self.now)
        return found

    def next_opening(self, spec: WindowSpec, zone_name: str) -> datetime:
        key = (spec, zone_name)
        found = self._openings.get(key)
        if found is None:
            found = self._openings[key] = windows.next_opening(spec, zone_name, self.now)
        return found

    def freeze(self, endpoint: Endpoint, settings: Settings, zone_name: str) -> tuple[str, datetime] | None:
        """The change freeze the endpoint is in, by name, and when it ends."""
        covering = tuple(freeze for freeze in settings.freezes if freeze.covers(endpoint))
        if not covering:
            return None
        key = (covering, zone_name)
        if key not in self._freezes:
            self._freezes[key] = freezes.frozen(covering, zone_name, self.now)
        return self._freezes[key]

    def next_freeze(self, endpoint: Endpoint, settings: Settings, zone_name: str) -> datetime | None:
        """When the next change freeze of the endpoint begins, of those that are near."""
        covering = tuple(freeze for freeze in settings.freezes if freeze.covers(endpoint))
        if not covering:
            return None
        key = (covering, zone_name)
        if key not in self._next_freezes:
            self._next_freezes[key] = freezes.next_start(covering, zone_name, self.now)
        return self._next_freezes[key]


def _exclusion_key(row: Exclusion) -> tuple[str, ...]:
    scope = row.scope
    if "location" in scope:
        return "location", scope["client"], scope["location"]
    return next((kind, scope[kind]) for kind in ("client", "endpoint", "role") if kind in scope)


def _authorization_key(row: Authorization) -> tuple[str, ...]:
    scope = row.scope
    if "endpoint" in scope:
        return "endpoint", scope["endpoint"]
    return "tier", scope["client"], scope["ring"], scope["kind"]
