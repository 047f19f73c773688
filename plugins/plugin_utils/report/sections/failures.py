# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures and their causes (operating model, section 8)."""

from __future__ import annotations

from ...account import Account, FailureRow
from .. import words
from ..view import Cell, Column, Section, Table, cut
from . import cells

STEPS = {"scan": "search", "posture": "look", "validate": "validation", "remind": "reminder"}


def section(account: Account) -> Section:
    open_ = sum(one.cause is None for one in account.failures)
    machines = len({one.endpoint for one in account.failures})
    lead = (
        f"{words.count(len(account.failures), 'failure')} on {words.count(machines, 'endpoint')}; {open_:,} of them "
        "without a documented root cause. Until there is one, nothing is tried again on the endpoint."
    )
    return Section("failures", "Failures and their causes", lead, (), (_by_cause(account), _all(account)))


def _by_cause(account: Account) -> Table:
    groups: dict[tuple[str, str], list[FailureRow]] = {}
    for one in account.failures:
        code = " ".join(part for part in (one.hresult, one.name) if part) or "no code"
        cause = str(one.cause["code"]) if one.cause else "not documented yet"
        groups.setdefault((f"{STEPS.get(one.step, one.step)}: {code} ({one.cls})", cause), []).append(one)
    rows = [
        (
            Cell(what),
            Cell(cause, tone=None if some[0].cause else "failed"),
            cells.number(len(some)),
            cells.number(len({one.endpoint for one in some})),
            Cell(words.some(dict.fromkeys(one.endpoint for one in some))),
        )
        for (what, cause), some in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    columns = (
        Column("what failed", wide=True),
        Column("root cause"),
        Column("failures", "number"),
        Column("endpoints", "number"),
        Column("which"),
    )
    return Table(
        "by-cause", "Failures by code and root cause", columns, tuple(rows), len(rows), empty="Nothing failed."
    )


def _all(account: Account) -> Table:
    rows = [_failure(one) for one in sorted(account.failures, key=lambda one: (one.cause is not None, one.at, one.id))]
    columns = (
        Column("endpoint", "name"),
        Column("client"),
        Column("when", "time"),
        Column("what"),
        Column("text", wide=True),
        Column("root cause"),
        Column("ticket", "number"),
        Column("next window", "time"),
    )
    shown, total = cut(rows)
    return Table("failures-all", "Each failure", columns, shown, total, filtered=total > 8, empty="Nothing failed.")


def _failure(one: FailureRow) -> tuple[Cell, ...]:
    if one.cause is None:
        cause = Cell("none yet", tone="failed")
    else:
        cause = Cell(f"{one.cause['code']}: {one.cause['text']} (by {one.cause['by']}, {str(one.cause['at'])[:10]})")
    tickets = ", ".join(f"#{ticket}" for ticket in one.tickets)
    what = STEPS.get(one.step, one.step) + (f" of {one.label}" if one.label else "")
    return (
        Cell(one.endpoint),
        cells.text(one.client),
        cells.at(one.at),
        Cell(what),
        Cell(one.text),
        cause,
        Cell(tickets or words.NOTHING, key=one.tickets[0] if one.tickets else -1),
        cells.at(one.next_window if one.cause is None else None),
    )
