# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what was seen of endpoints: of many that were looked at at about the same time, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..errors import PatchingError
from ..flow import who
from ..ledger import Event, LedgerError, Progress
from ..visible import visible
from .judge import Standing, judge, unjudged
from .look import Look
from .outcomes import LONGEST_MESSAGE, TAGS, PostureSeen, Probed, Unreachable, clean, observe
from .recorder import Recorder

URGENT = frozenset({"ticket.wanted", "alert.wanted"})
"""What is delivered before the run goes on, and not at its end alone."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A look at an endpoint, how far that had been before, and what follows."""

    look: Look
    progress: Progress
    events: list[Event]


class Witness:
    """Judges looks and records what follows; nothing is raised.

    What cannot be judged or recorded of one endpoint is a failure of that endpoint, and never stops the others. Where
    the failure cannot be recorded either, it is the run's problem.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._probes: dict[str, list[dict[str, Any]]] = {}

    def record(self, looks: Sequence[Look]) -> bool:
        """Whether something of it is to be delivered at once.

        Where an endpoint stands follows from what was seen of it before: of several looks at one, each is recorded
        before the next is judged.
        """
        urgent = False
        for look in looks:
            if look.tag not in TAGS:
                self._recorder.report(f"a task has the evidence {look.tag!r}; there is: {', '.join(TAGS)}")
        waiting = [look for look in looks if look.tag in TAGS]
        while waiting:
            first: dict[str, Look] = {}
            waiting = [look for look in waiting if first.setdefault(look.endpoint.name, look) is not look]
            standing = self._progress(first)
            judged = [_Judged(look, standing[name], self._judged(look, standing[name])) for name, look in first.items()]
            urgent = self._recorded(judged) or urgent
        return urgent

    def _recorded(self, judged: Sequence[_Judged]) -> bool:
        """Together; where one of them is none that the ledger can take, one by one."""
        events = [event for one in judged for event in one.events]
        try:
            self._recorder.record(events)
        except Exception as exc:  # whatever it is, the ledger has to tell that something was seen
            if len(judged) > 1:
                urgent = [self._recorded([one]) for one in judged]
                return any(urgent)
            events = self._refused(judged[0], exc)
        return any(event.kind in URGENT for event in events)

    def _refused(self, judged: _Judged, why: Exception) -> list[Event]:
        """What is recorded in the place of events that the ledger does not take."""
        events = self._unjudged(judged.look, judged.progress, why)
        try:
            self._recorder.record(events)
        except Exception as exc:
            self._lost(judged.look, exc)
            return []
        return events

    def _judged(self, look: Look, progress: Progress) -> list[Event]:
        try:
            return self._judge(look, progress)
        except Exception as exc:
            return self._unjudged(look, progress, exc)

    def _unjudged(self, look: Look, progress: Progress, why: Exception) -> list[Event]:
        """The endpoint's failure; none where nothing can be judged, which is then recorded as it is."""
        try:
            return unjudged(look.tag, _unfit(look, why), self._standing(look, progress))
        except Exception:  # it is not the endpoint's: the policy cannot be read, say
            self._lost(look, why)
            return []

    def _lost(self, look: Look, why: Exception) -> None:
        recorder, message = self._recorder, _unfit(look, why)
        recorder.report(f"{look.endpoint.name}: {message}")
        failed = {"step": TAGS[look.tag].step, "message": message}
        with suppress(PatchingError):
            recorder.record([Event("step.failed", look.endpoint.name, look.at, failed)])

    def _judge(self, look: Look, progress: Progress) -> list[Event]:
        name = look.endpoint.name
        kind = progress.job.kind if progress.job else None
        observation = observe(look.tag, look.result, unreachable=look.unreachable, job_kind=kind)
        called = observation.posture.get("computer_name") if isinstance(observation, PostureSeen) else None
        if who.is_another(look.endpoint.computer_name, called):  # a step has not gone on; so of people's own tasks
            observation = Unreachable(clean(who.words(look.endpoint.computer_name, called)))
        if isinstance(observation, Probed):
            self._probes[name] = observation.checks
        return judge(look.tag, observation, self._standing(look, progress))

    def _standing(self, look: Look, progress: Progress) -> Standing:
        recorder = self._recorder
        settings = recorder.settings
        return Standing(
            look.endpoint,
            progress,
            recorder.policy,
            look.at,
            limit=look.limit,
            probes=self._probes.pop(look.endpoint.name, []) if look.tag == "validation" else [],
            alerts=settings.on_call is not None,
            close_cured=settings.psa is not None and settings.psa.close_cured,
        )

    def _progress(self, names: Collection[str]) -> dict[str, Progress]:
        recorder = self._recorder
        try:
            return recorder.ledger.progress(names, run=recorder.run)
        except LedgerError:
            return {name: Progress() for name in names}  # it cannot be read; recording will spool and say so


def _unfit(look: Look, why: Exception) -> str:
    said = f"what the task with the evidence {look.tag} showed could not be judged: {type(why).__name__}: {why}"
    return visible(clean(said))[:LONGEST_MESSAGE]
