# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets against the lab's PSA: what is in them, that none is lost, and that none is there twice."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.outbox import Outbox
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import PsaSettings, Settings
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import PsaClient, PsaUnavailableError
from lab.client import LabClient

NOW = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)
XREF = "msp.patching/Acme-Dental/ACME-DC01/install"
TICKETS = "/v4_6_release/apis/3.0/service/tickets"


def psa_settings(lab: LabClient, **changes: Any) -> PsaSettings:
    info = lab.info["psa"]
    given = {key: info[key] for key in ("url", "company", "public_key", "private_key", "client_id")}
    return PsaSettings(**{**given, "board": "Patch Management", "on_call_board": "On-Call", **changes})


@pytest.fixture
def psa(shared_lab: LabClient) -> PsaClient:
    return PsaClient(psa_settings(shared_lab))


Run = Callable[..., Recorder]


@pytest.fixture
def run(shared_lab: LabClient, tmp_path: Path) -> Run:
    """Starts another run on the same ledger."""

    def start(psa: PsaSettings | None = None, **changes: Any) -> Recorder:
        settings = Settings(
            ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}",
            psa=psa or psa_settings(shared_lab, **changes),
            by="a test",
        )
        return Recorder(settings)

    return start


def wanted(number: int = 1, **changes: Any) -> Event:
    body = {
        "id": f"wanted-{number}",
        "xref": XREF,
        "summary": "Patching: ACME-DC01: the install failed (0x80070643)",
        "text": f"What failed: KB5046613, attempt {number}",
        "priority": 1,
        "client": "Acme Dental",
        "endpoint_id": 1,
        "endpoint_name": "ACME-DC01",
        "on_call": False,
        **changes,
    }
    return Event("ticket.wanted", "ACME-DC01", NOW, body)


def tickets(psa: PsaClient, xref: str = XREF) -> list[dict[str, Any]]:
    return psa.all("service/tickets", conditions=f'externalXRef="{xref}"')


def notes(psa: PsaClient, ticket: Mapping[str, Any]) -> list[str]:
    return [note["text"] for note in psa.all(f"service/tickets/{ticket['id']}/notes")]


def close(psa: PsaClient, ticket: Mapping[str, Any]) -> None:
    statuses = psa.all(f"service/boards/{ticket['board']['id']}/statuses")
    closed = next(status["id"] for status in statuses if status["closedStatus"])
    patch = [{"op": "replace", "path": "status", "value": {"id": closed}}]
    psa._call("PATCH", f"service/tickets/{ticket['id']}", json=patch)


def send(recorder: Recorder, *events: Event) -> Outbox:
    recorder.append(recorder.ledger, events)
    outbox = Outbox(recorder)
    outbox.send(10)
    return outbox


def pending(recorder: Recorder) -> list[str]:
    return [one.id for one in recorder.ledger.pending("ticket")]


def test_a_ticket_has_company_configuration_priority_board_and_key(run: Run, psa: PsaClient) -> None:
    recorder = run()
    outbox = send(recorder, wanted())
    (ticket,) = tickets(psa)
    assert ticket["company"]["identifier"] == "ACME"
    assert ticket["board"]["name"] == "Patch Management"
    assert ticket["priority"]["name"] == "Priority 1 - Critical"
    assert ticket["summary"] == "Patching: ACME-DC01: the install failed (0x80070643)"
    (configuration,) = psa.all(f"service/tickets/{ticket['id']}/configurations")
    assert configuration["deviceIdentifier"] == "1"
    assert notes(psa, ticket) == ["What failed: KB5046613, attempt 1"]
    assert outbox.trouble == []
    sent = [event.body for _, _, event in recorder.ledger.events(kinds=["ticket.sent"])]
    assert sent == [{"id": "wanted-1", "xref": XREF, "ticket": ticket["id"]}]


def test_on_call_has_a_board_of_its_own(run: Run, psa: PsaClient) -> None:
    send(run(), wanted(on_call=True))
    (ticket,) = tickets(psa)
    assert ticket["board"]["name"] == "On-Call"


def test_a_configuration_is_found_by_name_where_the_id_is_not_known(run: Run, psa: PsaClient) -> None:
    send(run(), wanted(endpoint_id=4711))
    (ticket,) = tickets(psa)
    (configuration,) = psa.all(f"service/tickets/{ticket['id']}/configurations")
    assert configuration["deviceIdentifier"] == "1"


def test_a_repeat_is_a_note_on_the_open_ticket(run: Run, psa: PsaClient) -> None:
    send(run(), wanted(1))
    send(run(), wanted(2))
    (ticket,) = tickets(psa)
    texts = notes(psa, ticket)
    assert len(texts) == 2
    assert texts[1].startswith("What failed: KB5046613, attempt 2")


def test_after_the_ticket_was_closed_there_is_a_new_one(run: Run, psa: PsaClient) -> None:
    send(run(), wanted(1))
    close(psa, tickets(psa)[0])
    send(run(), wanted(2))
    first, second = tickets(psa)
    assert (first["closedFlag"], second["closedFlag"]) == (True, False)


@pytest.mark.parametrize("kind", ["error", "throttle", "reset", "unauthorized"])
def test_what_a_psa_in_trouble_did_not_take_the_next_run_sends(
    run: Run, psa: PsaClient, shared_lab: LabClient, kind: str
) -> None:
    shared_lab.inject({"target": "psa", "kind": kind, "retry_after": 60})
    recorder = run()
    outbox = send(recorder, wanted(1), wanted(2, xref="msp.patching/other"))
    assert pending(recorder) == ["wanted-1", "wanted-2"]
    assert outbox.trouble
    shared_lab.clear_faults()
    later = run()
    send(later)
    assert pending(later) == []
    assert len(tickets(psa)) == len(tickets(psa, "msp.patching/other")) == 1


def test_a_read_is_tried_again_and_a_ticket_comes_through(run: Run, psa: PsaClient, shared_lab: LabClient) -> None:
    shared_lab.inject({"target": "psa", "kind": "error", "times": 1})
    assert send(run(), wanted()).trouble == []
    assert len(tickets(psa)) == 1


class CutsPosts(PsaClient):
    """Loses the answer to the first POST whose path ends so: the PSA has carried it out all the same."""

    lab: LabClient
    path_end: str

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path.endswith(self.path_end):
            self.lab.inject({"target": "psa", "kind": "cut", "times": 1})
        return super().post(path, body)


@pytest.mark.parametrize("path_end", ["tickets", "notes", "configurations"])
def test_a_lost_answer_never_makes_a_second_ticket_or_note(
    run: Run, psa: PsaClient, shared_lab: LabClient, monkeypatch: pytest.MonkeyPatch, path_end: str
) -> None:
    events = [wanted(1)]
    if path_end == "notes":
        send(run(), wanted(1))
        events = [wanted(2)]
    with monkeypatch.context() as patched:
        patched.setattr(CutsPosts, "lab", shared_lab, raising=False)
        patched.setattr(CutsPosts, "path_end", path_end, raising=False)
        patched.setattr("ansible_collections.msp.patching.plugins.plugin_utils.deliveries.tickets.PsaClient", CutsPosts)
        recorder = run()
        outbox = send(recorder, *events)
        assert pending(recorder) == [events[0].body["id"]]
        assert outbox.trouble
    later = run()
    assert send(later).trouble == []
    assert pending(later) == []
    (ticket,) = tickets(psa)
    assert len(notes(psa, ticket)) == (2 if path_end == "notes" else 1)
    assert len(psa.all(f"service/tickets/{ticket['id']}/configurations")) == 1


@pytest.mark.parametrize(
    ("settings", "event", "words"),
    [
        ({"board": "Patchwork"}, wanted(), "no active service board 'Patchwork'; there is: Support, Patch Man"),
        ({}, wanted(client="Nobody & Sons"), "no PSA company for the client 'Nobody & Sons'"),
        ({"priorities": ("Urgent", "High", "Low")}, wanted(), "no PSA priority fits priority 1"),
        ({"companies": {"Acme Dental": "ACNE"}}, wanted(), "identifier 'ACNE'"),
    ],
)
def test_a_name_that_the_psa_does_not_have_is_told_with_those_it_has(
    run: Run, psa: PsaClient, settings: dict[str, Any], event: Event, words: str
) -> None:
    recorder = run(**settings)
    outbox = send(recorder, event, wanted(2, client="Cascade Law", xref="msp.patching/cascade", priority=2))
    assert words in outbox.trouble[0]
    assert "wanted-1" in pending(recorder)
    assert tickets(psa) == []


def test_one_ticket_that_is_refused_keeps_no_other_from_being_sent(run: Run, psa: PsaClient) -> None:
    recorder = run()
    send(recorder, wanted(1, client="Nobody"), wanted(2, xref="msp.patching/other"))
    assert pending(recorder) == ["wanted-1"]
    assert len(tickets(psa, "msp.patching/other")) == 1


def test_a_mapped_client(run: Run, psa: PsaClient) -> None:
    send(run(companies={"Acme (RMM)": "CASCADE"}), wanted(client="Acme (RMM)"))
    assert tickets(psa)[0]["company"]["identifier"] == "CASCADE"


def test_without_a_psa_tickets_stay_wanted_and_people_are_told(tmp_path: Path) -> None:
    recorder = Recorder(Settings(ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}", by="a test"))
    outbox = send(recorder, wanted())
    assert pending(recorder) == ["wanted-1"]
    assert outbox.trouble == ["1 ticket(s) wait in the ledger: no PSA is set (psa_url)"]


def test_while_another_run_sends_this_one_does_not(run: Run, psa: PsaClient) -> None:
    recorder = run()
    ledger = Ledger.open(recorder.settings.ledger)
    assert ledger.lease("outbox/ticket", "another run", datetime.now(UTC).replace(year=2100))
    send(recorder, wanted())
    assert tickets(psa) == []
    ledger.give_back("outbox/ticket", "another run")
    Outbox(recorder).send(10)
    assert len(tickets(psa)) == 1


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, held so that nobody else takes it meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_psa_that_is_not_there(shared_lab: LabClient, run: Run, closed_port: int) -> None:
    nowhere = psa_settings(shared_lab, url=f"http://127.0.0.1:{closed_port}")
    with pytest.raises(PsaUnavailableError, match="cannot be reached"):
        PsaClient(nowhere, sleep=lambda _seconds: None).get("system/info")
    recorder = run(nowhere)
    assert "cannot be reached" in send(recorder, wanted()).trouble[0]
    assert pending(recorder) == ["wanted-1"]


def test_the_private_key_is_in_no_text(shared_lab: LabClient) -> None:
    settings = psa_settings(shared_lab, private_key="hunter2", url="http://127.0.0.1:9")
    assert "hunter2" not in repr(settings)
    with pytest.raises(PsaUnavailableError) as failed:
        PsaClient(settings, sleep=lambda _seconds: None).get("system/info")
    assert "hunter2" not in str(failed.value)
