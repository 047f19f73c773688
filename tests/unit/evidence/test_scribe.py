# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put is written once, in order, in groups; and no fork happens while something is being written."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.scribe import Scribe

ROOT = Path(__file__).resolve().parents[3]
LONGEST = 30.0


def waited_for(written: list[list[int]], groups: int) -> None:
    end = time.monotonic() + LONGEST
    while len(written) < groups:
        assert time.monotonic() < end, "nothing was written"
        time.sleep(0.005)


def test_the_first_is_written_at_once_and_what_follows_soon_after_together() -> None:
    written: list[list[int]] = []
    scribe: Scribe[int] = Scribe(written.append)
    scribe.put(1)
    waited_for(written, 1)
    for number in range(2, 50):
        scribe.put(number)
    waited_for(written, 2)
    assert written == [[1], list(range(2, 50))]


def test_nothing_waits_after_a_drain() -> None:
    written: list[list[int]] = []
    scribe: Scribe[int] = Scribe(written.append)
    for number in range(1000):
        scribe.put(number)
    scribe.drain()
    assert [number for group in written for number in group] == list(range(1000))
    scribe.drain()
    assert [] not in written


def test_a_fork_waits_for_what_is_being_written_and_takes_nothing_along() -> None:
    begun, go_on = threading.Event(), threading.Event()
    written: list[list[int]] = []

    def write(items: list[int]) -> None:
        begun.set()
        go_on.wait(LONGEST)
        written.append(items)

    scribe: Scribe[int] = Scribe(write)
    scribe.put(1)
    assert begun.wait(LONGEST)
    scribe.put(2)
    threading.Timer(0.2, go_on.set).start()
    child = os.fork()
    if child == 0:  # here only what went before the fork is written, and nothing keeps a lock
        free = scribe.writing.acquire(timeout=5)
        scribe.writing.release()
        scribe.drain()
        os._exit(0 if free and written == [[1]] else 1)
    _child, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    scribe.drain()
    assert [number for group in written for number in group] == [1, 2]


def test_a_run_that_is_interrupted_writes_what_waits() -> None:
    """Ctrl-C ends Ansible without a word to its callbacks."""
    code = (
        "from ansible_collections.msp.patching.plugins.plugin_utils.evidence.scribe import Scribe\n"
        "scribe = Scribe(lambda items: print(*items, flush=True))\n"
        "for number in range(5): scribe.put(number)\n"
        "raise KeyboardInterrupt\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / ".ansible" / "collections")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout.split() == ["0", "1", "2", "3", "4"]
    assert run.returncode != 0
