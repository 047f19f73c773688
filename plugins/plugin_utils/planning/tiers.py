# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiers in a run: opened at its beginning, proven at its end, and what people read of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from ..flow import Endpoint, EndpointState, Planner, Policy, Update, cycle_span
from ..flow.closure import PLACES, Proof, Standing, Tier, prove
from ..flow.gates import lacked_go
from ..ledger import Event, Ledger, cycles
from ..ledger.down import in_words
from ..ledger.overview import places
from ..ledger.register import Progress
from .away import with_missed
from .plan import as_seen
from .renamed import Names
from .tables import render

Key = tuple[str, str, str]
"""Client, ring and kind: a tier, whatever the cycle."""

ROWS = 30
"""More tiers than this are told in counts."""
NAMED = 3


def prove_tiers(
    ledger: Ledger, policy: Policy, inventory: Mapping[str, Endpoint], of: Collection[Key], now: datetime
) -> list[Proof]:
    """The proof of each tier that is open on the ledger and is one `of` these.

    `inventory` is the whole of it, limit or not: a tier is proven over all its endpoints. One that the ledger saw in
    the tier and the inventory no longer has counts with what was last decided for it. Where the inventory has it by
    another name, that one counts as well.
    """
    tiers = [tier for tier in cycles.open_tiers(ledger) if (tier.client, tier.ring, tier.kind) in of]
    members: dict[Tier, list[str]] = {}
    for cycle in {tier.cycle for tier in tiers}:
        here = cycles.tiers_of(inventory.values(), cycle)
        gone = cycles.seen_in(ledger, cycle)
        for tier in tiers:
            if tier.cycle == cycle:
                lost = [name for name in gone.get(tier, ()) if name not in inventory]
                members[tier] = [*here.get(tier, ()), *lost]
    proofs = []
    for cycle in {tier.cycle for tier in tiers}:
        of_cycle = {tier: some for tier, some in members.items() if tier.cycle == cycle}
        standings = _standings(ledger, policy, inventory, of_cycle, now, cycle)
        proofs += [prove(tier, {name: standings[name] for name in some}, now) for tier, some in of_cycle.items()]
    return sorted(proofs, key=lambda proof: proof.tier)


def _standings(
    ledger: Ledger,
    policy: Policy,
    inventory: Mapping[str, Endpoint],
    members: Mapping[Tier, Sequence[str]],
    now: datetime,
    cycle: str,
) -> dict[str, Standing]:
    """How the endpoints stand in `cycle`: what was released after its end is the next one's, and so is what of that
    fails. Otherwise a month that is over would wait for the month after it."""
    _opened, end = cycle_span(cycle)
    tier_of = {name: tier for tier, some in members.items() for name in some}
    names = sorted(tier_of)
    progress = ledger.progress(names)
    updates = {name: _released(found, end) for name, found in ledger.applicable(names).items()}
    register = ledger.register(names)
    failures = cycles.failures(ledger, before=end)
    planner = Planner(policy, register, now, inventory.values())
    lost = [name for name in names if name not in inventory]
    known_again = Names(places(ledger) if lost else {}, inventory)
    called = {name: known_again.called(name) for name in lost}
    found = {}
    for name in names:
        known, failure = progress[name], failures.get(name)
        if name in inventory:
            endpoint = as_seen(inventory[name], known, now)
            former = (one.endpoint for one in planner.open_failures(endpoint) if one.endpoint in failures)
            failure = failure or next((failures[one] for one in former), None)
            decision = with_missed(planner.standing(endpoint, updates[name]), known.missed, now, endpoint.time_zone)
            action, node, reason = decision.action, decision.node, decision.reason
            if node == "gate.authorization" and now >= end:
                reason = lacked_go(planner.case(endpoint, updates[name]), cycle) or reason
        elif known.retired and called[name] is None:
            action, node, reason = "skip", "", in_words(known.retired)
        else:
            last = known.last_decision or {"action": "wait", "node": "", "reason": "nothing was decided for it"}
            action, node, reason = last["action"], last["node"], last["reason"]
        found[name] = Standing(
            action,
            node,
            reason,
            state=register.endpoints.get(name, EndpointState()),
            in_flight=_in_flight(known),
            failure=failure,
            unreachable_since=known.unreachable_since,
            gone=_gone(called[name]) if name in called else None,
            counted=tier_of.get(called.get(name) or "") == tier_of[name],
        )
    return found


def _gone(called: str | None) -> str:
    return f"it is called {called} now" if called else "the inventory no longer has it"


def _released(updates: Sequence[Update] | None, end: datetime) -> list[Update] | None:
    """Those of the updates that were out before `end`, or of which nobody knows when they came out."""
    if updates is None:
        return None
    return [update for update in updates if update.released is None or update.released < end]


def _in_flight(progress: Progress) -> str | None:
    if progress.job is not None:
        return f"its {progress.job.kind} is under way since {progress.job.started_at.isoformat(timespec='minutes')}"
    if progress.reboot is not None:
        return f"its reboot is under way since {progress.reboot.requested_at.isoformat(timespec='minutes')}"
    return None


def opened_in_words(events: Iterable[Event]) -> str:
    """What of `events` opened a cycle or tiers, a line each; empty where none did."""
    words, tiers = "", []
    for event in events:
        if event.kind == "cycle.opened":
            body = event.body
            by = f", by {body['by']}: {body['reason']}" if body.get("by") else ""
            words += f"Cycle {body['cycle']} is open, from {body['start'][:16]} to {body['end'][:16]} UTC{by}.\n"
        elif event.kind == "tier.opened":
            tiers.append(event.body)
    if tiers:
        count = sum(len(body["endpoints"]) for body in tiers)
        words += f"Tiers opened: {len(tiers)}, with {count} endpoint(s).\n"
    return words


def tiers_table(proofs: Sequence[Proof]) -> str:
    """The tiers that were proven: which close, and which endpoints stand in the way of the others."""
    if not proofs:
        return ""
    closed = [proof for proof in proofs if proof.closes]
    title = f"Tiers: {len(closed)} closed now, {len(proofs) - len(closed)} open"
    places = [place for place in PLACES if any(proof.counts[place] for proof in proofs)]
    shown = sorted(proofs, key=lambda proof: (not proof.closes, len(proof.in_the_way), proof.tier))[:ROWS]
    words = render(
        title,
        ("tier", *places, "state"),
        ((str(one.tier), *(str(one.counts[place] or "–") for place in places), _state(one)) for one in shown),
    )
    hidden = len(proofs) - len(shown)
    return words + (f"and {hidden} more open tier(s)\n" if hidden else "")


def _state(proof: Proof) -> str:
    if proof.closes:
        return "closed"
    way = proof.in_the_way
    if not way:
        return "open: it has no endpoint"
    more = f"; and {len(way) - NAMED} more" if len(way) > NAMED else ""
    return "open: " + "; ".join(f"{row.endpoint} is {row.stands} ({row.reason})" for row in way[:NAMED]) + more
