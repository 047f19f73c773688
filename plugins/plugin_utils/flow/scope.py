# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes 1 to 7: is the endpoint in scope? An exception counts only while signed and not expired (R2)."""

from __future__ import annotations

from datetime import datetime

from .case import Answer, Case, Verdict
from .records import SERVER_POLICY_GROUPS, WORKSTATION_POLICY_GROUPS, Endpoint
from .register import Exclusion


def location_disabled(case: Case) -> Answer:
    if not case.endpoint.location_disabled:
        return None
    place = f"{case.endpoint.client}, {case.endpoint.location}"
    return Verdict("skip", "scope.location_disabled", f"patching is disabled at the location {place}")


def agent_disabled(case: Case) -> Answer:
    if not case.endpoint.agent_disabled:
        return None
    return Verdict("skip", "scope.agent_disabled", "patching is disabled on the agent")


def excluded(case: Case) -> Answer:
    valid = [row for row in case.exclusions if is_signed(row, case.now) and not is_expired(row, case.now)]
    if not valid:
        return None
    ends = [row.expires for row in valid if row.expires is not None]
    until = max(ends) if len(ends) == len(valid) else None
    return Verdict("skip", "scope.excluded", f"{_exception(valid[0])} covers it, signed by {valid[0].signed_by}", until)


def exception_unsigned(case: Case) -> Answer:
    rows = [row for row in case.exclusions if not is_signed(row, case.now)]
    if not rows:
        return None
    reason = f"{_exception(rows[0])} stands without the client's signed approval, so it neither patches nor hides it"
    return Verdict("hold", "scope.exception_unsigned", reason)


def exception_expired(case: Case) -> Answer:
    rows = [row for row in case.exclusions if is_expired(row, case.now)]
    if not rows:
        return None
    expires, last = max(((row.expires, row) for row in rows if row.expires is not None), key=lambda found: found[0])
    reason = f"{_exception(last)} that covered it expired at {expires.isoformat()}"
    return Verdict("hold", "scope.exception_expired", reason)


def is_signed(row: Exclusion, now: datetime) -> bool:
    """R2: client signatory, date and reason code are all on record."""
    told = all(text and text.strip() for text in (row.signed_by, row.reason))
    return told and row.signed_at is not None and row.signed_at <= now


def is_expired(row: Exclusion, now: datetime) -> bool:
    return row.expires is not None and row.expires <= now


def _exception(row: Exclusion) -> str:
    whom = ", ".join(f"{key} {value}" for key, value in row.scope.items())
    return f"the exception {row.reason} for {whom}" if row.reason else f"the exception for {whom}"


def unclassified(case: Case) -> Answer:
    lacks = missing_classification(case.endpoint)
    if not lacks:
        return None
    return Verdict("hold", "scope.unclassified", f"{' and '.join(lacks)}: it is classified in the RMM first")


def missing_classification(endpoint: Endpoint) -> list[str]:
    """What keeps an endpoint from being classified, in words; empty where nothing does."""
    wanted = {
        "kind": endpoint.kind,
        "ring": endpoint.ring,
        "time zone": endpoint.time_zone,
        "policy group": endpoint.policy_group,
    }
    if endpoint.kind == "server":
        wanted["role"] = endpoint.role
    elif endpoint.kind == "workstation":
        wanted["track"] = endpoint.track
    lacks = [f"no {word}" for word, value in wanted.items() if value is None]
    groups = SERVER_POLICY_GROUPS if endpoint.kind == "server" else WORKSTATION_POLICY_GROUPS
    if endpoint.kind is not None and endpoint.policy_group is not None and endpoint.policy_group not in groups:
        lacks.append(f"policy group {endpoint.policy_group} is none of a {endpoint.kind}")
    return lacks


def do_not_patch(case: Case) -> Answer:
    if case.endpoint.policy_group != "do_not_patch":
        return None
    reason = "its policy group is Do Not Patch, which is entered in the exception register"
    return Verdict("skip", "scope.do_not_patch", reason)
