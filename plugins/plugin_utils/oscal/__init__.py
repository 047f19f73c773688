# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OSCAL assessment results: an account of the patching held against the objectives of SP 800-171 3.14.1, [a] to [f].

``files(assess(account, policy, ledger=…))`` gives three files for one folder: the catalog (which is shipped, as NIST
publishes SP 800-171 as OSCAL from Revision 3 on only), a small assessment plan, and the assessment results. `judge`
decides what is satisfied, the rest writes it down. Pure: the same account, policy and names give the same bytes.
"""

from __future__ import annotations

from .assess import assess, ledger_id
from .common import CATALOG_NAME, MEDIA_TYPE
from .files import OscalError, catalog, files
from .judge import judge
from .judged import OBJECTIVES, Assessment, Closed, Evidence, Figure, Judged, Left, Overdue, Verdict

__all__ = [
    "CATALOG_NAME",
    "MEDIA_TYPE",
    "OBJECTIVES",
    "Assessment",
    "Closed",
    "Evidence",
    "Figure",
    "Judged",
    "Left",
    "OscalError",
    "Overdue",
    "Verdict",
    "assess",
    "catalog",
    "files",
    "judge",
    "ledger_id",
]
