# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update that an endpoint calls what would command a terminal: on the ledger as it is, for that is what the update
is installed by; in no sentence, table or ticket."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account.tickets import names_it
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.alerts import generic, pagerduty
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.flaws import _line
from ansible_collections.msp.patching.plugins.plugin_utils.evidence import outcomes as seen
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.judge import judge
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Update, accept_list
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.planning.explain import page
from ansible_collections.msp.patching.plugins.plugin_utils.progress import lines
from ansible_collections.msp.patching.plugins.plugin_utils.progress.board import Board
from ansible_collections.msp.patching.plugins.plugin_utils.psa.delivery import Delivery
from ansible_collections.msp.patching.plugins.plugin_utils.psa.layout import Layout
from ansible_collections.msp.patching.plugins.plugin_utils.psa.tickets import check_lines
from tests.unit.evidence.judging import NIGHT, kinds, standing
from tests.unit.flow.build import DAY, workstation
from tests.unit.notices.scene import Scene
from tests.unit.notices.test_reviews import FOUND
from tests.unit.planning.test_explain import Situation

TITLE = "Evil \x1b]0;owned\x07\x1b[2J\x1b[1;1H\x9b2JAll\nwell \u202egpj"
SHOWN = "Evil �]0;owned��[2J�[1;1H�2JAll well �gpj"
TOLD: dict[str, Any] = {"id": "u-\x1b[2J", "kb": [], "title": TITLE, "categories": ["Up\x1b[1Adates"]}
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def found() -> dict[str, Any]:
    """As a search brings it on the ledger."""
    finished = seen.observe(
        "job", {"ansible_job_id": "j1", "finished": 1, "updates": {"x": TOLD}}, unreachable=False, job_kind="scan"
    )
    assert isinstance(finished, seen.ScanFinished)
    return finished.updates[0]


EVIL = Update.parse(found())


def words_of(events: list[Event]) -> list[str]:
    """What is for people in them."""
    return [str(event.body[key]) for event in events for key in ("text", "summary", "reason") if key in event.body]


def test_it_is_chosen_by_the_title_that_windows_knows() -> None:
    assert EVIL.title == TITLE
    (expression,) = accept_list([EVIL])
    assert re.search(expression, f"{TITLE}KBx")


def test_a_sentence_names_it_without_its_commands() -> None:
    assert EVIL.label == SHOWN
    assert Update("u-\x1b[2J").label == "u-�[2J"
    assert Update("u-1", title=" \n ").label == "u-1"
    assert Update("u-1", title="日本語  更新 – ü").label == "日本語 更新 – ü"


def test_an_explanation_commands_no_terminal() -> None:
    here = workstation(client="Ac\x1b[2Jme", os="Windows\x1b[8m 11")
    text = page(Situation("approval.review", "hold", "", "", here, updates=(EVIL,)).explained())
    assert not COMMANDS.search(text)
    assert " ".join(text.split()).count(SHOWN) >= 2


def test_an_id_with_commands_arrives_whole_in_the_command_for_it() -> None:
    text = page(Situation("approval.review", "hold", "", "", updates=(EVIL,)).explained())
    given = re.search(r"-e '(\{\"updates.*?\})'", text)
    assert given is not None
    assert json.loads(given[1]) == {"updates": EVIL.id}


def test_a_review_and_its_ticket_command_no_terminal() -> None:
    one = Scene([workstation(name="WS1")])
    one.searched(FOUND, {"WS1": [EVIL]})
    assert one.told(FOUND + DAY).words == f"{SHOWN} awaits an engineer's review, for 1 day.\n"
    one.run(FOUND + 7 * DAY)
    (ticket,) = one.tickets()
    assert f"Title: {SHOWN}\n" in ticket["text"]
    assert "What it is: Up�[1Adates;" in ticket["text"]
    assert not COMMANDS.search(ticket["text"] + ticket["summary"])


@pytest.mark.parametrize("title", [TITLE, ""])
def test_its_failure_is_told_without_them(title: str) -> None:
    one = seen.InstallFinished(
        [{"update": EVIL.id, "ok": False, "hresult": None}], {EVIL.id: title}, reboot_required=False
    )
    events = judge("job", one, standing())
    assert "failure.opened" in kinds(events)
    assert not any(COMMANDS.search(words) for words in words_of(events))
    assert any((SHOWN if title else "u-�[2J") in words for words in words_of(events))


def test_so_is_one_that_is_offered_again() -> None:
    events = judge("job", seen.ScanFinished([found()]), standing(unproven=(EVIL.id,)))
    assert next(event for event in events if event.kind == "scan.finished").body["updates"] == [found()]
    assert "failure.opened" in kinds(events)
    assert not any(COMMANDS.search(words) for words in words_of(events))


def test_so_is_what_a_check_saw() -> None:
    checks = [{"name": "port\x1b[2J", "ok": False, "seen": "220 \x1b]0;owned\x07"}]
    assert check_lines(checks) == "port�[2J: 220 �]0;owned�."


def test_a_note_of_what_was_found_has_none_and_names_it_still() -> None:
    note = _line(EVIL, ["WS1"])
    assert note == f"- {SHOWN} (Up�[1Adates), on 1: WS1"
    assert names_it(note, EVIL)
    assert names_it(f"as tickets had it before: {TITLE}", EVIL)
    assert not names_it("- another, on 1: WS1", EVIL)


def test_the_lines_of_a_run_have_none() -> None:
    board = Board()
    board.open({"WS1": "pilot"}, NIGHT)
    changed = board.take({"WS1": {"step": "leave", "why": f"{TITLE} is held"}}, NIGHT)
    (line,) = lines.changes(changed, 5)
    assert line == f"1 left ({SHOWN} is held): WS1"


class Client:
    """Takes what is written to a PSA."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []

    def all(self, path: str) -> list[dict[str, Any]]:  # noqa: ARG002
        return []

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        self.written.append(body)
        return {"id": 1, **body}


class There:
    """A directory in which everything is there."""

    def company(self, name: str | None) -> int:  # noqa: ARG002
        return 1

    board = priority = company


def test_what_older_runs_have_wanted_reaches_nobody_with_them() -> None:
    """Nor names from the RMM, which a ticket quotes: they are held back at the door."""
    client: Any = Client()
    there: Any = There()
    delivery = Delivery(client, there, board="B", on_call_board=None, layout=Layout({}, {}))
    wanted = {"id": "1", "xref": "x", "summary": TITLE, "text": f"one\n{TITLE}", "priority": 3, "client": "Acme"}
    delivery.create(wanted)
    delivery.note(1, wanted)
    alert = {**wanted, "incident": "i", "action": "trigger", "severity": "critical", "source": "WS1"}
    ticket, note = client.written
    assert ticket["summary"] == SHOWN
    assert ticket["initialDescription"].startswith("one\nEvil �]")
    for words in (
        *(str(ticket[key]) for key in ("summary", "initialDescription")),
        note["text"],
        pagerduty(alert, "k", text_of(NIGHT), 0)["payload"]["summary"],
        generic(alert, text_of(NIGHT), 0)["summary"],
    ):
        assert not COMMANDS.search(words)
