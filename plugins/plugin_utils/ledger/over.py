# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an endpoint's row of the register says when something is over: a job, its retries, a restart, its silence.

Columns and their values, for the projections of events that end it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .event import canonical

if TYPE_CHECKING:
    from .rows import Row

NO_ATTEMPT: Row = {"attempted": None, "attempted_at": None}
NO_JOB: Row = dict.fromkeys(("job_kind", "job_id", "job_started_at", "job_updates", "job_limit_seconds"))
NO_RETRY: Row = {"retry_step": None, "retry_at": None, "attempts": 0}
ANSWERED: Row = {"unreachable_since": None, "retired": None}
REACHED: Row = {
    **ANSWERED,
    "unreachable_at": None,
    "unreachable_count": 0,
    "unreachable_run": None,
    "unreachable_during": None,
}
NO_REBOOT: Row = {"reboot_requested_at": None, "reboot_boot_id": None}
RESTART_OVER: Row = {**NO_REBOOT, "unreachable_during": None}
"""It failed: nobody waits for that restart any more."""


def retries_over(row: Row) -> Row:
    """Something went well, so its retries are over; those of an install are counted until it went well itself."""
    return {} if row["retry_step"] == "install" else NO_RETRY


def services_of(posture: str | None) -> str | None:
    """The services that ran when the posture in the column of that name was taken."""
    return None if posture is None else canonical(json.loads(posture).get("services_running"))
