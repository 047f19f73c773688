# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night whose runs are killed: the last one finds everything where it was left, and does nothing twice."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from pathlib import Path

from .conftest import LabStarter
from .ring import BIG, SMALL, Ansible, Night, kill, single, workstation, write_fleet

MACHINES = ("WS01", "WS02", "WS03")
SEED = 7246
LONGEST = 60.0


def test_killed_at_random_points_of_the_night(start_lab: LabStarter, ansible: Ansible, tmp_path: Path) -> None:
    """Each run is killed some events further; where exactly, the seed says."""
    fleet = write_fleet(tmp_path / "fleet.yml", single({name: workstation() for name in MACHINES}), speed=40)
    night = Night(start_lab(fleet), ansible, tmp_path)
    dice = random.Random(SEED)
    for dummy in range(4):
        with night.running() as run:
            wait_for_events(night, run, dice.randint(3, 9), dice.uniform(0.0, 0.5))
            kill(run)
        night.ledger.verify()
    while not all(night.lab.machine(machine)["reachable"] for machine in MACHINES):
        time.sleep(0.05)  # one that the last kill left in mid-boot would be caught up by the run after the next
    last = night.run()
    assert last.returncode == 0, last.output
    night.ledger.verify()
    for machine in MACHINES:
        assert Counter(night.installed(machine)) == {BIG: 1, SMALL: 1}
        assert night.boots(machine) == 1
        assert night.decision(machine) == ("none", "approval.nothing_approved")
        assert night.bodies("validation.finished", machine)[-1]["healthy"]
    assert night.events("failure.opened") == []
    assert len({run for _seq, run, _event in night.ledger.events()}) >= 2
    assert night.ledger.rebuild() == night.ledger.head()[0]
    mark = night.mark()
    assert night.run().returncode == 0
    assert night.touched(mark) == set()


def wait_for_events(night: Night, run: subprocess.Popen[str], count: int, more: float) -> None:
    """Until the run has recorded `count` events, and `more` seconds; or until it is done, which is fine as well."""
    before, end = night.ledger.head()[0], time.monotonic() + LONGEST
    while night.ledger.head()[0] < before + count and run.poll() is None:
        assert time.monotonic() < end, "nothing was recorded while the run went on"
        time.sleep(0.02)
    time.sleep(more)
