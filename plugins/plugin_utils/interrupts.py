# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Ctrl-C that comes while Ansible's main process forks a worker.

Python answers a signal between two steps of its own; after one that came amid a fork, that is in the hooks that run
around it (logging has some), where an exception is told and dropped. Ansible's answer to Ctrl-C is an exception: the
run would go on, and a second Ctrl-C would kill it without a word. A run that looks at its endpoints forks several times
a second, a view that people look at is drawn just before it, and the fork of a large process takes milliseconds.

Before it forks, Ansible closes the worker whose place the new one takes, and where it is ended between the two it falls
over the closed one: "process object is closed, this is probably a bug".
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.popen_fork import Popen
from types import FrameType

from ansible.plugins.strategy import StrategyBase

AGAIN_SECONDS = 0.05
"""After which the signal comes again; if that is amid a fork too, once more."""
FORKS = getattr(getattr(Popen, "_launch", None), "__code__", None)
"""What of Python's library forks; where a later Python has none of that name, an interrupt is answered as ever."""
QUEUES = getattr(getattr(StrategyBase, "_queue_task", None), "__code__", None)
"""What of Ansible closes a worker and makes the next; likewise."""


class _Kept:
    """Answers an interrupt as `theirs` does, and not while a worker of this process is replaced."""

    def __init__(self, theirs: Callable[[int, FrameType | None], object]) -> None:
        self._theirs = theirs
        self._process = os.getpid()

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() == self._process and _is_replacing(frame):
            again = threading.Timer(AGAIN_SECONDS, os.kill, (self._process, signum))
            again.daemon = True
            again.start()
        else:
            self._theirs(signum, frame)


def keep_interrupts() -> None:
    """From now on an interrupt that comes while a worker is replaced comes again after it. In any thread but the main
    one, and where interrupts are ignored, nothing changes."""
    theirs = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is threading.main_thread() and callable(theirs) and not isinstance(theirs, _Kept):
        signal.signal(signal.SIGINT, _Kept(theirs))


def _is_replacing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code is FORKS:
            return True
        if frame.f_code is QUEUES:  # it may also wait here, for long, until one of its workers is free
            workers = getattr(frame.f_locals.get("self"), "_workers", None) or ()
            return any(getattr(worker, "_closed", False) for worker in workers)
        frame = frame.f_back
    return False
