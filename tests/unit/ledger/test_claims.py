# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims: of two runs one is at an endpoint; they end with their time, their run's next plan, or its process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.claims import CHUNK, Holder
from tests.examples import examples

MINE = Holder.of_this_process("run-a")
THEIRS = Holder.of_this_process("run-b")
LONG = timedelta(minutes=10)
NAMES = [f"endpoint WS{number:03}" for number in range(6)]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger.open("sqlite://")


def held(ledger: Ledger) -> dict[str, str]:
    return {row["name"]: Holder.parse(row["holder"]).run for row in ledger.rows("leases")}


def gone() -> Holder:
    """A process of this machine that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return replace(THEIRS, pid=done.pid)


def test_who_comes_second_is_told_who_has_it_and_gets_the_rest(ledger: Ledger) -> None:
    assert ledger.claim(NAMES[:3], MINE, LONG) == {}
    assert ledger.claim(NAMES[2:5], THEIRS, LONG) == {NAMES[2]: MINE}
    assert held(ledger) == dict.fromkeys(NAMES[:3], "run-a") | dict.fromkeys(NAMES[3:5], "run-b")


def test_what_a_run_claims_next_takes_the_place_of_what_it_had(ledger: Ledger) -> None:
    ledger.claim(NAMES[:3], MINE, LONG)
    assert ledger.claim(NAMES[1:2], MINE, LONG) == {}
    assert ledger.claim(NAMES, THEIRS, LONG) == {NAMES[1]: MINE}
    ledger.claim([], MINE, LONG)
    assert ledger.claim(NAMES, THEIRS, LONG) == {}


def test_a_claim_ends_with_its_time(ledger: Ledger) -> None:
    ledger.claim(NAMES[:1], MINE, timedelta(seconds=-1))
    assert ledger.claim(NAMES[:1], THEIRS, LONG) == {}
    assert held(ledger) == {NAMES[0]: "run-b"}


@pytest.mark.parametrize(
    ("other", "over"),
    [
        (gone(), True),
        (replace(THEIRS, began="1"), True),
        (THEIRS, False),
        (replace(gone(), host="another-host"), False),
    ],
    ids=["ended", "another process has its number", "alive", "on another machine, so nobody can tell"],
)
def test_a_claim_ends_with_its_process_where_that_can_be_told(ledger: Ledger, other: Holder, over: bool) -> None:
    ledger.claim(NAMES[:1], other, LONG)
    assert ledger.claim(NAMES[:1], MINE, LONG) == ({} if over else {NAMES[0]: other})


def test_a_holder_is_told_and_read_again() -> None:
    assert Holder.parse(str(MINE)) == MINE
    assert MINE.in_words() == f"run run-a (process {os.getpid()} on {socket.gethostname()})"
    assert not MINE.is_gone()


def test_more_than_one_statement_holds(ledger: Ledger) -> None:
    many = [f"endpoint WS{number}" for number in range(2 * CHUNK + 7)]
    assert ledger.claim(many, MINE, LONG) == {}
    assert ledger.claim(many, THEIRS, LONG) == dict.fromkeys(many, MINE)


claims = st.lists(
    st.tuples(st.sampled_from((MINE, THEIRS, replace(MINE, run="run-c"))), st.lists(st.sampled_from(NAMES))), max_size=8
)


@given(claims)
@settings(max_examples=examples(20))
def test_nothing_is_ever_two_runs(steps: list[tuple[Holder, list[str]]]) -> None:
    ledger = Ledger.open("sqlite://")
    expected: dict[str, str] = {}
    for holder, names in steps:
        taken = ledger.claim(names, holder, LONG)
        expected = {name: run for name, run in expected.items() if run != holder.run}
        assert {name: other.run for name, other in taken.items()} == {
            name: expected[name] for name in names if name in expected
        }
        expected |= {name: holder.run for name in names if name not in expected}
        assert held(ledger) == expected


def test_runs_that_claim_at_once_share_without_overlap(tmp_path: Path) -> None:
    """Eight at once, of a ledger in a file, each wanting all."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    Ledger.open(url)
    many = [f"endpoint WS{number:03}" for number in range(200)]
    got: dict[str, set[str]] = {}
    ready = threading.Barrier(8)

    def run(name: str) -> None:
        ledger = Ledger.open(url)
        ready.wait()
        got[name] = {*many} - set(ledger.claim(many, Holder.of_this_process(name), LONG))

    threads = [threading.Thread(target=run, args=(f"run-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert sorted(name for names in got.values() for name in names) == many
