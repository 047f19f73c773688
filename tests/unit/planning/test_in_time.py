# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Until when what a plan orders may begin: in a pass of many an endpoint's turn may come late."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import make_plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING, Step
from tests.unit.flow.build import NIGHT, at, workstation

HALF_PAST_THREE = at("2026-11-12 03:30")  # the window closes at 04:00
INSTANT = timedelta(microseconds=1)


def until(step: str, *freezes: dict[str, Any]) -> datetime | None:
    endpoints = {"A": workstation(name="A")}
    policy = load_policy({"freezes": [{"name": "freeze", **row} for row in freezes]})
    plan = make_plan(Ledger.open("sqlite://"), policy, endpoints, NIGHT, run="r", actions=ACTING)
    ordered = replace(plan, steps={"A": Step(step, "")}).orders()["A"].get("until")
    return None if ordered is None else datetime.fromisoformat(ordered)


def span(start: str, end: str, **whom: str) -> dict[str, Any]:
    return {"start": f"2026-11-12T{start}", "end": f"2026-11-12T{end}", **whom}


@pytest.mark.parametrize("step", ["install", "reboot"])
@pytest.mark.parametrize(
    ("freezes", "latest"),
    [
        ([], HALF_PAST_THREE),
        ([span("02:45", "06:00")], at("2026-11-12 02:45") - INSTANT),
        ([span("03:20", "06:00"), span("03:10", "03:15")], at("2026-11-12 03:10") - INSTANT),
        ([span("03:30", "06:00")], HALF_PAST_THREE - INSTANT),
        ([span("03:31", "06:00")], HALF_PAST_THREE),
        ([span("01:00", "02:30")], HALF_PAST_THREE),
        ([span("02:45", "06:00", client="Other")], HALF_PAST_THREE),
    ],
)
def test_nothing_begins_in_too_little_of_a_window_or_in_a_freeze(
    step: str, freezes: list[dict[str, Any]], latest: datetime
) -> None:
    assert until(step, *freezes) == latest


@pytest.mark.parametrize("step", ["scan", "validate"])
def test_what_changes_nothing_may_begin_at_any_hour(step: str) -> None:
    assert until(step, span("02:45", "06:00")) is None
