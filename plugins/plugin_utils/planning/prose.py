# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a person reads instants, spans and names: what explaining a decision is written with."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..flow import Update
from ..flow.settings import DAYS, WindowSpec
from ..flow.times import localized
from ..visible import visible

_PLAIN = re.compile(r"[\w@%+:,./-]+", re.ASCII)
_QUOTABLE = re.compile(r"[^\x00-\x1f'\"\\\\$`!{}\x7f]+")
"""Neither the shell within double quotes nor Ansible within single ones reads anything in it as more than itself."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
_WALL = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d)(?: [A-Z]\w+(?:/\w+)+)?")
NAMED = 10
"""How many names a sentence has."""
_UNITS = (("day", "days", 86400), ("h", "h", 3600), ("min", "min", 60))


@dataclass(frozen=True, slots=True)
class Prose:
    """Words about one endpoint, in its own wall time. `zone` is IANA; None, where it is not known: then UTC."""

    zone: str | None
    now: datetime

    def when(self, moment: datetime) -> str:
        """``Thu 12 Nov 02:30``, with the year where it is another than now's."""
        return self._wall(localized(moment, self.zone or "UTC")) + ("" if self.zone else " UTC")

    def _wall(self, there: datetime) -> str:
        here = localized(self.now, self.zone or "UTC")
        year = "" if there.year == here.year else f"{there:%Y} "
        return f"{there:%a} {there.day} {there:%b} {year}{there:%H:%M}"

    def maybe(self, before: str, moment: datetime | None) -> str:
        """`before` and the instant, or nothing where there is none."""
        return "" if moment is None else before + self.when(moment)

    def ago(self, moment: datetime) -> str:
        return f"{self.when(moment)}, {span(self.now - moment)} ago"

    def clock(self) -> str:
        """``02:30``: what it is there now."""
        return f"{localized(self.now, self.zone or 'UTC'):%H:%M}"

    def told(self, text: str) -> str:
        """`text` with each instant that is written for machines, and each of its wall times, as `when` has them."""
        text = _INSTANT.sub(lambda found: self.when(datetime.fromisoformat(found[0])), text)
        return _WALL.sub(lambda found: self._wall(datetime.fromisoformat(found[1])), text)

    def here(self) -> str:
        """``Thu 12 Nov 2026 02:30 in America/New_York (07:30 UTC)``"""
        utc = self.now.astimezone(UTC)
        if self.zone is None:
            return f"{utc:%a} {utc.day} {utc:%b %Y %H:%M} UTC; its time zone is not known"
        there = localized(self.now, self.zone)
        return f"{there:%a} {there.day} {there:%b %Y %H:%M} in {self.zone} ({utc:%H:%M} UTC)"


def span(length: timedelta) -> str:
    """``3 days 4 h``, ``1 h 30 min``: the two largest units."""
    left, parts = int(abs(length).total_seconds()), []
    for one, many, seconds in _UNITS:
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {one if count == 1 else many}")
    return " ".join(parts[:2]) or "less than a minute"


def hours(spec: WindowSpec) -> str:
    """``02:00–04:00``, with its days where these are not all: ``Mon–Fri 09:00–17:00``."""
    return f"{_days(sorted(spec.days))}{spec.start:%H:%M}–{spec.end:%H:%M}"


def _days(days: list[int]) -> str:
    if len(days) == len(DAYS):
        return ""
    names = [DAYS[day].title() for day in days]
    in_a_row = len(days) > 2 and days[-1] - days[0] == len(days) - 1
    return f"{names[0]}–{names[-1]} " if in_a_row else " ".join(names) + " "


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 update``, ``2 updates``"""
    return f"{number} {one if number == 1 else many or one + 's'}"


def names_of(names: Sequence[str]) -> str:
    """``A, B and 3 more``: the first of them."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def labels(updates: Iterable[Update]) -> str:
    return ", ".join(dict.fromkeys(update.label for update in updates))


def scope_words(scope: Mapping[str, str]) -> str:
    """``client Acme Dental, ring pilot``; ``everything`` for an empty scope."""
    return ", ".join(f"{key} {value}" for key, value in scope.items()) or "everything"


def playbook(name: str, **given: str | None) -> str:
    """The command that runs a playbook of the collection with these extra vars; one that is None is for the person
    to fill in."""
    return " ".join([f"ansible-playbook msp.patching.{name}", *(extra_var(key, value) for key, value in given.items())])


def extra_var(key: str, value: str | None) -> str:
    """The option that gives an extra var, quoted for the shell and for Ansible, which splits a value at its blanks."""
    if value is not None and _PLAIN.fullmatch(value):
        return f"-e {key}={value}"
    if value is None or (_QUOTABLE.fullmatch(value) and value == visible(value)):
        return f"-e \"{key}='{value or '…'}'\""
    # what cannot be seen is written as JSON has it, or the command would be shown with something else in its place
    return f"-e {shlex.quote(json.dumps({key: value}, ensure_ascii=value != visible(value)))}"
