# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts by hand: one client, one cycle, and whatever a test is about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.account import (
    Account,
    Deadline,
    Decision,
    EndpointResult,
    ExceptionRow,
    Flaw,
    Scope,
    TierResult,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy

POLICY = load_policy({})
START = datetime(2026, 11, 10, 18, tzinfo=UTC)
END = datetime(2026, 12, 8, 18, tzinfo=UTC)
LEDGER = "0f" * 32


def day(number: float) -> datetime:
    """That many days after Patch Tuesday's opening."""
    return START + timedelta(days=number)


def endpoint(name: str, **other: Any) -> EndpointResult:
    """A production server of Acme that was searched on the second day and stands patched."""
    given: dict[str, Any] = {
        "name": name,
        "client": "Acme",
        "location": "Main",
        "ring": "production",
        "kind": "server",
        "role": "file_server",
        "criticality": "P2",
        "stands": "patched",
        "reason": "",
        "proven": True,
        "node": None,
        "decided": None,
        "searched": day(1),
        "installs": (),
        "boots": (),
        "validations": (),
        "failures": (),
        "missed_windows": 0,
    }
    return EndpointResult(**given | other)


def deadline(due: datetime | None, done: datetime | None, at: datetime) -> Deadline:
    """As the account does it: met, missed, or still running at `at`."""
    if due is None:
        return Deadline(None, done, None)
    if done is not None:
        return Deadline(due, done, done <= due)
    return Deadline(due, None, False if at > due else None)


def flaw(on: str, update: str = "u-1", *, at: datetime = END, **other: Any) -> Flaw:
    """A critical flaw that was released on Patch Tuesday, identified and reported on its day and corrected after 9."""
    values: dict[str, Any] = {
        "released": START,
        "identified": day(0.5),
        "reported": day(1),
        "corrected": day(9),
        "state": "corrected",
        "identify_due": day(1),
        "report_due": day(1.5),
        "correct_due": day(14),
    } | other
    due = {key: values.pop(f"{key}_due") for key in ("identify", "report", "correct")}
    given: dict[str, Any] = {
        "update": update,
        "label": f"KB{update}",
        "kb": (),
        "title": f"Update {update}",
        "severity": "Critical",
        "categories": ("Security Updates",),
        "cvss": 9.8,
        "cves": ("CVE-2026-1234",),
        "endpoint": on,
        "client": "Acme",
        "ring": "production",
        "kind": "server",
        "role": "file_server",
        "criticality": "P2",
        "ticket": 7,
        "decision": Decision("approved", "microsoft-security", None, START, ""),
        "installed": values["corrected"],
        "reboot_needed": True,
        "boot": None,
        "undone": None,
        "reason": "",
        "identify": deadline(due["identify"], values["identified"], at),
        "report": deadline(due["report"], values["reported"], at),
        "correct": deadline(due["correct"], values["corrected"], at),
    }
    values.setdefault("since", values["released"])
    return Flaw(**given | values)


def left(on: str, state: str, reason: str = "", **other: Any) -> Flaw:
    """The same, never corrected; of one whose risk was accepted no time to correct it runs."""
    over = {"correct_due": None} if state in ("declined", "deferred", "excluded") else {}
    return flaw(on, **{"corrected": None, "installed": None, "state": state, "reason": reason} | over | other)


def exception(state: str = "signed", **scope: str) -> ExceptionRow:
    return ExceptionRow("e-1", scope, "line of business", "compat", "Ann", START, "Zoe", START, day(90), None, state)


def tier(closed: datetime | None = END, **other: Any) -> TierResult:
    given: dict[str, Any] = {
        "cycle": "2026-11",
        "client": "Acme",
        "ring": "production",
        "kind": "server",
        "opened": START,
        "closed": closed,
        "endpoints": 2,
        "counts": {"patched": 1, "held": 1, "open": 0},
        "proof": (),
    }
    return TierResult(**given | other)


def account(endpoints: Iterable[EndpointResult], flaws: Iterable[Flaw] = (), **other: Any) -> Account:
    """The account of the cycle at its end."""
    given: dict[str, Any] = {
        "scope": Scope("2026-11"),
        "start": START,
        "end": END,
        "at": END,
        "final": True,
        "opened_by": None,
        "opened_reason": None,
        "events": 42,
        "head": "ab" * 32,
        "endpoints": tuple(endpoints),
        "flaws": tuple(flaws),
        "tiers": (),
        "approvals": (),
        "exceptions": (),
        "holds": (),
        "failures": (),
        "authorizations": (),
        "missed_windows": (),
        "tickets": (),
        "runs": (),
    }
    return Account(**given | other)
