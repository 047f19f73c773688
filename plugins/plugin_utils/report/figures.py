# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the compliance report, each with what it is counted of.

Pure: an account in, numbers out. A share always bears its numerator and its denominator; a time is measured only over
what is done, and says over how many that is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import mean, median

from ..account import Deadline, EndpointResult, Flaw
from ..flow.closure import PLACES
from ..flow.deadlines import NO_SEVERITY, WORKSTATION, importance
from ..flow.records import CRITICALITIES, SEVERITIES

IMPORTANCES = (*CRITICALITIES, WORKSTATION)
SEVERITY_ROWS = (*SEVERITIES, NO_SEVERITY)


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`; `percent` is None of nothing."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        return 100 * self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How many endpoints stand in each place."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def compliance(self) -> Share:
        """The patched and validated of those that are to be patched: all but the excluded."""
        return Share(self.counts["patched"], self.total - self.counts["excluded"])


@dataclass(frozen=True, slots=True)
class Times:
    """Of one kind of deadline, over some flaws.

    `in_time` is what was done in time of what was done or is overdue, or bears no date; `late` was done after it was
    due, `overdue` is not done and past it, `running` is not done and has time left. Of what is `undated` nobody knows
    when it was released, so nothing shows that it was in time: the assessment results count it so too. `done` is how
    many were, `measured` over how many of these the times are.
    """

    flaws: int
    done: int
    measured: int
    mean: timedelta | None
    median: timedelta | None
    longest: timedelta | None
    in_time: Share
    late: int
    overdue: int
    undated: int
    running: int


def standing(endpoints: Iterable[EndpointResult]) -> Standing:
    counted = Counter(one.stands for one in endpoints)
    return Standing({place: counted[place] for place in PLACES})


def by(endpoints: Iterable[EndpointResult], key: Callable[[EndpointResult], str | None]) -> dict[str, Standing]:
    """The standing of each group that `key` names, by name; those without one are in the group with the empty name."""
    groups: dict[str, list[EndpointResult]] = {}
    for one in endpoints:
        groups.setdefault(key(one) or "", []).append(one)
    return {name: standing(group) for name, group in sorted(groups.items())}


def importance_of(one: EndpointResult | Flaw) -> str:
    """P1, P2, P3 or workstation, as the deadlines see it."""
    return importance(one.kind, one.criticality)


def correcting(flaws: Iterable[Flaw]) -> Times:
    """Time to patch, over the flaws that had to be corrected: neither gone nor left as they are by decision."""
    wanted = [one for one in flaws if one.counts]
    return _times(wanted, [one.correct for one in wanted], [_span(one.since, one.corrected) for one in wanted])


def identifying(flaws: Sequence[Flaw]) -> Times:
    """From the release (or the endpoint's first day with us) to the search that showed it."""
    return _times(flaws, [one.identify for one in flaws], [_span(one.since, one.identified) for one in flaws])


def reporting(flaws: Sequence[Flaw]) -> Times:
    """From that search to the ticket. What was corrected before it had to be reported has no deadline here."""
    return _times(flaws, [one.report for one in flaws], [_span(one.identified, one.reported) for one in flaws])


def matrix(flaws: Iterable[Flaw]) -> dict[tuple[str, str], Times]:
    """`correcting` by severity of the flaw and importance of the machine, the gravest first; only what there is."""
    groups: dict[tuple[str, str], list[Flaw]] = {}
    for one in flaws:
        if one.counts:
            groups.setdefault((one.severity or NO_SEVERITY, importance_of(one)), []).append(one)
    order = ((severity, machine) for severity in SEVERITY_ROWS for machine in IMPORTANCES)
    return {key: correcting(groups[key]) for key in order if key in groups}


def corrected_by(flaws: Iterable[Flaw], points: Sequence[timedelta]) -> list[Share]:
    """How many of the flaws that had to be corrected were, within each of `points` of when their time began."""
    wanted = [one for one in flaws if one.counts and one.since is not None]
    spans = sorted(span for one in wanted if (span := _span(one.since, one.corrected)) is not None)
    return [Share(bisect_right(spans, point), len(wanted)) for point in points]


def _span(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else max(end - start, timedelta())


def _times(flaws: Sequence[Flaw], deadlines: Sequence[Deadline], spans: Iterable[timedelta | None]) -> Times:
    seconds = [span.total_seconds() for span in spans if span is not None]
    met = sum(one.met is True for one in deadlines)
    missed = [one for one in deadlines if one.met is False]
    late = sum(one.done is not None for one in missed)
    undated = sum(one.due is None for one in deadlines)
    return Times(
        flaws=len(flaws),
        done=sum(one.done is not None for one in deadlines),
        measured=len(seconds),
        mean=timedelta(seconds=mean(seconds)) if seconds else None,
        median=timedelta(seconds=median(seconds)) if seconds else None,
        longest=timedelta(seconds=max(seconds)) if seconds else None,
        in_time=Share(met, met + len(missed) + undated),
        late=late,
        overdue=len(missed) - late,
        undated=undated,
        running=sum(one.met is None and one.due is not None and one.done is None for one in deadlines),
    )
