# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks at an endpoint, its restarts and its validation add up to in the register."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from tests.unit.ledger.story import NOW, POSTURE, Story, install


def looked(story: Story, *, boot: str, booted: datetime, pending: str | None) -> str | None:
    """A look at the endpoint; since when a reboot is pending on the register after it."""
    reasons = [] if pending is None else [pending]
    posture = {**POSTURE, "boot_id": boot, "boot_time": text_of(booted), "now": text_of(story.now + MINUTE)}
    story("posture.observed", **posture | {"reboot_pending": bool(reasons), "reboot_pending_reasons": reasons})
    since: str | None = story.row()["reboot_pending_since"]
    return since


MINUTE = timedelta(minutes=1)
SERVICING = "component based servicing"


@pytest.mark.parametrize("who", ["a run", "somebody else"])
def test_a_reboot_still_pending_after_the_reboot_is_for_the_validation_to_tell(ledger: Ledger, who: str) -> None:
    """Or the endpoint would be rebooted until its window closes, and never be validated (nodes 8 and 9)."""
    story = Story(ledger)
    looked(story, boot="100", booted=NOW - timedelta(days=3), pending=None)
    story("install.finished", **install("u-1"))
    if who == "a run":
        story("reboot.started", boot_id="100")
        story("reboot.confirmed", boot_id="200", boot_time=text_of(story.now))
    for dummy in range(2):
        assert looked(story, boot="200", booted=NOW + 3 * MINUTE, pending=SERVICING) is None
    story("validation.finished", healthy=False, checks=[])
    assert looked(story, boot="200", booted=NOW + 3 * MINUTE, pending=SERVICING) is None
    assert story.row()["rebooted_at"] is not None
    assert story.row()["validated_at"] is None


def test_a_reboot_where_nothing_was_installed_is_not_made_again_before_the_validation_either(ledger: Ledger) -> None:
    story = Story(ledger)
    assert looked(story, boot="100", booted=NOW - timedelta(days=3), pending=SERVICING) is not None
    story("reboot.started", boot_id="100")
    story("reboot.confirmed", boot_id="200", boot_time=text_of(story.now))
    assert looked(story, boot="200", booted=story.now, pending=SERVICING) is None


def test_what_an_endpoint_waits_with_is_told_by_our_clock(ledger: Ledger) -> None:
    """Its own is a day ahead: its boot was before the install all the same."""
    story = Story(ledger)
    story("install.finished", **install("u-1", reboot=False))
    day = timedelta(days=1)
    posture = {**POSTURE, "boot_time": text_of(NOW + day - MINUTE), "now": text_of(story.now + day + MINUTE)}
    story("posture.observed", **posture | {"reboot_pending": True})
    assert story.row()["reboot_pending_since"] is not None


@pytest.mark.parametrize(
    ("reason", "counts"), [("file renames", False), ("computer rename", False), (SERVICING, True), (None, True)]
)
def test_what_is_no_install_is_no_pending_reboot(ledger: Ledger, reason: str | None, counts: bool) -> None:
    story = Story(ledger)
    story(
        "posture.observed", **POSTURE | {"reboot_pending": True, "reboot_pending_reasons": [reason] if reason else []}
    )
    assert (story.row()["reboot_pending_since"] is not None) == counts


@pytest.mark.parametrize(("step", "again"), [("validate", True), ("install", False)])
def test_a_documented_root_cause_lets_the_reboot_be_tried_again(ledger: Ledger, step: str, again: bool) -> None:
    story = Story(ledger)
    story("install.finished", **install("u-1"))
    story("reboot.confirmed", boot_id="200", boot_time=text_of(story.now))
    looked(story, boot="200", booted=story.now, pending=SERVICING)
    what: dict[str, Any] = {
        "update": None,
        "hresult": None,
        "name": None,
        "class": "unknown",
        "text": "t",
        "cycle": "2026-11",
    }
    story("failure.opened", id="f", step=step, next_window=None, **what)
    cause = {"failure": "f", "by": "Ada", "code": "C", "text": "it takes two"}
    ledger.append([Event("failure.root_cause", "A", story.now, cause)], run="r1")
    assert (story.row()["reboot_pending_since"] is not None) == again
    assert (looked(story, boot="200", booted=story.now, pending=SERVICING) is not None) == again


def test_a_clock_that_was_set_is_no_boot(ledger: Ledger) -> None:
    """The boot's id is made of its time, which Windows reckons anew: the flaw has no boot by it, the reboot is pending
    for as long as before, and the boot that comes is seen all the same."""
    story = Story(ledger)
    booted = NOW - timedelta(days=9)
    looked(story, boot="100", booted=booted, pending=None)
    story("install.finished", **install("u-1"))
    since = looked(story, boot="100", booted=booted, pending=SERVICING)
    for boot, later in (("101", 90), ("102", 180)):
        assert looked(story, boot=boot, booted=booted + timedelta(seconds=later), pending=SERVICING) == since
    (flaw,) = ledger.rows("flaws")
    assert (story.row()["rebooted_at"], flaw["booted_at"]) == (None, None)
    assert looked(story, boot="200", booted=story.now, pending=None) is None
    (flaw,) = ledger.rows("flaws")
    assert (story.row()["rebooted_at"] is not None, flaw["boot_id"]) == (True, "200")


def test_a_restart_that_an_install_asked_for_is_wanted_whatever_it_is_for(ledger: Ledger) -> None:
    story = Story(ledger)
    booted = NOW - timedelta(days=9)
    assert looked(story, boot="100", booted=booted, pending="file renames") is None
    since = story("install.finished", **install("u-1"))
    assert looked(story, boot="100", booted=booted, pending="file renames") == since
    story("reboot.started", boot_id="100")
    story("reboot.confirmed", boot_id="200", boot_time=text_of(story.now))
    assert looked(story, boot="200", booted=story.now, pending="file renames") is None
    assert not ledger.progress(["A"])["A"].reboot_asked


def test_a_restart_before_anything_is_installed_is_made_once(ledger: Ledger) -> None:
    story = Story(ledger)
    story("posture.observed", **POSTURE)
    story("install.finished", **install())
    assert story.row()["reboot_pending_since"] is not None
    assert not ledger.progress(["A"])["A"].restarted_first
    story("reboot.confirmed", boot_id="200", boot_time=text_of(story.now))
    assert ledger.progress(["A"])["A"].restarted_first
    story("install.finished", **install())
    assert story.row()["reboot_pending_since"] is None
    assert not ledger.progress(["A"])["A"].restarted_first
    story("install.finished", **install())
    assert story.row()["reboot_pending_since"] is not None, "somebody has documented why it failed"
