# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the events add up to: the register of the public interface, and what is in flight."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from tests.unit.ledger.story import NOW, PILOT, POSTURE, UPDATES, Story, failure, install


def test_from_scan_to_validation(ledger: Ledger) -> None:
    story = Story(ledger)
    story("scan.started", job="j1", limit_seconds=600)
    job = ledger.progress(["A"])["A"].job
    assert job is not None
    assert (job.kind, job.jid, job.limit_seconds, job.started_at) == ("scan", "j1", 600, story.now)
    story("scan.finished", updates=UPDATES)
    assert ledger.progress(["A"])["A"].job is None
    assert [update.id for update in ledger.applicable(["A"])["A"] or []] == ["u-1", "u-2"]

    story("posture.observed", **POSTURE)
    story("install.started", job="j2", limit_seconds=600, updates=["u-1", "u-2"])
    assert ledger.progress(["A"])["A"].services_before == ["LTService", "LanmanServer"]
    installed = story("install.finished", **install("u-1", failed=("u-2",)))
    assert [update.id for update in ledger.applicable(["A"])["A"] or []] == ["u-2"]
    assert story.soak() == [None]

    story("reboot.started", boot_id=None)
    reboot = ledger.progress(["A"])["A"].reboot
    assert reboot is not None
    assert reboot.boot_id == "100"
    assert ledger.down() == {"A": ("Acme", "role file_server")}
    rebooted = story("reboot.confirmed", boot_id="200", boot_time=text_of(story.now))
    assert ledger.down() == {"A": ("Acme", "role file_server")}
    validated = story("validation.finished", healthy=True, checks=[])
    assert ledger.down() == {}
    assert story.soak() == [True]
    assert story.row() == {
        "scanned_at": None,
        "installed_at": installed,
        "reboot_pending_since": None,
        "rebooted_at": rebooted,
        "reminded_at": None,
        "validated_at": validated,
    }
    assert ledger.progress(["A"])["A"].unproven == ("u-1",), "a search has to show that the boot left it there"
    story("scan.finished", updates=UPDATES[1:])
    assert ledger.progress(["A"])["A"].unproven == ()


def test_an_install_that_did_not_find_all_it_was_asked_for_makes_a_search_due(ledger: Ledger) -> None:
    story = Story(ledger)
    story("scan.finished", updates=UPDATES)
    story("install.started", job="j2", limit_seconds=600, updates=["u-1", "u-2"])
    story("install.finished", results=[], reboot_required=True)
    assert story.row()["scanned_at"] is None


def test_what_an_install_gave_no_result_for_is_known_until_the_next_search_and_its_attempts_count(
    ledger: Ledger,
) -> None:
    story = Story(ledger)
    story("scan.finished", updates=UPDATES)
    for attempt in (1, 2):
        story("retry.scheduled", step="install", attempt=attempt, at=text_of(NOW))
        story("install.started", job="j2", limit_seconds=600, updates=["u-1", "u-2"])
        story("install.finished", **install("u-1", reboot=False), unanswered=["u-2"])
        known = ledger.progress(["A"])["A"]
        assert (known.unanswered, known.attempts, story.row()["scanned_at"]) == (("u-2",), attempt, None)
        story("scan.finished", updates=UPDATES[1:])
        known = ledger.progress(["A"])["A"]
        assert (known.unanswered, known.attempts) == ((), attempt)
    story("install.finished", **install(reboot=False), unanswered=["u-2"])
    story("scan.finished", updates=[])
    assert ledger.progress(["A"])["A"].attempts == 0, "it is offered no more, so that nothing is left to be tried"


def test_an_older_ledger_does_not_say_what_had_no_result(ledger: Ledger) -> None:
    story = Story(ledger)
    story("install.started", job="j2", limit_seconds=600, updates=["u-1", "u-2"])
    story("install.finished", **install("u-1"))
    assert ledger.progress(["A"])["A"].unanswered == ()


def test_a_pending_reboot_keeps_its_first_instant_and_a_technicians_reboot_is_seen(ledger: Ledger) -> None:
    story = Story(ledger)
    story("posture.observed", **POSTURE)
    since = story("install.finished", **install("u-1"))
    story("posture.observed", **POSTURE | {"reboot_pending": True})
    assert story.row()["reboot_pending_since"] == since
    seen = story("posture.observed", **POSTURE | {"boot_id": "200"})
    assert (story.row()["reboot_pending_since"], story.row()["rebooted_at"]) == (None, seen)


def test_a_boot_nobody_waited_for_is_none_of_ours(ledger: Ledger) -> None:
    story = Story(ledger)
    story("posture.observed", **POSTURE)
    story("posture.observed", **POSTURE | {"boot_id": "200"})
    assert story.row()["rebooted_at"] is None


def test_soak_follows_the_health_of_the_endpoint_now(ledger: Ledger) -> None:
    story = Story(ledger)
    story("install.finished", **install("u-1"))
    for healthy in (True, False, True):
        story("validation.finished", healthy=healthy, checks=[])
        assert story.soak() == [healthy]


def test_what_is_offered_again_is_not_healthy_until_it_is_installed_anew(ledger: Ledger) -> None:
    """It was rolled back, and somebody boots the machine: that is healthy, and has not got the update."""
    story = Story(ledger)
    story("install.finished", **install("u-1", "u-2"))
    story("validation.finished", healthy=True, checks=[])
    story("scan.finished", updates=UPDATES[:1])
    story("failure.opened", **failure("f1") | {"update": "u-1"})
    assert story.soak() == [False, True]
    for healthy in (True, False, True):
        story("validation.finished", healthy=healthy, checks=[])
        assert story.soak() == [False, healthy]
    before = ledger.rows("soak")
    ledger.rebuild()
    assert ledger.rows("soak") == before
    story("install.finished", **install("u-1"))
    assert story.soak() == [None, True]
    story("validation.finished", healthy=True, checks=[])
    assert story.soak() == [True, True]


def test_only_the_pilot_soaks(ledger: Ledger) -> None:
    Story(ledger, about=PILOT | {"ring": "production"})("install.finished", **install("u-1"))
    assert ledger.register_record()["soak"] == []


def test_a_lost_job_makes_what_applies_unknown(ledger: Ledger) -> None:
    story = Story(ledger)
    story("scan.finished", updates=UPDATES)
    story("install.started", job="j", limit_seconds=1)
    story("job.lost", job="j", message="gone")
    assert ledger.applicable(["A"]) == {"A": None}
    assert ledger.progress(["A"])["A"].job is None


def test_what_is_told_of_an_update_is_added_to_what_was_known(ledger: Ledger) -> None:
    story = Story(ledger)
    described = [{"id": "u-1", "severity": "Important", "vendor": "Microsoft", "title": None}]
    ledger.append([Event("updates.described", None, NOW, {"updates": described})], run="r1")
    story("scan.finished", updates=[{"id": "u-1", "kb": ["1"], "title": "First", "severity": None}])
    (update,) = ledger.applicable(["A"])["A"] or []
    assert (update.severity, update.vendor, update.title, update.kb) == ("Important", "Microsoft", "First", ("1",))


def test_unreachable_counts_within_a_run_and_since_the_first_time(ledger: Ledger) -> None:
    story = Story(ledger)
    first = story("endpoint.unreachable", during="scan", message="refused")
    story("endpoint.unreachable", during="scan", message="refused")
    assert ledger.progress(["A"], run="r1")["A"].unreachable_count == 2
    assert ledger.progress(["A"], run="r2")["A"].unreachable_count == 0
    story("endpoint.unreachable", run="r2", during="scan", message="refused")
    progress = ledger.progress(["A"], run="r2")["A"]
    assert progress.unreachable_count == 1
    assert progress.unreachable_since is not None
    assert text_of(progress.unreachable_since) == first
    story("posture.observed", run="r2", **POSTURE)
    assert ledger.progress(["A"], run="r2")["A"].unreachable_since is None


def test_a_failure_ends_what_was_in_flight_and_belongs_to_its_run(ledger: Ledger) -> None:
    story = Story(ledger)
    story("retry.scheduled", step="install", attempt=1, at=text_of(NOW))
    assert ledger.progress(["A"])["A"].attempts == 1
    story("reboot.started", boot_id="100")
    story("failure.opened", **failure("f1", "reboot"))
    progress = ledger.progress(["A"], run="r1")["A"]
    assert progress.failed_in_run == ("f1", "it failed")
    assert (progress.reboot, progress.retry_at, progress.attempts) == (None, None, 0)
    assert ledger.progress(["A"], run="r2")["A"].failed_in_run is None
    story("failure.repeated", run="r2", failure="f1", text="again", told=False)
    again = ledger.progress(["A"], run="r2")["A"]
    assert again.failed_in_run == ("f1", "again")
    assert again.failures == progress.failures


def test_the_register_of_some_endpoints_has_what_concerns_them(ledger: Ledger) -> None:
    pilot, other = Story(ledger, "P"), Story(ledger, "A", PILOT | {"ring": "production"})
    for update in ("u-1", "u-2"):
        pilot("install.finished", **install(update))
    pilot("failure.opened", **failure("open"))
    other("scan.finished", updates=UPDATES[:1])
    record = ledger.register_record(["A"])
    assert list(record["endpoints"]) == ["A"]
    assert [(row["update"], row["endpoint"]) for row in record["soak"]] == [("u-1", "P")]
    assert [row["endpoint"] for row in record["failures"]] == ["P"]


def test_thousands_of_endpoints_are_read_in_chunks(ledger: Ledger) -> None:
    names = [f"E{number:04}" for number in range(1203)]
    ledger.append([Event("scan.finished", name, NOW, {"updates": UPDATES[:1]}) for name in names], run="r1")
    assert {name: len(updates or []) for name, updates in ledger.applicable(names).items()} == dict.fromkeys(names, 1)
    assert list(ledger.progress(names)) == names
    assert len(ledger.register_record(names)["endpoints"]) == 1203


def decided(story: Story, action: str, *updates: str) -> None:
    story("plan.decided", decision={"action": action, "updates": list(updates)}, cycle="2026-11")


STARTED: dict[str, Any] = {"job": "j1", "limit_seconds": 60, "updates": ["u-1", "u-2", "u-3"]}
SENT = {
    "the answer was lost": ("endpoint.unreachable", {"during": "install", "message": "reset"}),
    "it says that it failed": ("step.failed", {"step": "install", "message": "broken", "hresult": None}),
}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_an_install_is_attempted_when_its_start_was_sent_until_it_has_a_result(
    ledger: Ledger, sent: tuple[str, dict[str, Any]]
) -> None:
    story = Story(ledger)
    definition = {"id": "u-3", "categories": ["Definition Updates"]}
    story("scan.finished", updates=[*UPDATES, definition])
    decided(story, "install", "u-1", "u-2", "u-3")
    story("endpoint.unreachable", during="posture", message="refused")
    assert ledger.progress(["A"])["A"].attempted == (), "decided is not started"
    story("posture.observed", **POSTURE)
    assert ledger.progress(["A"])["A"].attempted == (), "nor is the look before it: its window may have closed"
    story(sent[0], **sent[1])
    assert ledger.progress(["A"])["A"].attempted == ("u-1", "u-2"), "a definition is replaced within hours"
    story("install.finished", **install("u-1"))
    assert ledger.progress(["A"])["A"].attempted == ("u-2",)
    story("scan.finished", updates=[])
    assert ledger.progress(["A"])["A"].attempted == ()


@pytest.mark.parametrize("lost", [True, False])
def test_what_a_run_began_is_attempted_where_nobody_sees_its_end(ledger: Ledger, lost: bool) -> None:
    """Else what has no result and is offered no more was replaced, or installed by somebody else."""
    story = Story(ledger)
    story("scan.finished", updates=[*UPDATES, {"id": "u-3", "categories": ["Definition Updates"]}])
    decided(story, "install", "u-1", "u-2", "u-3")
    story("install.started", **STARTED)
    assert ledger.progress(["A"])["A"].attempted == ()
    if lost:
        story("job.lost", job="j1", message="it has booted")
    else:
        story("install.finished", **install("u-1"), unanswered=["u-2", "u-3"])
    assert ledger.progress(["A"])["A"].attempted == (("u-1", "u-2") if lost else ())


@pytest.mark.parametrize("began", [True, False])
def test_what_may_not_be_installed_for_another_install_is_under_way_may_be_what_that_one_installs(
    ledger: Ledger, began: bool
) -> None:
    """It may be ours, of which nobody heard that it began; or that of somebody else. The next search tells."""
    story = Story(ledger)
    definition = {"id": "u-3", "categories": ["Definition Updates"]}
    story("scan.finished", updates=[*UPDATES, definition])
    decided(story, "install", "u-1", "u-2", "u-3")
    if began:
        story("endpoint.unreachable", during="install", message="reset")
    refused = [{"update": f"u-{number}", "ok": False, "hresult": "0x80240016"} for number in (1, 2, 3)]
    story("install.finished", results=refused, reboot_required=False)
    known = ledger.progress(["A"])["A"]
    assert known.attempted == ("u-1", "u-2")
    assert known.attempted_at == story.now
    failed = {"update": "u-2", "ok": False, "hresult": "0x80070643"}
    story("install.finished", results=[failed], reboot_required=False)
    assert ledger.progress(["A"])["A"].attempted == ("u-1",), "that it fails by itself, it says itself"


@pytest.mark.parametrize("closed", [True, False])
def test_what_another_run_ordered_that_never_ended_may_have_been_begun(ledger: Ledger, closed: bool) -> None:
    """It was killed between the start and the record of it; the next run orders the same."""
    story = Story(ledger)
    ledger.append([Event("run.opened", None, NOW, {"by": "x", "simulated": False})], run="r1")
    story("scan.finished", updates=UPDATES)
    decided(story, "install", "u-1", "u-2")
    if closed:
        ledger.append([Event("run.closed", None, NOW, {"hosts": {}})], run="r1")
    story("install.started", run="r2", **STARTED)
    story("install.finished", run="r2", **install(reboot=False), unanswered=["u-1", "u-2"])
    assert ledger.progress(["A"])["A"].attempted == (() if closed else ("u-1", "u-2"))


def test_a_look_for_anything_else_attempts_nothing(ledger: Ledger) -> None:
    story = Story(ledger)
    decided(story, "reboot")
    story("posture.observed", **POSTURE)
    assert ledger.progress(["A"])["A"].attempted == ()


@pytest.mark.parametrize("during", ["install", "reboot"])
def test_a_start_that_breaks_is_counted_though_the_look_before_it_is_answered(ledger: Ledger, during: str) -> None:
    story = Story(ledger)
    for count in (1, 2, 3):
        story("endpoint.unreachable", during=during, message="reset")
        story("posture.observed", **POSTURE)
        known = ledger.progress(["A"], run="r1")["A"]
        assert (known.unreachable_count, known.unreachable_since) == (count, None)
        assert known.unreachable_at is not None
    story("scan.started", job="j1", limit_seconds=60)
    known = ledger.progress(["A"], run="r1")["A"]
    assert (known.unreachable_count, known.unreachable_at) == (0, None)


def test_a_look_that_is_answered_ends_the_count_of_looks_and_of_restarts_that_came(ledger: Ledger) -> None:
    story = Story(ledger)
    story("posture.observed", **POSTURE | {"reboot_pending": True})
    for boot_id, during in ((POSTURE["boot_id"], "posture"), ("another", "reboot")):
        story("endpoint.unreachable", during=during, message="reset")
        story("posture.observed", **POSTURE | {"reboot_pending": True, "boot_id": boot_id})
        known = ledger.progress(["A"], run="r1")["A"]
        assert (known.unreachable_count, known.unreachable_during) == (0, None)


def test_a_restart_that_failed_again_is_over_too(ledger: Ledger) -> None:
    """Or the next one, after a root cause, would be judged by this one's hour."""
    story = Story(ledger)
    story("failure.opened", **failure("f1", "reboot"))
    story("reboot.started", boot_id="1")
    story("failure.repeated", failure="f1", text="it failed again", told=False)
    assert ledger.progress(["A"])["A"].reboot is None


def test_a_failure_knows_the_cycle_whose_tier_it_holds(ledger: Ledger) -> None:
    story = Story(ledger)
    what: dict[str, Any] = dict.fromkeys(("update", "hresult", "name", "next_window")) | {"class": "unknown"}
    story("failure.opened", **what, id="f", step="validate", text="t", cycle="2026-11")
    assert [one.held_in for one in ledger.progress(["A"])["A"].failures] == ["2026-11"]
    story("failure.repeated", failure="f", text="t", told=False)
    assert [one.held_in for one in ledger.progress(["A"])["A"].failures] == ["2026-11"]
    story("failure.repeated", failure="f", text="t", told=False, held_in="2026-12")
    assert [one.held_in for one in ledger.progress(["A"])["A"].failures] == ["2026-12"]
