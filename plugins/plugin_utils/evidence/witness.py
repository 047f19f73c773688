# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what was seen of endpoints: of many that were looked at at about the same time, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from ..errors import PatchingError
from ..ledger import Event, LedgerError, Progress
from .judge import Standing, judge
from .look import Look
from .outcomes import TAGS, Probed, observe
from .recorder import Recorder

URGENT = frozenset({"ticket.wanted", "alert.wanted"})
"""What is delivered before the run goes on, and not at its end alone."""


class Witness:
    """Judges looks and records what follows. What goes wrong becomes the run's problem; nothing is raised."""

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
            judged = [(look, self._judged(look, standing[name])) for name, look in first.items()]
            urgent = self._recorded(judged) or urgent
        return urgent

    def _recorded(self, judged: Sequence[tuple[Look, list[Event]]]) -> bool:
        """Together; where one of them is none that the ledger can take, one by one."""
        events = [event for dummy, follow in judged for event in follow]
        try:
            self._recorder.record(events)
        except Exception as exc:  # whatever it is, the ledger has to tell that something was seen
            if len(judged) > 1:
                urgent = [self._recorded([one]) for one in judged]
                return any(urgent)
            self._unjudged(judged[0][0], exc)
            return False
        return any(event.kind in URGENT for event in events)

    def _judged(self, look: Look, progress: Progress) -> list[Event]:
        try:
            return self._judge(look, progress)
        except Exception as exc:
            self._unjudged(look, exc)
            return []

    def _unjudged(self, look: Look, exc: Exception) -> None:
        recorder = self._recorder
        why = f"{type(exc).__name__}: {exc}"
        message = f"what the task with the evidence {look.tag} showed could not be judged: {why}"
        recorder.report(f"{look.endpoint.name}: {message}")
        failed = {"step": TAGS[look.tag].step, "message": message}
        with suppress(PatchingError):
            recorder.record([Event("step.failed", look.endpoint.name, look.at, failed)])

    def _judge(self, look: Look, progress: Progress) -> list[Event]:
        recorder, name = self._recorder, look.endpoint.name
        kind = progress.job.kind if progress.job else None
        observation = observe(look.tag, look.result, unreachable=look.unreachable, job_kind=kind)
        if isinstance(observation, Probed):
            self._probes[name] = observation.checks
        settings = recorder.settings
        standing = Standing(
            look.endpoint,
            progress,
            recorder.policy,
            look.at,
            limit=look.limit,
            probes=self._probes.pop(name, []) if look.tag == "validation" else [],
            alerts=settings.on_call is not None,
            close_cured=settings.psa is not None and settings.psa.close_cured,
        )
        return judge(look.tag, observation, standing)

    def _progress(self, names: Collection[str]) -> dict[str, Progress]:
        recorder = self._recorder
        try:
            return recorder.ledger.progress(names, run=recorder.run)
        except LedgerError:
            return {name: Progress() for name in names}  # it cannot be read; recording will spool and say so
