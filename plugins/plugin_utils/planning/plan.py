# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One plan for many endpoints: read the register once, decide for all, record what changed, say who does what."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ..flow import Decision, Endpoint, Planner, Policy, Update, accept_list, cycle_at, redundancy_key
from ..flow.closure import AWAY
from ..flow.validation import checks_for
from ..flow.windows import Window, install_window, reboot_window
from ..ledger import Event, Ledger
from ..ledger.kinds import about
from ..ledger.register import Progress
from .away import turn_of, with_missed
from .bounds import Bound, within_bounds
from .following import with_followed
from .steps import Patience, Step, is_unseen, may_have_rebooted, next_step
from .turns import take_turns
from .wake import Waking, is_waking, wake_step

WINDOWS: Mapping[str, Callable[[Endpoint, Policy, datetime], Window | None]] = MappingProxyType(
    {"install": install_window, "reboot": reboot_window}
)
"""The steps that belong into a window, and which it is."""
STAYS_UP = timedelta(hours=2)
"""How long one that was up when we last looked is taken to be up, against the RMM's word: nobody looks at one that
is off, so without a limit it would be up for ever."""

_AN_INSTANT = timedelta.resolution


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided at `now` for each endpoint, the step it takes next, and the planner to ask why."""

    now: datetime
    endpoints: Mapping[str, Endpoint]
    updates: Mapping[str, Sequence[Update] | None]
    decisions: Mapping[str, Decision]
    progress: Mapping[str, Progress]
    steps: Mapping[str, Step]
    policy: Policy
    planner: Planner
    turns: Mapping[str, Window]
    """Of endpoints that are away, the window in which it is their turn now."""
    wakings: Mapping[str, Waking] = field(default_factory=dict)
    """Of those that have the task to wake their location's sleepers."""

    def orders(self) -> dict[str, dict[str, Any]]:
        """By endpoint, what its step needs (`calls.calls_of`): its name, why, and its arguments, JSON types."""
        return {
            name: {"step": step.name, "why": step.why}
            | self._arguments(name)
            | self._until(name, step)
            | self._who(name, step)
            for name, step in self.steps.items()
        }

    def _until(self, name: str, step: Step) -> dict[str, Any]:
        """Until when an install or a restart may start in the window that it was ordered in, where there is one and it
        is open (R4), and no change freeze has begun: a machine whose turn comes later, in a pass of many, is left
        alone."""
        window_of = WINDOWS.get(step.name)
        window = window_of(self.endpoints[name], self.policy, self.now) if window_of else None
        if window is None or not window.open:
            return {}
        case = self.planner.case(self.endpoints[name], None)
        latest = window.end - case.settings.minimum_remaining
        frozen = case.facts.next_freeze(case.endpoint, case.settings, case.zone)
        return {"until": (latest if frozen is None else min(latest, frozen - _AN_INSTANT)).isoformat()}

    def _who(self, name: str, step: Step) -> dict[str, Any]:
        """What the machine has to call itself that answers, where that is known. Packets that wake others are sent by
        one of them, and do no harm wherever they come from."""
        if not step.acts or step.name == "wake":
            return {}
        called = self.endpoints[name].computer_name
        if called is None:
            return {}
        # a search would be a call dearer, and the one after an install follows on a validation, which has asked
        asked = step.name == "scan" and not is_unseen(self.progress[name], self.now)
        return {} if asked else {"computer_name": called}

    def _arguments(self, name: str) -> dict[str, Any]:
        if not self.steps[name].acts:
            return {}
        endpoint = self.endpoints[name]
        settings = self.policy.settings(endpoint)
        agent = {"agent_service": settings.agent_service}
        match self.steps[name].name:
            case "scan":
                return {"time_limit": int(settings.scan_time_limit.total_seconds())}
            case "reboot":
                group = redundancy_key(endpoint)
                asked = self.progress[name].reboot_asked
                return agent | {"group": list(group) if group is not None else None, "asked": asked}
            case "confirm" | "see":
                return agent
            case "install":
                wanted = set(self.decisions[name].updates)
                chosen = [update for update in self.updates[name] or () if update.id in wanted]
                return agent | {
                    "accept_list": accept_list(chosen),
                    "updates": [update.id for update in chosen],
                    "time_limit": int(settings.install_time_limit.total_seconds()),
                }
            case "look":
                job = self.progress[name].job
                return agent | {"job": job.jid if job else "", "see": may_have_rebooted(self.progress[name], self.now)}
            case "validate":
                return agent | {"checks": checks_for(endpoint, self.policy)}
            case "wake":
                return self.wakings[name].arguments() if name in self.wakings else {}
            case "remind":
                # in the endpoint's own offset, and without words: users read any language
                forced_at = self.decisions[name].until
                return {"restart_at": f"{forced_at:%Y-%m-%d %H:%M}" if forced_at else ""}
        return {}

    def due(self) -> list[str]:
        """The endpoints that a run connects to, by name."""
        return sorted(name for name, step in self.steps.items() if step.acts or step.name == "wait")


def make_plan(
    ledger: Ledger,
    policy: Policy,
    endpoints: Mapping[str, Endpoint],
    now: datetime,
    *,
    run: str | None,
    actions: Collection[str],
    pilots: Iterable[Endpoint] = (),
    macs: Mapping[str, str] = MappingProxyType({}),
    followed: Sequence[Event] = (),
) -> Plan:
    """Decide for all `endpoints` at `now`; reads the ledger and changes nothing.

    `run` is the run that plans: what failed in it is not tried again in it. `pilots` are the pilot's endpoints in the
    inventory, of the run or not: what failed on one of them keeps an update from leaving the pilot (R5), and so does
    what the ledger knows of others. `macs` are the MAC addresses of
    those that may be woken. `followed` is what follows to other names (``following``) and is not on the ledger.
    """
    names = list(endpoints)
    progress = ledger.progress(names, run=run, fleet=endpoints)
    endpoints = {name: as_seen(endpoint, progress[name], now) for name, endpoint in endpoints.items()}
    updates = ledger.applicable(names)
    register = with_followed(ledger.register(names), followed)
    planner = Planner(policy, register, now, [*pilots, *endpoints.values()])
    decisions = {
        name: with_missed(planner.decide(one, updates[name]), progress[name].missed, now, one.time_zone)
        for name, one in endpoints.items()
    }
    away = {
        name: turn_of(planner, policy, endpoints[name], updates[name]) for name in names if _is_away(decisions[name])
    }
    turns = {name: window for name, window in away.items() if window is not None}
    patience = {name: _patience(policy, endpoints[name], progress[name], turns.get(name), now) for name in names}
    steps = {
        name: next_step(
            name,
            decisions[name],
            progress[name],
            now,
            actions,
            patience[name],
            away=endpoints[name].online is False or bool(endpoints[name].asleep),
        )
        for name in names
    }
    groups = {name: redundancy_key(endpoint) for name, endpoint in endpoints.items()}
    steps = take_turns(steps, groups, ledger.down())
    steps = _bounded(steps, endpoints, policy, ledger, now)
    for name, window in turns.items():
        if name in macs and steps[name].name == "leave" and "install" in actions:
            limit, again = policy.settings(endpoints[name]).wake_time_limit, patience[name].again_at(progress[name])
            steps[name] = wake_step(progress[name], window, limit, now, again)
    return Plan(now, endpoints, updates, decisions, progress, steps, policy, planner, turns)


def _bounded(
    steps: Mapping[str, Step], endpoints: Mapping[str, Endpoint], policy: Policy, ledger: Ledger, now: datetime
) -> dict[str, Step]:
    due = {name: endpoints[name] for name, step in steps.items() if step.name == "install"}
    settings = {name: policy.settings(endpoint) for name, endpoint in due.items()}
    bounds = {
        name: Bound(one.installs_at_once, one.installs_per_minute)
        for name, one in settings.items()
        if one.installs_at_once is not None or one.installs_per_minute is not None
    }
    if not bounds:
        return dict(steps)
    places = {name: (one.client, one.location) for name, one in due.items() if one.client and one.location}
    return within_bounds(steps, places, bounds, ledger.installing(now), now)


def _patience(policy: Policy, endpoint: Endpoint, progress: Progress, turn: Window | None, now: datetime) -> Patience:
    settings = policy.settings(endpoint)
    waking = turn is not None and is_waking(progress, turn, settings.wake_time_limit, now)
    tolerated = None if waking else settings.unreachable_tolerated
    return Patience(tolerated, settings.unreachable_retry_after, settings.retry_after_at_most)


def _is_away(decision: Decision) -> bool:
    return decision.node in AWAY


def as_seen(endpoint: Endpoint, progress: Progress, now: datetime) -> Endpoint:
    """The endpoint as the RMM has it, or as we saw it since, for a while: one that was booting when the inventory was
    read is up, and so is one that was woken and answered. Of one that does not answer since, the RMM was right."""
    ours, theirs = progress.posture_at, endpoint.last_contact
    if ours is None or now - ours >= STAYS_UP:
        return endpoint
    if progress.woken_at is not None and progress.woken_at < ours:
        newer = theirs is None or ours > theirs
        return replace(endpoint, online=True, asleep=False) if newer else endpoint
    answers = progress.unreachable_since is None
    if endpoint.online is False and theirs is not None and ours > theirs and answers:
        return replace(endpoint, online=True)
    return endpoint


def decided_events(plan: Plan) -> list[Event]:
    """An event for each endpoint whose decision is another than the one that stands in the ledger, or was made in an
    earlier cycle: each month has its own, which names who was looked at in it.

    The instant until which a decision holds moves with every look; a decision that differs in nothing else is
    the same decision.
    """
    cycle = cycle_at(plan.now)
    events = []
    for name, decision in plan.decisions.items():
        known = plan.progress[name]
        if known.cycle != cycle or _essence(decision) != _essence_of_record(known.last_decision):
            body = {"decision": decision.as_record(), "cycle": cycle, **about(plan.endpoints[name])}
            events.append(Event("plan.decided", name, plan.now, body))
    return events


def _essence(decision: Decision) -> Any:
    left_out = [(row.update, row.node) for row in decision.left_out]
    return decision.action, decision.node, list(decision.updates), left_out


def _essence_of_record(record: Mapping[str, Any] | None) -> Any:
    if record is None:
        return None
    left_out = [(row["update"], row["node"]) for row in record["left_out"]]
    return record["action"], record["node"], record["updates"], left_out
