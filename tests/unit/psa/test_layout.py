# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a ticket goes, by topic, queue and on-call; and a layout document that is not right."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.psa.layout import Layout, LayoutError, Place

LAYOUT = Layout.parse(
    {
        "topics": {"failure": {"type": "Patch Failure", "status": "New"}},
        "queues": {"Support": {"board": "Help Desk", "team": "First Line"}},
        "closed": "Resolved",
    }
)


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ({}, Place("Main")),
        ({"topic": "compliance"}, Place("Main")),
        ({"topic": "failure"}, Place("Main", "Patch Failure", None, "New")),
        ({"queue": "support"}, Place("Help Desk", None, "First Line")),
        ({"queue": "nobody's"}, Place("Main")),
        ({"topic": "failure", "queue": "SUPPORT"}, Place("Help Desk", "Patch Failure", "First Line", "New")),
        ({"topic": "failure", "queue": "support", "on_call": True}, Place("Woken", "Patch Failure")),
    ],
)
def test_a_queue_outranks_a_topic_and_on_call_outranks_both(wanted: dict[str, Any], place: Place) -> None:
    assert LAYOUT.place(wanted, "Main", "Woken") == place


def test_without_a_board_of_its_own_on_call_is_no_place() -> None:
    assert LAYOUT.place({"on_call": True, "queue": "support"}, "Main", None).board == "Help Desk"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "the layout is []: a mapping is wanted"),
        ({"queue": {}}, "the layout has the key 'queue'; there is: topics, queues, closed"),
        ({"topics": {"failures": {}}}, "topics has the key 'failures'; there is: failure, reboot, compliance"),
        (
            {"queues": {"support": {"bord": "x"}}},
            "queues.support has the key 'bord'; there is: board, type, team, status",
        ),
        ({"queues": {"support": {"board": 7}}}, "queues.support.board is 7: a name in the PSA is wanted"),
        ({"closed": " "}, "closed is ' ': a name in the PSA is wanted"),
    ],
)
def test_what_is_not_right_is_named(document: object, words: str) -> None:
    with pytest.raises(LayoutError) as wrong:
        Layout.parse(document)
    assert words in str(wrong.value)


def test_an_empty_document_says_nothing() -> None:
    assert Layout.parse(None) == Layout({}, {})
