# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same ring by several processes at once over PostgreSQL, as AWX runs the slices of a job.

The workstations are sliced as AWX slices them. The servers are in every slice, two to a redundancy group, so that the
processes are after the same machines: that each is touched by one of them, and that of a group never two are down (R6),
is held against the lab's journal and the machines' own histories.

Each process has one processor, as a small node has: one process with both would use both. Lab and database run on
either, beside them.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from lab.client import LabClient
from tests.postgres import Postgres, running_postgres

from ..labs import PLAYBOOKS, all_patched, cpu_of_lab, lab, pilots, tasks_of
from ..measure import Usage, command
from ..row import Row
from . import Bench

RING = PLAYBOOKS / "ring.yml"
SPEED, SPEED_QUICK = 4, 8
INSTALL = 30
"""Seconds of the lab that an install takes."""
FORKS = 10
GROUPS = {f"Patching.Redundancy.pair{number}": (f"FS{number:02}", f"WEB{number:02}") for number in (1, 2)}
"""Two servers each, of two roles, in one redundancy group."""
SERVERS = [name for pair in GROUPS.values() for name in pair]
AGAIN = 4
"""Runs in which whoever waited for his turn is patched, at most."""


def measure(bench: Bench) -> Iterator[Row]:
    workstations = 4 if bench.quick else 240
    alone, count = 0.0, workstations + len(SERVERS)
    with running_postgres() as postgres:
        postgres.sql("ALTER SYSTEM SET fsync = on")  # what is measured is what is kept
        postgres.sql("SELECT pg_reload_conf()")
        for processes in (2,) if bench.quick else (1, 2, 4):
            wall, cpu = together(bench, postgres, workstations, processes)
            alone = alone or wall
            yield Row(
                case="scaleout", ours=wall, plain=None if wall == alone else alone, unit="s", n=processes,
                what=f"{count} endpoints over PostgreSQL, {processes} process(es) of a core each: wall",
                against="" if wall == alone else "1 process", at_most=1.0 if processes == 2 and wall != alone else None,
            )  # fmt: skip
            yield Row(
                case="scaleout", ours=cpu / count, unit="s",
                what=f"{processes} process(es): CPU an endpoint, without lab and database",
            )  # fmt: skip


def together(bench: Bench, postgres: Postgres, workstations: int, processes: int) -> tuple[float, float]:
    """Wall and CPU seconds of as many processes, each with its slice. Raises RuntimeError where an endpoint was touched
    by two of them, R6 was not kept, or somebody is left unpatched."""
    with lab(fleet(workstations), SPEED_QUICK if bench.quick else SPEED) as client:
        url = postgres.new()
        before = datetime.fromisoformat(client.clock()["now"]) - timedelta(hours=1)
        goes = {"by": "t.brandt", "reason": "pilot night", "cycle": "2026-11"}
        events = [Event("authorization.given", None, before, {"scope": {"endpoint": name}, **goes}) for name in SERVERS]
        Ledger.open(url).append(events, run="earlier")
        names = sorted(name for name in client.machines() if name not in SERVERS)
        slices = {f"slice{number}": [*names[number::processes], *SERVERS] for number in range(processes)}
        began, busy = time.monotonic(), cpu_of_lab(client)
        cores = sorted(os.sched_getaffinity(0))

        def on_a_core(number: int, name: str, limit: list[str]) -> Usage:
            os.sched_setaffinity(0, {cores[number % len(cores)]})  # of this thread, and of the processes it begins
            return run(bench.folder, client, url, name, limit)

        with ThreadPoolExecutor(processes) as pool:
            used = list(pool.map(on_a_core, range(processes), slices, slices.values()))
        wall, busy = time.monotonic() - began, cpu_of_lab(client) - busy
        touched_once(client, slices)
        waited = finished(bench.folder, client, url)
        kept_apart(client, Ledger.open(url))
        all_patched(client)
    cpu = sum(one.cpu for one in used)
    bench.say(
        f"{processes} process(es): {wall:.0f} s, {cpu:.0f} s of CPU (the lab {busy:.0f} s), "
        f"{60 * len(names) / wall:.0f} workstations a minute; {waited} server(s) waited for a later run"
    )
    return wall, cpu


def run(folder: Path, client: LabClient, url: str, name: str, limit: list[str]) -> Usage:
    """A run of a process that has a node of its own: where it spools, and what it lies beside."""
    hosts = folder / f"{name}.limit"
    hosts.write_text("\n".join(limit))
    own = {
        "MSP_PATCHING_LEDGER": url,
        "MSP_PATCHING_SIGNING_KEY": str(client.state_dir / "ledger.key"),
        "MSP_PATCHING_SPOOL": str(folder / name / "spool.jsonl"),
        "MSP_PATCHING_PACKAGES": str(folder / name / "packages"),
        "ANSIBLE_FORKS": str(FORKS),
    }
    words = ["-i", str(client.inventory), "-l", f"@{hosts}", "-e", f"ansible_winrm_path=/wsman?run={name}"]
    return command(["ansible-playbook", str(RING), "-e", "ring=pilot", *words], {**client.environment(), **own})


def finished(folder: Path, client: LabClient, url: str) -> int:
    """Run it until nobody waits; gives how many servers had to."""
    waited = [name for name in SERVERS if not _events(client, name, "boot")]
    for number in range(AGAIN):
        if all(_events(client, name, "boot") for name in SERVERS):
            break
        run(folder, client, url, f"later{number}", SERVERS)
    return len(waited)


def touched_once(client: LabClient, slices: dict[str, list[str]]) -> None:
    by: dict[str, set[str]] = defaultdict(set)
    for entry in tasks_of(client):
        by[entry["machine"]].add(entry["via"].removeprefix("run="))
    twice = {name: sorted(runs) for name, runs in by.items() if len(runs) > 1}
    if twice or len(by) != len({name for some in slices.values() for name in some}):
        raise RuntimeError(f"{len(by)} endpoints were touched, by more than one process: {twice}")


def kept_apart(client: LabClient, ledger: Ledger) -> None:
    """R6: of a group, the next goes down when the one before it is validated."""
    for group, pair in GROUPS.items():
        downs = sorted((datetime.fromisoformat(_events(client, name, "shutdown")[0]["at"]), name) for name in pair)
        for (_down, first), (down, second) in pairwise(downs):
            (validated,) = [
                event.at for _seq, _run, event in ledger.events(kinds=["validation.finished"], endpoint=first)
            ]
            if not validated < down:
                raise RuntimeError(f"{group}: {second} went down at {down}, {first} was validated at {validated}")


def _events(client: LabClient, machine: str, kind: str) -> list[dict[str, Any]]:
    return [entry for entry in client.machine(machine)["history"] if entry["event"] == kind]


def fleet(workstations: int) -> dict[str, Any]:
    document = pilots(workstations, INSTALL)
    servers: list[dict[str, Any]] = []
    for group, pair in GROUPS.items():
        for name, role in zip(pair, ("File Server", "Web Server"), strict=True):
            words = ["Ring.Pilot", f"Role.{role}", "Policy.Auto Install Auto Reboot", "Unattended Reboot"]
            servers.append(
                {
                    "id": workstations + len(servers) + 1,
                    "name": name,
                    "os": "Microsoft Windows Server 2022 Standard x64",
                    "boot_seconds": 20,
                    "groups": [*(f"Patching.{word}" for word in words), group],
                }
            )
    document["clients"][0]["locations"].append({"name": "Server Room", "computers": servers})
    return document | {"groups": [{"name": group} for group in GROUPS]}
