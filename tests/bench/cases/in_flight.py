# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ring beside plain win_updates on the same lab: endpoints in flight are not bounded by forks, and cost less each.

And ten endpoints with ten forks: what scanning, deciding, validating and recording add to a plain playbook.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..labs import PLAYBOOKS, all_patched, cpu_of_lab, lab, pilots, play, tasks_of
from ..measure import Usage
from ..row import Row
from . import Bench

PLAIN = Path(__file__).with_name("plain.yml")
RING = PLAYBOOKS / "ring.yml"
FORKS = 10
MEASURED, MEASURED_QUICK = 60, 20
"""Endpoints that the plain playbook is measured with; more take as many times longer as they take more rounds."""
PER_ENDPOINT = 0.35
"""Seconds that an endpoint may add to the limit, which is what one takes by itself."""


@dataclass(frozen=True)
class Ran:
    """What a run took; the seconds of CPU that the lab took beside it, how often its endpoints were called, and the MB
    that the plain playbook takes afterwards with the same inventory, where that was asked for."""

    used: Usage
    share: float
    calls: int
    plain_memory: float | None = None


@dataclass(frozen=True)
class Case:
    """So many endpoints, with installs of so many lab seconds, of which `speed` pass in a second."""

    install: float
    sizes: tuple[int, ...]
    speed: float


QUICK = (Case(30, (MEASURED_QUICK,), 8),)
USUAL = (Case(30, (60, 300), 4),)
LONG = (Case(30, (60, 300, 1000), 4), Case(120, (60, 300, 1000), 4))
TEN = 10
LISTED = 300
"""Endpoints from which on the inventory alone is a good part of the memory: then the plain playbook has it as well."""


def measure(bench: Bench) -> Iterator[Row]:
    # Few endpoints are waited for nearly all the time, and so are those of the plain playbook: these at once, four runs
    # and who waits for two of them.
    with ThreadPoolExecutor(5) as pool:
        few = pool.submit(lambda: list(small_run(bench, pool)))
        for number, case in enumerate(QUICK if bench.quick else LONG if bench.long else USUAL):
            measured = MEASURED_QUICK if bench.quick else MEASURED
            alone, plain = at_once(bench, pool, case, (RING, 1), (PLAIN, measured))
            if number == 0:
                yield from few.result()
            yield from of_case(bench, case, alone, plain, measured)


def at_once(bench: Bench, pool: ThreadPoolExecutor, case: Case, *runs: tuple[Path, int]) -> list[Ran]:
    return list(pool.map(lambda one: run(bench, case, *one), runs))


def small_run(bench: Bench, pool: ThreadPoolExecutor) -> Iterator[Row]:
    case = Case(30, (TEN,), 4 if bench.quick else 1)
    ring, plain = (ran.used for ran in at_once(bench, pool, case, (RING, TEN), (PLAIN, TEN)))
    what = f"{TEN} endpoints, {FORKS} forks"
    against = "plain win_updates"
    yield Row(
        case="small run", what=f"{what}: wall", ours=ring.wall, plain=plain.wall, unit="s", against=against,
        at_most=None if bench.quick else 1.3, n=TEN, curve="small run",
    )  # fmt: skip
    yield Row(case="small run", what=f"{what}: CPU", ours=ring.cpu, plain=plain.cpu, unit="s", against=against)


def of_case(bench: Bench, case: Case, alone: Ran, counted: Ran, measured: int) -> Iterator[Row]:
    """Of all its sizes, beside one endpoint `alone` and what was `counted` of the plain playbook on `measured`."""
    plain = counted.used
    for size in case.sizes:
        ran = run(bench, case, RING, size, plain_on=measured if size > LISTED else 0)
        ring = ran.used
        what = f"{size:,} endpoints, installs of {case.install:g} s, {FORKS} forks"
        rounds = -(-size // FORKS) / (measured / FORKS)
        against = "plain win_updates" + (f", from {measured} by its rounds" if size != measured else "")
        yield Row(
            case="in flight", what=f"{what}: wall", ours=ring.wall, plain=plain.wall * rounds, unit="s",
            against=against, at_most=1 / 10 if size >= 300 else None, n=size,
            curve=f"in flight, installs of {case.install:g} s",
        )  # fmt: skip
        yield Row(
            case="in flight", what=f"{what}: wall, beside the limit", ours=ring.wall,
            plain=alone.used.wall + PER_ENDPOINT * size, unit="s", at_most=1.0 if size >= 300 else None,
            against=f"one endpoint's own {alone.used.wall:.0f} s + {PER_ENDPOINT} s each",
        )  # fmt: skip
        yield Row(
            case="in flight", what=f"{what}: memory", ours=ring.memory, plain=ran.plain_memory or plain.memory,
            unit="MB", at_most=1.3,
            against=f"plain, {measured} endpoints" + (f" of {size:,} in the inventory" if ran.plain_memory else ""),
        )  # fmt: skip
        yield Row(
            case="in flight", what=f"{what}: CPU an endpoint", ours=ring.cpu / size, plain=plain.cpu / measured,
            unit="s", against=f"plain; the lab's own {ran.share / size:.2f} s are not in it",
        )  # fmt: skip
        yield Row(
            case="in flight", what=f"{what}: calls an endpoint", ours=ran.calls / size,
            plain=counted.calls / measured, unit="calls", against="plain",
        )  # fmt: skip


def run(bench: Bench, case: Case, playbook: Path, size: int, forks: int = FORKS, *, plain_on: int = 0) -> Ran:
    """`plain_on`: how many endpoints the plain playbook is held against afterwards, for the memory it takes: they have
    nothing left to install."""
    memory = None
    with lab(pilots(size, case.install), case.speed) as client:
        before = cpu_of_lab(client)
        used = play(client, playbook, "-e", "ring=pilot", forks=forks)
        share = cpu_of_lab(client) - before
        calls = len(tasks_of(client))
        all_patched(client)
        if plain_on:
            some = ",".join(sorted(client.machines())[:plain_on])
            memory = play(client, PLAIN, "-e", "ring=pilot", "-l", some, forks=forks).memory
    bench.say(
        f"{playbook.stem}, {size:,} endpoints, {case.install:g} s: {used.wall:.0f} s, {used.cpu:.0f} s of CPU (the lab "
        f"{share:.0f} s), {used.memory:.0f} MB, {calls / size:.1f} calls an endpoint"
    )
    return Ran(used, share, calls, memory)
