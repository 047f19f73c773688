# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten endpoints and ten forks: what scanning, deciding, validating and recording add to a plain playbook."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from ..row import Row
from . import Bench
from .in_flight import FORKS, PLAIN, RING, Case, run

TEN = 10


def measure(bench: Bench) -> Iterator[Row]:
    case = Case(30, (TEN,), 3 if bench.quick else 1)
    # both at once, each with a lab of its own: they wait nearly all the time, and under the same sky
    with ThreadPoolExecutor() as pool:
        ring, plain = (ran.used for ran in pool.map(lambda book: run(bench, case, book, TEN), (RING, PLAIN)))
    what = f"{TEN} endpoints, {FORKS} forks"
    against = "plain win_updates"
    yield Row(
        case="small run", what=f"{what}: wall", ours=ring.wall, plain=plain.wall, unit="s", against=against,
        at_most=None if bench.quick else 1.3, n=TEN, curve="small run",
    )  # fmt: skip
    yield Row(case="small run", what=f"{what}: CPU", ours=ring.cpu, plain=plain.cpu, unit="s", against=against)
