# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk of section 2: the nodes in their order, the first that settles it ends the walk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from . import fields, gates, reboots, schedule, scope, windows
from .case import Answer, Case, Verdict
from .decision import Decision, LeftOut
from .facts import Facts
from .policy import Policy
from .records import Endpoint, RecordError, Update
from .register import Failure, Register
from .settings import Settings

Node = tuple[str, Callable[[Case], Answer]]


def validate_due(case: Case) -> Answer:
    """``validate.due``: installed or rebooted since it was last validated."""
    state = case.state
    done = [at for at in (state.installed_at, state.rebooted_at) if at is not None and at <= case.now]
    if not done:
        return None
    latest = max(done)
    if state.validated_at is not None and latest <= state.validated_at <= case.now:
        return None
    return Verdict(
        "validate",
        "validate.due",
        f"it was installed or rebooted at {latest.isoformat(timespec='minutes')} and is not yet validated",
    )


def scan_due(case: Case) -> Answer:
    """``scan.due``: at any hour, for it changes nothing on the machine."""
    scanned = case.state.scanned_at
    if case.updates is None:
        reason = "its applicable updates are unknown"
    elif scanned is not None and case.now - scanned > case.settings.scan_max_age:
        reason = f"the last scan, at {scanned.isoformat(timespec='minutes')}, is too old"
    else:
        return None
    waiting = schedule.away(case)
    return waiting or Verdict("scan", "scan.due", reason)


def nothing_approved(case: Case) -> Answer:
    """``approval.nothing_approved``, and ``approval.review`` where some update awaits an engineer."""
    updates = case.updates or ()
    if not updates:
        return Verdict("none", "approval.nothing_approved", "no update applies to it")
    for update in updates:
        outcome = case.facts.outcome(update, case.endpoint.client, case.settings)
        case.outcomes[update.id] = outcome
        if outcome.node is None:
            case.through.append(update)
        else:
            case.leave_out(update, outcome.node, outcome.reason, outcome.until)
    if case.through:
        return f"{len(case.through)} of {len(updates)} are approved"
    reviews = [row for row in case.left_out.values() if row.node == "approval.review"]
    until = min((row.until for row in reviews or case.left_out.values() if row.until is not None), default=None)
    if reviews:
        return Verdict(
            "hold",
            "approval.review",
            f"{len(reviews)} of {len(updates)} updates await an engineer's review",
            until,
        )
    return Verdict("none", "approval.nothing_approved", f"none of its {len(updates)} updates is approved", until)


def install(case: Case) -> Verdict:
    """``deploy.install``: exactly the approved and soaked updates."""
    end = case.facts.window(windows.install_spec(case.endpoint, case.settings), case.zone).end
    count = len(case.through)
    return Verdict("install", "deploy.install", f"{count} approved update{'s are' if count > 1 else ' is'} due", end)


# What none of these settles is settled by deploy.install.
NODES: tuple[Node, ...] = (
    ("scope.location_disabled", scope.location_disabled),
    ("scope.agent_disabled", scope.agent_disabled),
    ("scope.excluded", scope.excluded),
    ("scope.exception_unsigned", scope.exception_unsigned),
    ("scope.exception_expired", scope.exception_expired),
    ("scope.unclassified", scope.unclassified),
    ("scope.do_not_patch", scope.do_not_patch),
    (reboots.PENDING, reboots.pending),
    ("validate.due", validate_due),
    ("scan.due", scan_due),
    ("approval.nothing_approved", nothing_approved),
    ("gate.failure_open", gates.failure_open),
    ("gate.tier_held", gates.tier_held),
    ("gate.soak", gates.soaked),
    ("gate.authorization", gates.authorized),
    ("schedule.freeze", schedule.freeze),
    ("schedule.window", schedule.window),
    ("posture.offline", schedule.offline),
    ("posture.asleep", schedule.asleep),
)


class Planner:
    """Decides for many endpoints at one instant: the register is indexed once, and what one endpoint had to
    work out (windows, approvals, soaks) is remembered for the next.

    ``fleet`` tells of more pilot endpoints than the register's soak rows do.
    """

    def __init__(self, policy: Policy, register: Register, now: datetime, fleet: Iterable[Endpoint] = ()) -> None:
        try:
            self.now = fields.instant(now)
        except fields.UnfitError as exc:
            raise RecordError(f"now is {now!r}: {exc}") from None
        self._policy = policy
        self._facts = Facts(register, self.now, fleet)
        self._ageless: dict[Settings, Settings] = {}

    def case(self, endpoint: Endpoint, updates: Sequence[Update] | None) -> Case:
        """What the nodes are asked about for one endpoint; ``updates`` None: not known yet, empty: none apply."""
        return Case(
            endpoint=endpoint,
            updates=None if updates is None else list({update.id: update for update in updates}.values()),
            settings=self._policy.settings(endpoint),
            state=self._facts.state(endpoint),
            exclusions=self._facts.exclusions(endpoint),
            facts=self._facts,
            now=self.now,
            zone=endpoint.time_zone or "",
        )

    def open_failures(self, endpoint: Endpoint) -> list[Failure]:
        """Those of its failures that have no documented root cause."""
        return self._facts.open_failures(endpoint)

    def decide(self, endpoint: Endpoint, updates: Sequence[Update] | None) -> Decision:
        """The decision for one endpoint."""
        return self._walk(self.case(endpoint, updates))

    def standing(self, endpoint: Endpoint, updates: Sequence[Update] | None) -> Decision:
        """The decision, had the last search just been made: where an endpoint stands, however long it was left alone.

        A laptop that was patched and is off now does not become unpatched for want of a new search.
        """
        case = self.case(endpoint, updates)
        if case.settings not in self._ageless:
            self._ageless[case.settings] = replace(case.settings, scan_max_age=timedelta.max)
        case.settings = self._ageless[case.settings]
        return self._walk(case)

    def _walk(self, case: Case) -> Decision:
        path: list[tuple[str, str]] = []
        for node, ask in NODES:
            answer = ask(case)
            if isinstance(answer, Verdict):
                return _settled(case, answer, node, path)
            path.append((node, "no" if answer is None else f"no: {answer}"))
        return _settled(case, install(case), "deploy.install", path)


def _settled(case: Case, verdict: Verdict, asked: str, path: list[tuple[str, str]]) -> Decision:
    if asked != verdict.node:
        path.append((asked, "yes"))
    path.append((verdict.node, f"yes: {verdict.reason}"))
    installs = [update.id for update in case.through] if verdict.action == "install" else []
    left_out = []
    for update in case.updates or ():
        row = case.left_out.get(update.id)
        if row is None and update.id not in installs:
            row = LeftOut(update.id, verdict.node, verdict.reason, verdict.until)
        if row is not None:
            left_out.append(row)
    return Decision(
        action=verdict.action,
        node=verdict.node,
        reason=verdict.reason,
        until=verdict.until,
        path=tuple(path),
        updates=tuple(installs),
        left_out=tuple(left_out),
    )


def decide(
    endpoint: Endpoint, updates: Sequence[Update] | None, register: Register, policy: Policy, now: datetime
) -> Decision:
    """The flow for one endpoint at one instant: a pure function, the same input gives the same decision."""
    return Planner(policy, register, now).decide(endpoint, updates)
