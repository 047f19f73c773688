# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Ctrl-C that comes while a worker is forked, in a process of its own, for hooks around forks stay for good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COLLECTIONS = Path(__file__).resolve().parents[2] / ".ansible" / "collections"

SCRIPT = """
import multiprocessing, os, signal, sys, time
from ansible_collections.msp.patching.plugins.plugin_utils.interrupts import keep_interrupts

def interrupt(signum, frame):
    raise KeyboardInterrupt

def press():
    os.kill(process, signal.SIGINT)

process = os.getpid()
signal.signal(signal.SIGINT, interrupt)
if "keep" in sys.argv:
    keep_interrupts()
    first = signal.getsignal(signal.SIGINT)
    keep_interrupts()
    assert signal.getsignal(signal.SIGINT) is first is not interrupt, "once more changes nothing"
os.register_at_fork(**{hook: press for hook in sys.argv[1:] if hook != "keep"})
began = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0,))
try:
    began.start()
    time.sleep(1)
    print("went on")
except KeyboardInterrupt:
    print("interrupted once")
    time.sleep(0.3)
if began.pid:  # interrupted right after the fork, nobody has noted that it began
    began.join()
"""


def told(*words: str, script: str = SCRIPT) -> str:
    run = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=os.environ | {"PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return run.stdout.strip()


@pytest.mark.parametrize("hook", ["before", "after_in_parent", "after_in_child"])
def test_it_comes_again_after_the_fork(hook: str) -> None:
    assert told("keep", hook) == "interrupted once"


def test_without_it_it_is_lost() -> None:
    assert told("after_in_parent") == "went on"


QUEUING = """
import multiprocessing, os, signal, sys, time
from types import SimpleNamespace
from unittest.mock import MagicMock
from ansible.plugins import strategy
from ansible_collections.msp.patching.plugins.plugin_utils.interrupts import keep_interrupts

def interrupt(signum, frame):
    raise KeyboardInterrupt

class Worker:
    def __init__(self, **_told):
        os.kill(os.getpid(), signal.SIGINT)

    def start(self):
        pass

def busy():
    os.kill(os.getpid(), signal.SIGINT)
    return True

signal.signal(signal.SIGINT, interrupt)
if "keep" in sys.argv:
    keep_interrupts()
strategy.WorkerProcess = Worker
done = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0,))
done.start()
done.join()
it = MagicMock(
    _loader=None, _workers=[SimpleNamespace(is_alive=busy) if "busy" in sys.argv else done], _cur_worker=0,
    ALLOW_BASE_THROTTLING=False, _queued_task_cache={}, _pending_results=0,
)
task = SimpleNamespace(throttle=0, action="ping", _uuid="1", get_name=lambda: "ping")
try:
    strategy.StrategyBase._queue_task(it, SimpleNamespace(name="WS01"), task, {}, None)
    time.sleep(1)
except KeyboardInterrupt:
    print("closed" if getattr(it._workers[0], "_closed", False) else "none is closed")
"""


@pytest.mark.parametrize(
    ("words", "found"), [(["keep"], "none is closed"), (["keep", "busy"], "none is closed"), ([], "closed")]
)
def test_it_comes_again_when_the_worker_that_was_closed_is_replaced(words: list[str], found: str) -> None:
    assert told(*words, script=QUEUING) == found
