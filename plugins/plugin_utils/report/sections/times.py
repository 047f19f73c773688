# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to patch against the deadlines, by the severity of the flaw and the importance of the machine; and how long it
took to identify and to report (3.14.1 [a] to [f])."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ...account import Account, Flaw
from ...account.model import Deadline
from ...flow.deadlines import NO_SEVERITY
from .. import charts, figures, words
from ..figures import Times
from ..view import Cell, Chart, Column, Section, Table, cut
from . import cells

POINTS = 60
LONGEST = timedelta(days=63)
"""A curve goes no further: what is older has been overdue for long, and is in the tables."""
CURVES = (("Critical", "failed"), ("Important", "held"), ("other", "open"))


def section(account: Account) -> Section:
    lead = (
        "The time to patch runs from the release of an update (or from the first day that the endpoint was known to "
        "us, where that is later) to the healthy validation that proves it, after the confirmed boot where one was "
        "needed. It is measured over the corrected flaws whose release is known; 'in time' is the share of those whose "
        "deadline was met among those that are corrected or overdue, or whose release nobody knows: nothing shows that "
        "they were in time. Declined, deferred, excluded and vanished updates have no deadline here; the assessment "
        "results hold a security update that was left so against 3.14.1 [f] all the same. A flaw is identified by the "
        "first search that shows it on the endpoint, and reported when it stands on a ticket, where it is not "
        f"corrected before that is due.{_unsearched(account)}"
    )
    charts_ = [chart for chart in (_curve(account), _states(account)) if chart is not None]
    return Section(
        "times", "Time to patch", lead, tuple(charts_), (_matrix(account), _stages(account), _updates(account))
    )


def _unsearched(account: Account) -> str:
    """Of whom the figures say nothing."""
    names = [one.name for one in account.endpoints if one.searched is None]
    if not names:
        return ""
    was, them = ("was", "it") if len(names) == 1 else ("were", "them")
    return (
        f" {words.count(len(names), 'endpoint')} {was} not searched in the cycle ({words.some(names, 8)}): what flaws "
        f"are on {them} is not known, and the assessment results hold it against 3.14.1 [b] and [f] once the time to "
        "identify has ended."
    )


def _matrix(account: Account) -> Table:
    flaws: dict[tuple[str, str], list[Flaw]] = {}
    for one in account.flaws:
        if one.counts:
            flaws.setdefault((one.severity or NO_SEVERITY, figures.importance_of(one)), []).append(one)
    rows = [
        (cells.severity(severity), cells.importance(machine), _deadline(flaws[severity, machine]), *_times(times))
        for (severity, machine), times in figures.matrix(account.flaws).items()
    ]
    columns = (
        Column("severity"),
        Column("machine"),
        Column("deadline", "number"),
        Column("flaws", "number"),
        Column("corrected", "number"),
        Column("mean", "number"),
        Column("median", "number"),
        Column("longest", "number"),
        Column("late", "number"),
        Column("overdue", "number"),
        Column("no release date", "number"),
        Column("time left", "number"),
        Column("in time", "number", wide=True),
    )
    total = (Cell("all"), Cell(""), Cell(""), *_times(figures.correcting(account.flaws)))
    return Table(
        "time-to-patch",
        "Time to patch, by the severity of the flaw and the importance of the machine",
        columns,
        (*rows, total) if rows else (),
        len(rows),
        total_row=bool(rows),
        empty="No flaw had to be corrected.",
    )


def _times(times: Times) -> tuple[Cell, ...]:
    return (
        cells.number(times.flaws),
        cells.number(times.done),
        cells.span(times.mean),
        cells.span(times.median),
        cells.span(times.longest),
        cells.number(times.late, "held"),
        cells.number(times.overdue, "failed"),
        cells.number(times.undated, "held"),
        cells.number(times.running),
        cells.share(times.in_time),
    )


def _deadline(flaws: Iterable[Flaw]) -> Cell:
    """What the policy sets for correcting these, from the shortest to the longest."""
    return _set((one.since, one.correct) for one in flaws)


def _set(limits: Iterable[tuple[datetime | None, Deadline]]) -> Cell:
    """The times set, from the shortest to the longest; each from an instant on."""
    spans = {limit.due - since for since, limit in limits if limit.due is not None and since is not None}
    if not spans:
        return Cell(words.NOTHING, key=-1)
    ends = sorted({min(spans), max(spans)})
    return Cell(" to ".join(_days(one) for one in ends), key=ends[0].total_seconds())


def _days(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    if hours < 2 or hours != int(hours):
        return words.span(length)
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days" if hours % 24 == 0 else words.span(length)


def _stages(account: Account) -> Table:
    """Identified, reported and corrected, each against its own deadline."""
    flaws = account.flaws
    stages = (
        ("identified [b]", _set((one.since, one.identify) for one in flaws), figures.identifying(flaws)),
        ("reported [d]", _set((one.identified, one.report) for one in flaws), figures.reporting(flaws)),
        ("corrected [f]", _deadline(flaws), figures.correcting(flaws)),
    )
    rows = [(Cell(name), limit, *_times(times)) for name, limit, times in stages]
    columns = (
        Column("flaw", "name"),
        Column("time set", "number"),
        Column("flaws", "number"),
        Column("done", "number"),
        Column("mean", "number"),
        Column("median", "number"),
        Column("longest", "number"),
        Column("late", "number"),
        Column("overdue", "number"),
        Column("no release date", "number"),
        Column("time left", "number"),
        Column("in time", "number", wide=True),
    )
    return Table(
        "stages",
        "Identifying, reporting and correcting against the times set (3.14.1 [a] to [f])",
        columns,
        tuple(rows),
        len(rows),
    )


def _updates(account: Account) -> Table:
    """The flaws by update: where it stood, and what became of it."""
    groups: dict[str, list[Flaw]] = {}
    for one in account.flaws:
        groups.setdefault(one.update, []).append(one)
    rows = [_update(group) for group in groups.values()]
    rows.sort(key=lambda row: (str(row[2].key), -float(row[5].key or 0), row[0].text))
    columns = (
        Column("update"),
        Column("title", wide=True),
        Column("severity"),
        Column("released", "time"),
        Column("first identified", "time"),
        Column("endpoints", "number"),
        Column("corrected", "number"),
        Column("left", "number"),
        Column("accepted", "number"),
        Column("vanished", "number"),
        Column("overdue", "number"),
    )
    shown, total = cut(rows)
    return Table(
        "updates",
        "The updates, and on how many endpoints each was found and corrected",
        columns,
        shown,
        total,
        beside="flaws",
        filtered=total > 8,
        empty="No search has found an update.",
    )


def _update(group: Sequence[Flaw]) -> tuple[Cell, ...]:
    one = group[0]
    corrected = sum(flaw.corrected is not None for flaw in group)
    gone = sum(flaw.state == "gone" for flaw in group)
    accepted = sum(not flaw.counts for flaw in group) - gone
    overdue = sum(flaw.correct.met is False and flaw.corrected is None for flaw in group)
    severity = f"{words.severity(one.severity)}{f', CVSS {one.cvss:g}' if one.cvss is not None else ''}"
    return (
        cells.text(one.label),
        cells.text(one.title),
        Cell(severity, key=cells.severity(one.severity).key),
        cells.at(one.released),
        cells.at(min(flaw.identified for flaw in group)),
        cells.number(len(group)),
        cells.number(corrected),
        cells.number(len(group) - corrected - gone - accepted, "open"),
        cells.number(accepted),
        cells.number(gone),
        cells.number(overdue, "failed"),
    )


def _curve(account: Account) -> Chart | None:
    """How large a part of the flaws was corrected, by the days since their time began."""
    groups = {
        "Critical": [one for one in account.flaws if one.counts and one.severity == "Critical"],
        "Important": [one for one in account.flaws if one.counts and one.severity == "Important"],
        "other": [one for one in account.flaws if one.counts and one.severity not in ("Critical", "Important")],
    }
    waits = [account.at - one.since for group in groups.values() for one in group if one.since is not None]
    if not waits:
        return None
    end = max(timedelta(hours=6), min(max(waits), LONGEST))
    unit, name = (timedelta(days=1), "days") if end >= timedelta(days=3) else (timedelta(hours=1), "hours")
    curves = {}
    told = []
    for severity, tone in CURVES:
        points = [end * step / POINTS for step in range(POINTS + 1)]
        shares = figures.corrected_by(groups[severity], points)
        if shares[-1].whole:
            label = f"{severity} ({words.count(shares[-1].whole, 'flaw')})"
            pairs = zip(points, shares, strict=True)
            curves[label] = (tone, [(point / unit, share.percent or 0.0) for point, share in pairs])
            told.append(f"{severity}: {words.of(shares[-1])} within {words.span(end)}")
    return charts.curves(
        "curve",
        f"Corrected flaws in per cent, by {name} since the release",
        f"Curves of the share of flaws corrected within so many {name}, by severity. {'; '.join(told)}.",
        curves,
    )


def _states(account: Account) -> Chart | None:
    """By severity: corrected in time, corrected late, overdue, and with time left."""
    groups: dict[str, list[Flaw]] = {}
    for one in account.flaws:
        if one.counts:
            groups.setdefault(one.severity or NO_SEVERITY, []).append(one)
    names = [name for name in figures.SEVERITY_ROWS if name in groups]
    if not names:
        return None
    counted = {name: figures.correcting(groups[name]) for name in names}
    series = {
        "corrected in time": ("patched", [counted[name].in_time.part for name in names]),
        "corrected late": ("held", [counted[name].late for name in names]),
        "overdue": ("failed", [counted[name].overdue for name in names]),
        "no release date": ("excluded", [counted[name].undated for name in names]),
        "time left": ("open", [counted[name].running for name in names]),
    }
    told = "; ".join(f"{words.severity(name)}: {words.of(counted[name].in_time)} in time" for name in names)
    return charts.stacked(
        "deadlines",
        "Flaws by severity and deadline",
        f"Stacked bars of the flaws of each severity. {told}.",
        [words.severity(name) for name in names],
        {label: row for label, row in series.items() if any(row[1])},
    )
