# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pilot is the same for every run (R5), also for one whose inventory has a single ring: the ledger knows it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import about
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import make_plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING
from tests.unit.flow.build import NIGHT, server, update, workstation

TAKEN = NIGHT - timedelta(days=8)
DONE = {"results": [{"update": "u1", "ok": True, "hresult": None}], "reboot_required": False}
FAILED = {
    "id": "f1",
    "step": "install",
    "update": "u1",
    "hresult": None,
    "name": None,
    "class": "unknown",
    "text": "it failed",
    "next_window": None,
    "cycle": "2026-11",
}
WAITING = workstation(name="WS", ring="regular")
SERVER = server(name="SRV", role="utility")
PILOT = workstation(name="P1", ring="pilot")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger.open("sqlite://")


def took(ledger: Ledger, pilot: Endpoint) -> None:
    """A pilot endpoint took the update eight days ago, and is healthy."""
    told = about(pilot)
    done = Event("install.finished", pilot.name, TAKEN, {**DONE, **told})
    healthy = Event("validation.finished", pilot.name, TAKEN, {"healthy": True, "checks": [], **told})
    ledger.append([done, healthy], run="r")


def node(ledger: Ledger, endpoint: Endpoint, *, pilots: tuple[Endpoint, ...] = ()) -> str:
    searched = {"updates": [update().as_record()], **about(endpoint)}
    ledger.append([Event("scan.finished", endpoint.name, NIGHT, searched)], run="r")
    plan = make_plan(ledger, load_policy({}), {endpoint.name: endpoint}, NIGHT, run=None, actions=ACTING, pilots=pilots)
    return plan.decisions[endpoint.name].node


def test_a_failure_in_the_pilot_counts_for_a_run_that_has_no_pilot(ledger: Ledger) -> None:
    took(ledger, PILOT)
    failing = workstation(name="P2", ring="pilot")
    assert node(ledger, WAITING) == "deploy.install"
    ledger.append([Event("failure.opened", "P2", TAKEN, {**FAILED, **about(failing)})], run="r")
    assert node(ledger, WAITING) == "gate.soak"


@pytest.mark.parametrize("now", [None, workstation(name="P1", ring="regular")], ids=["elsewhere", "in another ring"])
def test_what_a_workstation_took_proves_nothing_to_a_server(ledger: Ledger, now: Endpoint | None) -> None:
    """Whatever has become of the workstation since."""
    took(ledger, PILOT)
    if now is not None:
        ledger.append([Event("reminder.shown", "P1", NIGHT, about(now))], run="r")
    assert node(ledger, SERVER) == "gate.soak"
    assert node(ledger, WAITING) == "deploy.install"
    took(ledger, server(name="P3", ring="pilot"))
    assert node(ledger, SERVER) == "deploy.install"


def test_one_whose_kind_nobody_knows_any_more_counts_as_what_it_was(ledger: Ledger) -> None:
    took(ledger, server(name="P3", ring="pilot"))
    ledger.append([Event("reminder.shown", "P3", NIGHT, about(server(name="P3", ring="pilot", kind=None)))], run="r")
    assert node(ledger, SERVER) == "deploy.install"


def test_the_inventory_knows_better_who_is_in_the_pilot(ledger: Ledger) -> None:
    """One that the run itself has in another ring is in the pilot no more, and its failure holds itself alone."""
    took(ledger, PILOT)
    ledger.append(
        [Event("failure.opened", "P2", TAKEN, {**FAILED, **about(workstation(name="P2", ring="pilot"))})], run="r"
    )
    moved = workstation(name="P2", ring="regular")
    assert node(ledger, WAITING) == "gate.soak"
    assert node(ledger, WAITING, pilots=(moved,)) == "deploy.install"
