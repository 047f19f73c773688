# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of many endpoints is recorded at once, and of one in its order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.clock import StartedClock
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.look import Look
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.witness import Witness
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger

NOW = datetime(2026, 11, 11, 7, 5, tzinfo=UTC)
POSTURE: dict[str, Any] = {
    "boot_id": "b1",
    "boot_time": "2026-11-10T06:00:00Z",
    "now": "2026-11-11T07:05:00Z",
    "reboot_pending": False,
}


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    made = Recorder(Settings(ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}", by="j.doe", ring="pilot"))
    made.clock = StartedClock(NOW)
    return made


def look(tag: str, name: str, unreachable: bool = False, limit: int = 0, **result: Any) -> Look:
    return Look(tag, Endpoint.parse({"name": name}), result, NOW, unreachable, limit)


def told(recorder: Recorder) -> list[tuple[str, str | None]]:
    found = Ledger.open(recorder.settings.ledger).events()
    return [(event.kind, event.endpoint) for _seq, _run, event in found if event.kind != "run.opened"]


def appends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each append had."""
    counts: list[int] = []
    real = Recorder.append

    def append(self: Recorder, ledger: Ledger, events: Any, *rest: Any, **more: Any) -> int:
        counts.append(len(events))
        return real(self, ledger, events, *rest, **more)

    monkeypatch.setattr(Recorder, "append", append)
    return counts


def test_looks_at_many_endpoints_are_one_transaction(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = appends(monkeypatch)
    names = [f"WS{number:02}" for number in range(20)]
    looks = [look("scan.started", name, limit=3600, ansible_job_id=f"j{name}") for name in names]
    assert not Witness(recorder).record(looks)
    assert counts == [20]
    assert told(recorder) == [("scan.started", name) for name in names]


def test_of_two_looks_at_one_endpoint_the_second_knows_the_first(recorder: Recorder) -> None:
    """A job is judged by its kind, which is known once its start is recorded."""
    job: dict[str, Any] = {"ansible_job_id": "j1"}
    update = {"id": "u1", "kb": ["KB5091211"], "title": "an update", "categories": ["Security Updates"]}
    done: dict[str, Any] = {**job, "finished": True, "updates": {"u1": update}}
    looks = [
        look("scan.started", "A", limit=60, **job),
        look("scan.started", "B", limit=60, **job),
        look("job", "A", **done),
    ]
    Witness(recorder).record(looks)
    assert told(recorder) == [("scan.started", "A"), ("scan.started", "B"), ("scan.finished", "A")]


def failed(recorder: Recorder) -> list[tuple[str, str]]:
    """Of each failed step: which, and what is told of it."""
    found = Ledger.open(recorder.settings.ledger).events(kinds=["step.failed"])
    return [(event.body["step"], event.body["message"]) for _seq, _run, event in found]


BAD: dict[str, Any] = {"ansible_job_id": "j1", "finished": True, "updates": {"u1": "no update at all"}}


@pytest.mark.parametrize("step", ["scan", "install"])
def test_a_job_that_cannot_be_judged_is_over_and_hides_no_other(recorder: Recorder, step: str) -> None:
    started = [look(f"{step}.started", name, limit=60, ansible_job_id="j1") for name in ("A", "B")]
    Witness(recorder).record(
        [*started, look("job", "A", **BAD), look("scan.started", "C", limit=60, ansible_job_id="j")]
    )
    events = told(recorder)
    assert {(f"{step}.started", "A"), (f"{step}.started", "B"), ("scan.started", "C")} <= set(events)
    assert ("job.lost", "A") in events
    assert {name for kind, name in events if not kind.endswith(".started")} == {"A"}
    progress = recorder.ledger.progress(["A", "B"], run=recorder.run)
    assert progress["A"].job is None
    assert progress["B"].job is not None
    assert recorder.problem is None, "the others are gone on with"


def test_what_can_never_be_judged_becomes_the_endpoints_failure(recorder: Recorder) -> None:
    witness = Witness(recorder)
    for dummy in range(9):
        witness.record([look("scan.started", "A", limit=60, ansible_job_id="j1"), look("job", "A", **BAD)])
    (failure,) = (event for _seq, _run, event in recorder.ledger.events(kinds=["failure.opened"]))
    assert failure.body["step"] == "scan"
    assert "what the task with the evidence job showed could not be judged" in failure.body["text"]
    assert ("ticket.wanted", "A") in told(recorder)
    assert recorder.problem is None


def test_an_event_that_the_ledger_cannot_take_hides_no_other(recorder: Recorder) -> None:
    looks = [look("posture", "A", **POSTURE | {"boot_time": "yesterday"}), look("posture", "B", **POSTURE)]
    Witness(recorder).record(looks)
    assert ("posture.observed", "B") in told(recorder)
    ((step, message),) = failed(recorder)
    assert step == "posture"
    assert "'yesterday'" in message
    assert recorder.problem is None


def test_a_failure_of_what_cannot_be_judged_wants_its_ticket_at_once(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_look: Any, **_more: Any) -> Any:
        raise ValueError("out of \ud800 range\x00")

    monkeypatch.setattr(f"{Witness.__module__}.observe", odd)
    assert Witness(recorder).record([look("reboot.started", "A")])
    assert ("failure.opened", "A") in told(recorder)
    assert recorder.problem is None


def test_where_the_failure_cannot_be_judged_either_it_is_the_runs_problem(recorder: Recorder, tmp_path: Path) -> None:
    """As with a policy that has become unreadable: that concerns every endpoint."""
    recorder.settings = replace(recorder.settings, policy=tmp_path / "nowhere.yml")
    Witness(recorder).record([look("posture", "A", **POSTURE)])
    assert recorder.problem is not None
    assert "A: what the task with the evidence posture showed could not be judged" in recorder.problem


def test_an_update_whose_kb_is_no_number_is_known_by_title_and_id(recorder: Recorder) -> None:
    """Third parties' updates, and those published by a WSUS, may bear any text as their KB."""
    odd = {"id": "u1", "kb": ["KBPMPC-2024-08-12"], "title": "7-Zip 24.08", "categories": ["Updates"]}
    done: dict[str, Any] = {"ansible_job_id": "j1", "finished": True, "updates": {"u1": odd}}
    Witness(recorder).record([look("scan.started", "A", limit=60, ansible_job_id="j1"), look("job", "A", **done)])
    ((_seq, _run, finished),) = recorder.ledger.events(kinds=["scan.finished"])
    (update,) = finished.body["updates"]
    assert (update["id"], update["kb"], update["title"]) == ("u1", [], "7-Zip 24.08")
    assert recorder.problem is None


def test_an_update_without_any_name_is_its_endpoints_failure(recorder: Recorder) -> None:
    """No install can choose it; a plan that came to it would be nobody's."""
    nameless = {"id": "u1", "kb": ["PMPC"], "title": "", "categories": ["Definition Updates"]}
    done: dict[str, Any] = {"ansible_job_id": "j1", "finished": True, "updates": {"u1": nameless}}
    Witness(recorder).record([look("scan.started", "A", limit=60, ansible_job_id="j1"), look("job", "A", **done)])
    ((_seq, _run, lost),) = recorder.ledger.events(kinds=["job.lost"])
    assert "update u1: neither a title nor a KB number is told of it" in lost.body["message"]
    assert recorder.problem is None


@pytest.mark.parametrize("tag", ["posture", "reboot.confirm"])
def test_what_another_machine_says_is_not_the_endpoints(recorder: Recorder, tag: str) -> None:
    """Of a task of people's own; a step has looked before."""
    laptop = Endpoint.parse({"name": "LAPTOP.acme", "computer_name": "LAPTOP"})
    looks = [
        Look(tag, laptop, POSTURE | {"computer_name": "CEO-PC"}, NOW),
        Look(tag, replace(laptop, name="ALIAS", computer_name=None), POSTURE | {"computer_name": "CEO-PC"}, NOW),
        Look(tag, replace(laptop, name="SAME"), POSTURE | {"computer_name": "laptop"}, NOW),
    ]
    Witness(recorder).record(looks)
    kinds = {"LAPTOP.acme": "endpoint.unreachable", "ALIAS": "posture.observed", "SAME": "posture.observed"}
    assert {name: kind for kind, name in told(recorder)} == kinds
    ((_seq, _run, silent),) = recorder.ledger.events(kinds=["endpoint.unreachable"])
    assert silent.body["message"].startswith(
        "another machine answers at its address: it calls itself CEO-PC, wanted is"
    )
    assert recorder.ledger.progress(["LAPTOP.acme"], run=recorder.run)["LAPTOP.acme"].posture_at is None


def test_a_validation_of_another_machine_proves_nothing(recorder: Recorder) -> None:
    laptop = Endpoint.parse({"name": "LAPTOP", "computer_name": "LAPTOP"})
    healthy = {"checks": [{"name": "web", "ok": True, "seen": "answered"}]}
    posture = POSTURE | {"computer_name": "CEO-PC", "agent": {"service": "LTService", "state": "running"}}
    Witness(recorder).record([Look("probes", laptop, healthy, NOW), Look("validation", laptop, posture, NOW)])
    ((_seq, _run, checking),) = recorder.ledger.events(kinds=["validation.checking"])
    ((name, ok, seen),) = [(row["name"], row["ok"], row["seen"]) for row in checking.body["checks"]]
    assert (name, ok) == ("online", False)
    assert "calls itself CEO-PC" in seen
    assert told(recorder) == [("validation.checking", "LAPTOP")]


def test_evidence_that_nobody_knows_is_named(recorder: Recorder) -> None:
    Witness(recorder).record([look("weather", "A"), look("scan.started", "B", limit=60, ansible_job_id="j")])
    assert told(recorder) == [("scan.started", "B")]
    assert recorder.problem is not None
    assert "'weather'" in recorder.problem


def test_a_failure_wants_its_ticket_at_once(recorder: Recorder) -> None:
    assert Witness(recorder).record([look("reboot.started", "A", rc=5, msg="Access is denied.")])
    assert ("ticket.wanted", "A") in told(recorder)
