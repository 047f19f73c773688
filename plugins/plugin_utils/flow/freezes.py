# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change freezes: date ranges and iCalendar files, for all, a client, a location or a role (section 3).

A date, or a time without an offset, is meant in the zone of the endpoint that is asked about; so one freeze
begins at other instants for other endpoints. Files are read when the policy is loaded; what is left for a
decision is arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ..requirements import icalendar, recurring_ical_events
from . import fields, times
from .records import Endpoint

_ONE_DAY = timedelta(days=1)
# Freezes that follow on one another without a gap are one to the reader of ``until``; a rule that freezes
# for ever ends the search here.
_LONGEST_CHAIN = 400

Moment = date | datetime
Span = tuple[Moment, Moment]


@dataclass(frozen=True, slots=True, eq=False)
class Freeze:
    """What is frozen, and when: one span, or the events of a calendar. Ends are the first moment after."""

    name: str
    client: str | None = None
    location: str | None = None
    role: str | None = None
    span: Span | None = None
    calendar: EventCalendar | None = None

    def covers(self, endpoint: Endpoint) -> bool:
        return (
            (self.client is None or self.client == endpoint.client)
            and (self.location is None or self.location == endpoint.location)
            and (self.role is None or self.role == endpoint.role)
        )

    def is_over(self, now: datetime) -> bool:
        """Whether its one span is over, wherever one is; of a calendar nobody knows what it will say."""
        return self.span is not None and _instant(self.span[1], "UTC", closing=True) + _ONE_DAY <= now

    def _events(self, now: datetime) -> tuple[Span, ...]:
        return () if self.calendar is None else self.calendar.touching(now.year, now.month)

    def around(self, now: datetime, zone_name: str) -> Iterator[tuple[datetime, datetime]]:
        """The spans near ``now``, as instants."""
        spans = (self.span,) if self.span is not None else self._events(now)
        for start, end in spans:
            yield _instant(start, zone_name), _instant(end, zone_name, closing=True)


def _instant(moment: Moment, zone_name: str, *, closing: bool = False) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if isinstance(moment.tzinfo, ZoneInfo):
        zone_name = moment.tzinfo.key  # a calendar's own zone: it too may skip a wall time, or have it twice (R4)
    elif moment.utcoffset() is not None:
        return moment.astimezone(UTC)
    return times.wall_instant(moment.replace(tzinfo=None), zone_name, second=closing)


def moment(text: str) -> Moment:
    """A date, a wall time, or an instant; ``ValueError`` says what is right."""
    try:
        parsed: Moment = date.fromisoformat(text) if len(text) == len("2026-11-10") else datetime.fromisoformat(text)
    except ValueError:
        raise fields.UnfitError(
            "a date, a local time or an instant such as 2026-12-24T18:00:00-05:00 is wanted"
        ) from None
    if not fields.EARLIEST_YEAR < parsed.year < fields.LATEST_YEAR:
        raise fields.UnfitError(f"a year between {fields.EARLIEST_YEAR} and {fields.LATEST_YEAR} is wanted")
    return parsed


def closing(end: Moment) -> Moment:
    """The first moment after a range whose end was given: a date is the last day of its range."""
    return end if isinstance(end, datetime) else end + _ONE_DAY


def is_before(start: Moment, end: Moment) -> bool:
    """Whether a range holds anything; where zones differ by half a day at most, in every zone."""
    in_utc = [_instant(moment, "UTC") for moment in (start, end)]
    return in_utc[0] < in_utc[1]


class EventCalendar:
    """An iCalendar whose repeating events are expanded month by month, when a month is first asked for."""

    def __init__(self, text: str) -> None:
        # forgets the zones that other calendars have defined: Outlook calls every such one "Customized Time Zone"
        icalendar.use_zoneinfo()  # type: ignore[no-untyped-call]  # it has no annotation
        self._calendar = icalendar.Calendar.from_ical(text)
        self._months: dict[tuple[int, int], tuple[Span, ...]] = {}
        if not self._calendar.walk("VEVENT"):
            raise fields.UnfitError("it holds no event (VEVENT)")
        # one expansion now: a rule that cannot be expanded is an error of the document, not of a later decision
        self.touching(2026, 1)

    def touching(self, year: int, month: int) -> tuple[Span, ...]:
        """The events that touch a month, with a few days' room for the zones."""
        found = self._months.get((year, month))
        if found is None:
            first = date(year, month, 1) - 3 * _ONE_DAY
            events = recurring_ical_events.of(self._calendar).between(first, first + 40 * _ONE_DAY)
            found = self._months[year, month] = tuple(span for event in events for span in _span(event))
        return found


@lru_cache(maxsize=256)
def calendar_of(text: str) -> EventCalendar:
    """The calendar of a text; raises whatever the libraries do where it is none."""
    return EventCalendar(text)


def _span(event: Any) -> Iterator[Span]:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    start, end = event.start, event.end
    if start != end:
        yield start, end


def frozen(freezes: Sequence[Freeze], zone_name: str, now: datetime) -> tuple[str, datetime] | None:
    """The freeze that holds at ``now``, by name, and the instant at which nothing is frozen any more."""
    name: str | None = None
    until = now
    for dummy in range(_LONGEST_CHAIN):
        found = _longest(freezes, zone_name, until)
        if found is None:
            break
        name, until = name or found[0], found[1]
    return None if name is None else (name, times.localized(until, zone_name))


def next_start(freezes: Sequence[Freeze], zone_name: str, now: datetime) -> datetime | None:
    """When the next one begins after ``now``; None where none does in the month of ``now`` or in the days after it."""
    starts = (start for freeze in freezes for start, dummy in freeze.around(now, zone_name) if start > now)
    return min(starts, default=None)


def _longest(freezes: Sequence[Freeze], zone_name: str, at: datetime) -> tuple[str, datetime] | None:
    holding = [
        (end, freeze.name) for freeze in freezes for start, end in freeze.around(at, zone_name) if start <= at < end
    ]
    if not holding:
        return None
    end, name = max(holding)
    return name, end
