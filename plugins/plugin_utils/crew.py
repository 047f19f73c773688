# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that share a number of jobs: each takes the next when it is done with one.

A job goes to a process and its result comes back over a pipe of theirs, so that one that dies takes its job's result
with it and nobody else's. They end with whoever made them, however that ends.

A process costs some 25 MB and more time of the processor than most jobs do. So there are as many as it takes: while
processors are idle, or all that are there wait for something far away, one more joins every few hundredths of a second;
where they fill the processors, more would only be in each other's way.
"""

from __future__ import annotations

import gc
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

from .errors import PatchingError

Job = TypeVar("Job")
Result = TypeVar("Result")
Told = Callable[[], "str | None"]
FORK = multiprocessing.get_context("fork")
JOIN_SECONDS = 0.05
"""How often it is looked whether one more process is of use."""
IDLE = 0.2
"""Of the processors' time, from which on they have room for one more."""
TOGETHER_SECONDS = 0.2
"""Results that come within this time of each other are given to the caller together."""
LOOK_SECONDS = 1.0
"""How often it is looked whether the process that began all this is still there."""


class CrewError(PatchingError):
    """There is no process to do the work."""


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
        self.trouble: str | None = None
        """Why there were fewer of them than there might have been."""

    def results(self, jobs: Iterable[Job], told: Told = lambda: None) -> Iterator[list[tuple[Job, Result | None]]]:
        """What the jobs gave, soon after it comes: what comes at about the same time at once. None of a job whose
        process has died; where all have died the jobs that are left are not begun, and not among the results.

        While the caller is at one lot the processes are at the next jobs. No job is handed out any more where this
        process's own parent is gone. Raises CrewError where not even one process can be begun: then no job was.
        """
        waiting = deque(jobs)
        parent = os.getppid()
        gc.freeze()  # a collection in a member would write to every object, and so copy the memory of this process
        crew: list[_Member] = []
        busy: dict[Connection, Job] = {}
        came: list[tuple[Job, Result | None]] = []
        given, room = time.monotonic(), _Room()
        try:
            while busy or (waiting and len(crew) < self._size):
                may_join = bool(waiting) and len(crew) < self._size
                if may_join and (not busy or room.is_there(crew)):
                    try:
                        crew.append(self._begin([member.pipe for member in crew]))
                    except OSError as exc:  # no memory, or no file descriptor, is left for one more
                        self._size, self.trouble = len(crew), str(exc)
                        if not crew:
                            raise CrewError(f"no process can be begun: {exc}") from exc
                        continue
                    self._hand(crew[-1].pipe, waiting, busy, told)
                seconds = JOIN_SECONDS if may_join else TOGETHER_SECONDS if came else LOOK_SECONDS
                for pipe in _ready(busy, seconds):
                    room.heard()
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
        try:
            process.start()
        except OSError:
            ours.close()
            raise
        finally:
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


class _Room:
    """Whether one more process is of use."""

    def __init__(self) -> None:
        self._at, self._ticks, self._quiet = time.monotonic(), _ticks(), True

    def heard(self) -> None:
        """A result has come."""
        self._quiet = False

    def is_there(self, crew: Iterable[_Member]) -> bool:
        """Since the last look, which is `JOIN_SECONDS` ago at least, processors were idle; or, on a machine that others
        keep busy, none of the crew had a result, none has one that was not heard yet, and none is at work: what they
        wait for is no processor."""
        at = time.monotonic()
        if at - self._at < JOIN_SECONDS:
            return False
        before, quiet = self._ticks, self._quiet
        self._at, self._ticks, self._quiet = at, _ticks(), True
        idle, everything = (now - then for now, then in zip(self._ticks, before, strict=True))
        if idle >= IDLE * everything:
            return True
        return quiet and all(_sleeps(member.process.pid) and not member.pipe.poll() for member in crew)


def _ticks() -> tuple[int, int]:
    """How long the processors that we may use were idle, and all there was, in ticks of the system's clock; nothing
    where it does not say, so that they count as idle."""
    idle = everything = 0
    with suppress(OSError, AttributeError):
        ours = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        for line in Path("/proc/stat").read_text().splitlines():
            name, *ticks = line.split()[:9]
            if name in ours:
                idle += int(ticks[3]) + int(ticks[4])  # which waits for a disk
                everything += sum(map(int, ticks))
    return idle, everything


def _sleeps(pid: int) -> bool:
    """Whether a process neither works nor waits for a processor."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] != "R"


def _ready(busy: Iterable[Connection], seconds: float) -> list[Connection]:
    """Those that something has come from, or that have broken; after so many seconds also none."""
    return [pipe for pipe in wait(list(busy), timeout=seconds) if isinstance(pipe, Connection)]
