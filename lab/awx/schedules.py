# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a schedule as AWX takes and refuses them, and when they fire."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from dateutil import rrule

from .errors import RefusedError

DTSTART = re.compile(r".*?(DTSTART(;[^:]+)?\:[0-9]+T[0-9]+Z?)")
NAIVE = re.compile(r".*?(DTSTART:[0-9]+T[0-9]+) ")
RULE = re.compile(r".*?(RULE\:[^\s]*)")
NUMBERED_DAY = re.compile(r".*?BYDAY[\:\=][0-9]+[a-zA-Z]{2}")
"""Finds a number on the first day only: ``MO,2TU`` is let through, and never fires."""
COUNT = re.compile(r"COUNT=([0-9]+)")
MOST = 999


def check(rule: str) -> None:
    """Raises RefusedError with everything that AWX finds wrong."""
    starts, rules, low = DTSTART.findall(rule), RULE.findall(rule), rule.lower()
    errors = []
    if not starts:
        errors.append("Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    if NAIVE.findall(rule):
        errors.append("DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ.")
    if len(starts) > 1:
        errors.append("Multiple DTSTART is not supported.")
    if "rrule:" not in low:
        errors.append("One or more rule required in rrule.")
    errors += [f"{word} not allowed in rrule." for word in ("EXDATE", "RDATE") if f"{word.lower()}:" in low]
    for one in rules:
        errors += [f"{why}: {one}" for why in _wrong(one)]
    if not errors:
        errors = _unreadable(rule)
    if errors:
        raise RefusedError("rrule", *errors)


def _wrong(rule: str) -> list[str]:
    wrong = []
    if "interval" not in rule.lower():
        wrong.append("INTERVAL required in rrule")
    elif "secondly" in rule.lower():
        wrong.append("SECONDLY is not supported")
    if NUMBERED_DAY.match(rule):
        wrong.append("BYDAY with numeric prefix not supported")
    if "COUNT" in rule and "UNTIL" in rule:
        wrong.append("RRULE may not contain both COUNT and UNTIL")
    count = COUNT.search(rule)
    if count and int(count[1]) > MOST:
        wrong.append("COUNT > 999 is unsupported")
    return wrong


def _unreadable(rule: str) -> list[str]:
    try:
        parsed: Any = rrule.rrulestr(rule, forceset=True)
    except (ValueError, TypeError) as exc:
        return [f"rrule parsing failed validation: {exc}"]
    if parsed._rrule and parsed._rrule[0]._dtstart.tzinfo is None:
        return ["rrule parsing failed validation: A valid TZID must be provided (e.g., America/New_York)"]
    return []


def fires(rule: str, after: datetime, most: int = 10) -> list[datetime]:
    """The next instants, UTC. Those that the clock skips are left out, as AWX leaves them out."""
    found = rrule.rrulestr(_near(rule, after), forceset=True).xafter(after, inc=False)
    real = (one.astimezone(UTC) for one in found if _exists(one))
    return list(islice(real, most))


def _exists(instant: datetime) -> bool:
    there = instant.astimezone(UTC).astimezone(instant.tzinfo)
    return there.replace(tzinfo=None) == instant.replace(tzinfo=None)


def _near(rule: str, after: datetime) -> str:
    """Rules of minutes and hours begin a week before, as AWX has it: to count them from years ago takes minutes."""
    if not ("MINUTELY" in rule or "HOURLY" in rule):
        return rule
    start = rrule.rrulestr(rule, forceset=True)[0]
    if (after - start).days <= 7:
        return rule
    near = after.fromtimestamp(after.timestamp() - 7 * 86400, tz=UTC)
    return rule.replace(f":{start:%Y%m%dT}", f":{near:%Y%m%dT}")
