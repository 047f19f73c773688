# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package is held by the policy that was in force, on the ledger and in it; not by that of whoever asks for it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Scope
from ansible_collections.msp.patching.plugins.plugin_utils.flow import PolicyError, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kept import policy_digest
from ansible_collections.msp.patching.plugins.plugin_utils.packages.check import check_package
from tests.unit.account.story import CRITICAL, DAY, HOUR, Story

from .ledgers import ACME, ALL, KEY, made, sign

STRICT: dict[str, Any] = {"deadlines": {"correct": {"Critical": {"workstation": "1d"}}}}
RELAXED: dict[str, Any] = {"deadlines": {"correct": {"Critical": {"workstation": "90d"}}}}


def in_force(story: Story, after: timedelta, document: Any) -> None:
    story.tell("policy.in_force", after, sha256=policy_digest(document), document=document)


def corrected_late(policy: dict[str, Any]) -> Story:
    """A workstation is patched after three days, while `policy` is in force."""
    story = Story()
    in_force(story, -40 * DAY, load_policy({}).document)
    in_force(story, -30 * DAY, load_policy(policy).document)
    sign(story, -29 * DAY)
    story.tier("WS01")
    story.scan("WS01", HOUR, CRITICAL)
    sign(story, 2 * HOUR)
    story.patch("WS01", 3 * DAY, CRITICAL)
    story.decide("WS01", 4 * DAY)
    story.scan("WS01", 4 * DAY + HOUR)
    story.close(5 * DAY, {"WS01": ("patched", "nothing is left")})
    sign(story, 5 * DAY)
    return story


def files_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def met(files: dict[str, bytes]) -> str:
    (row,) = csv.DictReader(io.StringIO(files["tables/flaws.csv"].decode("utf-8-sig")))
    return row["correct.met"]


@pytest.mark.parametrize("scope", [ACME, ALL], ids=str)
def test_of_a_past_cycle_it_is_held_by_the_policy_of_then(scope: Scope, tmp_path: Path) -> None:
    """A deadline that is relaxed later makes nothing true that was not."""
    story = corrected_late(STRICT)
    first = made(story, scope, tmp_path / "first")
    assert met(files_of(tmp_path / "first")) == "no"
    story.policy = load_policy(RELAXED)
    in_force(story, 60 * DAY, story.policy.document)
    sign(story, 60 * DAY)
    again = made(story, scope, tmp_path / "again")
    files = files_of(tmp_path / "again")
    assert met(files) == "no"
    assert json.loads(files["policy.json"])["deadlines"]["correct"]["Critical"]["workstation"] == "1d"
    if scope == ACME:
        assert again.sha256 == first.sha256


@pytest.mark.parametrize("scope", [ACME, ALL], ids=str)
def test_the_event_of_its_policy_is_in_it(scope: Scope, tmp_path: Path) -> None:
    story = corrected_late(STRICT)
    made(story, scope, tmp_path / "package.zip")
    files = files_of(tmp_path / "package.zip")
    shown = [json.loads(line) for line in files["events.jsonl"].splitlines()]
    policies = [event for event in shown if event["kind"] == "policy.in_force"]
    assert policies[-1]["body"]["document"] == json.loads(files["policy.json"])
    checked = check_package(tmp_path / "package.zip", [KEY.public])
    assert checked.policy == policies[-1]["seq"]
    assert f"policy.json is as event {checked.policy} has it" in checked.in_words()
    assert "the policy in force" in files["README.txt"].decode()


def test_one_that_names_others_is_there_by_its_hash(tmp_path: Path) -> None:
    story = corrected_late({**STRICT, "clients": {"Acme": {"minimum_remaining": "20m"}, "Beta": {}}})
    made(story, ACME, tmp_path / "package.zip")
    files = files_of(tmp_path / "package.zip")
    assert list(json.loads(files["policy.json"])["clients"]) == ["Acme"]
    assert b"Beta" not in b"".join(files.values())
    assert (
        "policy.json is in no event that is shown" in check_package(tmp_path / "package.zip", [KEY.public]).in_words()
    )
    lines = [line.split()[0] for line in files["chain.txt"].decode().splitlines() if not line.startswith("@")]
    assert "3" in lines, "the event is in the chain"


def test_where_the_ledger_has_none_it_says_so(tmp_path: Path) -> None:
    story = Story()
    story.tier("WS01")
    story.scan("WS01", HOUR, CRITICAL)
    sign(story, 2 * HOUR)
    made(story, ACME, tmp_path / "package.zip")
    files = files_of(tmp_path / "package.zip")
    assert "the ledger has none of then on record" in files["README.txt"].decode()
    assert b"the ledger has none of then on record" in files["oscal/assessment-results.json"]


def test_one_of_an_older_version_is_filled_with_the_defaults() -> None:
    story = corrected_late(STRICT)
    in_force(story, 6 * DAY, {"deadlines": load_policy(STRICT).document["deadlines"], "clock": "real"})
    assert [flaw.correct.met for flaw in story.account().flaws] == [False]


def test_its_calendars_of_freezes_may_be_gone() -> None:
    story = corrected_late(STRICT)
    document = {**load_policy(STRICT).document, "freezes": [{"name": "holidays", "ics": "gone.ics"}]}
    in_force(story, 6 * DAY, document)
    assert [flaw.correct.met for flaw in story.account().flaws] == [False]


def test_one_that_cannot_be_read_any_more_is_named() -> None:
    story = corrected_late(STRICT)
    in_force(story, 6 * DAY, {**load_policy({}).document, "deadlines": {"correct": "soon"}})
    with pytest.raises(PolicyError, match=r"came into force on 2026-11-16 18:00 UTC \(event \d+ of the ledger\)"):
        story.account()
