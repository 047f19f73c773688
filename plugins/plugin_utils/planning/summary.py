# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did to each endpoint, read off the ledger's events: the table at a run's end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..flow import who
from ..ledger import Event, Ledger
from .prose import count
from .tables import render

NOT_TOLD = "its user was not told that a restart is due ({why}); the next run tries again"


@dataclass(slots=True)
class Outcome:
    """What happened to one endpoint in a run, from its events in order."""

    endpoint: str
    decision: str = ""
    reason: str = ""
    installed: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    rebooted_at: datetime | None = None
    healthy: bool | None = None
    unhealthy: list[str] = field(default_factory=list)
    failure: str | None = None
    unreachable: bool = False
    under_way: str | None = None
    ticket: str = ""
    reminded: bool = False
    warning: str | None = None
    caught_up: str | None = None
    woken: str | None = None
    other: str | None = None
    """What is told of another machine that answers in its place."""

    @property
    def state(self) -> str:
        """One word for what became of it."""
        if self.failure is not None:
            return "FAILED"
        if self.under_way is not None:
            return "in flight"
        if self.unreachable:
            return "UNREACHABLE"
        if self.healthy:
            return "patched"
        if self.reminded:
            return "reminded"
        if self.warning is not None:
            return "not reminded"
        return self.decision

    @property
    def touched(self) -> bool:
        """Whether the run did anything on it."""
        return bool(
            self.installed
            or self.failed
            or self.rebooted_at
            or self.failure
            or self.unreachable
            or self.reminded
            or self.warning
            or self.woken
        ) or (self.healthy is not None or self.under_way is not None)


def outcomes(events: Iterable[Event]) -> dict[str, Outcome]:
    """By endpoint, what the `events` of one run, in order, add up to."""
    found: dict[str, Outcome] = {}
    wanted: dict[str, str] = {}
    for event in events:
        if event.kind == "ticket.wanted" and event.body.get("endpoint_name"):
            name = wanted[event.body["id"]] = event.body["endpoint_name"]
            found.setdefault(name, Outcome(name)).ticket = "waits for the PSA"
        elif event.kind == "ticket.sent" and event.body["id"] in wanted:
            found[wanted[event.body["id"]]].ticket = f"#{event.body['ticket']}"
        elif event.endpoint:
            _take(found.setdefault(event.endpoint, Outcome(event.endpoint)), event)
    return found


def _take(outcome: Outcome, event: Event) -> None:
    body = event.body
    match event.kind:
        case "plan.decided":
            outcome.decision, outcome.reason = body["decision"]["action"], body["decision"]["reason"]
        case "scan.started" | "install.started":
            outcome.under_way = event.kind.partition(".")[0]
        case "install.finished":
            outcome.under_way = None
            outcome.installed += [row["update"] for row in body["results"] if row["ok"]]
            outcome.failed = [(row["update"], row["hresult"] or "") for row in body["results"] if not row["ok"]]
        case "install.found":
            outcome.installed += body["updates"]
        case "reboot.started":
            outcome.under_way = "reboot"
        case "reboot.confirmed":
            outcome.under_way = None
            outcome.rebooted_at = datetime.fromisoformat(body["boot_time"])
        case "validation.finished":
            outcome.healthy = body["healthy"]
            outcome.unhealthy = [check["name"] for check in body["checks"] if not check["ok"]]
        case "failure.opened" | "failure.repeated":
            outcome.failure, outcome.under_way = body["text"], None
        case "endpoint.unreachable":
            outcome.unreachable = True
            outcome.other = body["message"] if body["message"].startswith(who.ANOTHER) else None
        case "scan.finished" | "job.lost" | "step.failed":
            outcome.under_way = None
    if event.kind in _ANSWERED:
        outcome.unreachable, outcome.other = False, None
    _take_reminder(outcome, event)
    _take_caught_up(outcome, event)
    _take_waking(outcome, event)


def _take_waking(outcome: Outcome, event: Event) -> None:
    if event.kind == "wake.sent":
        outcome.woken = f"woken from {event.body['peer']}"
    elif event.kind == "wake.failed":
        outcome.woken = f"not woken: {event.body['message']}"


def _take_caught_up(outcome: Outcome, event: Event) -> None:
    if event.kind == "window.caught_up":
        since = datetime.fromisoformat(event.body["since"])
        missed = count(event.body["windows"], "missed window")
        outcome.caught_up = f"caught up after {missed}, the first on {since.day} {since:%b}"


def _take_reminder(outcome: Outcome, event: Event) -> None:
    """Of several that went wrong the last is told; one that was shown settles it."""
    if event.kind == "reminder.shown":
        outcome.reminded, outcome.warning = True, None
    elif "remind" in (event.body.get("step"), event.body.get("during")):
        outcome.warning = NOT_TOLD.format(why=event.body["message"])


_ANSWERED = frozenset(
    {
        "scan.started",
        "scan.finished",
        "install.started",
        "install.finished",
        "posture.observed",
        "reboot.confirmed",
        "reminder.shown",
    }
)
"""Kinds that show an endpoint is reachable (again)."""


def run_summary(ledger: Ledger, run: str, zones: Mapping[str, Any]) -> str:
    """What a run did, as people read it; empty where it did nothing on any endpoint. `zones` as in `summary_table`."""
    found = outcomes(event for _seq, _run, event in ledger.events(run=run))
    touched = {name: outcome for name, outcome in found.items() if outcome.touched}
    if not touched:
        return ""
    updates = {
        update for one in touched.values() for update in [*one.installed, *(failed for failed, dummy in one.failed)]
    }
    counted = Counter(outcome.state for outcome in touched.values())
    title = "What this run did: " + ", ".join(f"{count} {state}" for state, count in sorted(counted.items()))
    words = summary_table(title, touched, ledger.labels(updates), zones)
    for outcome in touched.values():
        if outcome.failure is not None:
            words += f"{outcome.endpoint}: {outcome.failure}\n"
        if outcome.other is not None and outcome.failure is None:
            words += f"{outcome.endpoint}: {outcome.other}\n"
        if outcome.woken is not None:
            words += f"{outcome.endpoint}: {outcome.woken}\n"
        if outcome.caught_up is not None:
            words += f"{outcome.endpoint}: {outcome.caught_up}\n"
        if outcome.warning is not None:
            words += f"Warning: {outcome.endpoint}: {outcome.warning}\n"
    return words


def summary_table(title: str, found: Mapping[str, Outcome], labels: Mapping[str, str], zones: Mapping[str, Any]) -> str:
    """A row for each endpoint the run did something on; `labels` names updates, `zones` gives an endpoint's tzinfo."""
    rows = sorted((one for one in found.values() if one.touched), key=lambda one: (one.failure is None, one.endpoint))
    columns = ("endpoint", "state", "updates", "booted (local)", "health", "ticket")
    return render(
        title,
        columns,
        (
            (one.endpoint, one.state, _updates(one, labels), _booted(one, zones), _health(one), one.ticket)
            for one in rows
        ),
    )


def _updates(outcome: Outcome, labels: Mapping[str, str]) -> str:
    names = [labels.get(update, update) for update in dict.fromkeys(outcome.installed)]
    names += [f"{labels.get(update, update)} failed: {hresult}" for update, hresult in outcome.failed]
    return ", ".join(names) or "–"


def _booted(outcome: Outcome, zones: Mapping[str, Any]) -> str:
    if outcome.rebooted_at is None:
        return "–"
    return outcome.rebooted_at.astimezone(zones.get(outcome.endpoint)).strftime("%a %d %b %H:%M")


def _health(outcome: Outcome) -> str:
    if outcome.healthy is None:
        return "–"
    return "healthy" if outcome.healthy else "not healthy: " + ", ".join(outcome.unhealthy)
