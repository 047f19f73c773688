# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cycle that is over and closed is told in the same way for good; and an endpoint that changes hands is told of to
each client as far as it was theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries import flaws as compliance
from ansible_collections.msp.patching.plugins.plugin_utils.flow import cycle_span
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import text_of
from tests.unit.account.story import CRITICAL, DAY, ENDS, HOUR, IMPORTANT, OPENED, Story, update

MONTH = ENDS - OPENED
PATCHED, LEFT, JOINED = "Acme-1", "Acme-2", "Acme-3"
SAID = {"client": None, "promote": False, "by": "a.kern", "reason": "breaks the till", "until": None}
GRANTED = {"scope": {"client": "Acme"}, "expires": None, "code": "APP", "by": "a.kern", "reason": "old till"}


@pytest.fixture
def story() -> Story:
    """November, closed: one machine is patched, on one nothing is, and one came when its tier was closed."""
    story = Story()
    for name in (PATCHED, LEFT, JOINED):
        story.endpoint(name)
    story.tier(PATCHED, LEFT)
    story.scan(PATCHED, 2 * HOUR, CRITICAL)
    story.scan(LEFT, 2 * HOUR, CRITICAL, IMPORTANT)
    story.patch(PATCHED, 3 * HOUR, CRITICAL)
    story.scan(PATCHED, 2 * DAY)
    story.decide(PATCHED, 2 * DAY)
    story.scan(LEFT, 2 * DAY, CRITICAL)  # the other one is gone
    story.decide(LEFT, 2 * DAY, "wait", "posture.offline", reason="offline since Monday")
    story.fail(LEFT, 2 * DAY, CRITICAL)
    story.ticket(LEFT, 2 * DAY, 2 * DAY + HOUR, 7, f"What failed: {CRITICAL}")
    story.ticket(LEFT, 4 * DAY, MONTH + 3 * DAY, 8, "late")
    story.tell("approval.recorded", DAY, update="5001", decision="declined", code="APP", **SAID)
    story.tell("exception.granted", HOUR, id="e-1", **GRANTED)
    story.tell("hold.placed", DAY, LEFT, id="h-1", scope={"client": "Acme"}, reason="it failed", failure="f-1")
    story.close(MONTH - DAY, {PATCHED: ("patched", "validated"), LEFT: ("unreachable", "offline")})
    story.scan(JOINED, MONTH - 2 * HOUR, IMPORTANT)
    story.patch(JOINED, MONTH - HOUR, IMPORTANT)
    story.decide(JOINED, MONTH - HOUR / 2)
    return story


def offered_again(story: Story) -> None:
    story.scan(PATCHED, MONTH + 5 * DAY, CRITICAL)
    story.scan(LEFT, MONTH + 5 * DAY, CRITICAL, IMPORTANT)


def installed_again(story: Story) -> None:
    offered_again(story)
    for name in (PATCHED, LEFT):
        story.patch(name, MONTH + 6 * DAY, CRITICAL, IMPORTANT)
    story.scan(PATCHED, MONTH + 7 * DAY)


def decided_anew(story: Story) -> None:
    story.tell("approval.recorded", MONTH + DAY, update="5001", decision="approved", code=None, **SAID)
    story.tell("hold.released", MONTH + DAY, id="h-1", by="a.kern", reason="repaired")
    cause = {"failure": "f-1", "by": "a.kern", "code": "DISK", "text": "full"}
    story.tell("failure.root_cause", MONTH + DAY, LEFT, **cause)


def signed(story: Story) -> None:
    """By then for the client, and on the ledger later."""
    by = {"signed_by": "J. Roe", "by": "a.kern"}
    story.tell("exception.signed", MONTH + DAY, id="e-1", signed_at=text_of(OPENED + DAY), **by)


def described_anew(story: Story) -> None:
    """Its severity says by when it is corrected."""
    for days, more in ((1, {"severity": "Moderate"}), (2, {"severity": "Low", "cves": ["CVE-2026-1"], "cvss": 3.1})):
        records = [update(key) | more for key in (CRITICAL, IMPORTANT)]
        story.tell("updates.described", MONTH + days * DAY, updates=records)


def searched_later(story: Story) -> None:
    for name in (PATCHED, LEFT, JOINED):
        story.decide(name, MONTH + DAY, "scan", "scan.due")
        told = {"job": "j", "limit_seconds": 60}
        story.tell("scan.started", MONTH + DAY, name, **told)


def away_later(story: Story) -> None:
    story.tell("endpoint.unreachable", MONTH + DAY, JOINED, during="scan", message="timed out")


def sold(story: Story) -> None:
    for name in (PATCHED, LEFT):
        story.endpoint(name, client="Beta", location="Beta HQ", ring="regular")
        story.decide(name, MONTH + DAY)


@pytest.mark.parametrize(
    "later",
    [offered_again, installed_again, decided_anew, signed, described_anew, searched_later, away_later, sold],
)
def test_a_month_that_is_over_is_not_told_anew(story: Story, later: Callable[[Story], None]) -> None:
    def final() -> list[Account]:
        scopes: list[dict[str, str]] = [{}, {"client": "Acme"}, {"client": "Acme", "ring": "pilot"}]
        accounts = [story.account(MONTH + 60 * DAY, **scope) for scope in scopes]
        assert all(one.final for one in accounts)
        return [replace(one, events=0, head="") for one in accounts]

    before = final()
    assert {one.state for one in before[0].flaws} > {"corrected", "gone"}
    later(story)
    assert final() == before


def test_a_ticket_of_long_ago_counts_for_a_flaw_that_still_stands() -> None:
    """A note that a later cycle adds is not the first that told of it."""
    story = Story()
    story.tier("ws")
    driver = {"DRV1": update("DRV1", None, categories=["Drivers"])}
    for cycle in ("2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04"):
        start, end = cycle_span(cycle)
        after = start - OPENED
        if cycle != "2026-11":
            story.tell("cycle.opened", after, cycle=cycle, start=text_of(start), end=text_of(end))
            tier = {"cycle": cycle, "client": "Acme", "ring": "pilot", "kind": "workstation"}
            story.tell("tier.opened", after, **tier, endpoints=["ws"])
        story.cycle = cycle
        story.decide("ws", after + HOUR, "none", "approval.nothing_approved")
        story.scan("ws", after + HOUR, "DRV1", known=driver)
        for number, event in enumerate(compliance.found(story.ledger, start + 2 * HOUR)):
            story.ledger.append([event], run="run-1")
            sent = {"id": event.body["id"], "xref": event.body["xref"], "ticket": 100 + number}
            story.tell("ticket.sent", after + 3 * HOUR, **sent)
        (flaw,) = story.account(after + 2 * DAY).flaws
        assert flaw.reported == OPENED + 3 * HOUR
        assert flaw.report.met


def test_an_endpoint_that_changes_hands_is_each_ones_as_far_as_it_was(story: Story) -> None:
    """Within the cycle: its pilot tier is closed, the RMM files it elsewhere, and there it fails."""
    story = Story()
    name = story.endpoint("WS")
    story.tier(name)
    story.tier("other", client="Acme", ring="regular")
    story.tier("Beta-1", client="Beta")
    story.scan(name, HOUR, CRITICAL)
    story.patch(name, 2 * HOUR, CRITICAL)
    story.ticket(name, 2 * HOUR, 3 * HOUR, 1, "of Acme")
    story.close(DAY, {name: ("patched", "validated")})
    story.endpoint(name, client="Beta", location="Beta HQ")
    story.decide(name, 2 * DAY, "install", "deploy.install", reason="a reason of Beta's")
    story.scan(name, 2 * DAY, IMPORTANT)
    story.install(name, 3 * DAY, IMPORTANT)
    story.fail(name, 4 * DAY, IMPORTANT)
    story.ticket(name, 4 * DAY, 4 * DAY, 2, "of Beta", client="Beta", xref="msp.patching/Beta/WS/install")
    acme, beta = story.account(client="Acme"), story.account(client="Beta")
    assert "Beta" not in str(acme.as_record())
    (found,) = acme.endpoints
    assert (found.client, found.stands, [one.label for one in found.installs]) == ("Acme", "patched", [CRITICAL])
    assert [(one.label, one.state) for one in acme.flaws] == [(CRITICAL, "corrected")]
    assert [one.ticket for one in acme.tickets] == [1]
    assert "Acme" not in str([beta.tickets, beta.failures, beta.endpoints])
    assert [(one.name, one.stands) for one in beta.endpoints] == [("WS", "failed")]
    assert [one.ticket for one in beta.tickets] == [2]
    everybody = story.account()
    assert [(one.name, one.client, one.stands) for one in everybody.endpoints] == [("WS", "Acme", "patched")]
