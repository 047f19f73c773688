# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole lists beside the report, as CSV: every endpoint, every flaw, every boot of the account.

For spreadsheets: a text that one would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..account import Account
from ..account.model import plain
from ..visible import visible

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet would take for a formula at the beginning of a cell; the wide signs in some countries."""
Rows = Iterable[tuple[Any, ...]]

ENDPOINTS = ("name", "client", "location", "ring", "kind", "role", "criticality", "stands", "reason", "proven", "node")
FLAWS = (
    "endpoint",
    "client",
    "ring",
    "kind",
    "criticality",
    "label",
    "update",
    "title",
    "severity",
    "cvss",
    "cves",
    "released",
    "since",
    "identified",
    "reported",
    "ticket",
    "installed",
    "reboot_needed",
    "corrected",
    "state",
    "reason",
)

DECIDED = (
    "decision",
    "rule",
    "decided_by",
    "boot_id",
    "boot_time",
    "identify_due",
    "report_due",
    "correct_due",
    "identified_in_time",
    "reported_in_time",
    "corrected_in_time",
)


def tables(account: Account) -> Iterator[tuple[str, str]]:
    """Name and text of each CSV."""
    made: tuple[tuple[str, tuple[str, ...], Callable[[Account], Rows]], ...] = (
        ("endpoints", (*ENDPOINTS, "decided", "known_since", "searched", "installs", "boots", "failures"), _endpoints),
        (
            "flaws",
            (*FLAWS, *DECIDED),
            _flaws,
        ),
        ("boots", ("endpoint", "client", "boot_id", "boot_time", "seen"), _boots),
    )
    for name, columns, rows in made:
        yield name, _csv(columns, rows(account))


def _endpoints(account: Account) -> Rows:
    for one in account.endpoints:
        installs = sum(install.ok for install in one.installs)
        yield (
            *(getattr(one, name) for name in ENDPOINTS),
            one.decided,
            one.known_since,
            one.searched,
            installs,
            len(one.boots),
            len(one.failures),
        )


def _flaws(account: Account) -> Rows:
    for one in account.flaws:
        boot = (one.boot.boot_id, one.boot.boot_time) if one.boot else (None, None)
        deadlines = (one.identify, one.report, one.correct)
        yield (
            *(getattr(one, name) for name in FLAWS),
            one.decision.outcome,
            one.decision.rule,
            one.decision.by,
            *boot,
            *(deadline.due for deadline in deadlines),
            *(deadline.met for deadline in deadlines),
        )


def _boots(account: Account) -> Rows:
    for one in account.endpoints:
        for boot in one.boots:
            yield one.name, one.client, boot.boot_id, boot.boot_time, boot.seen


def _csv(columns: tuple[str, ...], rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    known = plain(value)
    return as_text(" ".join(known) if isinstance(known, list) else str(known))


def as_text(text: str) -> str:
    """A cell of these words, which a spreadsheet takes for text and a terminal for nothing else."""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(FORMULAS) else shown
