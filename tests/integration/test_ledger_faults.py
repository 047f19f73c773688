# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that cannot be written in mid-run: its folder is read-only, its disk full, another program has locked it.

Each time the run says so, does no further step, and loses nothing of what it has seen; the next one enters that. And a
ledger that was restored from an older copy, which nobody acts on.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger

from .conftest import LabStarter
from .ring import BIG, LONGEST, LOOK, ROOT, SMALL, Ansible, Night, sentence, single, workstation, write_fleet
from .small_disk import SmallDisk, small_disk

MACHINES = ("READONLY", "FULL", "LOCKED")


LOCK = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], isolation_level=None) as other:
    other.execute("BEGIN IMMEDIATE")
    print("locked", flush=True)
    sys.stdin.read()
    other.rollback()
other.close()
"""


@dataclass
class Inside(Night):
    """A night whose ledger is on a small disk; SQLite finds no way in from outside, so a copy is looked at."""

    disk: SmallDisk | None = None

    @property
    def ledger(self) -> Ledger:
        assert self.disk is not None
        for name in ("ledger.sqlite", "ledger.sqlite-wal"):
            source, copy = self.disk.seen / name, self.folder / f"copy-of-{name}"
            copy.unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copy(source, copy)
        return Ledger.open(f"sqlite:///{self.folder}/copy-of-ledger.sqlite", create=False)


@dataclass
class Faults:
    night: Inside
    disk: SmallDisk
    spools: Path
    """The state folder of who runs."""

    @contextmanager
    def held(self, machine: str) -> Iterator[subprocess.Popen[str]]:
        """A run for one machine that it was decided to install on, and that the look before has not come back from."""
        with self.night.held(machine, LOOK, inside=self.disk.inside(ROOT)) as run:
            assert self.night.decision(machine)[0] == "install"
            yield run

    def goes_on(self, run: subprocess.Popen[str]) -> str:
        """The look comes back. To the run's end; gives what it said."""
        self.night.lab.clear_faults()
        return sentence(run.communicate(timeout=180)[0])

    def spooled(self) -> list[dict[str, Any]]:
        """What waits, in order."""
        found = [*self.disk.seen.glob("*.spool.jsonl"), *self.spools.glob("spool-*.jsonl")]
        return [
            event for path in found for line in path.read_text().splitlines() for event in json.loads(line)["events"]
        ]

    def entered(self, waited: list[dict[str, Any]]) -> bool:
        """Whether all of it is on the ledger now, in order, and waits no more."""
        kinds = [(event.kind, event.endpoint) for event in self.night.events()]
        wanted = [(event["kind"], event["endpoint"]) for event in waited]
        places = range(len(kinds) - len(wanted) + 1)
        return not self.spooled() and any(kinds[place : place + len(wanted)] == wanted for place in places)


@pytest.fixture
def faults(start_lab: LabStarter, ansible: Ansible, tmp_path: Path) -> Iterator[Faults]:
    with small_disk(tmp_path / "store", "6m") as disk:
        if disk is None:
            pytest.skip(
                "NOT TESTED: read-only folder and full disk, for this machine lets nobody mount (root or userns)"
            )
        fleet = write_fleet(tmp_path / "fleet.yml", single({name: workstation() for name in MACHINES}))
        home = tmp_path / "home"
        environment = {"MSP_PATCHING_LEDGER": str(disk.place / "ledger.sqlite"), "HOME": str(home)}
        night = Inside(start_lab(fleet), ansible, tmp_path, environment=environment, disk=disk)
        yield Faults(night, disk, home / ".local" / "state" / "msp.patching")


def test_a_ledger_that_cannot_be_written(faults: Faults) -> None:
    night, disk = faults.night, faults.disk

    with faults.held("READONLY") as run, disk.read_only():
        said = faults.goes_on(run)
    waited = left_alone(faults, run, said, "READONLY", "its folder cannot be written")

    with faults.held("FULL") as run:
        assert faults.entered(waited), "by the run that came next"
        shutil.copy(disk.seen / "ledger.sqlite", night.folder / "older.sqlite")
        with disk.full():
            said = faults.goes_on(run)
    waited = left_alone(faults, run, said, "FULL", "its disk is full")

    night.lab.set_clock("2026-11-12T07:01:00Z")
    with faults.held("LOCKED") as run:
        assert faults.entered(waited)
        with locking(disk):
            night.lab.clear_faults()
            end = time.monotonic() + LONGEST
            while not faults.spooled():
                assert time.monotonic() < end, "it waits without end"
                time.sleep(0.05)
        said = faults.goes_on(run)
    assert run.returncode == 2
    assert "database is locked" in said
    assert not faults.spooled(), "entered by the same run, at its end"
    assert unharmed(faults, "LOCKED")

    night.lab.set_clock("2026-11-13T07:01:00Z")
    with night.running(inside=disk.inside(ROOT)) as run:
        said = faults.goes_on(run)
    assert run.returncode == 0, said
    night.agrees(*MACHINES)
    for machine in MACHINES:
        assert (sorted(night.installed(machine)), night.boots(machine)) == ([BIG, SMALL], 1)

    mark = night.mark()
    restore(night.folder / "older.sqlite", disk.seen / "ledger.sqlite")
    with night.running(inside=disk.inside(ROOT)) as run:
        said = faults.goes_on(run)
    assert run.returncode == 2
    assert "the ledger no longer has the checkpoint" in said
    assert "nothing new is started on it" in said
    assert night.touched(mark) == set()


@contextmanager
def locking(disk: SmallDisk) -> Iterator[None]:
    """Another program holds the write lock meanwhile."""
    command = [*disk.enter, sys.executable, "-c", LOCK, str(disk.place / "ledger.sqlite")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        yield
        other.communicate()


def left_alone(faults: Faults, run: subprocess.Popen[str], said: str, machine: str, why: str) -> list[dict[str, Any]]:
    """The run said why it stopped and where what it saw waits, and did nothing more; gives what waits."""
    assert run.returncode == 2, said
    assert why in said, said
    assert "what was seen, and may not be lost, has to wait in" in said, said
    assert str(faults.spools) in said
    assert unharmed(faults, machine)
    waited = faults.spooled()
    assert waited, "what was seen afterwards"
    return waited


def unharmed(faults: Faults, machine: str) -> bool:
    """The look before the install could not be recorded, so that there was none."""
    return not faults.night.happened(machine, "install.started", "boot")


def restore(source: Path, target: Path) -> None:
    for end in ("-wal", "-shm"):
        target.with_name(target.name + end).unlink(missing_ok=True)
    shutil.copy(source, target)
