# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many installs a location bears: its line carries the downloads, and what goes wrong hits no more than so many.

By policy (``installs``), at most so many at a time and so many begun in a minute. Others wait for a later pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .prose import count
from .steps import Step

Place = tuple[str, str]
"""A client and a location of it."""

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Bound:
    """What an endpoint's policy says of its location; None: as many as there are."""

    at_once: int | None
    per_minute: int | None


def within_bounds(
    steps: Mapping[str, Step],
    places: Mapping[str, Place],
    bounds: Mapping[str, Bound],
    under_way: Mapping[str, tuple[Place, datetime]],
    now: datetime,
) -> dict[str, Step]:
    """`steps` with every install put off that is one too many for its location.

    `under_way` gives the location of every endpoint, of this run or not, on which an install runs, and since when.
    Among endpoints that are due together the first by name goes first. An endpoint without a location is not bounded.
    """
    running: dict[Place, list[datetime]] = {}
    for where, since in under_way.values():
        running.setdefault(where, []).append(since)
    found: dict[str, Step] = {}
    for name in sorted(steps):
        step = steps[name]
        place, bound = places.get(name), bounds.get(name)
        if step.name == "install" and place is not None and bound is not None:
            there = running.setdefault(place, [])
            step = _put_off(place, bound, there, now) or step
            if step.name == "install":
                there.append(now)
        found[name] = step
    return found


def _put_off(place: Place, bound: Bound, there: list[datetime], now: datetime) -> Step | None:
    client, location = place
    if bound.at_once is not None and len(there) >= bound.at_once:
        allowed = f"its policy allows {bound.at_once} at once (installs.at_once)"
        return Step("wait", f"{count(len(there), 'install')} under way at {client}, {location}: {allowed}")
    lately = sorted(since for since in there if now - since < MINUTE)
    if bound.per_minute is not None and len(lately) >= bound.per_minute:
        allowed = f"its policy allows {bound.per_minute} (installs.per_minute)"
        why = f"{count(len(lately), 'install')} begun within a minute at {client}, {location}: {allowed}"
        return Step("wait", why, lately[-bound.per_minute] + MINUTE)
    return None
