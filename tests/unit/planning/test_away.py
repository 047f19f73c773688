# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows that an endpoint misses: counted once each, told wherever it is away, and over when it is caught up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, Policy, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.closure import Tier
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, Progress, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.planning.away import away_events
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import Plan, as_seen, make_plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING
from ansible_collections.msp.patching.plugins.plugin_utils.planning.summary import outcomes
from ansible_collections.msp.patching.plugins.plugin_utils.planning.tiers import prove_tiers
from tests.unit.flow.build import NIGHT, at, update, workstation

NAME = "ACME-WS01"
DAY = timedelta(days=1)
SEARCHED = at("2026-11-11 22:00")
PENDING = {"results": [{"update": "u1", "ok": True, "hresult": None}], "reboot_required": True}


def seen(ledger: Ledger, *events: Event) -> None:
    ledger.append(events, run="r")


@pytest.fixture
def ledger() -> Ledger:
    found = Ledger.open("sqlite://")
    seen(found, Event("scan.finished", NAME, SEARCHED, {"updates": [update().as_record()]}))
    return found


def night(ledger: Ledger, endpoint: Endpoint, now: datetime, policy: Policy | None = None) -> tuple[Plan, list[Event]]:
    """A plan at `now`, with what it puts on the ledger."""
    plan = make_plan(ledger, policy or load_policy({}), {NAME: endpoint}, now, run=None, actions=ACTING)
    events = list(away_events(plan))
    seen(ledger, *events)
    return plan, events


ASLEEP = workstation(asleep=True)


def missed(ledger: Ledger) -> int:
    found = ledger.progress([NAME])[NAME].missed
    return found.windows if found else 0


def test_a_window_is_counted_once_however_many_runs_there_are_in_it(ledger: Ledger) -> None:
    (event,) = night(ledger, ASLEEP, NIGHT)[1]
    assert (event.kind, event.endpoint, event.body["why"]) == ("window.away", NAME, "asleep")
    assert event.body["start"] == text_of(at("2026-11-12 02:00"))
    assert night(ledger, ASLEEP, NIGHT + timedelta(minutes=30))[1] == []
    assert night(ledger, workstation(online=False), NIGHT + DAY)[1][0].body["why"] == "offline"
    assert missed(ledger) == 2


@pytest.mark.parametrize(
    ("endpoint", "now"),
    [
        (ASLEEP, at("2026-11-12 12:00")),
        (ASLEEP, at("2026-11-12 03:31")),
        (ASLEEP, at("2026-11-13 12:00")),
        (workstation(), NIGHT),
        (workstation(asleep=True, ring="regular"), NIGHT),
        (workstation(asleep=True, agent_disabled=True), NIGHT),
    ],
    ids=["not its window", "too little of it left", "only a search is due", "awake", "held anyway", "disabled"],
)
def test_what_was_not_its_turn_is_not_counted(ledger: Ledger, endpoint: Endpoint, now: datetime) -> None:
    assert night(ledger, endpoint, now)[1] == []


def test_the_reason_tells_the_windows_that_are_over(ledger: Ledger) -> None:
    assert "missed" not in night(ledger, ASLEEP, NIGHT)[0].decisions[NAME].reason
    assert "missed" not in night(ledger, ASLEEP, NIGHT + timedelta(hours=1))[0].decisions[NAME].reason
    reason = night(ledger, ASLEEP, NIGHT + DAY)[0].decisions[NAME].reason
    assert reason == "the machine is asleep or hibernating; it is caught up later; 1 window missed since 12 Nov"
    reason = night(ledger, ASLEEP, NIGHT + DAY + timedelta(hours=12))[0].decisions[NAME].reason
    assert reason.endswith("; 2 windows missed since 12 Nov")


def test_so_does_the_proof_of_its_tier(ledger: Ledger) -> None:
    tier = {"cycle": "2026-11", "client": "Acme", "ring": "pilot", "kind": "workstation"}
    seen(ledger, Event("tier.opened", None, SEARCHED, {**tier, "endpoints": [NAME]}))
    night(ledger, ASLEEP, NIGHT)
    of = [("Acme", "pilot", "workstation")]
    (proof,) = prove_tiers(ledger, load_policy({}), {NAME: ASLEEP}, of, NIGHT + DAY)
    assert proof.tier == Tier(*tier.values())
    assert [(row.stands, row.reason.rpartition("; ")[2]) for row in proof.rows] == [
        ("unreachable", "1 window missed since 12 Nov")
    ]


def test_a_night_without_a_run_counts_too(ledger: Ledger) -> None:
    span = {"start": text_of(at("2026-11-12 02:00")), "end": text_of(at("2026-11-12 04:00"))}
    body = {"window": "workstation_overnight", "zone": "America/New_York", "endpoints": [NAME, "GONE"], **span}
    seen(ledger, Event("window.missed", None, NIGHT + DAY, body), Event("window.missed", None, NIGHT + DAY, body))
    assert missed(ledger) == 1
    assert night(ledger, ASLEEP, NIGHT + DAY)[0].decisions[NAME].reason.endswith("1 window missed since 12 Nov")
    assert missed(ledger) == 2


@pytest.mark.parametrize(
    ("kind", "body", "left"),
    [
        ("install.finished", {**PENDING, "results": [{"update": "u1", "ok": False, "hresult": None}]}, 2),
        ("install.finished", PENDING, 0),
        ("install.found", {"updates": ["u1"]}, 0),
        ("reboot.confirmed", {"boot_id": "2", "boot_time": text_of(NIGHT)}, 0),
        ("plan.decided", {"decision": {"action": "none"}, "cycle": None}, 0),
        ("plan.decided", {"decision": {"action": "wait"}, "cycle": None}, 2),
        ("scan.finished", {"updates": []}, 2),
    ],
)
def test_the_count_is_over_when_it_is_caught_up(ledger: Ledger, kind: str, body: dict[str, Any], left: int) -> None:
    for day in range(2):
        night(ledger, ASLEEP, NIGHT + day * DAY)
    seen(ledger, Event(kind, NAME, NIGHT + 2 * DAY, body))
    assert missed(ledger) == left
    before = ledger.rows("endpoints")
    ledger.rebuild()
    assert ledger.rows("endpoints") == before


def test_the_reboot_that_it_sleeps_through_counts_by_the_reboots_window(ledger: Ledger) -> None:
    seen(ledger, Event("install.finished", NAME, SEARCHED, PENDING))
    forced = workstation(track="daytime", asleep=True)
    assert night(ledger, forced, NIGHT)[1] == []
    (event,) = night(ledger, forced, at("2026-11-15 02:10"))[1]
    assert event.body["window"] == "workstation_forced_reboot"


def test_what_was_caught_up_is_said() -> None:
    event = Event("window.caught_up", NAME, NIGHT, {"windows": 3, "since": text_of(at("2026-10-14 02:00"))})
    assert outcomes([event])[NAME].caught_up == "caught up after 3 missed windows, the first on 14 Oct"


LOOKED = at("2026-11-11 22:00")
"""When we last saw it, a moment after the RMM did."""
SWITCHED_OFF = workstation(online=False, last_contact=LOOKED - timedelta(seconds=20))


@pytest.mark.parametrize(
    ("after", "known", "up"),
    [
        (timedelta(minutes=30), {}, True),
        (timedelta(minutes=119), {}, True),
        (timedelta(hours=2), {}, False),
        (9 * DAY, {}, False),
        (timedelta(minutes=30), {"unreachable_since": LOOKED + timedelta(minutes=10)}, False),
    ],
    ids=["a moment ago", "a while ago", "too long ago", "days ago", "it did not answer since"],
)
def test_our_own_look_outdoes_the_rmm_for_a_while(after: timedelta, known: dict[str, Any], up: bool) -> None:
    """One that was booting when the inventory was read is up; one that was switched off since is not, for ever."""
    progress = Progress(posture_at=LOOKED, **known)
    assert as_seen(SWITCHED_OFF, progress, LOOKED + after).online is up


def test_who_was_switched_off_after_our_last_look_misses_windows_and_is_not_tried_for_ever(ledger: Ledger) -> None:
    posture = {"boot_id": "b", "boot_time": text_of(LOOKED - DAY), "now": text_of(LOOKED), "reboot_pending": False}
    seen(ledger, Event("posture.observed", NAME, LOOKED, posture))
    for nights in range(1, 4):
        plan, _events = night(ledger, SWITCHED_OFF, NIGHT + nights * DAY)
        assert plan.decisions[NAME].node == "posture.offline"
        assert plan.steps[NAME].name == "leave"
    assert missed(ledger) == 3
