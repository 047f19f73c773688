# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom an account covers, of which instant it tells, and that it is the same for the same ledger."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import (
    AccountError,
    Scope,
    account_of,
    last_instant,
    scope_of,
)
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import text_of
from tests.unit.account.story import CRITICAL, DAY, ENDS, HOUR, IMPORTANT, OPENED, Story

MONTH = ENDS - OPENED


@pytest.fixture
def story() -> Story:
    """Two clients; one machine each is patched, one is not."""
    story = Story()
    for client in ("Acme", "Beta"):
        names = [story.endpoint(f"{client}-{number}", client=client) for number in (1, 2)]
        story.tier(*names, client=client)
        for name in names:
            story.decide(name, HOUR, "scan", "scan.due")
            story.scan(name, 2 * HOUR, CRITICAL, IMPORTANT)
        story.patch(names[0], 3 * HOUR, CRITICAL, IMPORTANT)
        story.scan(names[0], 5 * HOUR)
        story.decide(names[0], 5 * HOUR)
        story.decide(names[1], 5 * HOUR, "wait", "posture.offline", reason="offline since Monday")
    return story


def test_each_endpoint_stands_in_one_place(story: Story) -> None:
    account = story.account()
    assert [(one.name, one.stands, one.proven) for one in account.endpoints] == [
        ("Acme-1", "patched", False),
        ("Acme-2", "unreachable", False),
        ("Beta-1", "patched", False),
        ("Beta-2", "unreachable", False),
    ]
    assert [(tier.client, tier.endpoints, tier.counts["patched"]) for tier in account.tiers] == [
        ("Acme", 2, 1),
        ("Beta", 2, 1),
    ]
    first = account.endpoints[0]
    assert [(one.label, one.ok) for one in first.installs] == [(CRITICAL, True), (IMPORTANT, True)]
    assert [boot.boot_id for boot in first.boots] == ["boot-2"]
    assert [(one.healthy, len(one.checks)) for one in first.validations] == [(True, 2)]


def test_a_client_or_a_tier_is_told_of_alone(story: Story) -> None:
    account = story.account(client="Beta")
    assert {one.client for one in account.endpoints} == {one.client for one in account.flaws} == {"Beta"}
    assert [tier.client for tier in account.tiers] == ["Beta"]
    assert story.account(client="Beta", ring="pilot", kind="workstation").endpoints == account.endpoints


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope("2026-12"), "no cycle '2026-12' on the ledger; there is: 2026-11"),
        (Scope("2026-11", client="Acne"), "no client 'Acne' has a tier in 2026-11; there is: Acme, Beta"),
        (
            Scope("2026-11", client="Acme", ring="production"),
            "no tier Acme, production, 2026-11 on the ledger; there is: Acme pilot workstation",
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(story: Story, scope: Scope, words: str) -> None:
    with pytest.raises(AccountError, match=words):
        account_of(story.ledger, story.policy, scope, OPENED + DAY)


def test_an_endpoint_without_a_ring_is_told_of_and_in_no_tier(story: Story) -> None:
    story.endpoint("Acme-new", client="Acme", ring=None)
    story.decide("Acme-new", HOUR, "hold", "scope.unclassified")
    found = {one.name: one for one in story.account().endpoints}
    assert (found["Acme-new"].stands, found["Acme-new"].ring) == ("held", None)


def test_the_proof_of_a_closed_tier_stands_whatever_is_decided_later(story: Story) -> None:
    story.close(DAY, {"Acme-1": ("patched", "validated"), "Acme-2": ("excluded", "by exception")})
    story.decide("Acme-1", 2 * DAY, "wait", "schedule.window")
    found = {one.name: (one.stands, one.reason, one.proven) for one in story.account().endpoints}
    assert found["Acme-1"] == ("patched", "validated", True)
    assert found["Acme-2"] == ("excluded", "by exception", True)
    assert found["Beta-1"][2] is False


def test_of_a_cycle_that_is_over_and_closed_the_account_changes_no_more(story: Story) -> None:
    for client in ("Acme", "Beta"):
        proof = {f"{client}-1": ("patched", "validated"), f"{client}-2": ("unreachable", "offline")}
        story.close(MONTH + HOUR, proof, client=client)
    final = story.account(MONTH + DAY)
    assert (final.final, final.at) == (True, ENDS + HOUR)
    before = json.dumps([one.as_record() for one in final.flaws])
    assert "gone" not in before
    story.decide("Acme-2", MONTH + 2 * DAY, "install", "deploy.install")
    story.patch("Acme-2", MONTH + 2 * DAY, CRITICAL, IMPORTANT)
    later = story.account(MONTH + 9 * DAY)
    assert later.at == final.at
    assert json.dumps([one.as_record() for one in later.flaws]) == before
    assert {one.state for one in later.flaws if one.endpoint == "Acme-2"} == {"unreachable"}


def test_a_flaw_of_last_month_is_this_months_too_until_it_is_corrected() -> None:
    december = Story(cycle="2026-12")
    before = december.start - OPENED
    assert before == MONTH
    december.scan("ws", -9 * DAY, CRITICAL, IMPORTANT)
    december.patch("ws", -8 * DAY, CRITICAL)
    december.decide("ws", HOUR, "none")
    december.scan("ws", 2 * HOUR, IMPORTANT)
    december.patch("ws", 3 * HOUR, IMPORTANT)
    (flaw,) = december.account().flaws
    assert (flaw.label, flaw.identified, flaw.state) == (IMPORTANT, december.start - 9 * DAY, "corrected")


def test_the_same_ledger_gives_the_same_account(story: Story) -> None:
    now = last_instant(story.ledger)
    assert now == OPENED + 5 * HOUR
    first = account_of(story.ledger, story.policy, Scope("2026-11"), now).as_record()
    story.ledger.rebuild()
    assert account_of(story.ledger, story.policy, Scope("2026-11"), now).as_record() == first
    assert json.loads(json.dumps(first)) == first


def test_who_asks_for_no_cycle_gets_the_months_and_an_emergency_is_its_clients(story: Story) -> None:
    at = {"start": text_of(OPENED + DAY), "end": text_of(OPENED + 2 * DAY), "by": "a.kern", "reason": "exploited"}
    lane = {"client": "Beta", "updates": ["5001"], "soak_days": 1}
    story.tell("cycle.opened", DAY, cycle="2026-11-oob1", **at, **lane)
    anything = dict.fromkeys(("cycle", "client", "ring", "kind"))
    assert scope_of(story.ledger, anything) == Scope("2026-11")
    assert scope_of(story.ledger, anything | {"cycle": "2026-11-oob1"}) == Scope("2026-11-oob1", "Beta")
    assert scope_of(story.ledger, anything | {"cycle": "2026-11-oob1", "client": "Acme"}).client == "Acme"


def test_one_that_is_retired_is_excluded_on_record(story: Story) -> None:
    story.tell("endpoint.retired", DAY, "Acme-2", by="t.brandt", code="HARDWARE", text="its disk died")
    found = {one.name: (one.stands, one.reason) for one in story.account().endpoints}
    assert found["Acme-2"] == ("excluded", "it is retired, says t.brandt: its disk died")


def test_failures_holds_and_tickets_hang_together(story: Story) -> None:
    story.fail("Acme-2", 6 * HOUR, CRITICAL)
    scope = {"client": "Acme", "ring": "pilot", "kind": "workstation", "cycle": "2026-11"}
    story.tell("hold.placed", 6 * HOUR, "Acme-2", id="h-1", scope=scope, reason="it failed", failure="f-1")
    story.ticket("Acme-2", 6 * HOUR, 7 * HOUR, 12, f"What failed: {CRITICAL}")
    account = story.account(client="Acme")
    (failure,), (hold,), (ticket,) = account.failures, account.holds, account.tickets
    assert (failure.label, failure.cause, failure.tickets) == (CRITICAL, None, (12,))
    assert (hold.failure, hold.released) == ("f-1", None)
    assert (ticket.ticket, ticket.sent) == (12, OPENED + 7 * HOUR)
    assert account.endpoints[1].failures == ("f-1",)
    assert story.account(client="Beta").failures == ()
    story.tell("failure.root_cause", DAY, failure="f-1", by="t.brandt", code="DISK", text="it was full")
    story.tell("hold.released", DAY, id="h-1", by="t.brandt", reason="cleaned")
    account = story.account(client="Acme")
    assert account.failures[0].cause is not None
    assert (account.failures[0].cause["code"], account.holds[0].released_by) == ("DISK", "t.brandt")


def test_exceptions_tell_how_they_stand(story: Story) -> None:
    def grant(key: str, scope: dict[str, str], expires: timedelta | None) -> None:
        until = None if expires is None else (OPENED + expires).isoformat()
        told = {"id": key, "scope": scope, "expires": until, "code": "APP", "by": "a.kern", "reason": "old till"}
        story.tell("exception.granted", HOUR, **told)

    def sign(key: str) -> None:
        story.tell("exception.signed", HOUR, id=key, signed_by="J. Roe", signed_at=OPENED.isoformat(), by="a.kern")

    grant("e-1", {"client": "Acme"}, 30 * DAY)
    sign("e-1")
    grant("e-2", {"endpoint": "Beta-1"}, 2 * DAY)
    sign("e-2")
    grant("e-3", {"endpoint": "Beta-2"}, None)
    grant("e-4", {"endpoint": "nobody"}, None)
    story.tell("exception.revoked", DAY, id="e-1", by="a.kern", reason="sold")
    states = {one.id: one.state for one in story.account().exceptions}
    assert states == {"e-1": "revoked", "e-2": "expired", "e-3": "unsigned"}
    assert [one.id for one in story.account(client="Acme").exceptions] == ["e-1"]


def test_an_exception_that_counted_until_its_client_was_renamed_is_told_of_with_the_one_that_follows(
    story: Story,
) -> None:
    """It is what kept the machines from being patched in the first days of the cycle."""
    given = {"expires": None, "code": "APP", "reason": "old till"}
    story.tell("exception.granted", HOUR, id="e-1", scope={"client": "Acme"}, by="a.kern", **given)
    signed = {"signed_by": "J. Roe", "signed_at": OPENED.isoformat()}
    story.tell("exception.signed", HOUR, id="e-1", by="a.kern", **signed)
    story.tell("exception.granted", HOUR, id="e-9", scope={"client": "Gone"}, by="a.kern", **given)
    followed = {"scope": {"client": "Acme Dental"}, "by": "msp.patching", "follows": "e-1"}
    story.tell("exception.granted", 3 * DAY, id="e-2", **given, **followed)
    for name in ("Acme-1", "Acme-2"):
        story.endpoint(name, client="Acme Dental")
        story.tell("endpoint.seen", 3 * DAY, name)
    states = {one.id: one.state for one in story.account().exceptions}
    assert states == {"e-1": "signed", "e-2": "unsigned"}
    assert {one.id for one in story.account(client="Acme Dental").exceptions} == {"e-1", "e-2"}
    assert {one.id for one in story.account(client="Beta").exceptions} == set()
    followed = {"scope": {"endpoint": "Beta-1"}, "by": "msp.patching", "follows": "e-1"}
    story.tell("exception.granted", 3 * DAY, id="e-3", **given, **followed)
    assert {one.id for one in story.account(client="Beta").exceptions} == {"e-3"}, "the other is not Beta's"
    assert {one.id for one in story.account(2 * DAY).exceptions} == {"e-1"}


def test_missed_windows_are_told_of_the_endpoints_of_the_scope(story: Story) -> None:
    start, end = (OPENED + DAY).isoformat(), (OPENED + DAY + 2 * HOUR).isoformat()
    missed = {"window": "overnight", "zone": "America/New_York", "start": start, "end": end}
    story.tell("window.missed", 2 * DAY, **missed, endpoints=["Acme-2", "Beta-2"])
    account = story.account(client="Acme")
    assert account.missed_windows[0].endpoints == ("Acme-2",)
    assert [one.missed_windows for one in account.endpoints] == [0, 1]


def test_an_endpoints_last_search_is_that_of_the_cycle(story: Story) -> None:
    """Not the register's: that one forgets after an install, and knows of a later cycle's."""
    late = story.endpoint("Acme-3")
    story.decide(late, HOUR, "wait", "posture.offline", reason="offline")
    story.scan(late, MONTH + DAY, CRITICAL)
    story.scan("Acme-2", MONTH + DAY, CRITICAL)
    story.tell("validation.finished", 6 * HOUR, "Acme-1", healthy=True, checks=[])
    searched = {one.name: one.searched for one in story.account(MONTH - HOUR).endpoints}
    assert searched["Acme-1"] == OPENED + 5 * HOUR
    assert searched["Acme-2"] == OPENED + 2 * HOUR
    assert searched["Acme-3"] is None
    story.decide("Acme-1", MONTH + DAY)
    story.close(MONTH + 2 * DAY, {"Acme-1": ("patched", "done"), "Acme-2": ("held", "offline")})
    story.close(MONTH + 2 * DAY, {"Beta-1": ("patched", "done"), "Beta-2": ("held", "offline")}, client="Beta")
    account = story.account(MONTH + 9 * DAY)
    assert account.final
    assert account.at > account.end
    assert {one.name: one.searched for one in account.endpoints}["Acme-2"] == searched["Acme-2"], "when it closes late"


def test_a_ticket_of_the_next_cycle_is_none_of_this_one(story: Story) -> None:
    """Also where a tier closes when the next cycle is open: its tickets would wait for the PSA here for good."""
    here = {"topic": "compliance", "xref": "msp.patching/compliance/2026-11/Acme"}
    there = {"topic": "compliance", "xref": "msp.patching/compliance/2026-12/Acme"}
    earlier = {"topic": "compliance", "xref": "msp.patching/compliance/2026-10/Acme"}
    story.ticket(None, HOUR, 2 * HOUR, 3, "All tiers of cycle 2026-10 are closed.", **earlier)
    story.ticket(None, 3 * HOUR, 4 * HOUR, 4, "Its tiers, and who is in them:", **here)
    story.ticket(None, MONTH + DAY, MONTH + 3 * DAY, 5, "Its tiers, and who is in them:", **there)
    story.ticket("Acme-2", MONTH + DAY, MONTH + 3 * DAY, 6, "It failed.")
    story.ticket(None, MONTH + 2 * DAY, MONTH + 3 * DAY, 4, "All tiers of cycle 2026-11 are closed.", **here)
    for client in ("Acme", "Beta"):
        proof = {f"{client}-1": ("patched", "done"), f"{client}-2": ("held", "offline")}
        story.close(MONTH + 2 * DAY, proof, client=client)
    told = [(one.ticket, one.wanted) for one in story.account(MONTH + 9 * DAY).tickets]
    assert told == [(4, OPENED + 3 * HOUR), (4, ENDS + 2 * DAY)]


def test_what_the_next_cycle_decides_is_no_reason_of_this_one(story: Story) -> None:
    """A tier that is left open closes in a run of the next cycle, which has decided about its endpoints by then."""
    reason = "a P1 server needs a technician's authorisation for 2026-12"
    story.decide("Acme-2", MONTH + HOUR, "manual", "gate.authorization", reason=reason)
    for client in ("Acme", "Beta"):
        proof = {f"{client}-1": ("patched", "done"), f"{client}-2": ("unreachable", "offline since Monday")}
        story.close(MONTH + 2 * HOUR, proof, client=client)
    account = story.account(MONTH + 9 * DAY)
    assert account.final
    (endpoint,) = [one for one in account.endpoints if one.name == "Acme-2"]
    assert (endpoint.node, endpoint.decided) == ("posture.offline", OPENED + 5 * HOUR)
    assert {one.reason for one in account.flaws if one.endpoint == "Acme-2"} == {"offline since Monday"}
