# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an endpoint is, and the RMM's number for it, is on the ledger also where nothing else is new of it: one that is
left out night after night is to be known again on the day it is called something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, people
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import about
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.overview import Place, places
from ansible_collections.msp.patching.plugins.plugin_utils.planning.look import Look
from ansible_collections.msp.patching.plugins.plugin_utils.planning.session import Session
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING
from tests.unit.flow.build import workstation

NOW = datetime(2026, 11, 12, 7, 30, tzinfo=UTC)
DAY = timedelta(days=1)


class HostVars(dict[str, Mapping[str, Any]]):
    """Host variables as Ansible has them for an action."""

    raw_get = dict.__getitem__


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    policy = tmp_path / "policy.yml"
    policy.write_text("clock: simulated\n")
    return Settings(
        ledger=f"sqlite:///{tmp_path}/ledger.sqlite", policy=policy, as_of=NOW, by="j.doe", spool=tmp_path / "spool"
    )


def run(settings: Settings, now: datetime, fleet: list[Endpoint], **options: Any) -> Session:
    names = [one.name for one in fleet]
    recorder = Recorder(replace(settings, as_of=now, **options))
    session = Session(recorder, hostvars_of(fleet), names, names, [*ACTING], names, names)
    session.open(None)
    return session


def hostvars_of(fleet: list[Endpoint]) -> HostVars:
    return HostVars({one.name: {f"patching_{key}": value for key, value in one.as_record().items()} for one in fleet})


@pytest.fixture
def excepted(settings: Settings) -> Settings:
    """CNC was excepted and decided about before the ledger had the RMM's numbers."""
    recorder = Recorder(settings)
    given: dict[str, Any] = {"code": "VENDOR", "reason": "no later build", "by": "j.doe"}
    signed = {"signed_by": "Dana Reyes", "signed_at": (NOW - DAY).isoformat()}
    recorder.append(
        recorder.ledger, people.except_from(recorder.ledger, NOW, scope={"endpoint": "CNC"}, **given, **signed)
    )
    skipped: dict[str, Any] = {"action": "skip", "node": "scope.excluded", "reason": "", "until": None, "path": []}
    body = {
        "decision": {**skipped, "updates": [], "left_out": []},
        "cycle": "2026-11",
        **about(workstation(name="CNC")),
    }
    recorder.append(recorder.ledger, [Event("plan.decided", "CNC", NOW - DAY, body)])
    return settings


def kinds(settings: Settings) -> list[str]:
    ledger = Ledger.open(settings.ledger)
    return [event.kind for _seq, _run, event in ledger.events() if event.endpoint]


def test_who_is_left_out_as_before_is_known_by_its_number_from_now_on(excepted: Settings) -> None:
    here = workstation(name="CNC", id=1)
    run(excepted, NOW, [here])
    assert places(Ledger.open(excepted.ledger))["CNC"] == Place("Acme", "Main", 1, "pilot")
    assert kinds(excepted) == ["plan.decided", "endpoint.seen"]
    run(excepted, NOW + DAY, [here])
    assert kinds(excepted) == ["plan.decided", "endpoint.seen"], "once"

    session = run(excepted, NOW + 2 * DAY, [workstation(name="MILL", id=1)])
    assert any("the exception for endpoint MILL, which holds" in text for text in session.troubles)


def test_since_when_it_is_left_out_does_not_change(excepted: Settings) -> None:
    run(excepted, NOW, [workstation(name="CNC", id=1)])
    (row,) = (row for row in Ledger.open(excepted.ledger).rows("endpoints") if row["name"] == "CNC")
    assert datetime.fromisoformat(row["decided_at"]) == NOW - DAY


def test_where_it_moves_to_is_on_the_ledger(excepted: Settings) -> None:
    run(excepted, NOW, [workstation(name="CNC", id=1)])
    run(excepted, NOW + DAY, [workstation(name="CNC", id=1, location="Annex")])
    assert places(Ledger.open(excepted.ledger))["CNC"] == Place("Acme", "Annex", 1, "pilot")


def test_explain_of_one_sees_who_else_is_where_it_was(settings: Settings) -> None:
    """One that has moved to another client is no client that was renamed, also where only that one is asked about."""
    sql = workstation(name="SQL", id=3)
    run(settings, NOW, [workstation(name="CNC", id=1), sql])
    recorder = Recorder(replace(settings, as_of=NOW))
    recorder.append(
        recorder.ledger,
        people.except_from(
            recorder.ledger, NOW, scope={"client": "Acme"}, code="VENDOR", reason="no later build", by="j.doe"
        ),
    )
    fleet = hostvars_of([workstation(name="CNC", id=1, client="Cedar"), sql])
    look = Look(recorder, fleet, ["CNC"], ["CNC", "SQL"])
    assert look.plan.decisions["CNC"].node != "scope.exception_unsigned"
    renamed = hostvars_of(
        [workstation(name=name, id=number, client="Cedar") for name, number in (("CNC", 1), ("SQL", 3))]
    )
    look = Look(recorder, renamed, ["CNC"], ["CNC", "SQL"])
    assert look.plan.decisions["CNC"].node == "scope.exception_unsigned"


def test_a_check_records_nothing(excepted: Settings) -> None:
    run(excepted, NOW, [workstation(name="CNC", id=1)], check_mode=True)
    assert kinds(excepted) == ["plan.decided"]
