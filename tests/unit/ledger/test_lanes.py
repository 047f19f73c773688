# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Out-of-band cycles by hand (R3): opened once, with a soak of their own while they last, for whom they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Register, decide, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.lanes import (
    doubtful_cycle,
    end_out_of_band,
    lanes,
    open_out_of_band,
)
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.people import DecisionError
from tests.unit.flow.build import NIGHT, soaked, update, workstation

DAY = timedelta(days=1)
WHO: dict[str, Any] = {"by": "a.kern", "reason": "exploited"}
WANTED: dict[str, Any] = {"updates": ["KB5046613"], "soak_days": 0.5, **WHO}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger.open("sqlite://")


def put(ledger: Ledger, events: list[Event]) -> list[str]:
    ledger.append(events, run="r")
    return [event.body["cycle"] for event in events]


def test_it_gets_the_next_free_name_of_its_month_and_lasts_seven_days(ledger: Ledger) -> None:
    (event,) = open_out_of_band(ledger, NIGHT, **WANTED, others={"2026-11-oob1"})
    assert {**event.body, "start": "", "end": ""} == {
        "cycle": "2026-11-oob2",
        "start": "",
        "end": "",
        "updates": ["5046613"],
        "soak_days": 0.5,
        "client": None,
        **WHO,
    }
    assert (event.body["start"], event.body["end"]) == (text_of(NIGHT), text_of(NIGHT + 7 * DAY))


def test_the_same_again_opens_nothing_and_another_gets_another_name(ledger: Ledger) -> None:
    assert put(ledger, open_out_of_band(ledger, NIGHT, **WANTED)) == ["2026-11-oob1"]
    assert open_out_of_band(ledger, NIGHT + DAY, **WANTED) == []
    assert open_out_of_band(ledger, NIGHT + DAY, cycle="2026-11-oob1", **WANTED) == []
    assert put(ledger, open_out_of_band(ledger, NIGHT, client="Acme", **WANTED)) == ["2026-11-oob2"]
    assert put(ledger, open_out_of_band(ledger, NIGHT + 8 * DAY, **WANTED)) == ["2026-11-oob3"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"updates": []}, "names its `updates`"),
        ({"soak_days": -1}, "soak_days is -1: days from 0 to 365 are wanted"),
        ({"end": "soon"}, "end: 'soon'"),
        ({"end": "2026-11-12T01:00:00-05:00"}, "is not after the start"),
        ({"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"}, "is not after now"),
        ({"cycle": "2026-11"}, "a month with a suffix is wanted"),
        ({"cycle": "november-oob1"}, "a month with a suffix is wanted"),
        ({"cycle": "2026-11-oob7"}, "is one of the policy document"),
        ({"cycle": "2026-11-oob1", "soak_days": 3}, "is on the ledger already, and another"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(ledger: Ledger, given: dict[str, Any], said: str) -> None:
    put(ledger, open_out_of_band(ledger, NIGHT, **WANTED))
    with pytest.raises(DecisionError, match=said):
        open_out_of_band(ledger, NIGHT, **WANTED | given, others={"2026-11-oob7"})


def node(ledger: Ledger, client: str = "Acme", days: int = 0) -> str:
    """Where a regular workstation stands with an update that soaked for a day."""
    policy = load_policy({}).with_lanes(lanes(ledger))
    register = Register.parse({"soak": [soaked(installed_at=text_of(NIGHT - DAY), validated_at=text_of(NIGHT - DAY))]})
    found = decide(workstation(ring="regular", client=client), [update()], register, policy, NIGHT + days * DAY)
    return found.node


def test_while_it_is_open_its_updates_soak_as_long_as_it_says(ledger: Ledger) -> None:
    assert node(ledger) == "gate.soak"
    put(ledger, open_out_of_band(ledger, NIGHT, client="Acme", **WANTED))
    assert (node(ledger), node(ledger, "Birch")) == ("deploy.install", "gate.soak")
    put(ledger, end_out_of_band(ledger, NIGHT + DAY, cycle="2026-11-oob1", **WHO))
    assert node(ledger, days=1) == "gate.soak"
    assert end_out_of_band(ledger, NIGHT + 2 * DAY, cycle="2026-11-oob1", **WHO) == []
    before = ledger.rows("cycles")
    ledger.rebuild()
    assert ledger.rows("cycles") == before


def test_one_that_nobody_opened_by_hand_cannot_be_ended_by_hand(ledger: Ledger) -> None:
    put(ledger, open_out_of_band(ledger, NIGHT, **WANTED))
    with pytest.raises(DecisionError, match="'2026-11-oob9' was opened by hand; there is: 2026-11-oob1"):
        end_out_of_band(ledger, NIGHT, cycle="2026-11-oob9", **WHO)


@pytest.mark.parametrize(
    ("cycle", "said"),
    [
        ("2026-11", None),
        ("2026-11-oob1", None),
        ("2026-11-oob7", None),
        ("2026-10", "was over at 2026-11-10T"),
        ("2026-12", "opens at 2026-12-08T"),
        ("2026-11-oob2", "no out-of-band cycle 2026-11-oob2 is open"),
    ],
)
def test_a_go_for_a_cycle_that_is_not_open_is_doubted(ledger: Ledger, cycle: str, said: str | None) -> None:
    put(ledger, open_out_of_band(ledger, NIGHT, **WANTED))
    found = doubtful_cycle(ledger, cycle, NIGHT, others={"2026-11-oob7"})
    assert found == said or (said and found and said in found)
