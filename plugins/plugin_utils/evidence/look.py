# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of an endpoint, before anybody has judged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..flow import Endpoint


@dataclass(frozen=True, slots=True)
class Look:
    """A result that is evidence: its `tag` (`outcomes.TAGS`), the endpoint, what was told and when, and the time limit
    in seconds of a job that it has started."""

    tag: str
    endpoint: Endpoint
    result: Mapping[str, Any]
    at: datetime
    unreachable: bool = False
    limit: int = 0
