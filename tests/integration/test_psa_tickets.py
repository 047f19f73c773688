# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets against the lab's PSA: what is in them, that none is lost, and that none is there twice."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.outbox import Outbox
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import PsaClient, PsaUnavailableError
from ansible_collections.msp.patching.plugins.plugin_utils.psa.layout import Layout
from lab.client import LabClient

from .ticketing import (
    XREF,
    Run,
    bundled,
    close,
    notes,
    pending,
    psa_settings,
    runs,
    send,
    spoiled,
    tickets,
    wanted,
)

TICKETS = "/v4_6_release/apis/3.0/service/tickets"


@pytest.fixture
def psa(shared_lab: LabClient) -> PsaClient:
    return PsaClient(psa_settings(shared_lab))


@pytest.fixture
def run(shared_lab: LabClient, tmp_path: Path) -> Run:
    return runs(shared_lab, tmp_path)


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
    sent = [event.body for _seq, _run, event in recorder.ledger.events(kinds=["ticket.sent"])]
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


@pytest.mark.parametrize("path_end", ["tickets", "notes", "configurations"])
def test_a_lost_answer_never_makes_a_second_ticket_or_note(
    run: Run, psa: PsaClient, shared_lab: LabClient, monkeypatch: pytest.MonkeyPatch, path_end: str
) -> None:
    events = [wanted(1)]
    if path_end == "notes":
        send(run(), wanted(1))
        events = [wanted(2)]
    with monkeypatch.context() as patched:
        spoiled(patched, shared_lab, "cut", path_end)
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


LAYOUT = {
    "topics": {
        "failure": {"type": "Patch Failure", "status": "In Progress"},
        "compliance": {"type": "Patch Compliance"},
    },
    "queues": {"support": {"board": "Support", "team": "Service Team"}},
}


def test_the_queue_and_the_topic_say_where_a_ticket_goes_and_what_it_looks_like(run: Run, psa: PsaClient) -> None:
    layout = Layout.parse(LAYOUT)
    outbox = send(
        run(layout=layout),
        wanted(1, topic="failure", queue="Support", xref="msp.patching/a"),
        wanted(2, topic="failure", queue="server patching", xref="msp.patching/b"),
        wanted(3, topic="failure", queue="support", on_call=True, xref="msp.patching/c"),
    )
    assert outbox.trouble == []
    (support,), (servers,), (woken,) = (tickets(psa, f"msp.patching/{key}") for key in "abc")
    assert [one["board"]["name"] for one in (support, servers, woken)] == ["Support", "Patch Management", "On-Call"]
    assert [one["type"]["name"] for one in (support, servers, woken)] == ["Patch Failure"] * 3
    assert (support["team"]["name"], servers["team"]) == ("Service Team", None)
    assert support["status"]["name"] == servers["status"]["name"] == "In Progress"


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        (
            {"queues": {"support": {"board": "Suport"}}},
            "no active service board 'Suport'; there is: Support, Patch Man",
        ),
        (
            {"topics": {"failure": {"type": "Patching"}}},
            "no active type 'Patching' (psa_layout); there is: Patch Failure",
        ),
        (
            {"topics": {"failure": {"team": "Patchers"}}},
            "no active team 'Patchers' (psa_layout); there is: Service Team",
        ),
        (
            {"topics": {"failure": {"status": "Open"}}},
            "no active status 'Open' (psa_layout); there is: New, In Progress",
        ),
    ],
)
def test_a_name_of_the_layout_that_the_psa_does_not_have(
    run: Run, psa: PsaClient, layout: dict[str, Any], words: str
) -> None:
    recorder = run(layout=Layout.parse(layout))
    assert words in send(recorder, wanted(topic="failure", queue="support")).trouble[0]
    assert pending(recorder) == ["wanted-1"]
    assert tickets(psa) == []


def test_a_field_that_the_psa_refuses_is_told_as_it_says_it_with_what_to_set(run: Run, psa: PsaClient) -> None:
    acme = psa.get("company/companies", conditions='identifier="ACME"')[0]["id"]
    psa.patch(f"company/companies/{acme}", status={"id": 2, "name": "Inactive"})
    (trouble,) = send(run(), wanted()).trouble
    assert f"company company {acme} is not active." in trouble
    assert trouble.endswith("(psa_companies maps the client to a company)")


def test_a_ticket_that_is_no_clients_goes_to_the_msps_own_company(run: Run, psa: PsaClient) -> None:
    recorder = run(own_company=None)
    assert "needs psa_own_company" in send(recorder, wanted(client=None)).trouble[0]
    assert "no PSA company has the identifier 'MPS'" in send(run(own_company="MPS")).trouble[0]
    assert send(run(own_company="MSP")).trouble == []
    assert tickets(psa)[0]["company"]["identifier"] == "MSP"


def test_notes_go_on_the_ticket_there_is_and_may_close_and_reopen_it(run: Run, psa: PsaClient) -> None:
    send(run(), wanted(1))
    assert send(run(), wanted(2, action="note", text="root cause documented")).trouble == []
    assert send(run(), wanted(3, action="close", text="it is over")).trouble == []
    (ticket,) = tickets(psa)
    assert ticket["closedFlag"]
    assert ticket["status"]["name"] == "Closed", "not Completed, which closes nothing"
    assert send(run(), wanted(4, action="note", text="one thing more")).trouble == []
    assert send(run(), wanted(5, action="reopen", text="another tier")).trouble == []
    (ticket,) = tickets(psa)
    assert (ticket["closedFlag"], ticket["status"]["name"]) == (False, "New")
    assert [text.split("\n")[0] for text in notes(psa, ticket)[1:]] == [
        "root cause documented",
        "it is over",
        "one thing more",
        "another tier",
    ]


def test_a_note_for_a_ticket_that_never_was_makes_none(run: Run, psa: PsaClient) -> None:
    recorder = run()
    assert send(recorder, wanted(action="close")).trouble == []
    assert tickets(psa) == []
    assert pending(recorder) == []


def test_a_note_waits_for_its_ticket(run: Run, psa: PsaClient) -> None:
    recorder = run()
    send(recorder, wanted(1, client="Acme (RMM)"), wanted(2, client="Acme (RMM)", action="note"))
    assert pending(recorder) == ["wanted-1", "wanted-2"]
    send(run(companies={"Acme (RMM)": "ACME"}))
    (ticket,) = tickets(psa)
    assert len(notes(psa, ticket)) == 2


def test_failures_of_one_cause_are_bundled_once_there_are_two(run: Run, psa: PsaClient) -> None:
    assert send(run(bundle=True), bundled(1)).trouble == []
    assert tickets(psa, "msp.patching/cause") == []
    assert send(run(bundle=True), bundled(2), bundled(3)).trouble == []
    (parent,) = tickets(psa, "msp.patching/cause")
    children = [tickets(psa, f"msp.patching/child/{number}")[0] for number in (1, 2, 3)]
    assert [child["parentTicketId"] for child in children] == [parent["id"]] * 3
    assert parent["company"]["identifier"] == "ACME"
    assert send(run(bundle=True), bundled(4)).trouble == []
    assert tickets(psa, "msp.patching/child/4")[0]["parentTicketId"] == parent["id"]
    assert len(tickets(psa, "msp.patching/cause")) == 1


def test_without_the_option_nothing_is_bundled(run: Run, psa: PsaClient) -> None:
    send(run(), bundled(1), bundled(2))
    assert tickets(psa, "msp.patching/cause") == []
    assert len(tickets(psa, "msp.patching/child/1")) == 1


def test_two_open_tickets_of_one_key_are_told(run: Run) -> None:
    class Twice(PsaClient):
        def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
            if path == "service/tickets":
                super().post(path, body)
            return super().post(path, body)

    recorder = run()
    recorder.append(recorder.ledger, [wanted()])
    outbox = Outbox(recorder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("ansible_collections.msp.patching.plugins.plugin_utils.deliveries.tickets.PsaClient", Twice)
        outbox.send(10)
    assert any("are all open for" in trouble for trouble in outbox.trouble)


def test_five_hundred_failures_at_once_are_a_bounded_number_of_calls_and_none_is_lost(
    run: Run, psa: PsaClient, shared_lab: LabClient
) -> None:
    """A call that makes each ticket, one that links its machine where it has one; all else is a few calls a batch. In
    the middle the PSA goes away for a while."""
    events = [wanted(n, xref=f"msp.patching/many/{n:03d}", endpoint_id=1 + n % 3) for n in range(500)]
    recorder = run()
    recorder.append(recorder.ledger, events)
    shared_lab.journal(limit=1)
    began = max(entry["number"] for entry in shared_lab.journal(limit=1, face="psa") or [{"number": 0}])
    outbox = Outbox(recorder)
    shared_lab.inject({"target": "psa", "kind": "reset", "times": 3, "path": f"{TICKETS}/search"})
    outbox.send(60)
    assert pending(recorder)
    later = run()
    for dummy in range(5):
        if pending(later):
            Outbox(later).send(120)
    assert pending(later) == []
    calls = len(shared_lab.journal(since=began, limit=100_000, face="psa"))
    assert calls <= 500 * 2 + 500 // 25 * 5 + 50, calls
    there = [
        row["externalXRef"] for row in psa.search("service/tickets", 'externalXRef contains "/many/"', "externalXRef")
    ]
    assert sorted(there) == [event.body["xref"] for event in events]


def test_the_rate_is_kept_and_what_is_left_waits_for_the_next_run(run: Run, psa: PsaClient) -> None:
    recorder = run(rate=12)
    outbox = send(recorder, *(wanted(n, xref=f"msp.patching/rate/{n}") for n in range(9)))
    assert "ticket(s) wait for the next run: its time for deliveries is used up" in outbox.trouble[0]
    assert 0 < len(pending(recorder)) < 10
    for dummy in range(9):
        send(run(rate=6000))
    assert pending(recorder) == []
    assert all(len(tickets(psa, f"msp.patching/rate/{n}")) == 1 for n in range(9))


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
