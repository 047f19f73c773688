# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found is on the client's ticket once, by name, for each machine it was found on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries import compliance
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.flaws import found
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import check_event

NOW = datetime(2026, 11, 11, 7, 30, tzinfo=UTC)
UPDATE = {"id": "u-1", "kb": ["5091211"], "title": "2026-11 Cumulative Update", "categories": ["Security Updates"]}
DEFINITIONS = {"id": "d-1", "kb": ["2267602"], "title": "Definitions 1.2.3", "categories": ["Definition Updates"]}


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger.open("sqlite://")
    for client in ("Acme", "Birch"):
        tier = {"cycle": "2026-11", "client": client, "ring": "pilot", "kind": "workstation", "endpoints": ["A1"]}
        ledger.append([Event("tier.opened", None, NOW, tier)], run="r1")
    return ledger


def searched(ledger: Ledger, endpoint: str, *updates: dict[str, Any], client: str = "Acme", at: datetime = NOW) -> None:
    body = {"updates": list(updates), "about": {"client": client, "kind": "workstation", "ring": "pilot"}}
    ledger.append([Event("scan.finished", endpoint, at, body)], run="r1")


def told(ledger: Ledger, at: datetime = NOW) -> list[dict[str, Any]]:
    """What is told now; it is on the ledger then."""
    events = found(ledger, at)
    for event in events:
        check_event(event)
    ledger.append(events, run="r1")
    return [dict(event.body) for event in events]


def test_what_was_found_is_told_once_to_the_client_it_is_of(ledger: Ledger) -> None:
    searched(ledger, "A1", UPDATE)
    searched(ledger, "A2", UPDATE)
    searched(ledger, "B1", UPDATE, client="Birch")
    acme, birch = told(ledger)
    assert acme["xref"] == compliance.xref_of("2026-11", "Acme")
    assert acme["action"] == "note"
    assert acme["text"].splitlines()[1] == "- KB5091211 2026-11 Cumulative Update (Security Updates), on 2: A1, A2"
    assert acme["found"] == {"u-1": ["A1", "A2"]}
    assert birch["found"] == {"u-1": ["B1"]}
    assert told(ledger) == []


def test_a_machine_that_shows_it_later_is_told_later(ledger: Ledger) -> None:
    searched(ledger, "A1", UPDATE)
    told(ledger)
    searched(ledger, "LATE", UPDATE, at=NOW + timedelta(days=2))
    (note,) = told(ledger, NOW + timedelta(days=2))
    assert note["found"] == {"u-1": ["LATE"]}


def test_what_is_gone_or_corrected_by_then_needs_none(ledger: Ledger) -> None:
    searched(ledger, "A1", UPDATE)
    searched(ledger, "A1")
    searched(ledger, "A2", UPDATE)
    results = [{"update": "u-1", "ok": True, "hresult": None}]
    checks: list[Any] = []
    ledger.append(
        [
            Event("install.finished", "A2", NOW, {"results": results, "reboot_required": False}),
            Event("validation.finished", "A2", NOW, {"healthy": True, "checks": checks}),
        ],
        run="r1",
    )
    assert told(ledger) == []


def test_definitions_are_told_where_they_have_not_gone_in_by_themselves(ledger: Ledger) -> None:
    searched(ledger, "A1", DEFINITIONS)
    assert told(ledger) == []
    assert told(ledger, NOW + timedelta(hours=11)) == []
    (note,) = told(ledger, NOW + timedelta(hours=13))
    assert note["found"] == {"d-1": ["A1"]}


def test_a_client_without_tiers_has_no_ticket_to_tell_it_on(ledger: Ledger) -> None:
    searched(ledger, "C1", UPDATE, client="Cedar")
    assert told(ledger) == []


def test_another_cycle_tells_what_is_still_open_on_its_own_ticket(ledger: Ledger) -> None:
    searched(ledger, "A1", UPDATE)
    told(ledger)
    december = datetime(2026, 12, 9, 7, 30, tzinfo=UTC)
    tier = {"cycle": "2026-12", "client": "Acme", "ring": "pilot", "kind": "workstation", "endpoints": ["A1"]}
    ledger.append([Event("tier.opened", None, december, tier)], run="r1")
    (note,) = told(ledger, december)
    assert note["xref"] == compliance.xref_of("2026-12", "Acme")
