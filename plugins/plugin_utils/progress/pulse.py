# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thread that calls back every so often, for while Ansible itself has nothing to say."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Pulse:
    """Calls `beat` every `seconds` until it is stopped.

    Ansible forks while this runs: `beat` may hold no lock across a fork but Ansible's own of its display, which
    Ansible takes before it forks.
    """

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        self._beat = beat
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="msp.patching.progress", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Once this returns there is no further beat; one that is under way is waited for."""
        self._over.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=self._seconds + 1)

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            self._beat()
