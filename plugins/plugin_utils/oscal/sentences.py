# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the sentences in which a verdict says what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from ..flow.deadlines import Deadlines

NAMED = 5
"""How many are named before it is said how many more there are."""
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def counted(number: int, thing: str) -> str:
    """``1 flaw``, ``2 flaws``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def named(names: Iterable[str]) -> str:
    """The first of the names, and how many more there are."""
    found = sorted(set(names))
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more


def time(span: timedelta) -> str:
    """``24 hours``, ``14 days``: hours up to three days, as the field says it."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if span % unit == timedelta() and (name != "day" or span > 3 * _DAY):
            return counted(span // unit, name)
    return counted(int(span.total_seconds()), "second")


def table(limits: Deadlines) -> str:
    """The times to correct, by severity and by the importance of the machine; told once where they are the same."""
    rows = []
    for severity, by_machine in limits.correct_by.items():
        told = {machine: time(span) for machine, span in by_machine.items()}
        name = "no severity" if severity == "none" else severity
        if len(set(told.values())) == 1:
            rows.append(f"{name} {next(iter(told.values()))}")
        else:
            rows.append(f"{name} " + ", ".join(f"{span} on {machine}" for machine, span in told.items()))
    return "; ".join(
        [*rows, f"{time(limits.emergency)} from the opening of an out-of-band cycle that names its update"]
    )
