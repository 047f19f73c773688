# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that sleep when their turn comes, on the lab: missed windows counted, Wake-on-LAN where the policy wants it.

The first night without the policy's ``wake``, two runs in it; the second with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ansible_in, running_lab
from .ring import BIG, POLICY, SMALL, Night, sentence, workstation, write_fleet

FLEET = {
    "Acme": {
        "UP": workstation(),
        "LT1": workstation(),
        "LT2": workstation(),
        "SLOW": workstation(),
        "DEEP": workstation(wakes=False),
        "LEFT": workstation(),
    },
    "Birch": {"ALONE": workstation()},
}
EVENING = "2026-11-11T02:00:00Z"
WAKING = {
    "wake": True,
    "wake_time_limit": "12m",
    "endpoints": {
        "LEFT": {"wake": False},
        "SLOW": {"wake_time_limit": "40m", "failure": {"unreachable_tolerated": 0}},
    },
}
SLEEPERS = ("LT1", "LT2", "SLOW", "DEEP", "LEFT", "ALONE")


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Night, dict[str, Any]]]:
    folder: Path = tmp_path_factory.mktemp("asleep")
    runs: dict[str, Any] = {}
    with running_lab(folder / "lab", write_fleet(folder / "fleet.yml", FLEET), "--start", EVENING) as lab:
        night = Night(lab, ansible_in(folder), folder, policy={**POLICY})
        # everybody was searched in the evening, while they were on
        runs["evening"] = night.run()
        for machine in SLEEPERS:
            lab.update_machine(machine, asleep=True)
        lab.set_clock("2026-11-11T07:05:00Z")
        runs["first"] = night.run()
        runs["first again"] = night.run()
        waking = folder / "waking.yml"
        waking.write_text(yaml.safe_dump({"clock": "simulated", **POLICY, **WAKING}))
        lab.set_clock("2026-11-12T07:05:00Z")
        lab.inject({"target": "SLOW", "kind": "hang", "times": 2})  # of a knock and a look
        runs["second"] = night.run(env={"MSP_PATCHING_POLICY": str(waking)})
        for name, run in runs.items():
            (folder / f"{name}.log").write_text(run.output)
        yield night, runs


def test_no_run_is_red_for_who_sleeps(nights: tuple[Night, dict[str, Any]]) -> None:
    for name, run in nights[1].items():
        assert run.returncode == 0, (name, run.output)


def test_a_missed_window_is_counted_once_and_told(nights: tuple[Night, dict[str, Any]]) -> None:
    night, runs = nights
    for machine in SLEEPERS:
        assert [body["start"][:16] for body in night.bodies("window.away", machine)] == [
            "2026-11-11T07:00",
            "2026-11-12T07:00",
        ]
    assert night.bodies("window.away", "UP") == []
    said = sentence(runs["second"].output)
    assert "1 window missed since 11 Nov" in said
    assert "DEEP is unreachable (the agent is silent; it is caught up later; 1 window missed since 11 Nov)" in said


def test_who_is_to_be_woken_is_woken_from_its_location_in_one_task(nights: tuple[Night, dict[str, Any]]) -> None:
    night, dummy = nights
    sent = [entry for entry in night.lab.journal(limit=100_000, face="winrm") if "win_wake" in str(entry.get("module"))]
    assert [entry["machine"] for entry in sent] == ["UP"]
    assert {event.endpoint for event in night.events("wake.sent")} == {"DEEP", "LT1", "LT2", "SLOW"}
    assert [body["peer"] for body in night.bodies("wake.sent")] == ["UP"] * 4
    assert [len(night.happened(machine, "wake.heard")) for machine in SLEEPERS] == [1, 1, 1, 1, 0, 0]


def test_who_wakes_is_patched_in_the_same_window_and_caught_up(nights: tuple[Night, dict[str, Any]]) -> None:
    night, runs = nights
    for machine in ("LT1", "LT2", "SLOW"):
        assert sorted(night.installed(machine)) == [BIG, SMALL], machine
        assert night.decision(machine) == ("none", "approval.nothing_approved")
        (body,) = night.bodies("window.caught_up", machine)
        assert body["windows"] == 1
        assert f"{machine}: caught up after 1 missed window, the first on 11 Nov" in sentence(runs["second"].output)
    night.agrees("UP", "LT1", "LT2", "SLOW")


def test_who_wakes_slowly_is_not_given_up_before_its_time(nights: tuple[Night, dict[str, Any]]) -> None:
    """It accepts connections before it answers; once is more often than its policy tolerates of who is awake."""
    night, dummy = nights
    (woken,) = night.events("wake.sent", endpoint="SLOW")
    (silent,) = night.events("endpoint.unreachable", endpoint="SLOW")
    assert woken.at < silent.at


def test_who_does_not_wake_or_is_not_to_be_is_left_alone_and_it_is_said_why(
    nights: tuple[Night, dict[str, Any]],
) -> None:
    night, runs = nights
    for machine in ("DEEP", "LEFT", "ALONE"):
        assert night.installed(machine) == []
        assert night.decision(machine) == ("wait", "posture.offline")
    said = sentence(runs["second"].output)
    assert "ALONE: not woken: no other machine of Birch, Office is up to wake it from" in said
    assert "DEEP: woken from UP" in said
    assert "LEFT: " not in said.partition("What this run did")[2].partition("Tiers")[0]
