# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many examples a property is tried on: few each time, other ones each time, and more for who has the time.

``EXAMPLES=20 make unit`` tries twenty times as many.
"""

from __future__ import annotations

import os

TIMES = int(os.environ.get("EXAMPLES", "1"))


def examples(number: int) -> int:
    """`number` is what a change is tried on each day."""
    return number * TIMES
