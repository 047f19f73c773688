# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments, alerts and the cycle tracker against the lab: what arrives, what is tried again, what is told."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils import automate
from ansible_collections.msp.patching.plugins.plugin_utils.automate.client import CLIENTS
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries import alerts, compliance
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.attachments import Attachment, attach
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.outbox import Outbox
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.tracker import field_of, tracked
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import (
    OnCallSettings,
    PsaSettings,
    Settings,
    TrackerTitles,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.flow.closure import Tier
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import PsaClient
from lab.client import LabClient

NOW = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)
DC = Endpoint.parse({"name": "ACME-DC01", "client": "Acme Dental", "kind": "server", "role": "domain_controller"})
PDF = b"%PDF-1.7\r\n\x00\xff\n--boundary\r\nnot text\r\n%%EOF"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
PATIENCE = 10.0


def psa_settings(lab: LabClient, **changes: Any) -> PsaSettings:
    info = lab.info["psa"]
    given = {key: info[key] for key in ("url", "company", "public_key", "private_key", "client_id", "own_company")}
    return PsaSettings(**{**given, "board": "Patch Management", "rate": 6000, **changes})


def automate_settings(lab: LabClient, **changes: Any) -> automate.Settings:
    info = lab.info["automate"]
    given = {key: info[key] for key in ("url", "user", "password", "client_id")}
    return automate.Settings(**{**given, "retries": 0, **changes})


def pagerduty(lab: LabClient, **changes: Any) -> OnCallSettings:
    info = lab.info["oncall"]
    return OnCallSettings(**{"kind": "pagerduty", "url": info["pagerduty_url"], "key": info["routing_key"], **changes})


def webhook(lab: LabClient, **changes: Any) -> OnCallSettings:
    info = lab.info["oncall"]
    return OnCallSettings(**{"kind": "webhook", "url": info["webhook_url"], "key": info["token"], **changes})


Run = Callable[..., Recorder]


@pytest.fixture
def run(shared_lab: LabClient, tmp_path: Path) -> Run:
    """Starts another run on the same ledger; it has all systems of the lab unless told otherwise."""

    def start(**changes: Any) -> Recorder:
        systems = {
            "psa": psa_settings(shared_lab),
            "automate": automate_settings(shared_lab),
            "on_call": pagerduty(shared_lab),
            "tracker": TrackerTitles(),
        }
        return Recorder(
            Settings(ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}", by="a test", **{**systems, **changes})
        )

    return start


def send(recorder: Recorder, *events: Event) -> list[str]:
    """Deliver; gives the trouble."""
    recorder.append(recorder.ledger, events)
    outbox = Outbox(recorder)
    outbox.send(PATIENCE)
    return outbox.trouble


def bodies(recorder: Recorder, kind: str) -> list[dict[str, Any]]:
    return [dict(event.body) for _seq, _run, event in recorder.ledger.events(kinds=[kind])]


# -- attachments ------------------------------------------------------------------------------------------------------


KEY = compliance.xref_of("2026-11", "Acme Dental")
FILES = (
    Attachment("report.pdf", "Patch compliance 2026-11", PDF, "application/pdf"),
    Attachment("report.png", "Patch compliance 2026-11 (picture)", PNG, "image/png"),
)


def opening() -> Event:
    tier = {"cycle": "2026-11", "client": "Acme Dental", "ring": "pilot", "kind": "server", "endpoints": ["ACME-DC01"]}
    (ticket,) = compliance.opened([Event("tier.opened", None, NOW, tier)], [])
    return ticket


def documents(lab: LabClient, ticket: int) -> dict[str, bytes]:
    psa = PsaClient(psa_settings(lab))
    there = psa.all("system/documents", recordType="Ticket", recordId=ticket)
    return {row["fileName"]: psa.download(f"system/documents/{row['id']}/download") for row in there}


def test_a_report_and_its_picture_are_on_the_ticket_to_the_byte(run: Run, shared_lab: LabClient) -> None:
    recorder = run()
    assert attach(recorder, KEY, FILES) == 2
    assert attach(recorder, KEY, FILES) == 0
    assert send(recorder) == [], "they wait for their ticket, and that is no trouble"
    assert len(recorder.ledger.pending("attachment")) == 2
    assert send(recorder, opening()) == []
    first, second = bodies(recorder, "attachment.sent")
    assert documents(shared_lab, first["ticket"]) == {"report.pdf": PDF, "report.png": PNG}
    assert {first["sha256"], second["sha256"]} == {hashlib.sha256(one).hexdigest() for one in (PDF, PNG)}
    assert recorder.ledger.blob(first["sha256"]) is None
    assert recorder.ledger.pending("attachment") == []
    assert send(run()) == []
    assert len(documents(shared_lab, first["ticket"])) == 2


@pytest.mark.parametrize("path", ["/v4_6_release/apis/3.0/system/documents", ""])
def test_a_lost_answer_never_makes_a_second_attachment(run: Run, shared_lab: LabClient, path: str) -> None:
    """Whether the upload or the reading back breaks off: the next run finds the file there."""
    recorder = run()
    send(recorder, opening())
    attach(recorder, KEY, FILES[:1])
    shared_lab.inject({"target": "psa", "kind": "cut", "times": 1, "path": path})
    shared_lab.inject({"target": "psa", "kind": "cut", "times": 1, "path": path})
    send(recorder)
    shared_lab.clear_faults()
    assert send(run()) == []
    (sent,) = bodies(recorder, "attachment.sent")
    psa = PsaClient(psa_settings(shared_lab))
    assert len(psa.all("system/documents", recordType="Ticket", recordId=sent["ticket"])) == 1


def test_bytes_that_were_swapped_are_not_sent(run: Run, shared_lab: LabClient) -> None:
    """By somebody who can write to the database: a better report than the one that was made."""
    recorder = run()
    send(recorder, opening())
    attach(recorder, KEY, FILES[:1])
    database = recorder.settings.ledger.removeprefix("sqlite:///")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("UPDATE blobs SET content = ?", (PNG,)).rowcount == 1
        connection.commit()
    (said,) = send(recorder)
    assert "report.pdf" in said
    assert "behind the ledger's back" in said
    (ticket,) = bodies(recorder, "ticket.sent")
    assert documents(shared_lab, ticket["ticket"]) == {}


# -- alerts -----------------------------------------------------------------------------------------------------------


def alert(number: int = 1, **changes: Any) -> Event:
    given: dict[str, Any] = {
        "failures": [f"failure-{number}"],
        "summary": "ACME-DC01 (Acme Dental): the install failed: 0x80070643",
        "priority": 1,
        "details": {"step": "install", "role": "domain_controller", "cycle": "2026-11"},
    }
    return alerts.triggered(DC, datetime.now(UTC), **{**given, **changes})


def resolve(number: int = 1) -> Event:
    event = alert(number)
    body = dict(event.body) | {"id": f"resolve-{number}", "action": "resolve", "summary": "ACME-DC01: root cause: DISK"}
    return Event("alert.wanted", "ACME-DC01", datetime.now(UTC), body)


@pytest.mark.parametrize("form", [pagerduty, webhook])
def test_on_call_is_alerted_once_and_told_when_it_is_over(
    run: Run, shared_lab: LabClient, form: Callable[[LabClient], OnCallSettings]
) -> None:
    recorder = run(on_call=form(shared_lab))
    assert send(recorder, alert()) == []
    assert send(recorder) == []
    (woken,) = shared_lab.alerts()
    assert (woken["action"], woken["severity"], woken["source"]) == ("trigger", "critical", "ACME-DC01")
    assert woken["incident"] == "failure-1"
    assert "the install failed" in woken["summary"]
    send(recorder, resolve())
    assert [one["action"] for one in shared_lab.alerts()] == ["trigger", "resolve"]
    assert [body["outcome"] for body in bodies(recorder, "alert.sent")] == ["delivered", "delivered"]


@pytest.mark.parametrize("form", [pagerduty, webhook])
@pytest.mark.parametrize("kind", ["error", "reset", "cut", "throttle"])
def test_an_alert_outlives_a_receiver_in_trouble_and_opens_one_incident(
    run: Run, shared_lab: LabClient, form: Callable[[LabClient], OnCallSettings], kind: str
) -> None:
    shared_lab.inject({"target": "oncall", "kind": kind, "retry_after": 3600})
    trouble = send(run(on_call=form(shared_lab)), alert())
    if kind != "cut":  # the answer's head had come: it is taken, whatever became of its body
        assert "1 alert(s) for on-call wait for the next run" in trouble[0]
    shared_lab.clear_faults()
    later = run(on_call=form(shared_lab))
    assert send(later) == []
    assert later.ledger.pending("alert") == []
    assert sum(one["opened"] for one in shared_lab.alerts()) == 1


def test_a_receiver_that_was_down_is_not_asked_again_while_endpoints_wait(run: Run, shared_lab: LabClient) -> None:
    shared_lab.inject({"target": "oncall", "kind": "error"})
    recorder = run()
    recorder.append(recorder.ledger, [alert()])
    outbox = Outbox(recorder)
    for dummy in range(5):
        outbox.send_between_tasks()
    assert len(shared_lab.journal(face="oncall")) == 1
    shared_lab.clear_faults()
    outbox.send(PATIENCE)
    assert outbox.trouble == []
    assert len(shared_lab.alerts()) == 1


def test_a_receiver_that_asks_to_wait_is_waited_for(run: Run, shared_lab: LabClient) -> None:
    shared_lab.inject({"target": "oncall", "kind": "throttle", "retry_after": 1, "times": 1})
    assert send(run(), alert()) == []
    assert len(shared_lab.alerts()) == 1


def test_a_receiver_that_asks_to_wait_for_ever_is_left_to_the_next_run(run: Run, shared_lab: LabClient) -> None:
    """And not when the time for deliveries is used up, which is minutes at a run's end."""
    shared_lab.inject({"target": "oncall", "kind": "throttle", "retry_after": 1})
    (trouble,) = send(run(), alert())
    assert "1 alert(s) for on-call wait for the next run" in trouble
    assert 1 < len(shared_lab.journal(face="oncall")) <= 4


def test_what_is_refused_is_told_and_keeps_no_other_from_being_sent(run: Run, shared_lab: LabClient) -> None:
    recorder = run(on_call=pagerduty(shared_lab, key="C4n4ry" + "0" * 26))
    trouble = send(recorder, alert(1), alert(2))
    assert "400" in trouble[0]
    assert "'routing_key' *** is unknown" in trouble[0], "though the receiver quotes it"
    assert len(recorder.ledger.pending("alert")) == 2
    assert send(run()) == []


def test_a_webhooks_token_and_path_are_in_no_words(run: Run, shared_lab: LabClient) -> None:
    """The path of a webhook may be all its secret."""
    url = shared_lab.info["oncall"]["webhook_url"]
    (trouble,) = send(run(on_call=webhook(shared_lab, key="C4n4ry-token")), alert())
    assert "401" in trouble
    assert "C4n4ry" not in trouble
    (trouble,) = send(run(on_call=webhook(shared_lab, url=url.replace("/alerts", "/hooks/C4n4ry-path"))))
    assert "404" in trouble
    assert "C4n4ry" not in trouble
    assert "C4n4ry" not in repr(run(on_call=webhook(shared_lab, key="C4n4ry", url=f"{url}/C4n4ry")).settings)


def test_an_alert_that_is_late_says_so_to_both_sides(run: Run, shared_lab: LabClient) -> None:
    event = replace(alert(), at=datetime.now(UTC) - timedelta(hours=2))
    (trouble,) = send(run(), event)
    assert "on-call was alerted of ACME-DC01 120 minutes late" in trouble
    assert shared_lab.alerts()[0]["late"] == 120
    assert shared_lab.alerts()[0]["summary"].startswith("[120 min late] ")


def test_what_is_over_before_anybody_could_be_woken_wakes_nobody(run: Run, shared_lab: LabClient) -> None:
    recorder = run()
    assert send(recorder, alert(), resolve()) == []
    assert [one["action"] for one in shared_lab.alerts()] == ["resolve"]
    assert [body["outcome"] for body in bodies(recorder, "alert.sent")] == ["settled", "delivered"]


# -- the cycle tracker ------------------------------------------------------------------------------------------------


PILOT, REGULAR = (Tier("2026-11", "Acme Dental", ring, "workstation") for ring in ("pilot", "regular"))


def tiers(*closed: Tier) -> list[dict[str, Any]]:
    rows = [tier.as_record() for tier in (PILOT, REGULAR)]
    return [row | {"closed_at": "then" if Tier(**row) in closed else None} for row in rows]


def edfs(lab: LabClient, client: str = "Acme Dental") -> dict[str, str]:
    with automate.AutomateClient(automate_settings(lab)) as rmm:
        ids = {row["Name"]: int(row["Id"]) for row in rmm.read(CLIENTS)}
        rows = rmm.extra_fields(CLIENTS.path, [ids[client]])[ids[client]]
    titles = {"cycle": "Patching Cycle", "state": "Patching Cycle State", "closed": "Patching Cycle Closed"}
    return {key: (field_of(rows, title) or {})["TextFieldSettings"]["Value"] for key, title in titles.items()}


def patches(lab: LabClient) -> int:
    return sum(entry["method"] == "PATCH" for entry in lab.journal(limit=100_000, face="automate"))


def test_the_tracker_of_a_client_says_how_far_the_month_is(run: Run, shared_lab: LabClient) -> None:
    recorder = run()
    assert send(recorder, *tracked({PILOT}, tiers(), NOW)) == []
    half = {"cycle": "2026-11", "state": "1 of 2 tiers closed; open: regular workstations", "closed": ""}
    assert edfs(shared_lab) == half
    assert patches(shared_lab) == 2, "the third field said so already"
    again = NOW + timedelta(hours=1)
    assert send(recorder, *tracked({PILOT}, tiers(), again)) == []
    assert patches(shared_lab) == 2
    assert send(recorder, *tracked({REGULAR}, tiers(PILOT), again + timedelta(days=1))) == []
    assert edfs(shared_lab) == {"cycle": "2026-11", "state": "closed", "closed": "2026-11-12T04:00:00"}
    assert recorder.ledger.pending("tracker") == []


def test_an_rmm_that_is_down_is_told_by_the_next_run_what_is_the_last_word(run: Run, shared_lab: LabClient) -> None:
    shared_lab.inject({"target": "automate", "kind": "reset"})
    (trouble,) = send(run(), *tracked({PILOT}, tiers(), NOW))
    assert "wait for the next run" in trouble
    (trouble,) = send(run(), *tracked({REGULAR}, tiers(PILOT), NOW + timedelta(days=1)))
    assert trouble.startswith("2 write(s) of the RMM's cycle tracker wait")
    shared_lab.clear_faults()
    recorder = run()
    assert send(recorder) == []
    assert edfs(shared_lab)["state"] == "closed"
    assert [body.get("superseded", False) for body in bodies(recorder, "tracker.written")] == [True, False]


def test_a_late_closing_does_not_turn_the_tracker_back(run: Run, shared_lab: LabClient) -> None:
    recorder = run()
    send(recorder, *tracked({PILOT}, tiers(), NOW))
    october = replace(PILOT, cycle="2026-10")
    assert send(recorder, *tracked({october}, [october.as_record() | {"closed_at": None}], NOW)) == []
    assert edfs(shared_lab)["cycle"] == "2026-11"
    assert recorder.ledger.pending("tracker") == []


def test_fields_that_the_rmm_does_not_have_are_one_warning_and_no_failure(run: Run, shared_lab: LabClient) -> None:
    titles = TrackerTitles("Patch Month", "Patch Month State", "Patch Month Closed")
    recorder = run(tracker=titles)
    (trouble,) = send(recorder, *tracked({PILOT}, tiers(), NOW))
    assert "'Patch Month', 'Patch Month State', 'Patch Month Closed'" in trouble
    assert "tracker_titles" in trouble
    assert len(recorder.ledger.pending("tracker")) == 1, "they are written once somebody has made the fields"
    partly = run(tracker=TrackerTitles("Patching Cycle", "Patching/Patching Cycle State", "Patch Month Closed"))
    (trouble,) = send(partly)
    assert "titled 'Patch Month Closed'" in trouble
    assert edfs(shared_lab)["state"].startswith("1 of 2")
    assert partly.ledger.pending("tracker") == []
