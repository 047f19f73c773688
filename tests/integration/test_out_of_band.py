# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emergency at 3 am (R3): a cycle opened by hand, a soak of half a day, a go for it, its end; on the lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import ansible_in, running_lab
from .ring import BIG, ROOT, SMALL, Night, sentence, server, workstation, write_fleet

CYCLE = ROOT / "playbooks" / "cycle.yml"
OOB = ROOT / "playbooks" / "out_of_band.yml"
EXPLAIN = ROOT / "playbooks" / "explain.yml"
FLEET = {
    "Acme": {
        "PILOT1": workstation(),
        "REG1": workstation(ring="Regular"),
        "DC01": server("Domain Controller", ring="Regular"),
    },
    "Birch": {"REG2": workstation(ring="Regular")},
    "Solo": {"SOLO1": server("Utility", ring="Production")},
}
WANTED = (
    "-e",
    f"updates=KB{BIG}",
    "-e",
    "soak_days=0.5",
    "-e",
    "client=Acme",
    "-e",
    "reason=exploited",
    "-e",
    "by=kern",
)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Night, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("oob")
    runs: dict[str, Any] = {}
    with running_lab(folder / "lab", write_fleet(folder / "fleet.yml", FLEET)) as lab:
        night = Night(lab, ansible_in(folder), folder)
        runs["first night"] = night.run(playbook=CYCLE)
        runs["opened"] = night.run(*WANTED, playbook=OOB)
        runs["again"] = night.run(*WANTED, playbook=OOB)
        runs["no soak"] = night.run("-e", "updates=KB1", "-e", "reason=x", playbook=OOB)
        go = ("-e", "endpoint=DC01", "-e", "reason=tonight", "-e", "by=kern")
        runs["go"] = night.run(*go, "-e", "cycle=2026-11-oob1", playbook=ROOT / "playbooks" / "authorize.yml")
        runs["other go"] = night.run(*go, "-e", "cycle=2026-11-oob9", playbook=ROOT / "playbooks" / "authorize.yml")
        runs["explained"] = night.run("-l", "REG1", playbook=EXPLAIN)
        runs["before the tier's go"] = night.decision("SOLO1")
        night.decide("authorize", client="Solo", ring="production", kind="server", reason="agreed with the client")
        lab.set_clock("2026-11-12T07:01:00Z")
        runs["second night"] = night.run(playbook=CYCLE)
        words = ("-e", "state=ended", "-e", "cycle=2026-11-oob1", "-e", "reason=done", "-e", "by=kern")
        runs["ended"] = night.run(*words, playbook=OOB)
        yield night, runs


def test_it_is_on_the_ledger_once_with_who_and_why(story: tuple[Night, dict[str, Any]]) -> None:
    night, runs = story
    for name in ("first night", "opened", "again", "go", "other go", "second night", "explained", "ended"):
        assert runs[name].returncode == 0, (name, runs[name].output)
    (body,) = [body for body in night.bodies("cycle.opened") if body["cycle"] != "2026-11"]
    assert (body["cycle"], body["by"], body["reason"]) == ("2026-11-oob1", "kern", "exploited")
    assert (body["updates"], body["soak_days"], body["client"]) == ([BIG], 0.5, "Acme")
    (ended,) = night.bodies("cycle.ended")
    assert ended == {"cycle": "2026-11-oob1", "by": "kern", "reason": "done"}
    night.agrees("PILOT1", "REG1", "DC01", "REG2")


def test_its_update_leaves_the_pilot_early_for_its_client_and_no_other_does(
    story: tuple[Night, dict[str, Any]],
) -> None:
    night, dummy = story
    assert sorted(night.installed("PILOT1")) == [BIG, SMALL]
    assert night.installed("REG1") == [BIG]
    assert night.installed("REG2") == []
    for machine in ("REG1", "REG2"):
        assert night.decision(machine) == ("hold", "gate.soak")


def test_a_go_for_it_is_one_for_its_update_alone(story: tuple[Night, dict[str, Any]]) -> None:
    night, runs = story
    assert night.installed("DC01") == [BIG]
    assert "no out-of-band cycle 2026-11-oob9 is open" in sentence(runs["other go"].output)
    assert "no out-of-band cycle" not in runs["go"].output


def test_a_single_server_needs_no_pilot_but_a_go_which_one_for_its_tier_is(story: tuple[Night, dict[str, Any]]) -> None:
    """Section 5; it is the client's only server."""
    night, runs = story
    assert runs["before the tier's go"] == ("manual", "gate.authorization")
    assert sorted(night.installed("SOLO1")) == [BIG, SMALL]
    assert night.decision("SOLO1") == ("none", "approval.nothing_approved")


def test_explain_tells_it(story: tuple[Night, dict[str, Any]]) -> None:
    dummy, runs = story
    said = sentence(runs["explained"].output)
    assert "(of the out-of-band cycle 2026-11-oob1, opened by kern: exploited)" in said


def test_what_is_not_right_is_named_and_nothing_opens(story: tuple[Night, dict[str, Any]]) -> None:
    dummy, runs = story
    assert runs["no soak"].returncode != 0
    assert "an out-of-band cycle needs soak_days" in sentence(runs["no soak"].output)
