# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet, a ledger in memory and a policy: what is told of them at an instant, and put on the ledger as a run does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, Policy, Update
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import about
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.overview import (
    Place,
    overview,
    tickets_wanted,
    told_since,
)
from ansible_collections.msp.patching.plugins.plugin_utils.notices.outlook import Outlook
from ansible_collections.msp.patching.plugins.plugin_utils.notices.told import Told, tell
from tests.unit.flow.build import DEFAULTS


@dataclass
class Scene:
    fleet: list[Endpoint]
    policy: Policy = DEFAULTS
    ledger: Ledger = field(default_factory=lambda: Ledger.open("sqlite://"))

    def put(self, kind: str, now: datetime, endpoint: str | None = None, /, **body: Any) -> None:
        of = {one.name: one for one in self.fleet}
        extra = about(of[endpoint]) if endpoint in of else {}
        self.ledger.append([Event(kind, endpoint, now, {**body, **extra})], run="r1")

    def append(self, events: Iterable[Event]) -> int:
        return self.ledger.append(list(events), run="r1")

    def searched(self, now: datetime, found: Mapping[str, list[Update]]) -> None:
        for name, updates in found.items():
            self.put("scan.finished", now, name, updates=[one.as_record() for one in updates])

    def taken(self, now: datetime, endpoint: str, update: str, *, healthy: bool | None = True) -> None:
        """A pilot endpoint installs it, and is validated where `healthy` says so."""
        results = [{"update": update, "ok": True, "hresult": None}]
        self.put("install.finished", now, endpoint, results=results, reboot_required=False)
        if healthy is not None:
            self.put("validation.finished", now, endpoint, healthy=healthy, checks=[])

    def outlook(self, now: datetime, *, named: bool = False, before: Mapping[str, Place] | None = None) -> Outlook:
        known = overview(self.ledger, named=named)
        return Outlook(known, {one.name: one for one in self.fleet}, self.policy, now, before)

    def told(self, now: datetime) -> Told:
        """What is told; nothing is recorded."""
        return tell(self.outlook(now))

    def run(self, now: datetime) -> list[Event]:
        """As a run does it: what is new goes on the ledger; gives that."""
        outlook = self.outlook(now)
        told = tell(outlook)
        events = told.events(outlook, tickets_wanted(self.ledger, {one.id for one in told.letters}))
        fresh = [event.body["id"] for event in events if event.kind == "ticket.wanted"]
        self.ledger.append(events, run="r1", unless=told_since(outlook.known, fresh))
        return events

    def tickets(self) -> list[dict[str, Any]]:
        """The bodies of the tickets that the ledger wants, oldest first."""
        return [dict(event.body) for _seq, _run, event in self.ledger.events(kinds=["ticket.wanted"])]
