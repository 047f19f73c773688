# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cycle told in events, on a ledger in memory: what a test does not say is as it is on most machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account, Flaw, Scope, account_of
from ansible_collections.msp.patching.plugins.plugin_utils.flow import cycle_span, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import OF_ENDPOINT

CYCLE = "2026-11"
OPENED, ENDS = cycle_span(CYCLE)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CRITICAL, IMPORTANT = "KB5001", "KB5002"
ABOUT = {"client": "Acme", "location": "Main", "ring": "pilot", "kind": "workstation"}


def update(label: str, severity: str | None = "Critical", released: datetime | None = OPENED, **more: Any) -> Any:
    """The record of the update that a test calls by `label`, which is its id and, where it is one, its KB."""
    security = {"categories": ["Security Updates"], "vendor": "Microsoft", "severity": severity, "title": f"({label})"}
    kb = [label.removeprefix("KB")] if label.startswith("KB") else []
    return {"id": label, "kb": kb, "released": released and text_of(released), **security, **more}


UPDATES = MappingProxyType({CRITICAL: update(CRITICAL), IMPORTANT: update(IMPORTANT, "Important")})


class Story:
    """Appends events; instants are given as time since the cycle opened."""

    def __init__(self, policy: Mapping[str, Any] | None = None, cycle: str = CYCLE) -> None:
        self.ledger = Ledger.open("sqlite://")
        self.policy = load_policy(policy)
        self.start, self.end = cycle_span(cycle)
        self.cycle = cycle
        self.about: dict[str, dict[str, Any]] = {}
        self.decided: set[str] = set()
        self.tell("cycle.opened", timedelta(), cycle=cycle, start=text_of(self.start), end=text_of(self.end))

    def tell(self, kind: str, after: timedelta, endpoint: str | None = None, /, **body: Any) -> None:
        about = {"about": self.about.get(endpoint, ABOUT)} if endpoint and kind in OF_ENDPOINT else {}
        self.ledger.append([Event(kind, endpoint, self.start + after, body | about)], run="run-1")

    def endpoint(self, name: str, **about: Any) -> str:
        self.about[name] = ABOUT | about
        return name

    def tier(self, *names: str, after: timedelta = timedelta(), **tier: Any) -> None:
        told = {"cycle": self.cycle, "client": "Acme", "ring": "pilot", "kind": "workstation"} | tier
        self.tell("tier.opened", after, **told, endpoints=list(names))

    def close(self, after: timedelta, proof: Mapping[str, tuple[str, str]], **tier: Any) -> None:
        told = {"cycle": self.cycle, "client": "Acme", "ring": "pilot", "kind": "workstation"} | tier
        rows = [{"endpoint": name, "stands": place, "reason": why} for name, (place, why) in proof.items()]
        self.tell("tier.closed", after, **told, proof=rows)

    def decide(
        self,
        name: str,
        after: timedelta,
        action: str = "none",
        node: str = "",
        *,
        reason: str = "",
        left: Iterable[tuple[str, str, str]] = (),
    ) -> None:
        left_out = [{"update": key, "node": at, "reason": why, "until": None} for key, at, why in left]
        decision: dict[str, Any] = {
            "action": action,
            "node": node,
            "reason": reason or f"{action} at {node}",
            "until": None,
        }
        decision |= {"path": [], "updates": [], "left_out": left_out}
        self.decided.add(name)
        self.tell("plan.decided", after, name, decision=decision, cycle=self.cycle)

    def scan(self, name: str, after: timedelta, *labels: str, known: Mapping[str, Any] = UPDATES) -> None:
        if name not in self.decided:
            self.decide(name, after, "scan", "scan.due")
        self.tell("scan.finished", after, name, updates=[known[label] for label in labels])

    def install(
        self, name: str, after: timedelta, *labels: str, failing: Iterable[str] = (), reboot: bool = True
    ) -> None:
        results = [{"update": label, "ok": True, "hresult": None} for label in labels]
        results += [{"update": label, "ok": False, "hresult": "0x80070643"} for label in failing]
        self.tell("install.finished", after, name, results=results, reboot_required=reboot)

    def boot(self, name: str, after: timedelta, boot_id: str = "boot-2") -> None:
        self.tell("reboot.confirmed", after, name, boot_id=boot_id, boot_time=text_of(self.start + after))

    def look(self, name: str, after: timedelta, boot_id: str) -> None:
        at = text_of(self.start + after)
        self.tell("posture.observed", after, name, boot_id=boot_id, boot_time=at, now=at, reboot_pending=False)

    def validate(self, name: str, after: timedelta, *, healthy: bool = True) -> None:
        checks = [{"name": "online", "ok": True, "seen": "yes"}, {"name": "services", "ok": healthy, "seen": "Spooler"}]
        self.tell("validation.finished", after, name, healthy=healthy, checks=checks)

    def patch(self, name: str, after: timedelta, *labels: str) -> None:
        """Installed, rebooted and validated within an hour."""
        self.install(name, after, *labels)
        self.boot(name, after + HOUR / 2)
        self.validate(name, after + HOUR)

    def fail(self, name: str, after: timedelta, label: str | None, key: str = "f-1", **more: Any) -> None:
        told = {"id": key, "step": "install", "update": label, "hresult": "0x80070643", "name": "ERROR_INSTALL_FAILURE"}
        told |= {"class": "environment", "text": f"the install failed: {label}", "next_window": None}
        self.tell("failure.opened", after, name, **told | {"cycle": self.cycle} | more)

    def ticket(
        self, name: str | None, after: timedelta, sent: timedelta, number: int | None, text: str, **more: Any
    ) -> None:
        told: dict[str, Any] = {
            "id": f"t-{number}-{after}",
            "xref": f"msp.patching/Acme/{name}/install",
            "summary": "Patching",
        }
        told |= {"text": text, "priority": 2, "client": "Acme"} | ({"endpoint_name": name} if name else {}) | more
        self.tell("ticket.wanted", after, name, **told)
        self.tell("ticket.sent", sent, id=told["id"], xref=told["xref"], ticket=number)

    def account(self, after: timedelta = 20 * DAY, **scope: Any) -> Account:
        return account_of(self.ledger, self.policy, Scope(self.cycle, **scope), self.start + after)

    def flaw(self, name: str, label: str, after: timedelta = 20 * DAY) -> Flaw:
        (found,) = [one for one in self.account(after).flaws if (one.endpoint, one.label) == (name, label)]
        return found
