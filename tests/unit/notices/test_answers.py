# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A decision is noted on the ticket that asked for it, and on no other."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from ansible_collections.msp.patching.plugins.plugin_utils.notices.answers import answers
from tests.unit.flow.build import DAY, NIGHT, OPTIONAL, update, workstation
from tests.unit.notices.scene import Scene

NOW = NIGHT + 10 * DAY
FLEET = [workstation(name="CNC"), workstation(name="B1", client="Birch")]
WHO: dict[str, Any] = {"by": "j.doe", "reason": "tested", "code": "T"}
SIGNED = {"signed_by": "Dana", "signed_at": NIGHT.isoformat()}


def asked() -> Scene:
    """Two reviews and an unsigned exception on tickets."""
    one = Scene(FLEET)
    found = [update("U-9", kb=["9"], **OPTIONAL), update("u-8", kb=["8"], **OPTIONAL)]
    one.searched(NIGHT, {"CNC": found, "B1": found})
    excepted(one)
    one.run(NIGHT + 7 * DAY)
    assert len(one.tickets()) == 3
    return one


def excepted(one: Scene, **given: Any) -> list[tuple[str, str]]:
    scope = {"endpoint": "CNC"}
    return noted(
        one, people.except_from(one.ledger, NOW, scope=scope, **{**WHO, "expires": "2027-05-01T00:00:00Z", **given})
    )


def noted(one: Scene, decided: list[Any]) -> list[tuple[str, str]]:
    """Puts them on the ledger with what follows; gives the xref and text of each note."""
    notes = answers(one.ledger, decided, NOW)
    one.append([*decided, *notes])
    assert {event.body["action"] for event in notes} <= {"note"}
    return [(event.body["xref"], event.body["text"]) for event in notes]


@pytest.mark.parametrize("name", ["KB9", "9", "u-9"])
def test_an_answered_review(name: str) -> None:
    one = asked()
    decided = people.approve(one.ledger, NOW, updates=[name], decision="approved", **WHO)
    assert noted(one, decided) == [
        (
            "msp.patching/all-clients/review/KB9",
            "Approved by j.doe for all clients. T: tested\nIt is installed in the pilot, and leaves it after the soak.",
        )
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"decision": "declined", "client": "Birch"}, "Declined by j.doe for Birch. T: tested\nIt stands on the"),
        ({"decision": "deferred", "until": "2026-12-24T00:00:00Z"}, "looked at again on Thu 24 Dec 2026 00:00 UTC"),
        ({"decision": "approved", "promote": True}, "It does not wait for the soak."),
    ],
)
def test_every_kind_of_answer(given: dict[str, Any], words: str) -> None:
    one = asked()
    ((dummy, text),) = noted(one, people.approve(one.ledger, NOW, updates=["KB9"], **WHO, **given))
    assert words in text


def test_what_nobody_asked_for_is_noted_nowhere() -> None:
    one = asked()
    assert noted(one, people.approve(one.ledger, NOW, updates=["KB404"], decision="approved", **WHO)) == []
    quiet = Scene(FLEET)
    assert excepted(quiet, **SIGNED) == []


def test_a_signature_a_renewal_and_an_end() -> None:
    one = asked()
    ((xref, text),) = excepted(one, **SIGNED)
    assert xref.startswith("msp.patching/Acme/exception/CNC/")
    assert text == "Signed by Dana on Thu 12 Nov 2026 07:30 UTC, recorded by j.doe. It counts from now on."
    ((again, text),) = excepted(one, expires="2028-01-01T00:00:00Z")
    assert again == xref
    assert text == (
        "Renewed by j.doe until Sat 1 Jan 2028 00:00 UTC. T: tested\n"
        "The client has not signed yet: what it covers is held until then."
    )
    one.run(NOW)
    ended = people.revoke(one.ledger, NOW, scope={"endpoint": "CNC"}, by="t.brandt", reason="replaced")
    ((last, text),) = noted(one, ended)
    assert last != xref
    assert text == "Ended by t.brandt: replaced\nWhat it covered is patched again."
