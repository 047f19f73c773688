# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The times set for identifying, reporting and correcting a flaw (3.14.1 [a], [c], [e]; operating model, section 9).

The operating model names no deadlines by themselves; the defaults follow from the figures that it does name:

=========  ===========================================================================================================
identify   24 h from the release: no endpoint's search is older than that (``scan_max_age``)
report     24 h from the search: together the 48 hours of R3 to the approval
correct    Critical: 14 days. 48 hours to the pilot and 7 days of soak (R3, R5) are 9; five are left for a technician's
           go, a weekend and the windows. 21 for P3, which is backup and recovery: after all others, by choice.
           Important: 28 days, the shortest cycle, so that it is corrected in its own; 21 on P1.
           Moderate: 35 days, the 7 of an engineer's review and a cycle. Low, and none told: 63, a cycle more.
emergency  48 h from the opening of the out-of-band cycle that names the update (R3), where that is earlier
=========  ===========================================================================================================

Identifying and correcting are measured from the release, or from the endpoint's first day with us where that is later:
nobody could have known of it before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .durations import duration

NO_SEVERITY = "none"
WORKSTATION = "workstation"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The figures of one endpoint; `correct_by` by severity, and in it by the importance of the machine."""

    identify: timedelta
    report: timedelta
    emergency: timedelta
    correct_by: Mapping[str, Mapping[str, timedelta]]

    @classmethod
    def of(cls, figures: Mapping[str, Any]) -> Deadlines:
        """Those of a merged and checked document."""
        correct = {
            severity: {machine: duration(text) for machine, text in row.items()}
            for severity, row in figures["correct"].items()
        }
        return cls(duration(figures["identify"]), duration(figures["report"]), duration(figures["emergency"]), correct)

    def correct(self, severity: str | None, kind: str | None, criticality: str | None) -> timedelta:
        """How long a flaw of `severity` may stand on a machine of this kind and criticality."""
        return self.correct_by[severity or NO_SEVERITY][importance(kind, criticality)]


def importance(kind: str | None, criticality: str | None) -> str:
    """The importance of a machine: its criticality; a server without one counts as P2, as for its tickets."""
    return criticality or (WORKSTATION if kind == "workstation" else "P2")
