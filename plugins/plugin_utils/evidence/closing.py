# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said at a run's end."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Closing:
    """What people should read: the run's `summary`, as tables, and `words`, sentences that each ask for something.

    `is_red` is whether the run has to end red though no host failed: it is not recorded as it should be.
    """

    words: list[str] = field(default_factory=list)
    summary: str = ""
    is_red: bool = False
