# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R6 between runs: the moment before a restart is asked for, whatever the plan said when it was made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.msp.patching.plugins.action.step import _may_go_on
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, redundancy_key
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import about
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import Step
from ansible_collections.msp.patching.plugins.plugin_utils.planning.turns import CLAIMED, claims_of

NOW = datetime(2026, 11, 11, 8, 5, tzinfo=UTC)
CONTROLLERS = {
    name: Endpoint.parse({"name": name, "client": "Acme", "kind": "server", "role": "domain_controller"})
    for name in ("DC01", "DC02")
}
GROUP = redundancy_key(CONTROLLERS["DC01"])
Runs = tuple[Recorder, Recorder]


@pytest.fixture
def runs(tmp_path: object) -> Runs:
    settings = Settings(ledger=f"sqlite:///{tmp_path}/ledger.sqlite", by="j.doe")
    return Recorder(settings), Recorder(settings)


def claim(run: Recorder, name: str, lasts: timedelta = CLAIMED) -> None:
    wanted = claims_of({name: Step("reboot", "")}, {name: GROUP})
    run.ledger.claim(wanted[name], run.holder, lasts)


def restarts(run: Recorder, name: str) -> bool:
    assert GROUP is not None
    return _may_go_on(run, name, list(GROUP))


def test_one_of_a_group_restarts(runs: Runs) -> None:
    ours, theirs = runs
    claim(ours, "DC01")
    assert restarts(ours, "DC01")
    assert not restarts(theirs, "DC02")


def test_of_a_pass_that_took_longer_than_its_claims_only_who_asks_first_restarts(runs: Runs) -> None:
    ours, theirs = runs
    claim(ours, "DC01", lasts=timedelta(seconds=-60))
    claim(theirs, "DC02")
    assert restarts(theirs, "DC02")
    assert not restarts(ours, "DC01")


def test_who_has_the_turn_of_a_group_of_which_one_went_down_meanwhile_does_not_restart(runs: Runs) -> None:
    ours, theirs = runs
    claim(theirs, "DC02")
    assert restarts(theirs, "DC02")
    theirs.record([Event("reboot.started", "DC02", NOW, {"boot_id": "1", **about(CONTROLLERS["DC02"])})])
    theirs.ledger.claim([], theirs.holder, CLAIMED)  # its next plan has another claim
    claim(ours, "DC01")
    assert not restarts(ours, "DC01")
    ours.ledger.claim([], ours.holder, CLAIMED)
    assert restarts(theirs, "DC02"), "who is down itself keeps nobody from its own turn"


def test_who_is_of_no_group_asks_nobody(runs: Runs) -> None:
    ours, theirs = runs
    claim(ours, "DC01")
    assert _may_go_on(theirs, "WS01", None)
