# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down what tasks of people's own saw, many results at once, beside the main process's work.

Ansible's callbacks hear of one result at a time, and a transaction for each of them, with its wait for the disk, would
cost the control node more than the task. What is put here is written at once where nothing was written lately, and
together with what has come meanwhile a moment later where something was.

Ansible's main process forks a worker for each task and host. A fork waits until nothing is being written, so that no
worker is born with a lock of ours, or of the database's, that nobody would ever give back. (What steps see is recorded
by the process that shares them out, which waits for nobody: the action ``step``.)
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
PAUSE = 1.0
"""Seconds between two writes, for more to gather: a kill takes no more than these from us, besides what is still in
Ansible's own queue."""


class Scribe(Generic[Item]):
    """Hands to `write`, in order and in groups, what is put; `write` raises nothing. Put and drain from one thread."""

    def __init__(self, write: Callable[[list[Item]], None]) -> None:
        self._write = write
        self._waiting: deque[Item] = deque()
        self.begin()
        _SCRIBES.add(self)

    def begin(self) -> None:
        """Nothing waits and nothing is being written; also in a process that was forked, for what waits is its
        parent's to write."""
        self._waiting.clear()
        self.writing = threading.RLock()
        self._come = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, item: Item) -> None:
        """`item` is written soon."""
        self._waiting.append(item)
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_writing, daemon=True)
            self._thread.start()
        self._come.set()

    def drain(self) -> None:
        """Whatever was put is written when this ends."""
        with self.writing:
            items = []
            while self._waiting:
                items.append(self._waiting.popleft())
            if items:
                self._write(items)

    def _keep_writing(self) -> None:
        while True:
            self._come.wait()
            self._come.clear()
            self.drain()
            time.sleep(PAUSE)


_SCRIBES: weakref.WeakSet[Scribe[Any]] = weakref.WeakSet()
_HELD: list[Scribe[Any]] = []


def _before_fork() -> None:
    _HELD.extend(_SCRIBES)
    for scribe in _HELD:
        scribe.writing.acquire()


def _after_fork_in_parent() -> None:
    while _HELD:
        _HELD.pop().writing.release()


def _after_fork_in_child() -> None:
    while _HELD:
        _HELD.pop().begin()


@atexit.register
def _at_the_end() -> None:
    """A run that is interrupted ends without a word to its callbacks."""
    for scribe in list(_SCRIBES):
        scribe.drain()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
