# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole fleet at one instant: the endpoints of the inventory, the ledger's knowledge of them, and the policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..flow import Endpoint, Planner, Policy, Settings, Update, scope
from ..ledger.overview import Place

if TYPE_CHECKING:
    from ..flow.case import Case
    from ..ledger.overview import Overview

_SKIPPED = (scope.location_disabled, scope.agent_disabled, scope.excluded, scope.do_not_patch)


class Outlook:
    """`fleet` is the whole inventory by endpoint name, `known` what the ledger has; nothing is read or written here.

    `cases` are the endpoints that are in scope, each with the updates that its last search found. `before` is where the
    endpoints were before this run, as the ledger had it; what it has now unless given.
    """

    def __init__(
        self,
        known: Overview,
        fleet: Mapping[str, Endpoint],
        policy: Policy,
        now: datetime,
        before: Mapping[str, Place] | None = None,
    ) -> None:
        self.known = known
        self.fleet = fleet
        self.policy = policy
        self.now = now
        seen_at = {one.name: Place(one.client, one.location, one.id, one.ring) for one in known.seen.values()}
        self.before: Mapping[str, Place] = seen_at if before is None else before
        seen = {one.name: one for one in known.register.pilots or ()}  # also those of another slice of the inventory
        self.pilots = {name: one for name, one in {**seen, **fleet}.items() if one.ring == "pilot"}
        planner = Planner(policy, known.register, now, fleet.values())
        cases = (planner.case(endpoint, self.updates_of(name)) for name, endpoint in fleet.items())
        self.cases: list[Case] = [case for case in cases if in_scope(case)]

    def updates_of(self, endpoint: str) -> list[Update] | None:
        """What applies to it; None where that is not known."""
        ids = self.known.applies.get(endpoint)
        return None if ids is None else [self.known.updates[update] for update in ids]

    def settings(self, client: str | None = None, location: str | None = None, name: str | None = None) -> Settings:
        """The figures for a client, a location or an endpoint; without any, those for all."""
        if client is None and name is None:
            return self.policy.settings()
        return self.policy.settings(Endpoint(name=name or "", client=client or "", location=location or ""))

    def speaks_for(self, client: str | None) -> bool:
        """Whether this inventory has every ring of the client (None: of all) that the ledger has seen: a slice of one
        cannot tell that something is no more."""
        there = {(one.client, one.ring) for one in self.fleet.values()}
        seen = {(one.client, one.ring) for one in self.known.seen.values() if client in (None, one.client)}
        return seen <= there

    def scanned_at(self, endpoint: str) -> datetime | None:
        seen = self.known.seen.get(endpoint)
        return None if seen is None else seen.scanned_at

    def is_searched_lately(self, case: Case) -> bool:
        """Whether its last search is not older than two days or so: what an older one found may be superseded."""
        scanned = self.scanned_at(case.endpoint.name)
        return scanned is not None and self.now - scanned <= 2 * case.settings.scan_max_age

    def build(self, endpoint: str) -> str | None:
        seen = self.known.seen.get(endpoint)
        return None if seen is None else seen.build


def in_scope(case: Case) -> bool:
    """Whether the flow may patch it at all, now or later."""
    return not any(ask(case) for ask in _SKIPPED)


def by_client(endpoints: Iterable[Endpoint]) -> dict[str, list[str]]:
    """The names of endpoints by client, the client with most of them first."""
    found: dict[str, list[str]] = {}
    for endpoint in endpoints:
        found.setdefault(endpoint.client, []).append(endpoint.name)
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return {client: sorted(names) for client, names in ranked}


def days(span: timedelta) -> int:
    """Whole days, at least 0."""
    return max(span.days, 0)
