# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command or a call costs: wall time, CPU and memory, as medians where it is cheap to repeat it."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
SAMPLE_SECONDS = 0.5
MB = 1024 * 1024


@dataclass(frozen=True)
class Usage:
    """`wall` and `cpu` in seconds, over the command and all its processes; `memory` in MB, the most that they held
    together at any time, pages that they share counted once (PSS); `said` is what it printed."""

    wall: float
    cpu: float
    memory: float
    said: str


class CommandError(RuntimeError):
    """What did not work is not measured."""


def command(
    words: Sequence[str], environment: Mapping[str, str] | None = None, *, accept: Sequence[int] = (0,)
) -> Usage:
    """Run it from the top of the checkout. Raises CommandError where its exit status is none of `accept`."""
    with tempfile.TemporaryFile("w+") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            words, cwd=ROOT, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        watch = _Memory(process.pid)
        # with what the command's own children took; resource's RUSAGE_CHILDREN would add what else we wait for
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        memory = watch.stop()
        output.seek(0)
        said = output.read()
    if process.returncode not in accept:
        raise CommandError(f"{' '.join(words)} ended with {process.returncode}:\n{said[-4000:]}")
    return Usage(wall, used.ru_utime + used.ru_stime, memory, said)


def call(once: Callable[[], object], runs: int = 3) -> float:
    """The median of the seconds that a call takes."""
    took = []
    for _run in range(runs):
        began = time.perf_counter()
        once()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def cpu(once: Callable[[], object], runs: int = 3) -> float:
    """The median of the seconds of CPU that a call takes in this process: for calls that wait for nothing."""
    took = []
    for _run in range(runs):
        began = time.process_time()
        once()
        took.append(time.process_time() - began)
    return statistics.median(took)


def median(runs: int, once: Callable[[], Usage]) -> Usage:
    """Each figure is the median of the runs; what was said is the last run's."""
    used = [once() for _run in range(runs)]
    middle = statistics.median
    return Usage(
        middle(one.wall for one in used),
        middle(one.cpu for one in used),
        middle(one.memory for one in used),
        used[-1].said,
    )


class _Memory:
    """Looks every half second how much a process and its descendants hold."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._most = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._over.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self._most = max(self._most, self._now())

    def _now(self) -> float:
        try:
            family = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return 0.0
        return sum(map(_pss, family))


def _pss(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / MB
    except psutil.Error:  # it ended meanwhile
        return 0.0
