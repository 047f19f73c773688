# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not fine, and who must act on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ...account import Account, EndpointResult, Flaw
from .. import figures, words
from ..view import Cell, Column, Section, Table, cut
from . import cells

SETTLED = ("patched", "excluded")
ORDER = ("failed", "unreachable", "held", "open")


def section(account: Account) -> Section:
    left = [one for one in account.endpoints if one.stands not in SETTLED]
    lead = (
        f"{words.count(len(left), 'endpoint')} of {len(account.endpoints):,} not done: who acts next, and on what. "
        "Reasons are those of the last decision for each endpoint, or of the proof of its closed tier."
    )
    tables = (_actors(account, left), _endpoints(account, left), _overdue(account))
    return Section("open", "What is open, and who must act", lead, (), tables)


def actions(account: Account) -> list[tuple[str, str, list[str], datetime | None]]:
    """Who, what, on which endpoints, and since when at the latest decision; what no person does comes last."""
    groups: dict[tuple[str, str], list[EndpointResult]] = {}
    for one in account.endpoints:
        if one.stands not in SETTLED and one.node != "approval.review":
            groups.setdefault(words.acts(one.stands, one.node), []).append(one)
    found = [(*key, [one.name for one in some], _oldest(some)) for key, some in groups.items()]
    review = [one for one in account.flaws if one.state == "held" and one.decision.outcome == "held"]
    if review:
        updates = list(dict.fromkeys(one.label for one in review))
        what = f"decide about {words.count(len(updates), 'update')} under review: {words.some(updates)}"
        names = list(dict.fromkeys(one.endpoint for one in review))
        found.append((words.ENGINEER, what, names, min(one.identified for one in review)))
    return sorted(found, key=lambda row: (row[0] == words.NOBODY, -len(row[2]), row[0], row[1]))


def _oldest(some: Iterable[EndpointResult]) -> datetime | None:
    return min((one.decided for one in some if one.decided is not None), default=None)


def _actors(account: Account, left: Sequence[EndpointResult]) -> Table:
    rows = [
        (Cell(who), Cell(what), cells.number(len(names)), Cell(words.some(names)), cells.at(since))
        for who, what, names, since in actions(account)
    ]
    columns = (
        Column("who"),
        Column("what", wide=True),
        Column("endpoints", "number"),
        Column("which"),
        Column("since", "time"),
    )
    empty = "Nobody: all endpoints are done." if not left else "Nobody."
    return Table("actions", "Who must act", columns, tuple(rows), len(rows), empty=empty)


def _endpoints(account: Account, left: Sequence[EndpointResult]) -> Table:
    flaws = cells.left_on(account.flaws)
    rows = sorted((_endpoint(one, flaws.get(one.name, [])) for one in left), key=_gravest_first)
    columns = (
        Column("endpoint", "name"),
        Column("client"),
        Column("ring"),
        Column("machine"),
        Column("stands", "state"),
        Column("why", wide=True),
        Column("who acts"),
        Column("flaws left", "number"),
        Column("overdue", "number"),
        Column("last search", "time"),
    )
    shown, total = cut(rows)
    return Table(
        "not-done",
        "The endpoints that are not done",
        columns,
        shown,
        total,
        beside="endpoints",
        filtered=True,
        empty="All endpoints are patched and validated, or excluded.",
    )


def _endpoint(one: EndpointResult, flaws: Sequence[Flaw]) -> tuple[Cell, ...]:
    overdue = sum(flaw.correct.met is False for flaw in flaws)
    known = bool(flaws) or one.searched is not None
    return (
        Cell(one.name),
        cells.text(one.client),
        cells.text(one.ring),
        cells.importance(figures.importance_of(one)),
        cells.state(one.stands),
        cells.text(one.reason),
        Cell(words.acts(one.stands, one.node)[0]),
        cells.number(len(flaws)) if known else Cell("not known", key=-1),
        cells.number(overdue, "failed") if known else Cell("not known", key=-1),
        cells.at(one.searched),
    )


def _gravest_first(row: tuple[Cell, ...]) -> tuple[int, float, str]:
    return ORDER.index(row[4].text), -float(row[8].key or 0), row[0].text


def _overdue(account: Account) -> Table:
    late = [one for one in account.flaws if one.counts and one.corrected is None and one.correct.met is False]
    late.sort(key=lambda one: (str(one.correct.due), one.endpoint, one.label))
    rows = [
        (
            cells.text(one.label),
            cells.severity(one.severity),
            Cell(one.endpoint),
            cells.text(one.client),
            cells.at(one.released),
            cells.at(one.identified),
            cells.at(one.correct.due),
            cells.state(one.state),
            cells.text(one.reason),
        )
        for one in late
    ]
    columns = (
        Column("update"),
        Column("severity"),
        Column("endpoint", "name"),
        Column("client"),
        Column("released", "time"),
        Column("identified", "time"),
        Column("was due", "time"),
        Column("state", "state"),
        Column("why", wide=True),
    )
    shown, total = cut(rows)
    return Table(
        "overdue",
        "Flaws that are past their time to be corrected, the longest first",
        columns,
        shown,
        total,
        beside="flaws",
        filtered=True,
        empty="No flaw is past its time.",
    )
