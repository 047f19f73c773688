# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes 12 to 15, the gates that somebody or time must clear: failures, holds, the soak, a technician's go."""

from __future__ import annotations

from . import soak
from .case import Answer, Case, Verdict
from .decision import LeftOut
from .records import Endpoint, update_keys
from .settings import Settings

MANUAL = "manual"


def failure_open(case: Case) -> Answer:
    """``gate.failure_open``"""
    failure = next(iter(case.facts.open_failures(case.endpoint)), None)
    if failure is None:
        return None
    labels = {key: update.label for update in case.updates or () for key in update_keys(update)}
    what = f" of {labels.get(failure.update, failure.update)}" if failure.update else ""
    when = f" at {failure.at.isoformat(timespec='minutes')}" if failure.at is not None else ""
    whose = "its failure" if failure.endpoint == case.endpoint.name else f"its failure, as {failure.endpoint},"
    reason = f"{whose}{what}{when} has no documented root cause"
    return Verdict("hold", "gate.failure_open", reason)


def tier_held(case: Case) -> Answer:
    """``gate.tier_held``"""
    hold = next(case.facts.holds_on(case.endpoint, [lane.cycle for lane in case.lanes()]), None)
    if hold is None:
        return None
    scope = ", ".join(f"{key} {value}" for key, value in hold.scope.items()) or "everything"
    why = f": {hold.reason}" if hold.reason else ""
    return Verdict("hold", "gate.tier_held", f"{scope} is held{why}")


def soaked(case: Case) -> Answer:
    """``gate.soak``, update by update (R5)"""
    if not soak.waits(case.endpoint, case.settings):
        return "its ring does not wait for the soak"
    through = []
    for update in case.through:
        if case.outcomes[update.id].waived:
            through.append(update)
            continue
        found = case.facts.soak.judge(update, case.endpoint, case.settings, case.lane_of(update))
        if found.passed:
            through.append(update)
        else:
            case.leave_out(update, "gate.soak", found.reason, found.until)
    waiting = [row for row in case.left_out.values() if row.node == "gate.soak"]
    case.through = through
    if through:
        return f"{len(waiting)} of {len(waiting) + len(through)} still soak" if waiting else None
    return _all_wait(waiting)


def _all_wait(waiting: list[LeftOut]) -> Verdict:
    until = min((row.until for row in waiting if row.until is not None), default=None)
    more = f", and {len(waiting) - 1} more wait" if len(waiting) > 1 else ""
    return Verdict("hold", "gate.soak", waiting[0].reason + more, until)


def authorized(case: Case) -> Answer:
    """``gate.authorization``: given per endpoint or tier for one cycle; a ``manual`` server is never automated."""
    endpoint = case.endpoint
    if endpoint.policy_group == MANUAL:
        return Verdict("manual", "gate.authorization", "its policy group is manual: a technician patches it")
    why = needs_go(endpoint, case.settings)
    if why is None:
        return None
    go = case.facts.authorized(endpoint, case.facts.cycle)
    if go is not None:
        return f"authorised for {go.cycle} by {go.by or 'somebody whose name is not on record'}"
    return _lanes_only(case, why)


def _lanes_only(case: Case, why: str) -> Answer:
    """A go for an out-of-band cycle is one for its updates alone (R3)."""
    lanes = [lane for lane in case.lanes() if case.facts.authorized(case.endpoint, lane.cycle)]
    reason = f"{why} needs a technician's authorisation for {case.facts.cycle}"
    through = [update for update in case.through if any(lane.holds(update) for lane in lanes)]
    if not through:
        return Verdict("manual", "gate.authorization", reason)
    for update in case.through:
        if update not in through:
            case.leave_out(update, "gate.authorization", reason)
    case.through = through
    return f"authorised for {lanes[0].cycle}"


def lacked_go(case: Case, cycle: str) -> str | None:
    """What is said of a `cycle` that is over of an endpoint that waits for a go in the next one; None where it is no
    cycle's go that it waits for."""
    why = needs_go(case.endpoint, case.settings)
    if why is None or case.endpoint.policy_group == MANUAL:
        return None
    go = case.facts.authorized(case.endpoint, cycle)
    if go is None:
        return f"{why} needs a technician's authorisation, and had none for {cycle}"
    by = go.by or "somebody whose name is not on record"
    return (
        f"it was authorised for {cycle} by {by} and not patched by its end; {why} needs another for {case.facts.cycle}"
    )


def needs_go(endpoint: Endpoint, settings: Settings) -> str | None:
    """Why the endpoint needs a technician's authorisation in each cycle (section 5); None where it does not."""
    if endpoint.kind != "server":
        return None
    criticality = settings.criticality_of(endpoint)
    if criticality in settings.authorization_criticality:
        return f"a {criticality} server"
    if settings.authorization_single_server and soak.is_single_server(endpoint):
        return "its client's only server"
    if endpoint.ring in settings.authorization_rings:
        return f"a {endpoint.ring} server"
    return None
