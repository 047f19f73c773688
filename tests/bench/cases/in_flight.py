# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ring beside plain win_updates on the same lab: endpoints in flight are not bounded by forks, and cost less each."""

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
MEASURED = 60
"""Endpoints that the plain playbook is measured with; more take as many times longer as they take more rounds."""
PER_ENDPOINT = 0.35
"""Seconds that an endpoint may add to the limit, which is what one takes by itself."""


@dataclass(frozen=True)
class Ran:
    """What a run took; the seconds of CPU that the lab took beside it, and how often its endpoints were called."""

    used: Usage
    share: float
    calls: int


@dataclass(frozen=True)
class Case:
    """So many endpoints, with installs of so many lab seconds, of which `speed` pass in a second."""

    install: float
    sizes: tuple[int, ...]
    speed: float


QUICK = (Case(30, (60,), 4),)
USUAL = (Case(30, (60, 300), 4),)
LONG = (Case(30, (60, 300, 1000), 2), Case(120, (300,), 4))


def measure(bench: Bench) -> Iterator[Row]:
    for case in QUICK if bench.quick else LONG if bench.long else USUAL:
        yield from of_case(bench, case)


def of_case(bench: Bench, case: Case) -> Iterator[Row]:
    # at once: the one endpoint is waited for nearly all the time
    with ThreadPoolExecutor() as pool:
        runs = pool.map(lambda one: run(bench, case, *one), ((RING, 1), (PLAIN, MEASURED)))
        alone, counted = runs
    plain = counted.used
    for size in case.sizes:
        ran = run(bench, case, RING, size)
        ring = ran.used
        what = f"{size:,} endpoints, installs of {case.install:g} s, {FORKS} forks"
        rounds = -(-size // FORKS) / (MEASURED / FORKS)
        against = "plain win_updates" + (f", from {MEASURED} by its rounds" if size != MEASURED else "")
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
            case="in flight", what=f"{what}: memory", ours=ring.memory, plain=plain.memory, unit="MB",
            against=f"plain, {MEASURED} endpoints", at_most=1.3,
        )  # fmt: skip
        yield Row(
            case="in flight", what=f"{what}: CPU an endpoint", ours=ring.cpu / size, plain=plain.cpu / MEASURED,
            unit="s", against=f"plain; the lab's own {ran.share / size:.2f} s are not in it",
        )  # fmt: skip
        yield Row(
            case="in flight", what=f"{what}: calls an endpoint", ours=ran.calls / size,
            plain=counted.calls / MEASURED, unit="calls", against="plain",
        )  # fmt: skip


def run(bench: Bench, case: Case, playbook: Path, size: int, forks: int = FORKS) -> Ran:
    with lab(pilots(size, case.install), case.speed) as client:
        before = cpu_of_lab(client)
        used = play(client, playbook, "-e", "ring=pilot", forks=forks)
        share = cpu_of_lab(client) - before
        calls = len(tasks_of(client))
        all_patched(client)
    bench.say(
        f"{playbook.stem}, {size:,} endpoints, {case.install:g} s: {used.wall:.0f} s, {used.cpu:.0f} s of CPU (the lab "
        f"{share:.0f} s), {used.memory:.0f} MB, {calls / size:.1f} calls an endpoint"
    )
    return Ran(used, share, calls)
