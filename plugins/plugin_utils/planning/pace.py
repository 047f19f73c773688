# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When what is under way is looked at, and how soon one pass of a run follows another.

What started a moment ago is looked at soon, what has run for an hour every two minutes: the next look comes when an
eighth of the age has passed, so that nothing is noticed much later than that. A look costs the control node as much as
a start does, the endpoint a PowerShell, and there are many more of them: so each endpoint has its own hours, counted
from its own start, whatever the others of the run are at.

A pass costs something for each endpoint of the run, whoever it is for. The longer a run has lasted, the longer its
passes are apart: it has some hundreds of them in an hour, and a thousand in a day.

All is in real seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

SHARE = 0.125
"""Of its age, until a thing is looked at again."""
SHORT = 2.0
"""Between two looks at least, after the first."""
LONGEST = 120.0
"""Between two looks at most, or two passes: a run that is silent for longer is taken for dead by schedulers."""
APART = 0.01
"""Of the time that a run has lasted, from one pass to the next."""
BREATH = 0.25
"""From one pass to the next at least: what is due in it is one pass."""
PATIENCE = 10.0
"""Until it is looked again whether another run has finished what ours waits for."""


def _ages() -> Iterator[float]:
    yield 1.0
    age = SHORT
    while SHARE * age < LONGEST:
        yield age
        age += max(SHORT, SHARE * age)


AGES = tuple(_ages())
"""The ages at which a thing is looked at; after the last one, every `LONGEST`."""


def looks_by(age: float) -> int:
    """How often a thing of this age has been due for a look; of one that has not begun, 0."""
    beyond = max(0.0, age - AGES[-1])
    return bisect_right(AGES, age) + int(beyond // LONGEST)


def next_look(age: float) -> float:
    """Seconds until a thing of this age is due for its next look."""
    if age < AGES[-1]:
        return AGES[bisect_right(AGES, age)] - age
    return LONGEST - (age - AGES[-1]) % LONGEST


def apart(lasted: float) -> float:
    """Seconds from one pass to the next at least, in a run that has lasted so long."""
    return min(max(BREATH, APART * lasted), LONGEST)


def wait(due_in: Iterable[float]) -> float:
    """Seconds until the next thing is due, of those that are in so many seconds. Where nothing is, another run is at
    what is waited for."""
    return min(max(0.0, min(due_in, default=PATIENCE)), LONGEST)
