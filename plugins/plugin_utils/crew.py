# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that share a number of jobs: each takes the next when it is done with one.

A job goes to a process and its result comes back over a pipe of theirs, so that one that dies takes its job's result
with it and nobody else's. They end with whoever made them, however that ends.

A process costs some 25 MB and more time of the processor than most jobs do. So there are as many as it takes: while
processors are idle, because those that are there wait for something far away, one more joins every few hundredths of a
second; where the processors are busy, more would only be in each other's way.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
Told = Callable[[], "str | None"]
FORK = multiprocessing.get_context("fork")
JOIN_SECONDS = 0.05
"""How long processors are idle until one more process joins."""
IDLE = 0.2
"""Of the processors' time, from which on they are."""
TOGETHER_SECONDS = 0.2
"""Results that come within this time of each other are given to the caller together."""
LOOK_SECONDS = 1.0
"""How often it is looked whether the process that began all this is still there."""


@dataclass(frozen=True)
class _Member:
    process: Any
    pipe: Connection


class Crew(Generic[Job, Result]):
    """At most `size` processes forked from this one, which do `work`; it raises nothing. `told` is a word for each job,
    given to it when it is handed out: what has become known since the processes were forked."""

    def __init__(self, work: Callable[[Job, str | None], Result], size: int) -> None:
        self._work = work
        self._size = max(1, size)

    def results(self, jobs: Iterable[Job], told: Told = lambda: None) -> Iterator[list[tuple[Job, Result | None]]]:
        """What the jobs gave, soon after it comes: what comes at about the same time at once. None of a job whose
        process has died; where all have died the jobs that are left are not begun, and not among the results.

        While the caller is at one lot the processes are at the next jobs. No job is handed out any more where this
        process's own parent is gone.
        """
        waiting = deque(jobs)
        parent = os.getppid()
        crew: list[_Member] = []
        busy: dict[Connection, Job] = {}
        came: list[tuple[Job, Result | None]] = []
        given, processors = time.monotonic(), _Processors()
        try:
            while busy or (waiting and len(crew) < self._size):
                may_join = bool(waiting) and len(crew) < self._size
                if may_join and (not busy or processors.are_idle()):
                    crew.append(self._begin([member.pipe for member in crew]))
                    self._hand(crew[-1].pipe, waiting, busy, told)
                seconds = JOIN_SECONDS if may_join else TOGETHER_SECONDS if came else LOOK_SECONDS
                for pipe in _ready(busy, seconds):
                    job = busy.pop(pipe)
                    try:
                        came.append((job, pipe.recv()))
                    except (EOFError, OSError):
                        came.append((job, None))
                        continue
                    if os.getppid() != parent:
                        waiting.clear()  # nobody is there any more to whom it would matter
                    self._hand(pipe, waiting, busy, told)
                if came and (not busy or time.monotonic() - given > TOGETHER_SECONDS):
                    yield came
                    came, given = [], time.monotonic()
        finally:
            for member in crew:
                member.pipe.close()  # which tells it that there is no more
            for member in crew:
                member.process.join()

    @staticmethod
    def _hand(
        pipe: Connection, waiting: deque[Job], busy: dict[Connection, Job], told: Callable[[], str | None]
    ) -> None:
        if waiting:
            busy[pipe] = waiting.popleft()
            with suppress(OSError):  # it has died: its pipe says so when it is read
                pipe.send((busy[pipe], told()))

    def _begin(self, others: Sequence[Connection]) -> _Member:
        ours, theirs = FORK.Pipe()
        process = FORK.Process(target=self._serve, args=(theirs, [ours, *others]))
        process.start()
        theirs.close()
        return _Member(process, ours)

    def _serve(self, theirs: Connection, not_mine: Sequence[Connection]) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_DFL)  # what its parent does on these is not its business
        for pipe in not_mine:
            pipe.close()
        while True:
            try:
                job, told = theirs.recv()
                theirs.send(self._work(job, told))
            except (EOFError, OSError):
                return


class _Processors:
    """Whether they have had nothing to do lately."""

    def __init__(self) -> None:
        self._at, self._idle, self._all = time.monotonic(), *_jiffies()

    def are_idle(self) -> bool:
        """Since it was last told, which is at most every `JOIN_SECONDS`. Where the system does not say, they are."""
        at = time.monotonic()
        if at - self._at < JOIN_SECONDS:
            return False
        idle, everything = _jiffies()
        spare, passed = idle - self._idle, everything - self._all
        self._at, self._idle, self._all = at, idle, everything
        return spare >= IDLE * passed


def _jiffies() -> tuple[int, int]:
    """How long the processors were idle, and all there was, in ticks of the system's clock; nothing where it has no
    such file."""
    with suppress(OSError, ValueError):
        first = Path("/proc/stat").read_text().partition("\n")[0]
        user, nice, system, idle, waiting, *more = map(int, first.split()[1:9])
        return idle + waiting, user + nice + system + idle + waiting + sum(more)
    return 0, 0


def _ready(busy: Iterable[Connection], seconds: float) -> list[Connection]:
    """Those that something has come from, or that have broken; after so many seconds also none."""
    return [pipe for pipe in wait(list(busy), timeout=seconds) if isinstance(pipe, Connection)]
