# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Ctrl-C that comes while Ansible's main process forks.

Python answers a signal between two steps of its own; after one that came amid a fork, that is in the hooks that run
around it (logging has some), where an exception is told and dropped. Ansible's answer to Ctrl-C is an exception: the
run would go on, and a second Ctrl-C would kill it without a word. A run that looks at its endpoints forks several times
a second, a view that people look at is drawn just before it, and the fork of a large process takes milliseconds.
"""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing.popen_fork import Popen
from types import FrameType

AGAIN_SECONDS = 0.05
"""After which the signal comes again: no fork takes that long."""
FORKS = Popen._launch.__code__  # type: ignore[attr-defined]


def keep_interrupts() -> None:
    """From now on an interrupt amid a fork of this process comes again after it. In any thread but the main one, and
    where interrupts are ignored, nothing changes."""
    theirs = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(theirs) or theirs in _KEEPING:
        return
    process = os.getpid()

    def handle(signum: int, frame: FrameType | None) -> None:
        if os.getpid() == process and _is_forking(frame):
            again = threading.Timer(AGAIN_SECONDS, os.kill, (process, signum))
            again.daemon = True
            again.start()
        else:
            theirs(signum, frame)

    _KEEPING.append(handle)
    signal.signal(signal.SIGINT, handle)


_KEEPING: list[object] = []


def _is_forking(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code is FORKS:
            return True
        frame = frame.f_back
    return False
