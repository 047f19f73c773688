# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Ctrl-C that comes amid a fork, in a process of its own, for hooks around forks stay for good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
began.join()
"""


def told(*words: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
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
