# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The times of an AWX schedule, said in the field's words and turned into rules that AWX takes and that really fire.

AWX refuses ``BYDAY=2TU``, and takes ``BYDAY=MO,2TU`` and never runs it. So days after Patch Tuesday (R1) are written as
the one weekday within seven days of the month: the Wednesday after it is the one from the 9th to the 15th.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ..errors import PatchingError
from ..flow.times import zone

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
TUESDAY = 1
FIRST_PATCH_TUESDAY = 8
"""The earliest day of a month that is its second Tuesday."""
MOST_DAYS = 14
"""Later ones would be in the next month where Patch Tuesday is late."""
MOST_MINUTES = 1440
START = "2026-01-01"
FORMS = ("every_minutes", "weekdays", "daily", "after_patch_tuesday", "rrule")
OTHERS = ("name", "template", "ring", "enabled")
"""What a schedule of the role awx_setup has beside its times."""
REFUSED = (
    (
        r"BYDAY=[^;\s]*\d[A-Z]{2}",
        "a day with a number (2TU) is refused, or taken and never run: use after_patch_tuesday",
    ),
    (r"EXDATE|RDATE", "EXDATE and RDATE are refused"),
    (r"SECONDLY", "SECONDLY is refused"),
    (r"COUNT=\S*UNTIL=|UNTIL=\S*COUNT=", "COUNT and UNTIL in one rule are refused: one of the two says when it ends"),
    (r"COUNT=0*[1-9]\d{3}", "a COUNT of more than 999 is refused"),
    (r"DTSTART", "it begins with the rule: the start is `start` and `at`"),
)


class ScheduleError(PatchingError):
    """The times cannot be told to AWX."""


def awx_rule(times: Mapping[str, Any], time_zone: str) -> str:
    """The text for AWX's field rrule, from one of `FORMS` with `at` (HH:MM, default 00:00) and `start` (a date).

    The zone is an IANA name; local time is kept over changes of the clock, and a time that the clock skips is left out
    that day. Raises ScheduleError naming the schedule, where it has a name, and what is wrong.
    """
    try:
        return _rule(times, time_zone)
    except ScheduleError as exc:
        raise ScheduleError(f"{times['name']}: {exc}" if "name" in times else str(exc)) from exc.__cause__


def _rule(times: Mapping[str, Any], time_zone: str) -> str:
    unknown = sorted(set(times) - {*FORMS, "at", "start", *OTHERS})
    if unknown:
        raise ScheduleError(f"{', '.join(unknown)}: there is {', '.join(FORMS)}, at, start")
    forms = [form for form in FORMS if form in times]
    if len(forms) != 1:
        raise ScheduleError(f"one of {', '.join(FORMS)} is wanted, and there is {', '.join(forms) or 'none'}")
    try:
        zone(time_zone)
    except (KeyError, ValueError, OSError) as exc:  # what zoneinfo raises for what is no name of a zone
        raise ScheduleError(f"time_zone is {time_zone!r}: an IANA zone such as America/New_York is wanted") from exc
    start = f"DTSTART;TZID={time_zone}:{_day(times.get('start', START))}T{_time(times.get('at', '00:00'))}"
    value = times[forms[0]]
    return " ".join([start, *(f"RRULE:{rule}" for rule in RULES[forms[0]](value))])


def _day(given: Any) -> str:
    try:
        return f"{date.fromisoformat(str(given)):%Y%m%d}"
    except ValueError:
        raise ScheduleError(f"start is {given!r}: a date such as {START} is wanted") from None


def _time(given: Any) -> str:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", str(given))
    if found is None:
        # 21:20 without quotes is a number to YAML
        raise ScheduleError(f"at is {given!r}: a time in quotes such as '02:05' is wanted")
    return f"{found[1]}{found[2]}00"


def _whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _every(minutes: Any) -> list[str]:
    if not _whole(minutes) or not 1 <= minutes <= MOST_MINUTES:
        raise ScheduleError(f"every_minutes is {minutes!r}: a number from 1 to {MOST_MINUTES} is wanted")
    return [f"FREQ=MINUTELY;INTERVAL={minutes}"]


def _weekdays(days: Any) -> list[str]:
    if not isinstance(days, list) or not days or any(day not in WEEKDAYS for day in days):
        raise ScheduleError(f"weekdays is {days!r}: a list of {', '.join(WEEKDAYS)} is wanted")
    return [f"FREQ=WEEKLY;INTERVAL=1;BYDAY={','.join(days)}"]


def _daily(wanted: Any) -> list[str]:
    if wanted is not True:
        raise ScheduleError(f"daily is {wanted!r}: true is wanted")
    return ["FREQ=DAILY;INTERVAL=1"]


def _after_patch_tuesday(days: Any) -> list[str]:
    """One day, or several; each is a rule of its own."""
    listed = days if isinstance(days, list) else [days]
    if not listed or any(not _whole(day) or not 0 <= day <= MOST_DAYS for day in listed):
        raise ScheduleError(f"after_patch_tuesday is {days!r}: days from 0 to {MOST_DAYS} are wanted")
    return [_nth_day(day) for day in sorted(set(listed))]


def _nth_day(days: int) -> str:
    first = FIRST_PATCH_TUESDAY + days
    span = ",".join(str(day) for day in range(first, first + 7))
    return f"FREQ=MONTHLY;INTERVAL=1;BYDAY={WEEKDAYS[(TUESDAY + days) % 7]};BYMONTHDAY={span}"


def _as_written(rule: Any) -> list[str]:
    text = str(rule).removeprefix("RRULE:")
    for pattern, why in REFUSED:
        if re.search(pattern, text, re.IGNORECASE):
            raise ScheduleError(f"rrule {text!r}: AWX would not run it; {why}")
    for one in text.split() or [""]:  # there may be several, and EXRULE beside RRULE
        _interval(one.rpartition(":")[2])
    return [text]


def _interval(rule: str) -> None:
    found = re.search(r"(?:^|;)INTERVAL=([^;]*)", rule, re.IGNORECASE)
    if found is None:
        raise ScheduleError(f"rrule {rule!r}: AWX wants an INTERVAL in it")
    if re.fullmatch(r"0*[1-9][0-9]*", found[1]) is None:
        raise ScheduleError(f"rrule {rule!r}: an INTERVAL of 1 or more is wanted")


RULES = {
    "every_minutes": _every,
    "weekdays": _weekdays,
    "daily": _daily,
    "after_patch_tuesday": _after_patch_tuesday,
    "rrule": _as_written,
}
