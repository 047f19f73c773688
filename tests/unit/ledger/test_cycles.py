# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles and tiers on the ledger: opened once, closed once, whoever is faster."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import cycle_span, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.closure import Proof, Row, Tier
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.cycles import (
    closing_events,
    open_tiers,
    opening_events,
    seen_in,
)
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.event import EventError
from tests.unit.flow.build import server, workstation

OPENED, ENDS = cycle_span("2026-11")
NOW = OPENED + timedelta(hours=13)
ENDPOINTS = [workstation(name="A"), workstation(name="B"), server(name="C"), workstation(name="D", ring=None)]
PILOT = Tier("2026-11", "Acme", "pilot", "workstation")
SERVERS = Tier("2026-11", "Acme", "production", "server")


def open_all(ledger: Ledger, now: datetime = NOW, lanes: Any = ()) -> list[Event]:
    events, others = opening_events(ledger, ENDPOINTS, lanes, now)
    ledger.append(events, run="r", unless=others)
    return events


def test_the_first_run_opens_cycle_and_tiers_and_no_other_does(ledger: Ledger) -> None:
    first = open_all(ledger)
    assert [event.kind for event in first] == ["cycle.opened", "tier.opened", "tier.opened"]
    assert first[0].body == {"cycle": "2026-11", "start": text_of(OPENED), "end": text_of(ENDS)}
    assert [event.body["endpoints"] for event in first[1:]] == [["A", "B"], ["C"]]
    assert open_tiers(ledger) == [PILOT, SERVERS]
    assert open_all(ledger, NOW + timedelta(days=3)) == []


def test_it_opens_at_the_instant_of_patch_tuesday(ledger: Ledger) -> None:
    assert open_all(ledger, OPENED - timedelta(seconds=1))[0].body["cycle"] == "2026-10"
    assert open_all(ledger, OPENED)[0].body["cycle"] == "2026-11"


def test_an_out_of_band_cycle_is_opened_by_whom_the_policy_names(ledger: Ledger) -> None:
    lane = {"cycle": "2026-11-oob1", "start": "2026-11-20T00:00:00Z", "end": "2026-11-27T00:00:00Z", "updates": ["1"]}
    policy = load_policy({"out_of_band": [{**lane, "soak_days": 0, "by": "a.kern", "reason": "exploited"}]})
    lanes = policy.settings().out_of_band
    assert "2026-11-oob1" not in [event.body["cycle"] for event in open_all(ledger, NOW, lanes)]
    (event,) = open_all(ledger, NOW + timedelta(days=10), lanes)
    assert (event.body["cycle"], event.body["by"], event.body["reason"]) == ("2026-11-oob1", "a.kern", "exploited")
    assert open_all(ledger, NOW + timedelta(days=10), lanes) == []


def test_of_two_runs_one_opens(ledger: Ledger) -> None:
    mine, guard = opening_events(ledger, ENDPOINTS, (), NOW)
    open_all(ledger)
    assert ledger.append(mine, run="r2", unless=guard) == 0


def proof(tier: Tier, *stands: str, over: bool = False) -> Proof:
    return Proof(tier, tuple(Row(f"E{number}", place, "so") for number, place in enumerate(stands)), over)


def test_a_tier_closes_once_with_its_proof(ledger: Ledger) -> None:
    open_all(ledger)
    proofs = [proof(PILOT, "patched", "excluded"), proof(SERVERS, "held")]
    events, others = closing_events(ledger, proofs, NOW)
    late, late_others = closing_events(ledger, proofs, NOW)
    assert [event.body["ring"] for event in events] == ["pilot"]
    assert ledger.append(events, run="r", unless=others) == 1
    assert ledger.append(late, run="r2", unless=late_others) == 0
    assert closing_events(ledger, proofs, NOW)[0] == []
    assert open_tiers(ledger) == [SERVERS]
    row = next(row for row in ledger.rows("tiers") if row["ring"] == "pilot")
    assert (row["opened_at"], row["closed_at"]) == (text_of(NOW), text_of(NOW))
    assert '"stands":"patched"' in row["proof"]


def test_who_was_in_a_tier_is_known_when_the_inventory_has_lost_him(ledger: Ledger) -> None:
    about = {"client": "Acme", "ring": "pilot", "kind": "workstation"}
    body = {"decision": {"action": "wait"}, "cycle": "2026-11", "about": about}
    ledger.append([Event("plan.decided", "GONE", NOW, body)], run="r")
    assert seen_in(ledger, "2026-11") == {PILOT: ["GONE"]}
    assert seen_in(ledger, "2026-12") == {}


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("cycle.opened", {"cycle": "November", "start": text_of(NOW), "end": text_of(NOW)}, "'cycle' is a cycle such"),
        ("tier.opened", {**PILOT.as_record(), "ring": "outer", "endpoints": []}, "'ring' is one of"),
        (
            "tier.closed",
            {**PILOT.as_record(), "proof": [{"endpoint": "A", "stands": "lost", "reason": ""}]},
            "'stands' is one of patched",
        ),
    ],
)
def test_what_is_no_cycle_tier_or_place_is_refused(ledger: Ledger, kind: str, body: Any, words: str) -> None:
    with pytest.raises(EventError, match=words):
        ledger.append([Event(kind, None, NOW, body)], run="r")
