# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs shared by processes: all of them done once, and a process that dies does no harm to the others."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Sequence
from itertools import count
from multiprocessing.connection import Connection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils import crew
from ansible_collections.msp.patching.plugins.plugin_utils.crew import Crew, CrewError
from tests.examples import examples

pytestmark = pytest.mark.slow


@pytest.fixture
def never_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose processors others keep busy."""
    passed = count()
    monkeypatch.setattr(crew, "_ticks", lambda: (0, next(passed)))


def test_every_job_is_done_once_by_some_process() -> None:
    def work(job: int, _told: str | None) -> tuple[int, int]:
        time.sleep(0.2)
        return job * job, os.getpid()

    came = [(job, *result) for lot in Crew(work, 3).results(range(12)) for job, result in lot if result]
    assert sorted((job, square) for job, square, _process in came) == [(job, job * job) for job in range(12)]
    workers = {process for _job, _square, process in came}
    assert 1 < len(workers) <= 3
    assert os.getpid() not in workers


@pytest.mark.usefixtures("never_idle")
def test_who_waits_for_something_far_away_is_joined_by_all_there_may_be() -> None:
    """All of them are at a job before the first one has its answer, however busy the machine is."""

    def work(_job: int, _told: str | None) -> tuple[int, float, float]:
        began = time.monotonic()
        time.sleep(4)
        return os.getpid(), began, time.monotonic()

    came = [result for lot in Crew(work, 6).results(range(6)) for _job, result in lot if result]
    assert len({process for process, _began, _ended in came}) == 6
    assert max(began for _process, began, _ended in came) < min(ended for _process, _began, ended in came)


@pytest.mark.usefixtures("never_idle")
def test_who_fills_a_processor_is_joined_by_nobody() -> None:
    def work(_job: int, _told: str | None) -> int:
        ends = time.monotonic() + 0.3
        while time.monotonic() < ends:
            pass
        return os.getpid()

    came = [result for lot in Crew(work, 4).results(range(8)) for _job, result in lot]
    assert len(came) == 8
    assert len(set(came)) == 1


@settings(max_examples=examples(10))
@given(jobs=st.lists(st.integers(), unique=True, max_size=12), size=st.integers(0, 5))
def test_however_many_there_are(jobs: list[int], size: int) -> None:
    def echo(job: int, _told: str | None) -> int:
        return job

    came = [one for lot in Crew(echo, size).results(jobs) for one in lot]
    assert sorted(came) == sorted((job, job) for job in jobs)


def test_who_takes_a_job_hears_what_has_become_known() -> None:
    known: list[str] = []

    def work(_job: int, told: str | None) -> str | None:
        time.sleep(0.5)  # else all of them come at once
        return told

    heard = []
    for lot in Crew(work, 1).results([1, 2, 3], lambda: known[-1] if known else None):
        heard += [told for _job, told in lot]
        known.append("the disk is full")
    assert heard[0] is None
    assert heard[-1] == "the disk is full"


def test_a_process_that_dies_gives_nothing_and_stops_no_other() -> None:
    def work(job: str, _told: str | None) -> str:
        if job == "DIES":
            os._exit(1)
        return job

    came = dict(one for lot in Crew(work, 2).results(["A", "DIES", "B", "C"]) for one in lot)
    assert came == {"A": "A", "B": "B", "C": "C", "DIES": None}


def test_where_some_have_died_those_that_may_join_go_on() -> None:
    def work(job: str, _told: str | None) -> str:
        if job == "DIES":
            os._exit(1)
        return job

    came = dict(one for lot in Crew(work, 2).results(["DIES", "A", "B"]) for one in lot)
    assert came == {"A": "A", "B": "B", "DIES": None}


def test_where_all_have_died_it_ends() -> None:
    def work(_job: str, _told: str | None) -> str:
        os._exit(1)

    (((job, result),),) = Crew(work, 1).results(["A", "B"])
    assert (job, result) == ("A", None)


def test_a_signal_ends_a_process_whatever_its_parent_does_on_it() -> None:
    def work(_job: int, _told: str | None) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return "lives"

    before = signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    try:
        (((_job, result),),) = Crew(work, 1).results([1])
        assert result is None
    finally:
        signal.signal(signal.SIGTERM, before)


def test_they_end_with_who_began_them() -> None:
    """The grandchild outlives its parent by one job at most."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:

        def work(job: int, _told: str | None) -> int:
            os.write(theirs, b"x")
            time.sleep(0.3)
            return job

        results = Crew(work, 1).results(range(50))
        next(results)
        os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    done = 0
    while os.read(ours, 1):  # ends when nobody has the other end any more
        done += 1
    assert 1 <= done <= 3


def test_where_no_more_can_be_begun_those_that_are_there_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = count()
    monkeypatch.setattr(crew, "_ticks", lambda: (next(passed),) * 2)  # there is always room for one more

    def work(job: int, _told: str | None) -> int:
        time.sleep(0.2)
        return job

    few = Crew(work, 5)
    _begin_at_most(2, few, monkeypatch)
    came = [job for lot in few.results(range(8)) for job, result in lot if job == result]
    assert sorted(came) == [*range(8)]
    assert few.trouble == "[Errno 11] no more"


def test_where_not_one_can_be_begun_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody: Crew[int, int] = Crew(lambda job, _told: job, 5)
    _begin_at_most(0, nobody, monkeypatch)
    with pytest.raises(CrewError, match=r"no process can be begun: .* no more"):
        list(nobody.results(range(3)))


def _begin_at_most(number: int, of: Crew[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    begin, begun = of._begin, count()

    def limited(others: Sequence[Connection]) -> object:
        if next(begun) >= number:
            raise OSError(errno.EAGAIN, "no more")
        return begin(others)

    monkeypatch.setattr(of, "_begin", limited)
