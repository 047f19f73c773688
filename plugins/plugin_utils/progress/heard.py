# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has been heard of in a pass that is not over, from the process that takes its steps to the one that shows them.

Ansible tells a callback of a task when that is over, and one task takes the steps of a thousand endpoints. So whoever
shows a run opens a pipe that what is forked afterwards has too. A word for which there is no room is left out: the
task's result has all of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

_pipe: tuple[int, int] | None = None


def listen() -> None:
    """From now on, and in what is forked from now on, `tell` is heard."""
    global _pipe
    if _pipe is None:
        _pipe = os.pipe()
        for end in _pipe:
            os.set_blocking(end, False)


def tell(answered: Mapping[str, bool]) -> None:
    """Whether each of these endpoints answered. Waits for nobody and raises nothing."""
    if _pipe is None:
        return
    with suppress(OSError):
        for name, yes in answered.items():
            word = f"{'+' if yes else '-'}{name}\n"
            os.write(_pipe[1], word.encode(errors="surrogateescape"))  # so few bytes go in whole or not at all


def heard() -> dict[str, bool]:
    """What was told since this was last asked."""
    told = b""
    with suppress(OSError):  # there is no more
        while _pipe is not None:
            told += os.read(_pipe[0], 65536)
    words = told.decode(errors="surrogateescape").split("\n")
    return {word[1:]: word[0] == "+" for word in words if word}
