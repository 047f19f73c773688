# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure bars the retry (section 8, 5), whatever the RMM calls the endpoint by now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Decision, Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, people
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import about
from ansible_collections.msp.patching.plugins.plugin_utils.planning.explain import page
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import make_plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING
from tests.unit.flow.build import NIGHT, update, workstation
from tests.unit.planning.test_explain import RUN, at_node

FAILED = {
    **dict.fromkeys(("update", "hresult", "name", "next_window")),
    "id": "f1",
    "step": "install",
    "class": "unknown",
    "text": "it failed",
    "cycle": "2026-11",
}
MILL = workstation(name="MILL", id=7)
CAUSE: dict[str, Any] = {"by": "j.doe", "code": "DISK", "text": "the disk was full"}


@pytest.fixture
def ledger() -> Ledger:
    """The mill failed yesterday."""
    found = Ledger.open("sqlite://")
    found.append([Event("failure.opened", "MILL", NIGHT - timedelta(days=1), {**FAILED, **about(MILL)})], run="r")
    return found


def decided(ledger: Ledger, endpoint: Endpoint) -> Decision:
    """As a run that has searched it."""
    searched = {"updates": [update().as_record()], **about(endpoint)}
    ledger.append([Event("scan.finished", endpoint.name, NIGHT, searched)], run="r")
    plan = make_plan(ledger, load_policy({}), {endpoint.name: endpoint}, NIGHT, run=None, actions=ACTING)
    return plan.decisions[endpoint.name]


@pytest.mark.parametrize(
    "renamed",
    [
        workstation(name="MILL2", id=7),
        workstation(name="mill.acme-dental", client="Acme Dental", id=7),
        workstation(name="MILL", client="Acme Dental", id=7),
    ],
    ids=["itself", "qualified at a renamed client", "its client"],
)
def test_it_is_not_tried_again_by_another_name(ledger: Ledger, renamed: Endpoint) -> None:
    found = decided(ledger, renamed)
    assert (found.action, found.node) == ("hold", "gate.failure_open")
    assert found.reason.startswith("its failure at" if renamed.name == "MILL" else "its failure, as MILL, at")


@pytest.mark.parametrize(
    "other",
    [
        workstation(name="MILL2", client="Birch", id=7),
        workstation(name="MILL2", id=8),
        workstation(name="MILL2"),
    ],
    ids=["the number of another RMM", "another number", "no number"],
)
def test_another_is_not_barred(ledger: Ledger, other: Endpoint) -> None:
    assert decided(ledger, other).node == "deploy.install"


def test_a_name_that_another_has_now_bars_both_until_the_root_cause_is_documented(ledger: Ledger) -> None:
    """Which of them it was that failed is for people to tell."""
    swapped = [workstation(name="LATHE", id=7), workstation(name="MILL", id=8)]
    assert [decided(ledger, one).node for one in swapped] == ["gate.failure_open"] * 2
    ledger.append(people.root_cause(ledger, NIGHT, endpoint="MILL", **CAUSE), run="r")
    assert [decided(ledger, one).node for one in swapped] == ["deploy.install"] * 2


@pytest.mark.parametrize("name", ["MILL", "MILL2"])
def test_its_root_cause_is_documented_by_either_name(ledger: Ledger, name: str) -> None:
    renamed = workstation(name="MILL2", id=7)
    decided(ledger, renamed)
    ledger.append(people.root_cause(ledger, NIGHT, endpoint=name, **CAUSE), run="r")
    assert decided(ledger, renamed).node == "deploy.install"


def test_a_reboot_that_failed_is_not_tried_again_by_another_name_either(ledger: Ledger) -> None:
    """The walk comes to the reboot before it comes to the failure."""
    failed = {**FAILED, "id": "f2", "step": "reboot", **about(MILL)}
    ledger.append([Event("failure.opened", "MILL", NIGHT - timedelta(hours=20), failed)], run="r")
    for endpoint in (MILL, replace(MILL, name="MILL2")):
        asked = {"results": [], "reboot_required": True, **about(endpoint)}
        ledger.append([Event("install.finished", endpoint.name, NIGHT - timedelta(hours=1), asked)], run="r")
        plan = make_plan(ledger, load_policy({}), {endpoint.name: endpoint}, NIGHT, run=None, actions=ACTING)
        assert plan.decisions[endpoint.name].action == "reboot"
        assert plan.steps[endpoint.name].name != "reboot", endpoint.name


def test_a_reboot_that_failed_bars_by_a_name_that_another_had(ledger: Ledger) -> None:
    """In the first plan, too, when the ledger still has the name as the other's."""
    former, failed = workstation(name="LATHE", id=8), {**FAILED, "id": "f2", "step": "reboot", **about(MILL)}
    asked = {"results": [], "reboot_required": True, **about(former)}
    ledger.append([Event("failure.opened", "MILL", NIGHT - timedelta(hours=20), failed)], run="r")
    ledger.append([Event("install.finished", "LATHE", NIGHT - timedelta(hours=1), asked)], run="r")
    endpoint = workstation(name="LATHE", id=7)
    plan = make_plan(ledger, load_policy({}), {"LATHE": endpoint}, NIGHT, run=None, actions=ACTING)
    assert plan.decisions["LATHE"].action == "reboot"
    assert plan.steps["LATHE"].name != "reboot"


def test_what_it_failed_of_is_over_when_its_new_name_shows_it(ledger: Ledger) -> None:
    renamed = workstation(name="MILL2", id=7)
    decided(ledger, renamed)
    (failure,) = ledger.progress(["MILL2"])["MILL2"].failures
    assert (failure.id, failure.endpoint, failure.client) == ("f1", "MILL", "Acme")
    ledger.append(people.root_cause(ledger, NIGHT, endpoint="MILL2", **CAUSE), run="r")
    assert ledger.progress(["MILL2"])["MILL2"].failures == ()
    assert [one.id for one in ledger.progress(["MILL2"])["MILL2"].documented] == ["f1"]
    ledger.append([Event("failure.cured", "MILL2", NIGHT, {"failure": "f1", "step": "install"})], run="r")
    assert ledger.progress(["MILL2"])["MILL2"].documented == ()


def test_its_hold_is_released_by_its_new_name(ledger: Ledger) -> None:
    held = {"id": "h1", "scope": {"client": "Acme"}, "reason": "MILL failed", "by": "msp.patching", "failure": "f1"}
    ledger.append([Event("hold.placed", None, NIGHT, held)], run="r")
    decided(ledger, workstation(name="MILL2", id=7))
    (released,) = people.release(ledger, NIGHT, endpoint="MILL2", by="j.doe", reason="seen to")
    assert released.body["id"] == "h1"


def test_whoever_asks_why_is_told_by_which_name_to_document_it() -> None:
    failure = {"endpoint": "MILL", "client": "Acme", "endpoint_id": 7, "at": "2026-11-10T08:00:00Z"}
    asked = replace(at_node("gate.failure_open"), endpoint=workstation(name="LATHE", id=7))
    told = asked.explained().decision, replace(asked, register={"failures": [failure]}).explained()
    assert told[0].node != "gate.failure_open"
    assert told[1].decision.node == "gate.failure_open"
    assert f'{RUN}root_cause -e endpoint=MILL -e "code=' in page(told[1])
