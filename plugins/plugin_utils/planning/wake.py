# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wake-on-LAN where the policy asks for it (``wake``, section 6): who is woken, and by whom.

A packet wakes only in its own network, so another machine of the location sends it, for all of its sleepers in one
task. Once a window: a machine that does not answer in the policy's ``wake_time_limit`` has missed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint
from ..flow.windows import Window
from .steps import Step

if TYPE_CHECKING:
    from ..flow import Planner
    from ..ledger import Progress

MOST_PEERS = 3
"""How many machines of a location are asked to send, one after the other, before a sleeper is given up."""
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Waking:
    """What one task does: `peer` sends for `machines`, each with its ``name`` and ``mac``."""

    peer: str
    machines: tuple[Mapping[str, str], ...]

    def arguments(self) -> dict[str, Any]:
        return {"peer": self.peer, "machines": [dict(machine) for machine in self.machines]}


def wake_step(
    progress: Progress, window: Window, limit: timedelta, now: datetime, again: datetime | None = None
) -> Step:
    """The step of an endpoint that is away in its `window` and may be woken; `limit` is its time to answer. One that
    accepts connections and does not answer yet is tried again at the instant `again`."""
    woken = _woken_in(progress, window)
    if woken is not None:
        who = f"{progress.wake_peer} has woken it at {woken.isoformat(timespec='minutes')}"
        if is_waking(progress, window, limit, now):
            due = again if again is not None and again > now else None
            return Step("wait", f"{who}; it has {limit} to answer", due)
        return Step("leave", f"{who}, and it has not answered in {limit}")
    tried = tried_in(progress, window)
    if tried and (tried[-1][0] is None or len(tried) >= MOST_PEERS):
        return Step("leave", f"it could not be woken: {tried[-1][1]}")
    return Step("wake", "it is away, and the policy has it woken")


def is_waking(progress: Progress, window: Window, limit: timedelta, now: datetime) -> bool:
    """Whether it was woken in its `window` and still has time to answer. Its network is up before its services are, so
    that until then it is not given up for accepting connections and not answering."""
    woken = _woken_in(progress, window)
    return woken is not None and now < woken + limit


def _woken_in(progress: Progress, window: Window) -> datetime | None:
    woken = progress.woken_at
    return woken if woken is not None and woken >= window.start else None


def tried_in(progress: Progress, window: Window) -> list[tuple[str | None, str]]:
    """Who failed to wake it in the window (None: nobody was there to), and why."""
    return [(peer, message) for peer, at, message in progress.wake_tried if at >= window.start]


def place_of(endpoint: Endpoint) -> Place:
    return endpoint.client or "", endpoint.location or ""


def arranged(
    waking: Mapping[str, Endpoint],
    macs: Mapping[str, str],
    tried: Mapping[str, Iterable[str | None]],
    peers: Iterable[str],
    fleet: Mapping[str, Endpoint],
) -> tuple[dict[str, Waking], dict[str, Step]]:
    """Who sends for whom: by the first sleeper of each location, which has the task, its `Waking`; and the steps of the
    others. A sleeper whose location has nobody left to ask is in neither.

    `tried` gives those that failed in this window, by sleeper; `peers` are the machines that are up, of the `fleet`.
    """
    by_place: dict[Place, list[str]] = {}
    for name in sorted(peers, key=lambda peer: (fleet[peer].kind != "server", peer)):
        by_place.setdefault(place_of(fleet[name]), []).append(name)
    tasks: dict[tuple[Place, str], list[str]] = {}
    for name, endpoint in sorted(waking.items()):
        place = place_of(endpoint)
        peer = next((one for one in by_place.get(place, ()) if one not in {*tried[name]}), None)
        if peer is not None:
            tasks.setdefault((place, peer), []).append(name)
    wakings: dict[str, Waking] = {}
    steps: dict[str, Step] = {}
    for (dummy, peer), names in tasks.items():
        wakings[names[0]] = Waking(peer, tuple({"name": name, "mac": macs[name]} for name in names))
        steps |= {name: Step("wait", f"{peer} wakes it") for name in names[1:]}
    return wakings, steps


def may_send(endpoint: Endpoint, progress: Progress, planner: Planner) -> bool:
    """Whether a machine is up as far as anybody knows, and automation may touch it at all: nothing of its scope (nodes
    1 to 7), an exception for one, forbids it."""
    if endpoint.online is not True or endpoint.asleep:
        return False
    if progress.reboot is not None or progress.unreachable_since is not None:
        return False
    return not planner.decide(endpoint, None).node.startswith("scope.")


def nobody(endpoint: Endpoint) -> str:
    """Why a sleeper is not woken: what people read."""
    return f"no other machine of {', '.join(filter(None, place_of(endpoint))) or 'its location'} is up to wake it from"
