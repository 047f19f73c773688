# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R6: of two endpoints of one redundancy group, the second reboots when the first is validated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from .steps import Step

if TYPE_CHECKING:
    from ..ledger.claims import Holder

Group = tuple[str, str]
"""A redundancy group: the client, and the group or role within it."""


CLAIMED = timedelta(minutes=10)
"""How long what a run is at is its own, from one plan to the next; a pass of many endpoints takes its time."""


def claim_on(endpoint: str) -> str:
    """The claim that makes an endpoint a run's own."""
    return f"endpoint {endpoint}"


def turn_of_group(group: Group) -> str:
    """The claim that makes it a run's own which of a redundancy group reboots."""
    return f"reboot {' '.join(group)}"


def take_turns(
    steps: Mapping[str, Step], groups: Mapping[str, Group | None], down: Mapping[str, Group]
) -> dict[str, Step]:
    """`steps` with every reboot put off whose redundancy group has another endpoint down or about to go down.

    `groups` gives an endpoint's redundancy group (None: no group, as for workstations). `down` gives the groups of
    the endpoints, of this run or not, that are rebooting, or rebooted and not yet validated.
    Among endpoints that are due together the first by name goes first, so that every run agrees on the order.
    """
    held: dict[Group, set[str]] = {}
    for endpoint, its in down.items():
        held.setdefault(its, set()).add(endpoint)
    turns: dict[str, Step] = {}
    for endpoint in sorted(steps):
        step = steps[endpoint]
        group = groups.get(endpoint)
        if step.name == "reboot" and group is not None:
            holders = held.setdefault(group, set())
            others = sorted(holders - {endpoint})
            if others:
                step = _put_off(endpoint, group, others[0], steps)
            else:
                holders.add(endpoint)
        turns[endpoint] = step
    return turns


def claims_of(steps: Mapping[str, Step], groups: Mapping[str, Group | None]) -> dict[str, list[str]]:
    """What each endpoint that stays in the run has to be the run's own for its step: itself, and its redundancy group
    for a reboot."""
    wanted: dict[str, list[str]] = {}
    for endpoint, step in steps.items():
        if not step.ends:
            group = groups.get(endpoint) if step.name == "reboot" else None
            wanted[endpoint] = [claim_on(endpoint), *([turn_of_group(group)] if group else [])]
    return wanted


def leave_to_others(
    steps: Mapping[str, Step], wanted: Mapping[str, Sequence[str]], taken: Mapping[str, Holder]
) -> dict[str, Step]:
    """`steps`, with nothing done to what another run is at: `taken` says who has which of the claims `wanted`."""
    left: dict[str, Step] = {}
    for endpoint, step in steps.items():
        own, *group = [taken.get(claim) for claim in wanted.get(endpoint, ("",))]
        if own is not None:
            step = Step("leave", f"{own.in_words()} is at it")
        elif group and group[0] is not None:
            step = Step("wait", f"{group[0].in_words()} is about to reboot another of its redundancy group (R6)")
        left[endpoint] = step
    return left


def _put_off(endpoint: str, group: Group, holder: str, steps: Mapping[str, Step]) -> Step:
    why = f"{endpoint} reboots when {holder} is validated: both are of the redundancy group {' '.join(group)} (R6)"
    coming = holder in steps and not steps[holder].ends
    return Step("wait" if coming else "leave", why)
