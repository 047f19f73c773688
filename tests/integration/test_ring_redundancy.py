# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""R6 on the lab: two domain controllers of one client are never down at once, by their own account."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest

from lab.client import LabClient

from .conftest import LabStarter
from .ring import BIG, SMALL, Ansible, Night, kill, sentence, server, workstation, write_fleet

DCS = ("ACME-DC01", "ACME-DC02")


@pytest.fixture
def night(start_lab: LabStarter, ansible: Ansible, tmp_path: Path) -> Night:
    """Both may go: a technician has let them."""
    clients = {
        "Acme": {name: server("Domain Controller", boot_seconds=90) for name in DCS},
        "Bolt": {"BOLT-WS01": workstation(boot_seconds=10)},
    }
    lab = start_lab(write_fleet(tmp_path / "fleet.yml", clients, speed=0))
    night = Night(lab, ansible, tmp_path)
    night.decide("authorize", client="Acme", ring="pilot", kind="server", reason="pilot night")
    lab.speed(50)
    return night


def downtimes(lab: LabClient) -> list[tuple[datetime, datetime, str]]:
    """From shutdown to boot of each domain controller, by time."""
    spans = []
    for name in DCS:
        history = lab.machine(name)["history"]
        down = [entry["at"] for entry in history if entry["event"] == "shutdown"]
        up = [entry["at"] for entry in history if entry["event"] == "boot"]
        assert len(down) == len(up) == 1, (name, history)
        spans.append((datetime.fromisoformat(down[0]), datetime.fromisoformat(up[0]), name))
    return sorted(spans)


def one_after_the_other(night: Night) -> None:
    (dummy, up, first), (down, dummy, second) = downtimes(night.lab)
    validated = night.events("validation.finished", endpoint=first)[0]
    assert up < validated.at < down, f"{second} went down before {first} was validated"
    for name in DCS:
        assert sorted(night.installed(name)) == [BIG, SMALL]
        assert night.bodies("validation.finished", name)[-1]["healthy"]
        assert night.decision(name) == ("none", "approval.nothing_approved")
    night.ledger.verify()


def test_the_second_waits_until_the_first_is_validated(night: Night) -> None:
    assert night.run().returncode == 0
    one_after_the_other(night)
    night.agrees(*DCS, "BOLT-WS01")


def test_two_runs_side_by_side_keep_it_too_and_do_nothing_twice(night: Night) -> None:
    """Each run has one of the two, and both have the workstation."""
    limits = [f"{name},BOLT-WS01" for name in DCS]
    with night.running("-l", limits[0]) as first, night.running("-l", limits[1]) as second:
        outputs = [run.communicate(timeout=200)[0] for run in (first, second)]
        assert [first.returncode, second.returncode] == [0, 0], "\n".join(outputs)
    assert night.run().returncode == 0, "what one left to the other"
    one_after_the_other(night)
    assert sorted(night.installed("BOLT-WS01")) == [BIG, SMALL]
    assert night.boots("BOLT-WS01") == 1
    night.agrees(*DCS, "BOLT-WS01")


def test_the_second_is_not_rebooted_while_the_first_has_not_come_back(night: Night) -> None:
    for name in DCS:  # the first is whoever is looked at first when both have installed
        night.lab.inject({"target": name, "kind": "never_returns"})
    first = night.run()
    assert first.returncode == 2
    assert "has not come back" in sentence(first.output)
    (gone,) = [name for name in DCS if night.happened(name, "reboot.requested")]
    assert f"reboots when {gone} is validated" in sentence(first.output), "and it is said why"
    night.run()
    assert [night.boots(name) for name in DCS] == [0, 0]
    night.lab.clear_faults()
    night.lab.update_machine(gone, power="on")
    night.lab.set_clock("2026-11-12T07:01:00Z")  # on a slow machine little is left of the first window
    assert night.run("-l", "Acme*,ACME*").returncode == 0
    assert [night.boots(name) for name in DCS] == [1, 1]
    assert len(night.happened(gone, "reboot.requested")) == 1


def test_nobody_waits_for_one_that_is_retired(night: Night) -> None:
    for name in DCS:
        night.lab.inject({"target": name, "kind": "never_returns"})
    assert night.run().returncode == 2
    (gone,) = [name for name in DCS if night.happened(name, "reboot.requested")]
    (other,) = set(DCS) - {gone}
    night.lab.clear_faults()
    night.decide("root_cause", endpoint=gone, retired="true", code="HARDWARE", text="the RAID controller died")
    assert night.run().returncode == 0
    assert night.boots(other) == 1
    assert night.boots(gone) == 0


def test_a_run_that_is_killed_leaves_the_turn_to_the_next(night: Night) -> None:
    night.lab.speed(20)  # two runs have to fit into what is left of the window, on a slow machine too
    with night.running() as run:
        while not night.events("reboot.started", endpoint=DCS[0]):
            assert run.poll() is None, "the run ended before the first reboot"
            time.sleep(0.05)
        kill(run)
    assert night.run().returncode == 0
    one_after_the_other(night)
