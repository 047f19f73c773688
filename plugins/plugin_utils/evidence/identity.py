# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of one run agree on before any of them has read its settings."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Identity:
    """`run` is its number on the ledger; from `seed` stand-ins for names are made where there is no key for it."""

    run: str = field(default_factory=lambda: str(uuid.uuid4()))
    seed: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
