# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R6: who of a redundancy group is down, and whom nobody waits for any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.down import retire
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.people import DecisionError
from tests.unit.ledger.story import NOW, PILOT, POSTURE, Story, failure

GROUP = ("Acme", "role file_server")
PENDING = POSTURE | {"reboot_pending": True}
SAID = {"by": "j.doe", "code": "HARDWARE", "text": "the controller died"}


def test_who_did_not_come_back_is_down_until_validated(ledger: Ledger) -> None:
    story = Story(ledger)
    story("posture.observed", **POSTURE)
    story("reboot.started", boot_id=None)
    unknown: dict[str, Any] = {"update": None, "hresult": None, "name": None, "next_window": None, "class": "unknown"}
    story("failure.opened", id="f", step="reboot", text="it has not come back", cycle="2026-11", **unknown)
    assert ledger.progress(["A"])["A"].reboot is None
    assert ledger.down() == {"A": ("Acme", "role file_server")}
    cause = {"failure": "f", "by": "j.doe", "code": "PSU", "text": "power supply"}
    ledger.append([Event("failure.root_cause", None, story.now, cause)], run="r")
    assert ledger.down() == {"A": ("Acme", "role file_server")}, "who documents a cause has not switched it on"
    story("validation.finished", healthy=True, checks=[])
    assert ledger.down() == {}


def asked(story: Story) -> None:
    story("reboot.started", boot_id="100")


def rebooted(story: Story) -> None:
    story("reboot.started", boot_id="100")
    story("reboot.confirmed", boot_id="200", boot_time=POSTURE["boot_time"])


def failed(story: Story) -> None:
    story("reboot.started", boot_id="100")
    story("failure.opened", **failure("f", "reboot"))


def silent(story: Story) -> None:
    story("posture.observed", **PENDING)
    story("endpoint.unreachable", during="posture", message="no answer")


WAYS = pytest.mark.parametrize("gone", [asked, rebooted, failed, silent])


@WAYS
def test_nobody_waits_for_one_that_is_retired(ledger: Ledger, gone: Any) -> None:
    story = Story(ledger)
    gone(story)
    assert ledger.down() == {"A": GROUP}
    ledger.append(retire(ledger, story.now, endpoint="A", **SAID), run="r2")
    assert ledger.down() == {}
    assert retire(ledger, story.now, endpoint="A", **SAID) == [], "it is said already"
    retired = ledger.progress(["A"])["A"].retired
    assert retired is not None
    assert retired.items() >= SAID.items()


@pytest.mark.parametrize("heard", [("posture.observed", PENDING), ("scan.finished", {"updates": []})])
def test_what_is_heard_of_it_later_takes_it_back(ledger: Ledger, heard: tuple[str, dict[str, Any]]) -> None:
    story = Story(ledger)
    failed(story)
    ledger.append(retire(ledger, story.now, endpoint="A", **SAID), run="r2")
    kind, body = heard
    story(kind, **body)
    assert ledger.down() == {"A": GROUP}
    assert [event.kind for event in retire(ledger, story.now, endpoint="A", **SAID)] == ["endpoint.retired"]


def test_that_it_is_retired_is_the_root_cause_of_what_failed_on_it(ledger: Ledger) -> None:
    story, other = Story(ledger), Story(ledger, "B")
    story("failure.opened", **failure("f1"))
    story("failure.opened", **failure("f2", "reboot"))
    other("failure.opened", **failure("f3"))
    events = retire(ledger, story.now, endpoint="A", **SAID)
    kinds = [(event.kind, event.body.get("failure")) for event in events]
    assert kinds == [("failure.root_cause", "f1"), ("failure.root_cause", "f2"), ("endpoint.retired", None)]


def test_one_that_the_ledger_does_not_know_is_not_retired(ledger: Ledger) -> None:
    story = Story(ledger, "ACME-DC01")
    asked(story)
    with pytest.raises(DecisionError, match=r"knows no endpoint 'ACME-DC1'; did you mean ACME-DC01\?"):
        retire(ledger, story.now, endpoint="ACME-DC1", **SAID)


def test_it_is_so_by_what_it_was_called_before_too_and_not_by_what_it_is_called_since(ledger: Ledger) -> None:
    names = {name: Story(ledger, name, {**PILOT, "id": 7}) for name in ("OLD", "A", "NEW")}
    for hours, (name, story) in enumerate(names.items()):
        story.now += timedelta(hours=hours)
        story("failure.opened", **failure(f"{name} failed"))
    events = retire(ledger, NOW + timedelta(hours=9), endpoint="A", **SAID)
    assert {event.body.get("failure") for event in events} == {"OLD failed", "A failed", None}


def by_two_names(ledger: Ledger, was: dict[str, Any], since: dict[str, Any]) -> tuple[Story, Story]:
    """An hour apart."""
    before, after = Story(ledger, "A", {**PILOT, **was}), Story(ledger, "B", {**PILOT, **since})
    after.now += timedelta(hours=1)
    return before, after


@WAYS
def test_one_that_was_renamed_is_down_by_its_new_name_until_it_is_validated(ledger: Ledger, gone: Any) -> None:
    before, now = by_two_names(ledger, {"id": 7}, {"id": 7})
    gone(before)
    assert ledger.down() == {"A": GROUP}
    now("endpoint.seen")
    now("posture.observed", **POSTURE)
    now("validation.finished", healthy=False, checks=[])
    assert ledger.down() == {"B": GROUP}, "itself may be restarted"
    now("validation.finished", healthy=True, checks=[])
    assert ledger.down() == {}
    now("endpoint.unreachable", during="scan", message="no answer")
    assert ledger.down() == {}, "that is over"
    now("reboot.started", boot_id="100")
    assert ledger.down() == {"B": GROUP}


def test_it_is_of_the_group_that_it_is_in_by_now(ledger: Ledger) -> None:
    renamed = {"id": 7, "client": "Acme Dental", "role": "app_server"}
    before, now = by_two_names(ledger, {"id": 7}, renamed)
    before.endpoint, now.endpoint = "fs.acme", "fs.acme-dental"
    asked(before)
    now("endpoint.seen")
    assert ledger.down() == {"fs.acme-dental": ("Acme Dental", "role app_server")}


@WAYS
def test_one_that_is_retired_by_its_new_name_is_not_down_by_the_former(ledger: Ledger, gone: Any) -> None:
    before, now = by_two_names(ledger, {"id": 7}, {"id": 7})
    gone(before)
    now("endpoint.seen")
    ledger.append(retire(ledger, now.now, endpoint="B", **SAID), run="r2")
    assert ledger.down() == {}


@pytest.mark.parametrize("other", [{"id": 8}, {"id": 7, "client": "Birch"}, {}])
def test_another_is_not_taken_for_it(ledger: Ledger, other: dict[str, Any]) -> None:
    before, another = by_two_names(ledger, {"id": 7}, other)
    asked(before)
    another("validation.finished", healthy=True, checks=[])
    assert ledger.down() == {"A": GROUP}


def test_one_that_has_its_former_name_again_is_down_by_that(ledger: Ledger) -> None:
    first, since = by_two_names(ledger, {"id": 7}, {"id": 7})
    first("posture.observed", **POSTURE)
    since("validation.finished", healthy=True, checks=[])
    first.now = since.now
    asked(first)
    assert ledger.down() == {"A": GROUP}
