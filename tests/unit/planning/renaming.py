# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet before and after the RMM calls something else, and what follows: asked for, or as a run does it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.flow import (
    Endpoint,
    Policy,
)
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, people
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.overview import places
from ansible_collections.msp.patching.plugins.plugin_utils.planning.following import (
    following,
)
from ansible_collections.msp.patching.plugins.plugin_utils.planning.renamed import Names
from tests.unit.flow.build import DAY, DEFAULTS, NIGHT, server, workstation
from tests.unit.notices.scene import Scene

CNC, BIRCH, SQL = workstation(name="CNC", id=1), workstation(name="WS2", client="Birch", id=2), server(name="SQL", id=3)
FLEET = [CNC, BIRCH, SQL]
LAPSES = NIGHT + 100 * DAY
WORDS: dict[str, Any] = {"code": "VENDOR", "reason": "no later build", "by": "j.doe", "expires": LAPSES.isoformat()}
SIGNED = {"signed_by": "Dana Reyes", "signed_at": NIGHT.isoformat()}
DENTAL = [
    workstation(name="CNC", client="Acme Dental", location="HQ", id=1),
    BIRCH,
    server(name="SQL", client="Acme Dental", location="HQ", id=3),
]
MOVED = [workstation(name="CNC", location="HQ", id=1), server(name="SQL", location="HQ", id=3), BIRCH]
MERGED = [workstation(name="CNC", client="Birch", id=1), BIRCH, server(name="SQL", client="Birch", id=3)]
ACME: dict[str, str] = {"client": "Acme"}
HELD = {"client": "Acme", "ring": "pilot"}


def scene(policy: Policy = DEFAULTS) -> Scene:
    """Everybody has been seen by the names that they had."""
    one = Scene(FLEET, policy)
    one.searched(NIGHT, {"CNC": [], "SQL": [], "WS2": []})
    return one


def excepted(one: Scene, scope: dict[str, str], **given: Any) -> None:
    one.append(people.except_from(one.ledger, NIGHT, scope=scope, **WORDS | SIGNED | given))


def found(one: Scene, fleet: list[Endpoint], now: datetime = NIGHT + DAY) -> list[Event]:
    names = Names(places(one.ledger), {endpoint.name: endpoint for endpoint in fleet})
    return following(one.ledger, one.policy, names, now)


def follow(one: Scene, fleet: list[Endpoint], now: datetime = NIGHT + DAY) -> list[Event]:
    """As a run does it, which sees them all by their new names afterwards."""
    events = found(one, fleet, now)
    one.append(events)
    one.fleet = fleet
    one.searched(now, {endpoint.name: [] for endpoint in fleet})
    return events


def bodies(events: list[Event], kind: str = "exception.granted") -> list[dict[str, Any]]:
    return [dict(event.body) for event in events if event.kind == kind]
