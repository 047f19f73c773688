# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files: catalog, assessment plan and assessment results, each with the hash of those it points to."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import PatchingError
from .common import CATALOG_NAME
from .judged import Assessment
from .plan import assessment_plan
from .results import assessment_results
from .words import text_of

CATALOG = Path(__file__).with_name("data") / CATALOG_NAME


class OscalError(PatchingError):
    """An assessment of nothing."""


def catalog() -> bytes:
    """The catalog that is shipped, as it is."""
    return CATALOG.read_bytes()


def files(of: Assessment) -> dict[str, bytes]:
    """Name → content of the three files, which lie in one folder; raises OscalError where there is no client in it.

    The same assessment always gives the same bytes.
    """
    if not of.judged:
        raise OscalError(f"there is nothing to assess: no endpoint of {of.scope} stands on the ledger")
    given = catalog()
    plan = text_of(assessment_plan(of, _sha256(given)))
    results = text_of(assessment_results(of, _sha256(given), _sha256(plan)))
    return {CATALOG_NAME: given, of.plan_name: plan, of.results_name: results}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
