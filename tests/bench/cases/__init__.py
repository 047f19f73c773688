# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases, in the order of the table.

A case is a module here with a function ``measure(bench: Bench) -> Iterable[Row]``; its docstring's first line says what
is measured. It says how far it is with ``bench.say``. All cases together are to take three minutes on two cores where
``bench.quick`` is set, and under twenty otherwise; what takes longer waits for ``bench.long``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CASES = ("in_flight", "inventory", "planning", "recording", "scaleout")


@dataclass(frozen=True)
class Bench:
    """What a case is given: `folder` is its own to write in, and gone afterwards."""

    quick: bool
    long: bool
    folder: Path
    say: Callable[[str], None]
