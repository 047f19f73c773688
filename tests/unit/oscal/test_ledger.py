# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a ledger's events to the files: what happened is what they say, and the same ledger gives the same bytes."""

from __future__ import annotations

import json

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import text_of
from ansible_collections.msp.patching.plugins.plugin_utils.oscal import assess, files, ledger_id
from tests.unit.account.story import CRITICAL, DAY, HOUR, IMPORTANT, Story

RESULTS = "assessment-results.json"


@pytest.fixture
def story() -> Story:
    """Acme: one machine patched and told of, one held, one with a signed exception; Beta: one that never answers."""
    story = Story()
    patched, held, excepted = (story.endpoint(name) for name in ("A-1", "A-2", "A-3"))
    silent = story.endpoint("B-1", client="Beta")
    story.tier(patched, held, excepted)
    story.tier(silent, client="Beta")
    for name in (patched, held, excepted):
        story.scan(name, 2 * HOUR, CRITICAL, IMPORTANT)
    story.patch(patched, 3 * HOUR, CRITICAL, IMPORTANT)
    story.scan(patched, 5 * HOUR)
    story.decide(held, 6 * HOUR, "hold", "gate.tier_held", reason="its tier is held", left=())
    at = text_of(story.start)
    signed = {"id": "e-1", "signed_by": "Zoe", "signed_at": at, "by": "Ann"}
    granted = {
        "id": "e-1",
        "scope": {"endpoint": excepted},
        "expires": None,
        "by": "Ann",
        "reason": "a saw's controller",
    }
    story.tell("exception.granted", 4 * HOUR, None, **granted)
    story.tell("exception.signed", 4 * HOUR, None, **signed)
    story.decide(excepted, 6 * HOUR, "skip", "scope.excluded", reason="a saw's controller")
    story.decide(silent, 6 * HOUR, "wait", "posture.offline", reason="offline since Monday")
    return story


def made(story: Story) -> dict[str, bytes]:
    assessment = assess(story.account(20 * DAY), story.policy, ledger=ledger_id(story.ledger))
    return files(assessment)


def test_what_happened_is_what_the_results_say(story: Story) -> None:
    acme, beta = json.loads(made(story)[RESULTS])["assessment-results"]["results"]
    states = [[one["target"]["status"]["state"] for one in result["findings"]] for result in (acme, beta)]
    yes, no = "satisfied", "not-satisfied"
    assert states == [[yes, yes, yes, no, yes, no], [yes, no, yes, yes, yes, no]]
    reported, corrected = acme["findings"][3], acme["findings"][5]
    assert reported["description"] == "0 of 2 flaws were reported in time, each counted on each endpoint."
    assert reported["target"]["status"]["remarks"].split("\n\n") == [
        "2 flaws are on no ticket, and their time has ended (KB5001 on A-2, KB5002 on A-2).",
        "2 flaws were corrected before a ticket was due: not counted.",
        "2 flaws are left by a recorded decision, on no ticket: not counted (KB5001 on A-3, KB5002 on A-3).",
    ]
    assert corrected["description"] == "2 of 4 flaws were corrected in time, each counted on each endpoint."
    assert [(risk["title"], risk["description"]) for risk in acme["risks"]] == [
        (
            "KB5001 is open past its deadline on 2 endpoints",
            "- A-2: held, its tier is held\n- A-3: excluded, a saw's controller",
        )
    ]
    assert acme["risks"][0]["mitigating-factors"][0]["description"] == "- A-3: excluded, a saw's controller"
    assert "B-1" in beta["findings"][1]["target"]["status"]["remarks"]


def test_the_same_ledger_gives_the_same_bytes(story: Story) -> None:
    before = made(story)
    story.ledger.rebuild()
    assert made(story) == before
