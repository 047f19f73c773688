# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which looks of a plan are due, and how long a pass waits for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger.register import Job, Progress, Reboot
from ansible_collections.msp.patching.plugins.plugin_utils.planning.looks import Looks
from ansible_collections.msp.patching.plugins.plugin_utils.planning.pace import PATIENCE
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import Plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import Step

NOW = datetime(2026, 11, 11, 7, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Planned:
    """Only what is looked at of a plan."""

    steps: dict[str, Step]
    progress: dict[str, Progress]
    now: datetime = NOW


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def look(seconds: float) -> tuple[str, Progress]:
    job = Job("install", "j1", ago(seconds), 3600, ())
    return "look", Progress(job=job)


def confirm(seconds: float) -> tuple[str, Progress]:
    return "confirm", Progress(reboot=Reboot(ago(seconds), "1"))


def validate(seconds: float | None) -> tuple[str, Progress]:
    return "validate", Progress(checking_since=None if seconds is None else ago(seconds))


def looks(
    *steps: tuple[str, Progress], before: float = 0.5, speed: float = 1, woken: tuple[str, ...] = (), until: float = 0
) -> Looks:
    """Of endpoints A, B and so on, half a second after the plan before; ``until``: a wait ends in so many seconds."""
    names = "ABCD"[: len(steps)]
    ends = NOW + timedelta(seconds=until) if until else None
    made = {
        name: Step(step, "", ends if step == "wait" else None)
        for name, (step, _progress) in zip(names, steps, strict=True)
    }
    progress = {name: one for name, (_step, one) in zip(names, steps, strict=True)}
    return Looks(cast("Plan", Planned(made, progress)), ago(before), speed, woken)


WAITS: tuple[tuple[str, Any, float], ...] = (
    ("young", looks(look(10.5)), 1.5),
    ("the first decides", looks(look(700), confirm(3)), 1),
    ("it has become due meanwhile", looks(look(10.5), before=1), 0),
    ("something is to be started", looks(look(10.5), ("install", Progress())), 0),
    ("a first validation", looks(look(10.5), validate(None)), 0),
    ("a validation alone", looks(validate(None)), 0),
    ("nobody has looked lately", looks(("see", Progress())), 0),
    ("a validation that is tried again", looks(validate(4.5)), 1.5),
    ("a retry", looks(("wait", Progress(retry_at=NOW + timedelta(seconds=40))), look(700), until=30), 30),
    ("a retry that is under way", looks(("look", replace(look(10.5)[1], retry_at=ago(60)))), 1.5),
    ("nobody is left", looks(("leave", Progress()), ("fail", Progress())), 0),
    ("another run is at it", looks(("wait", Progress())), PATIENCE),
    ("it was woken", looks(("wait", Progress(woken_at=ago(4.5))), woken=("A",)), 1.5),
    ("in a lab's time", looks(look(45), before=5, speed=10), 1.5),
)


@pytest.mark.parametrize(("made", "seconds"), [row[1:] for row in WAITS], ids=[row[0] for row in WAITS])
def test_how_long_a_pass_waits(made: Looks, seconds: float) -> None:
    assert made.pause() == seconds


def test_who_was_looked_at_a_moment_ago_has_no_order_and_nobody_else() -> None:
    made = looks(look(10.5), look(12.2), confirm(10.5), validate(None))
    assert {name: step.name for name, step in _steps(made).items()} == {"B": "look", "D": "validate"}


def test_who_was_woken_goes_on_waiting() -> None:
    steps = _steps(looks(("wait", Progress(woken_at=ago(10.5))), woken=("A",), until=99))
    assert steps["A"].until is not None, "and until when is not forgotten"


def _steps(made: Looks) -> dict[str, Step]:
    return dict(made.in_time().steps)
