# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down what was seen, many results at once, while more of them come in.

Results come one at a time, and a transaction for each of them, with its wait for the disk, would cost more than the
task that it is from. What is put here is written at once where nothing was written lately, and together with what has
come meanwhile a moment later where something was.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
PAUSE = 1.0
"""Seconds between two writes, for more to gather."""


class Scribe(Generic[Item]):
    """Hands to `write`, in order and in groups, what is put; `write` raises nothing. Put and drain from one thread, in
    a process that does not fork."""

    def __init__(self, write: Callable[[list[Item]], None]) -> None:
        self._write = write
        self._waiting: deque[Item] = deque()
        self._writing = threading.RLock()
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
        with self._writing:
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
