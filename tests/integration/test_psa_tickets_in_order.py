# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of one ticket comes in its order, whatever the PSA refuses; and what it refuses keeps nothing else
from being delivered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries import tickets as channel
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import PsaClient
from lab.client import LabClient

from .ticketing import Run, bundled, close, notes, pending, psa_settings, runs, send, spoiled, tickets, wanted


@pytest.fixture
def psa(shared_lab: LabClient) -> PsaClient:
    return PsaClient(psa_settings(shared_lab))


@pytest.fixture
def run(shared_lab: LabClient, tmp_path: Path) -> Run:
    return runs(shared_lab, tmp_path)


def sent(recorder: Recorder) -> list[dict[str, Any]]:
    return [dict(event.body) for _seq, _run, event in recorder.ledger.events(kinds=["ticket.sent"])]


def are_closed(psa: PsaClient) -> list[bool]:
    """Of each ticket of the test's key, in the order in which they were made."""
    return [row["closedFlag"] for row in sorted(tickets(psa), key=lambda row: int(row["id"]))]


def one_to(action: str, run: Run, psa: PsaClient) -> Mapping[str, Any]:
    """A ticket that can be closed, or opened again."""
    send(run(), wanted(1))
    (ticket,) = tickets(psa)
    if action == "reopen":
        close(psa, ticket)
    return ticket


@pytest.mark.parametrize("batch", [1, 25])
@pytest.mark.parametrize("action", ["note", "close", "reopen"])
def test_a_note_waits_for_its_ticket_over_all_batches(
    run: Run, psa: PsaClient, monkeypatch: pytest.MonkeyPatch, batch: int, action: str
) -> None:
    monkeypatch.setattr(channel, "BATCH", batch)
    recorder = run()
    send(recorder, wanted(1, client="Acme (RMM)"), wanted(2, client="Acme (RMM)", action=action))
    assert pending(recorder) == ["wanted-1", "wanted-2"]
    assert send(run(companies={"Acme (RMM)": "ACME"})).trouble == []
    (ticket,) = tickets(psa)
    assert len(notes(psa, ticket)) == 2
    assert ticket["closedFlag"] == (action == "close")


def test_what_fails_anew_after_the_close_is_a_new_ticket(run: Run, psa: PsaClient) -> None:
    send(run(), wanted(1))
    assert send(run(), wanted(2, action="close"), wanted(3)).trouble == []
    assert are_closed(psa) == [True, False]


def test_a_ticket_may_be_made_and_closed_and_needed_again_at_once(run: Run, psa: PsaClient) -> None:
    recorder = run()
    outbox = send(recorder, wanted(1), wanted(2, action="close"), wanted(3), wanted(4, action="note"))
    assert outbox.trouble == []
    assert are_closed(psa) == [True, False]
    first, second = sorted(one["id"] for one in tickets(psa))
    assert [body["ticket"] for body in sent(recorder)] == [first, first, second, second]


@pytest.mark.parametrize("actions", [["close", "reopen"], ["reopen", "close"], ["close", "reopen", "close"]])
def test_the_last_of_several_closings_and_openings_counts(run: Run, psa: PsaClient, actions: list[str]) -> None:
    send(run(), wanted(1))
    recorder = run()
    assert send(recorder, *(wanted(n, action=action) for n, action in enumerate(actions, 2))).trouble == []
    assert are_closed(psa) == [actions[-1] == "close"]
    assert pending(recorder) == []


class ChangesNothing(PsaClient):
    """Gets the answer to a PATCH that the PSA gives where it does it, and it is not done."""

    def patch(self, path: str, **fields: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.get(path)
        return told | fields


@pytest.mark.parametrize(
    ("action", "words"), [("close", "closed, and reads back open"), ("reopen", "opened again, and reads back closed")]
)
def test_a_status_that_did_not_change_is_told_and_what_comes_after_it_waits(
    run: Run, psa: PsaClient, monkeypatch: pytest.MonkeyPatch, action: str, words: str
) -> None:
    ticket = one_to(action, run, psa)
    recorder = run()
    with monkeypatch.context() as patched:
        patched.setattr(channel, "PsaClient", ChangesNothing)
        outbox = send(recorder, wanted(2, action=action), wanted(3, action="note"))
    assert outbox.trouble[0].endswith(f"#{ticket['id']} was to be {words}")
    assert pending(recorder) == ["wanted-2", "wanted-3"]
    assert send(run()).trouble == []
    assert pending(recorder) == []
    assert are_closed(psa) == [action == "close"]


@pytest.mark.parametrize("batch", [1, 25])
@pytest.mark.parametrize("action", ["close", "reopen"])
def test_what_fails_anew_does_not_wait_for_a_status_that_is_refused(
    run: Run, psa: PsaClient, monkeypatch: pytest.MonkeyPatch, batch: int, action: str
) -> None:
    """It is on the open ticket, or a new one, which nothing closes later that was wanted before it."""
    monkeypatch.setattr(channel, "BATCH", batch)
    ticket = one_to(action, run, psa)
    recorder = run()
    with monkeypatch.context() as patched:
        patched.setattr(channel, "PsaClient", ChangesNothing)
        send(recorder, wanted(2, action=action))
        assert pending(recorder) == ["wanted-2"]
        outbox = send(recorder, wanted(3, action="note"), wanted(4, action="close"), wanted(5))
    number = max(one["id"] for one in tickets(psa))
    again = f"ticket {ticket['externalXRef']}: it is wanted again, on #{number}; the"
    dropped = [f"{again} {late} that did not go through before is dropped" for late in (action, "close")]
    assert outbox.trouble[1:] == list(dict.fromkeys(dropped))
    assert any("attempt 5" in note for note in notes(psa, {"id": number}))
    assert pending(recorder) == ["wanted-3"]
    assert {body["id"]: body["ticket"] for body in sent(recorder)[1:]} == {
        "wanted-5": number,
        "wanted-2": None,
        "wanted-4": None,
    }
    assert send(run()).trouble == []
    assert pending(recorder) == []
    assert are_closed(psa) == ([False] if action == "close" else [True, False])


def test_a_close_and_what_fails_anew_wait_where_both_are_refused(
    run: Run, psa: PsaClient, shared_lab: LabClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(run(), wanted(1))
    recorder = run()
    with monkeypatch.context() as patched:
        spoiled(patched, shared_lab, "unauthorized", "notes")
        send(recorder, wanted(2, action="close"), wanted(3), wanted(4))
    assert pending(recorder) == ["wanted-2", "wanted-3", "wanted-4"]
    assert send(run()).trouble == []
    assert are_closed(psa) == [True, False]


class Unreadable(ChangesNothing):
    """Shows no ticket any more once a note was written after one that was to be closed."""

    notes = 0

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        type(self).notes += 1
        return super().post(path, body)

    def search(self, path: str, conditions: str, fields: str) -> list[dict[str, Any]]:
        return [] if self.notes > 1 else super().search(path, conditions, fields)


def test_a_close_is_dropped_only_with_what_overtakes_it_read_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    send(run(), wanted(1))
    recorder = run()
    with monkeypatch.context() as patched:
        patched.setattr(channel, "PsaClient", type("Fresh", (Unreadable,), {}))
        outbox = send(recorder, wanted(2, action="close"), wanted(3))
    assert "cannot be read back" in outbox.trouble[-1]
    assert pending(recorder) == ["wanted-2", "wanted-3"]


def test_a_note_that_is_refused_keeps_no_ticket_from_being_made(
    run: Run, psa: PsaClient, shared_lab: LabClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(run(), wanted(1))
    close(psa, tickets(psa)[0])
    recorder = run()
    with monkeypatch.context() as patched:
        spoiled(patched, shared_lab, "unauthorized", "notes")
        send(recorder, wanted(2, action="note"), wanted(3))
    assert pending(recorder) == ["wanted-2"]
    assert are_closed(psa) == [True, False]


class NoDefault(PsaClient):
    """Of a PSA whose boards have no default status."""

    def all(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        return [row | {"defaultFlag": False} for row in super().all(path, **query)]


def test_a_board_without_a_default_status_is_told(run: Run, psa: PsaClient, monkeypatch: pytest.MonkeyPatch) -> None:
    send(run(), wanted(1))
    close(psa, tickets(psa)[0])
    recorder = run()
    monkeypatch.setattr(channel, "PsaClient", NoDefault)
    (trouble,) = send(recorder, wanted(2, action="reopen")).trouble
    assert "has no default status, which a ticket that is opened again gets; there is: New" in trouble
    assert pending(recorder) == ["wanted-2"]


def test_a_note_on_a_ticket_that_was_deleted_is_told_and_holds_nothing_up(run: Run, psa: PsaClient) -> None:
    send(run(), wanted(1))
    (ticket,) = tickets(psa)
    psa.delete(f"service/tickets/{ticket['id']}")
    recorder = run()
    outbox = send(recorder, wanted(2, action="close"), wanted(3))
    assert outbox.trouble == [f"ticket {ticket['externalXRef']}: #{ticket['id']} is not there any more to be added to"]
    assert pending(recorder) == []
    assert are_closed(psa) == [False]
    assert sent(recorder)[1]["ticket"] is None


def test_a_ticket_without_the_configuration_that_was_refused_is_there_all_the_same(
    run: Run, psa: PsaClient, shared_lab: LabClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API member may make tickets, and may not put configurations on them."""
    recorder = run()
    with monkeypatch.context() as patched:
        spoiled(patched, shared_lab, "unauthorized", "configurations")
        outbox = send(recorder, wanted(1))
    (ticket,) = tickets(psa)
    (trouble,) = outbox.trouble
    assert f"#{ticket['id']} is without the configuration of ACME-DC01" in trouble
    assert "401" in trouble
    assert pending(recorder) == []
    close(psa, ticket)
    assert send(run()).trouble == []
    assert are_closed(psa) == [True], "closing it makes no other"


def test_tickets_are_made_where_configurations_may_not_be_read(run: Run, psa: PsaClient, shared_lab: LabClient) -> None:
    configurations = "/v4_6_release/apis/3.0/company/configurations"
    shared_lab.inject({"target": "psa", "kind": "unauthorized", "path": configurations})
    recorder = run()
    (trouble,) = send(recorder, wanted(1)).trouble
    assert "tickets are without the configurations of their machines" in trouble
    assert pending(recorder) == []
    assert len(tickets(psa)) == 1


@pytest.mark.parametrize("path_end", ["attachChildren", "tickets"])
def test_a_parent_that_is_refused_keeps_no_child_from_being_confirmed(
    run: Run, psa: PsaClient, shared_lab: LabClient, monkeypatch: pytest.MonkeyPatch, path_end: str
) -> None:
    send(run(bundle=True), bundled(1))
    recorder = run(bundle=True)
    with monkeypatch.context() as patched:
        if path_end == "tickets":
            patched.setattr(channel, "PsaClient", NoParents)
        else:
            spoiled(patched, shared_lab, "unauthorized", path_end)
        outbox = send(recorder, bundled(2), wanted(3))
    assert pending(recorder) == []
    (trouble,) = outbox.trouble
    assert trouble.startswith("parent ticket msp.patching/cause: ")
    assert not any("parent" in body for body in sent(recorder))
    assert send(run(bundle=True), bundled(4)).trouble == []
    (parent,) = tickets(psa, "msp.patching/cause")
    children = [tickets(psa, f"msp.patching/child/{number}")[0] for number in (1, 2, 4)]
    assert [child["parentTicketId"] for child in children] == [parent["id"]] * 3


class NoParents(PsaClient):
    """The PSA refuses tickets that others are to be put under: their board wants a type."""

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if body.get("externalXRef") == "msp.patching/cause":
            body = {**body, "type": {"id": 4711}}
        return super().post(path, body)
