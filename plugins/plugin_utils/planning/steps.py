# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step an endpoint takes next in a run: its decision, in the light of what is under way on it.

Pure, as the flow is. A decision says what is due for an endpoint at an instant; a step is what a pass of the role
``flow`` does about it: see `calls`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..flow.failures import doubling
from .prose import count

if TYPE_CHECKING:
    from ..flow import Decision
    from ..ledger.register import Progress

ACTING = ("scan", "install", "reboot", "validate", "remind")
"""The actions of the flow that a run carries out."""

AFTERWARDS = ("reboot", "validate", "scan")
"""Those that follow on an install."""

UNDER_WAY = {"look": ("scan", "install"), "confirm": ("reboot",)}
"""Steps that look after something started earlier, and the actions that start it."""


SEEN_LATELY = timedelta(minutes=10)
"""How fresh a look at an endpoint is that nobody looks again."""

UNTIL_THEN = (
    "Nothing is tried again on it until a root cause is documented: "
    "ansible-playbook msp.patching.root_cause -e endpoint={endpoint} -e code=CODE -e \"text='…'\""
)


@dataclass(frozen=True, slots=True)
class Patience:
    """With an endpoint that does not answer: how often in a row it may be `tolerated` until the run gives it up (None:
    however often), and how long `after` the first time it is tried again; that doubles from one time to the next, up to
    `at_most` (policy ``failure``)."""

    tolerated: int | None
    after: timedelta
    at_most: timedelta

    def again_at(self, progress: Progress) -> datetime | None:
        """When it is tried again; None where it answered last."""
        if progress.unreachable_at is None or progress.unreachable_count == 0:
            return None
        return progress.unreachable_at + doubling(self.after, progress.unreachable_count, self.at_most)


@dataclass(frozen=True, slots=True)
class Step:
    """What an endpoint does in the next pass: `name` of the step and `why`, a sentence for people; a `wait` may know
    `until` when."""

    name: str
    why: str
    until: datetime | None = None

    @property
    def ends(self) -> bool:
        """Whether the endpoint has nothing to do in this run after it."""
        return self.name in ("leave", "fail")

    @property
    def acts(self) -> bool:
        """Whether the endpoint is connected to."""
        return self.name not in ("leave", "fail", "wait")


def next_step(
    name: str,
    decision: Decision,
    progress: Progress,
    now: datetime,
    actions: Collection[str],
    patience: Patience,
    *,
    away: bool = False,
) -> Step:
    """The step of the endpoint `name`.

    `actions` are those the run carries out, `patience` is had where it does not answer: a switch that restarts takes
    nobody's night. `away`: the RMM says that it is offline or asleep.
    """
    step = _step(name, decision, progress, now, actions, patience.tolerated, away=away)
    again = patience.again_at(progress)
    if step.name == "leave" and decision.action == "wait" and progress.unreachable_since is not None and not away:
        # its window closed while it was being tried
        return _given_up(name, progress) if progress.unreachable_count else step
    if again is None or again <= now or not step.acts or step.name == "confirm":  # who restarts has his own limit
        return step
    return Step("wait", f"it did not answer; tried again at {again.isoformat()}", again)


def _given_up(name: str, progress: Progress) -> Step:
    times = count(progress.unreachable_count, "time")
    return Step("fail", f"{name}: unreachable {times} in a row; caught up by the next run")


def _step(
    name: str,
    decision: Decision,
    progress: Progress,
    now: datetime,
    actions: Collection[str],
    tolerated: int | None,
    *,
    away: bool,
) -> Step:
    under_way = _under_way(progress, actions, decision)
    if progress.failed_in_run is not None and not _to_be_finished(progress, decision, actions):
        return Step("fail", f"{name}: {progress.failed_in_run[1]} {UNTIL_THEN.format(endpoint=name)}")
    if tolerated is not None and progress.unreachable_count > tolerated and under_way != "confirm":
        return _given_up(name, progress)
    if under_way is not None:
        return Step(under_way, "a look at what is under way")
    if (
        progress.retry_at is not None
        and progress.retry_at > now
        and progress.retry_step in ("posture", decision.action)
    ):
        return Step("wait", f"a retry is due at {progress.retry_at.isoformat()}")
    due = decision.action in actions and decision.action in ACTING
    barred_at = _barred_at(decision, progress)
    by_others = (barred_at is not None or _is_for_others(decision)) and is_unseen(progress, now, barred_at)
    # a look goes before a reminder too: who has restarted is not told to
    if (due or "reboot" in actions) and not away and by_others:
        return Step("see", f"somebody may have rebooted it: {decision.reason}")
    if barred_at is not None:
        return Step("leave", f"its last reboot failed. {UNTIL_THEN.format(endpoint=name)}")
    if due:
        return Step(decision.action, decision.reason)
    return Step("leave", decision.reason)


def _to_be_finished(progress: Progress, decision: Decision, actions: Collection[str]) -> bool:
    """Whether a failed endpoint goes on to its reboot, validation and the search after them, in the window that is
    open: of several updates some may have been installed. Not where one of these is what failed."""
    steps = {failure.step for failure in progress.failures}
    return decision.action in AFTERWARDS and decision.action in actions and steps == {"install"}


def _barred_at(decision: Decision, progress: Progress) -> datetime | None:
    """Of a restart, when the one before it failed, where that has no root cause (section 8, 5). The walk comes to
    ``reboot.*`` before it comes to ``gate.failure_open``, so that it is held here."""
    failed = [failure.told_at for failure in progress.failures if failure.step == "reboot"]
    return max(failed, default=None) if decision.action == "reboot" else None


def _is_for_others(decision: Decision) -> bool:
    """Whether a reboot is pending that a technician or the user does, and may have done."""
    return decision.node.startswith("reboot.") and decision.action in ("manual", "wait", "remind")


def is_unseen(progress: Progress, now: datetime, since: datetime | None = None) -> bool:
    """Whether nobody has looked at it lately, or nobody after that instant."""
    seen = progress.posture_at
    return seen is None or now - seen > SEEN_LATELY or (since is not None and seen <= since)


def may_have_rebooted(progress: Progress, now: datetime) -> bool:
    """Whether a look at an endpoint's job looks at its boot, too: a job that a boot has killed says nothing, for ever.

    Where the endpoint did not answer meanwhile, and else as often as an endpoint is looked at anyway: not every look.
    """
    if progress.job is None:
        return False
    seen = max(filter(None, (progress.posture_at, progress.job.started_at)))
    return progress.unreachable_since is not None or now - seen > SEEN_LATELY


def under_way_since(step: Step, progress: Progress) -> datetime | None:
    """Since when that is under way which the step looks after; None for a step that looks after nothing."""
    match step.name:
        case "look":
            return progress.job.started_at if progress.job is not None else None
        case "confirm":
            return progress.reboot.requested_at if progress.reboot is not None else progress.unreachable_since
        case "validate":
            return progress.checking_since  # its checks have failed before, and have until a deadline to pass
    return None


def _under_way(progress: Progress, actions: Collection[str], decision: Decision) -> str | None:
    job = progress.job
    # nothing is restarted or searched amid an install that a run left behind, whatever this run is narrowed to
    amid_install = job is not None and job.kind == "install" and decision.action in ("reboot", "scan")
    if job is not None and (job.kind in actions or (amid_install and decision.action in actions)):
        return "look"
    # where the answer to the restart was lost, it may be on its way all the same
    lost = progress.unreachable_during == "reboot" and progress.unreachable_since is not None
    if (progress.reboot is not None or lost) and "reboot" in actions:
        return "confirm"
    return None
