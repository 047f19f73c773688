# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance ticket's events: one a client and cycle, whatever opens and closes together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries import compliance
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.flow.closure import Tier
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import check_event

NOW = datetime(2026, 11, 11, 7, 30, tzinfo=UTC)
LATER = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CYCLE = {"cycle": "2026-11", "start": "2026-11-10T18:00:00+00:00", "end": "2026-12-08T18:00:00+00:00"}


def opening(client: str = "Acme", ring: str = "pilot", *names: str) -> Event:
    body = {"cycle": "2026-11", "client": client, "ring": ring, "kind": "server", "endpoints": list(names or ("SRV1",))}
    return Event("tier.opened", None, NOW, body)


def closing(ring: str, **stands: tuple[str, str]) -> Event:
    proof = [{"endpoint": name, "stands": place, "reason": why} for name, (place, why) in stands.items()]
    body = {"cycle": "2026-11", "client": "Acme", "ring": ring, "kind": "server", "proof": proof}
    return Event("tier.closed", None, LATER, body)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger.open("sqlite://")
    ledger.append([Event("cycle.opened", None, NOW, CYCLE)], run="r1")
    return ledger


def append(ledger: Ledger, *events: Event) -> None:
    ledger.append(events, run="r1")


@given(st.text(min_size=1), st.text(min_size=1))
def test_clients_that_look_alike_have_keys_of_their_own(one: str, other: str) -> None:
    keys = {compliance.xref_of("2026-11", name) for name in (one, other)}
    assert len(keys) == len({one, other})
    assert all(len(key) <= 100 for key in keys)


def test_a_client_has_one_ticket_for_all_tiers_that_open_together() -> None:
    events = compliance.opened([opening(), opening("Birch"), opening("Acme", "production", "SRV2", "SRV3")], [])
    assert [event.body["client"] for event in events] == ["Acme", "Birch"]
    acme = events[0].body
    assert (acme["action"], acme["topic"], acme["xref"]) == (
        "tell",
        "compliance",
        compliance.xref_of("2026-11", "Acme"),
    )
    assert "- pilot servers: 1 (SRV1)" in acme["text"]
    assert "- production servers: 2 (SRV2, SRV3)" in acme["text"]
    for event in events:
        check_event(event)


def test_a_tier_that_opens_later_is_told_on_the_ticket_and_opens_it_again() -> None:
    there = [Tier("2026-11", "Acme", "pilot", "server")]
    (late,) = compliance.opened([opening("Acme", "production")], there)
    assert late.body["action"] == "reopen"
    (other,) = compliance.opened([opening("Birch")], there)
    assert other.body["action"] == "tell"


def test_the_ticket_closes_with_the_last_tier_and_tells_where_everybody_stands(ledger: Ledger) -> None:
    booted = {"boot_id": "b2", "boot_time": "2026-11-11T07:31:00+00:00"}
    append(ledger, opening(), opening("Acme", "production"), Event("reboot.confirmed", "SRV1", NOW, booted))
    pilot = closing("pilot", SRV1=("patched", "installed"), SRV2=("excluded", "Do Not Patch"))
    inventory = {"SRV1": Endpoint.parse({"name": "SRV1", "time_zone": "America/New_York"})}
    (note,) = compliance.closed(ledger, [pilot], inventory)
    assert note.body["action"] == "note"
    text = note.body["text"]
    assert "1 of 1 in scope are patched and validated (100 %); excluded 1." in text
    assert "- SRV1: installed; last booted 2026-11-11 02:31 -0500 (America/New_York)" in text
    assert "Excluded:\n- SRV2: Do Not Patch" in text
    assert text.endswith("Still open: production servers.")
    append(ledger, pilot)
    last = closing(
        "production", SRV3=("failed", "0x80070643"), SRV4=("unreachable", "silent"), SRV5=("held", "its tier")
    )
    (end,) = compliance.closed(ledger, [last], {})
    assert end.body["action"] == "close"
    assert "0 of 3 in scope are patched and validated (0 %); held 1, failed 1, unreachable 1." in end.body["text"]
    for line in ("- SRV3: 0x80070643", "- SRV4: silent", "- SRV5: its tier"):
        assert line in end.body["text"]
    check_event(end)


def test_a_tier_of_which_nothing_is_in_scope(ledger: Ledger) -> None:
    append(ledger, opening())
    (end,) = compliance.closed(ledger, [closing("pilot", SRV1=("excluded", "Do Not Patch"))], {})
    assert "None of it is in scope; excluded 1." in end.body["text"]


def test_what_is_not_all_of_it_is_no_hundred_per_cent(ledger: Ledger) -> None:
    """As the report rounds it, which stands on the same ticket."""
    append(ledger, opening())
    stands = {f"SRV{n:03d}": ("patched", "installed") for n in range(299)} | {"SRV299": ("failed", "0x80070643")}
    (note,) = compliance.closed(ledger, [closing("pilot", **stands)], {})
    assert "299 of 300 in scope are patched and validated (99.7 %); failed 1." in note.body["text"]


def test_tiers_that_close_together_are_one_note(ledger: Ledger) -> None:
    append(ledger, opening(), opening("Acme", "production"))
    (end,) = compliance.closed(
        ledger, [closing("pilot", A=("patched", "x")), closing("production", B=("patched", "y"))], {}
    )
    assert end.body["action"] == "close"
    assert end.body["text"].count("Closed: ") == 2


def test_a_boot_of_an_earlier_cycle_is_none_of_this_one(ledger: Ledger) -> None:
    posture: dict[str, Any] = {"boot_time": "2026-10-20T03:00:00+00:00", "reboot_pending": False}
    before = datetime(2026, 10, 20, 3, 0, tzinfo=UTC)
    for boot_id in ("b1", "b2"):
        body = posture | {"boot_id": boot_id, "now": "2026-10-20T03:05:00+00:00"}
        append(ledger, Event("reboot.started", "SRV1", before, {"boot_id": "b1"}))
        append(ledger, Event("posture.observed", "SRV1", before, body))
    append(ledger, opening())
    (note,) = compliance.closed(ledger, [closing("pilot", SRV1=("patched", "nothing was left"))], {})
    assert "booted" not in note.body["text"]


def look(at: datetime, boot_id: str, booted: datetime, *, pending: bool) -> Event:
    body = {"boot_id": boot_id, "boot_time": text_of(booted), "reboot_pending": pending, "now": text_of(at)}
    return Event("posture.observed", "SRV1", at, body)


def test_a_boot_by_hand_is_told_with_its_own_time(ledger: Ledger) -> None:
    """And not with that of the run that saw it, hours later; the report has it so too."""
    hour = timedelta(hours=1)
    append(ledger, opening(), look(NOW, "b1", NOW - 48 * hour, pending=True))
    append(ledger, look(NOW + 9 * hour, "b2", NOW + 2 * hour, pending=False))
    (note,) = compliance.closed(ledger, [closing("pilot", SRV1=("patched", "installed"))], {})
    assert "- SRV1: installed; last booted 2026-11-11 09:30 +0000 (UTC)" in note.body["text"]


def test_of_several_boots_the_last_is_told(ledger: Ledger) -> None:
    """Also where somebody restarted it by hand after a run had; of one boot, the time that its confirmation has."""
    hour = timedelta(hours=1)
    confirmed = Event("reboot.confirmed", "SRV1", NOW, {"boot_id": "b2", "boot_time": text_of(NOW)})
    append(ledger, opening(), confirmed, look(NOW + hour, "b2", NOW + timedelta(minutes=1), pending=True))
    pilot = closing("pilot", SRV1=("patched", "installed"))
    (note,) = compliance.closed(ledger, [pilot], {})
    assert "last booted 2026-11-11 07:30 +0000 (UTC)" in note.body["text"]
    append(ledger, look(NOW + 9 * hour, "b3", NOW + 2 * hour, pending=False))
    (note,) = compliance.closed(ledger, [pilot], {})
    assert "last booted 2026-11-11 09:30 +0000 (UTC)" in note.body["text"]


def test_many_endpoints_are_listed_up_to_a_point(ledger: Ledger) -> None:
    append(ledger, opening())
    many = {f"SRV{n:03d}": ("patched", "installed") for n in range(250)}
    (note,) = compliance.closed(ledger, [closing("pilot", **many)], {})
    assert "250 of 250" in note.body["text"]
    assert "- and 150 more" in note.body["text"]
