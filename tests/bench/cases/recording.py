# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording: what the evidence callback adds to a playbook, what the ledger takes to write, to verify and to grow."""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.schema import tables
from ansible_collections.msp.patching.plugins.plugin_utils.planning.session import Session
from ansible_collections.msp.patching.plugins.plugin_utils.planning.state import State
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING

from ..ledgers import NOW, POSTURE, fleet, hostvars, ledger_of, updates_of
from ..measure import ROOT, Usage, call, command, cpu
from ..row import Row
from . import Bench

HOSTS, HOSTS_QUICK, TASKS, FORKS = 64, 16, 20, 32
RUNS = 5
"""Of the playbook with each: one run differs from the next by more than what the callback may cost."""
TAKES = 0.1
"""Seconds that a task takes on its endpoint."""
ARA = "ara[server]==1.8.0"
"""The recorder beside it: put into build/ara, for it brings a web framework that nothing here has a use for."""
APPENDED = 300
SHORT, USUAL, LONG = 50_000, 200_000, 5_000_000
"""Events of a ledger of the endpoints that are planned for: of days, of weeks, and of a year, which are made in ten
minutes and more."""
PLANNED, PLANNED_QUICK = 10_000, 1_000


def measure(bench: Bench) -> Iterator[Row]:
    yield from callbacks(bench)
    yield appended(bench)
    yield from grown(bench)


def callbacks(bench: Bench) -> Iterator[Row]:
    count = HOSTS_QUICK if bench.quick else HOSTS
    hosts = {"all": {"hosts": hostvars(fleet(count))}}
    inventory, play = bench.folder / "hosts.json", bench.folder / "play.yml"
    inventory.write_text(json.dumps(hosts))
    play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": list(tasks())}]))
    plain = {"ANSIBLE_FORKS": str(FORKS), "ANSIBLE_ACTION_PLUGINS": str(ROOT / "tests/bench/plugins/action")}
    config = bench.folder / "ansible.cfg"  # the checkout's enables the callback
    config.write_text(f"[defaults]\ncollections_path = {ROOT / '.ansible/collections'}\n")
    plain["ANSIBLE_CONFIG"] = str(config)
    kinds = {"nothing": plain, "evidence": plain | {"ANSIBLE_CALLBACKS_ENABLED": "msp.patching.evidence"}}
    if not bench.quick and (folder := ara(bench)) is not None:
        kinds["ARA"] = plain | ara_environment(bench, folder)
    took: dict[str, list[Usage]] = {kind: [] for kind in kinds}
    for number in range(1 if bench.quick else RUNS):
        for kind, environment in kinds.items():
            if kind == "ARA" and number:
                continue  # it takes minutes, and is far from any bound
            ledger = {"MSP_PATCHING_LEDGER": str(bench.folder / f"{number}.sqlite")}
            took[kind].append(command(["ansible-playbook", "-i", str(inventory), str(play)], environment | ledger))
    recorded = Ledger.open(f"sqlite:///{bench.folder / '0.sqlite'}").head()[0]
    if recorded < count * len(EVIDENCE):
        raise RuntimeError(f"the callback recorded {recorded} events of {count * len(EVIDENCE)} results")
    wall = {kind: statistics.median(one.wall for one in some) for kind, some in took.items()}
    cpus = {kind: statistics.median(one.cpu for one in some) for kind, some in took.items()}
    bench.say(", ".join(f"{kind}: {wall[kind]:.1f} s, {cpus[kind]:.1f} s of CPU" for kind in kinds))
    what = f"{count} hosts × {TASKS} tasks of {TAKES} s, a quarter of them evidence, {FORKS} forks"
    for kind, at_most in (("evidence", None if bench.quick else 1.05), ("ARA", None)):
        if kind in wall:
            yield Row(
                case="recording", what=f"{what}: wall with {'the callback' if kind == 'evidence' else 'ARA'}",
                ours=wall[kind], plain=wall["nothing"], unit="s", against="nothing recorded", at_most=at_most,
            )  # fmt: skip


EVIDENCE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("scan.started", {"ansible_job_id": "j1", "started": 1, "finished": 0}),
    ("job", {"ansible_job_id": "j1", "finished": 1, "updates": {one["id"]: one for one in updates_of(0)}}),
    ("posture", POSTURE | {"boot_id": "1"}),
    ("reboot.started", {"rc": 0}),
    ("reboot.confirm", POSTURE | {"boot_id": "2", "boot_time": POSTURE["now"]}),  # it has booted since it was asked
)
"""Of an endpoint's results in a ring, by tag."""


def tasks() -> Iterator[dict[str, Any]]:
    for number in range(TASKS):
        tag, result = EVIDENCE[number * len(EVIDENCE) // TASKS]
        evidence = {"vars": {"told_evidence": tag}} if number % (TASKS // len(EVIDENCE)) == 0 else {}
        yield {"name": f"Task {number}", "told": {"takes": TAKES, **result}, **evidence}


def ara(bench: Bench) -> Path | None:
    """The folder with ARA in it; None where it cannot be had."""
    folder = ROOT / "build" / "ara"
    if not (folder / "ara").is_dir():
        words = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), ARA]
        if subprocess.run(words, check=False, capture_output=True).returncode:
            bench.say("ARA cannot be installed, so it is not measured")
            return None
    return folder


def ara_environment(bench: Bench, folder: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": f"{folder}:{ROOT}",
        "ANSIBLE_CALLBACK_PLUGINS": str(folder / "ara" / "plugins" / "callback"),
        "ARA_BASE_DIR": str(bench.folder / "ara"),
        "ARA_DEFAULT_LABELS": "",
        "ARA_IGNORED_FACTS": "all",
    }


def appended(bench: Bench) -> Row:
    events = [Event("scan.finished", name, NOW, {"updates": []}) for name in fleet(APPENDED)]
    ledgers = [Ledger.open(f"sqlite:///{bench.folder / name}.sqlite") for name in ("batch", "single")]
    took = [call(lambda: ledgers[0].append(events, run="r"))]
    took.append(call(lambda: [ledgers[1].append([event], run="r") for event in events], 1))
    return Row(
        case="recording", what=f"{APPENDED} events appended: wall", ours=took[0], plain=took[1], unit="s",
        against="one by one",
    )  # fmt: skip


def grown(bench: Bench) -> Iterator[Row]:
    """A ledger of a few events for each endpoint, and a long one of the same endpoints."""
    endpoints = fleet(PLANNED_QUICK if bench.quick else PLANNED)
    share = len(endpoints) / PLANNED
    short = of_size(bench, endpoints, int(SHORT * share))
    yield from verified(short)
    long = of_size(bench, endpoints, int((LONG if bench.long else USUAL) * share))
    sizes = [Ledger.open(url).head()[0] for url in (short, long)]
    openings: list[list[float]] = [[], []]
    for number in range(2 if bench.quick else 3):
        for took, url in zip(openings, (short, long), strict=True):
            took.append(opened(bench, url, endpoints, NOW + number * timedelta(hours=3)))
    ours, plain = (statistics.median(took[1:]) for took in reversed(openings))
    bench.say(f"{sizes[0]:,} and {sizes[1]:,} events: opened in {plain:.1f} s and {ours:.1f} s of CPU")
    yield Row(
        case="recording", what=f"{len(endpoints):,} endpoints, a run opened and planned, {sizes[1]:,} events: CPU",
        ours=ours, plain=plain, unit="s", against=f"{sizes[0]:,} events", at_most=1.3, n=sizes[1],
    )  # fmt: skip


def of_size(bench: Bench, endpoints: Mapping[str, Endpoint], count: int) -> str:
    began, url = time.monotonic(), f"sqlite:///{bench.folder / str(count)}.sqlite"
    made = ledger_of(url, endpoints, count)
    bench.say(f"a ledger of {made.head()[0]:,} events was made in {time.monotonic() - began:.0f} s")
    return url


def verified(url: str) -> Iterator[Row]:
    ledger, events = Ledger.open(url), tables().events
    texts: list[bytes] = []
    query = sa.select(events.c.salt, events.c.kind, events.c.endpoint, events.c.run, events.c.at, events.c.body)

    def read() -> None:
        with ledger.reading() as connection:
            texts[:] = ["\n".join(map(str, row)).encode() for row in connection.execute(query.order_by(events.c.seq))]

    def hashed() -> list[bytes]:
        return [hashlib.sha256(text).digest() for text in texts]

    reading, hashing, ours = cpu(read), cpu(hashed), cpu(ledger.verify)
    what = f"{len(texts):,} events verified, {sum(map(len, texts)) / 1e6:.0f} MB: CPU"
    yield Row(
        case="recording", what=what, ours=ours, plain=reading + hashing, unit="s", at_most=3,
        against="reading and hashing them, each once, no chain", n=len(texts),
    )  # fmt: skip
    yield Row(case="recording", what=what, ours=ours, plain=hashing, unit="s", against="hashing them in memory")


class HostVars(dict[str, Mapping[str, Any]]):
    """Host variables as Ansible has them for an action."""

    raw_get = dict.__getitem__


def opened(bench: Bench, url: str, endpoints: Mapping[str, Endpoint], at: Any) -> float:
    """Seconds of CPU from the settings of a run to the steps of its first pass. A later instant than the one before
    finds other windows open: what is decided anew is recorded."""
    policy = bench.folder / "policy.yml"
    policy.write_text("clock: simulated\n")
    pilots = [name for name, one in endpoints.items() if one.ring == "pilot"]
    variables, planned = HostVars(hostvars(endpoints)), []

    def once() -> None:
        settings = Settings(ledger=url, policy=policy, as_of=at, by="bench", spool=bench.folder / "spool")
        session = Session(Recorder(settings), variables, list(endpoints), pilots, [*ACTING], list(endpoints))
        session.open(None)
        planned.append(session.again(State(), time.sleep).orders())

    took = cpu(once, 1)
    if len(planned[0]) != len(endpoints):
        raise RuntimeError(f"{len(planned[0])} of {len(endpoints)} endpoints were planned for")
    return took
