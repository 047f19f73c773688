# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of a tier whose cycle is over, while the next one has begun on the same endpoints."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Scope, account_of
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, Update, cycle_span, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.closure import Proof
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.down import retire
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import about
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import decided_events, make_plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.tiers import prove_tiers
from tests.unit.flow.build import at, server, update, workstation

NAME = "ACME-WS01"
TIER = {"cycle": "2026-10", "client": "Acme", "ring": "pilot", "kind": "workstation"}
PATCHED = at("2026-10-14 02:30")
NEXT = at("2026-11-10 13:30")
"""Half an hour after the next cycle opened."""
EARLIER = NEXT - timedelta(days=20)
OURS = update("u1", released="2026-10-13T17:00:00Z")
THEIRS = update("u2", released="2026-11-10T18:00:00Z")
OF = [("Acme", "pilot", "workstation")]


@pytest.fixture
def ledger() -> Ledger:
    """October's update is installed, and validated."""
    found = Ledger.open("sqlite://")
    result = {"update": "u1", "ok": True, "hresult": None}
    put(
        found,
        Event("tier.opened", None, at("2026-10-13 13:05"), {**TIER, "endpoints": [NAME]}),
        Event("install.finished", NAME, PATCHED, {"results": [result], "reboot_required": False}),
        Event("validation.finished", NAME, PATCHED + timedelta(minutes=5), {"healthy": True, "checks": []}),
    )
    return found


def put(ledger: Ledger, *events: Event) -> None:
    ledger.append(events, run="r")


def searched(*updates: Update) -> Event:
    return Event("scan.finished", NAME, NEXT, {"updates": [one.as_record() for one in updates]})


def proof(ledger: Ledger) -> Proof:
    (found,) = prove_tiers(ledger, load_policy({}), {NAME: workstation()}, OF, NEXT + timedelta(minutes=5))
    return found


def test_what_was_released_after_the_cycle_is_the_next_ones(ledger: Ledger) -> None:
    put(ledger, searched(THEIRS))
    found = proof(ledger)
    assert [row.stands for row in found.rows] == ["patched"]
    assert found.closes


def test_what_is_left_of_the_cycle_still_counts(ledger: Ledger) -> None:
    put(ledger, searched(OURS, THEIRS))
    found = proof(ledger)
    assert [row.stands for row in found.rows] == ["open"]
    assert not found.closes


def test_a_failure_of_the_next_cycle_is_not_this_ones(ledger: Ledger) -> None:
    failure = {
        "id": "f1",
        "step": "install",
        "update": "u2",
        "hresult": None,
        "name": None,
        "class": "unknown",
        "text": "the install failed",
        "next_window": text_of(NEXT),
        "cycle": "2026-11",
    }
    put(ledger, searched(THEIRS), Event("failure.opened", NAME, NEXT + timedelta(minutes=1), failure))
    assert [row.stands for row in proof(ledger).rows] == ["patched"]


def put_due(ledger: Ledger, endpoint: Endpoint) -> None:
    """That an install is due on it, in October."""
    found = {"updates": [OURS.as_record()]}
    put(ledger, Event("scan.finished", endpoint.name, EARLIER, found | about(endpoint)))
    plan = make_plan(ledger, load_policy({}), {endpoint.name: endpoint}, EARLIER, run=None, actions=["scan"])
    put(ledger, *decided_events(plan))


def renamed_since(ledger: Ledger, **changes: Any) -> tuple[dict[str, tuple[str, str]], bool]:
    """How the rows of October's tier stand, and whether it closes, where an install was due when it was renamed."""
    before, renamed = workstation(id=7), replace(workstation(name="NEW", id=7), **changes)
    put_due(ledger, before)
    put(ledger, Event("scan.finished", "NEW", NEXT, {"updates": []} | about(renamed)))
    (proof,) = prove_tiers(ledger, load_policy({}), {"NEW": renamed}, OF, NEXT + timedelta(minutes=5))
    return {row.endpoint: (row.stands, row.reason) for row in proof.rows}, proof.closes


def test_one_that_is_called_otherwise_now_counts_by_that_name(ledger: Ledger) -> None:
    rows, closes = renamed_since(ledger)
    assert rows[NAME] == ("excluded", "it is called NEW now, and counts by that name")
    assert rows["NEW"][0] == "patched"
    assert closes


def test_one_that_is_called_otherwise_in_another_tier_does_not_count_there(ledger: Ledger) -> None:
    """Of this month, for its tier may have opened with the next."""
    rows, _closes = renamed_since(ledger, ring="regular")
    assert rows == {NAME: ("unreachable", "it is called NEW now")}


def test_a_failure_from_before_it_was_renamed_is_its_own(ledger: Ledger) -> None:
    failure = {**dict.fromkeys(("update", "hresult", "name", "next_window")), "id": "f1", "step": "validate"}
    failure |= {"class": "unknown", "text": "the spooler is stopped", "cycle": "2026-10", **about(workstation(id=7))}
    put(ledger, Event("failure.opened", NAME, PATCHED + timedelta(minutes=5), failure))
    rows, _closes = renamed_since(ledger)
    assert rows["NEW"] == ("failed", "the spooler is stopped")


def test_one_that_is_retired_is_excluded_when_the_inventory_no_longer_has_it(ledger: Ledger) -> None:
    """Also with an install under way, of which nobody will hear the end."""
    put_due(ledger, workstation())
    put(ledger, Event("install.started", NAME, EARLIER, {"job": "j", "limit_seconds": 3600}))
    put(ledger, *retire(ledger, NEXT, endpoint=NAME, by="t.brandt", code="HARDWARE", text="its disk died"))
    (proof,) = prove_tiers(ledger, load_policy({}), {}, OF, NEXT + timedelta(minutes=5))
    (row,) = proof.rows
    assert (row.stands, row.reason) == ("excluded", "it is retired, says t.brandt: its disk died")
    assert proof.closes


@pytest.mark.parametrize("given", [False, True])
def test_what_is_held_for_a_go_is_told_of_the_cycle_that_is_over(given: bool) -> None:
    """And not of the next one, which has begun by then: that is no reason for October."""
    ledger, pilot = Ledger.open("sqlite://"), server(ring="pilot")
    tier = TIER | {"kind": "server"}
    found = {"updates": [OURS.as_record()]}
    put(
        ledger,
        Event("tier.opened", None, at("2026-10-13 13:05"), {**tier, "endpoints": [pilot.name]}),
        Event("scan.finished", pilot.name, NEXT, found),
    )
    if given:
        go = {"scope": {"endpoint": pilot.name}, "cycle": "2026-10", "by": "t.brandt", "reason": "pilot night"}
        put(ledger, Event("authorization.given", None, PATCHED, go))
    of = [("Acme", "pilot", "server")]
    (proof,) = prove_tiers(ledger, load_policy({}), {pilot.name: pilot}, of, NEXT + timedelta(minutes=5))
    assert proof.closes
    (row,) = proof.rows
    assert (row.stands, row.reason) == (
        "held",
        "it was authorised for 2026-10 by t.brandt and not patched by its end; a pilot server needs another for 2026-11"
        if given
        else "a pilot server needs a technician's authorisation, and had none for 2026-10",
    )


def test_who_stands_as_in_the_last_cycle_is_seen_in_this_one(ledger: Ledger) -> None:
    """One that is in no tier is never silently left out of a month because nothing has changed about it."""
    unclassified = workstation(name="ACME-LT09", ring=None)
    policy = load_policy({})

    def run(now: datetime) -> list[Event]:
        plan = make_plan(ledger, policy, {unclassified.name: unclassified}, now, run=None, actions=["scan"])
        events = [event for event in decided_events(plan) if event.endpoint == unclassified.name]
        put(ledger, *events)
        return events

    put(ledger, Event("cycle.opened", None, at("2026-11-10 13:05"), _cycle("2026-11")))
    assert [event.body["cycle"] for event in run(PATCHED)] == ["2026-10"]
    assert run(PATCHED + timedelta(days=1)) == [], "once a cycle, where nothing changes"
    assert [event.body["cycle"] for event in run(NEXT)] == ["2026-11"]
    assert run(NEXT + timedelta(days=1)) == []
    found = account_of(ledger, policy, Scope("2026-11"), NEXT + timedelta(days=2))
    assert [(one.name, one.stands) for one in found.endpoints] == [(unclassified.name, "held")]
    assert found.endpoints[0].decided == PATCHED, "since when it is so, is not told anew"


def _cycle(name: str) -> dict[str, str]:
    start, end = cycle_span(name)
    return {"cycle": name, "start": text_of(start), "end": text_of(end)}
