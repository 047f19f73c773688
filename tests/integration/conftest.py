# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that start the lab as a user would, and run Ansible against it from this very environment.

``start_lab``   starts labs: ``start_lab('small', '--speed', '600')``; stopped after the test
``free_ports``  finds a `--port-base`, for tests that start labs by themselves
``lab``         the fleet small, of this test alone
``shared_lab``  one lab for the whole session, reset before each test that takes it: use it unless the test
                needs options of its own
``ansible``     runs a playbook (its plays as data, or a file) against a lab; gives a `PlaybookRun`
"""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.client import LabClient

ROOT = Path(__file__).parent.parent.parent
FLEETS = ROOT / "lab" / "fleets"
START_SECONDS = 30
PORTS_OF_A_LAB = 200

LONGEST = (
    *("ring_troubles", "ring_redundancy", "awx", "ring_reminder", "ledger_faults"),
    # a worker is given two files at once: these wait for the five above
    *("explain", "progress", "evidence_callback", "report", "out_of_band"),
    *("ring_night", "ring_steps", "ring_refused", "cycle", "lab_guide", "lab_winrm"),
    *("ring_identity", "notices", "ring_failures", "ring_asleep", "ring_renamed", "stores_afar", "inventory_errors"),
    *("ring_work", "roles_in_batches", "cycle_side_by_side", "ring_killed", "ring_postgresql", "inventory"),
    *("psa_tickets", "molecule"),
)
"""Files of tests by how long they take, the longest first: begun last, it would leave a worker alone at the end."""

LabStarter = Callable[..., LabClient]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if gone := [name for name in LONGEST if not (Path(__file__).parent / f"test_{name}.py").exists()]:
        raise pytest.UsageError(f"LONGEST in {__file__} names files that are not there: {', '.join(gone)}")
    order = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@contextmanager
def running_lab(state_dir: Path, fleet: str | Path = "small", *options: str) -> Iterator[LabClient]:
    """`fleet`: the name of one in lab/fleets, or a file."""
    path = FLEETS / f"{fleet}.yml" if isinstance(fleet, str) else fleet
    command = [sys.executable, "-m", "lab", "up", "--fleet", str(path), "--state-dir", str(state_dir), *options]
    log = state_dir / "lab.log"
    process = _start(command, log) if "--port-base" in options else _start_somewhere(command, log, state_dir)
    try:
        yield _wait_until_up(process, log, state_dir)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert "Traceback" not in (said := log.read_text()), f"something went wrong in the lab:\n{said}"


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """What it says goes to a file: a pipe that nobody reads stops it for good once it is full."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("wb") as told:
        return subprocess.Popen(command, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT)


def _start_somewhere(command: list[str], log: Path, state_dir: Path) -> subprocess.Popen[bytes]:
    """On ports that were free a moment ago; where another took them first, on others."""
    for _attempt in range(5):
        process = _start([*command, "--port-base", str(free_port_base())], log)
        while not (state_dir / "lab.json").exists() and process.poll() is None:
            time.sleep(0.02)
        if process.poll() is None:
            return process
        said = log.read_text()
        if "Address already in use" not in said:
            pytest.fail(f"the lab ended at once:\n{said}")
    pytest.fail("found no ports for a lab that nobody took first")


def _wait_until_up(process: subprocess.Popen[bytes], log: Path, state_dir: Path) -> LabClient:
    deadline = time.monotonic() + START_SECONDS
    while not (state_dir / "lab.json").exists():
        if process.poll() is not None:
            pytest.fail(f"the lab ended at once:\n{log.read_text()}")
        if time.monotonic() > deadline:
            pytest.fail(f"the lab is not up after {START_SECONDS} seconds")
        time.sleep(0.02)
    return LabClient.from_state_dir(state_dir)


def free_port_base() -> int:
    """A base whose first ports, with TLS or without, nobody else has right now."""
    for _attempt in range(100):
        base = random.randrange(10_000, 25_000, PORTS_OF_A_LAB)
        if all(_is_free(base + offset) for offset in (*range(7), *range(101, 130), *range(7101, 7108))):
            return base
    pytest.fail("found no free ports for a lab")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture
def free_ports() -> Callable[[], int]:
    """Gives a `--port-base` that is free."""
    return free_port_base


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[LabStarter]:
    numbers = itertools.count(1)
    with ExitStack() as labs:

        def start(fleet: str | Path = "small", *options: str) -> LabClient:
            return labs.enter_context(running_lab(tmp_path / f"lab{next(numbers)}", fleet, *options))

        yield start


@pytest.fixture
def lab(start_lab: LabStarter) -> LabClient:
    return start_lab()


@pytest.fixture(scope="session")
def _session_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    with running_lab(tmp_path_factory.mktemp("shared-lab")) as client:
        yield client


@pytest.fixture
def shared_lab(_session_lab: LabClient) -> LabClient:
    _session_lab.reset()
    return _session_lab


@dataclass
class PlaybookRun:
    """`results[host][task name]` is the last result of that task; `stats[host]` the recap."""

    returncode: int
    output: str
    results: dict[str, dict[str, Any]]
    stats: dict[str, dict[str, int]]

    def ok(self) -> PlaybookRun:
        """Itself, once it is certain that nothing went wrong."""
        assert self.returncode == 0, self.output
        return self


@pytest.fixture
def ansible(tmp_path: Path) -> Callable[..., PlaybookRun]:
    """`ansible(lab, plays, '-e', 'a=b', inventory=…, env={…}, config=…)`. Without `config` the repository's
    ansible.cfg does not count, so no ledger is written."""
    return ansible_in(tmp_path)


def ansible_in(folder: Path) -> Callable[..., PlaybookRun]:
    """The fixture `ansible`, with its files in `folder`: for fixtures that outlive one test."""
    plain = folder / "plain.cfg"
    plain.write_text(f"[defaults]\ncollections_path = {ROOT / '.ansible' / 'collections'}\n")

    def run(
        client: LabClient,
        plays: list[dict[str, Any]] | Path,
        *words: str,
        inventory: Path | None = None,
        env: dict[str, str] | None = None,
        config: Path = plain,
        timeout: float = 120,
    ) -> PlaybookRun:
        playbook = plays
        if not isinstance(playbook, Path):
            playbook = folder / "playbook.yml"
            playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(playbook)]
        done = subprocess.run(
            [*command, "-i", str(inventory or client.static_inventory), *words],
            cwd=ROOT,
            env={
                **os.environ,
                **client.environment(),
                "ANSIBLE_CONFIG": str(config),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                "ANSIBLE_HOME": str(folder / "ansible-home"),
                **(env or {}),
            },
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return _read(done)

    return run


def _read(done: subprocess.CompletedProcess[str]) -> PlaybookRun:
    output = done.stdout + done.stderr
    begin = done.stdout.find("{\n")
    if begin < 0:
        return PlaybookRun(done.returncode, output, {}, {})
    told, _end = json.JSONDecoder().raw_decode(done.stdout[begin:])
    results: dict[str, dict[str, Any]] = {}
    for play in told["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                results.setdefault(host, {})[task["task"]["name"]] = result
    return PlaybookRun(done.returncode, output, results, told["stats"])
