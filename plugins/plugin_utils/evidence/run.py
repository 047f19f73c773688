# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as the callback has it, in Ansible's main process: from its first play to its end.

From that process Ansible forks a worker for each task and host, each the dearer the more it has loaded. So a run in
which no task is ours loads nothing there that records: what people's own tasks saw goes to a clerk, which delivers and
closes as well. One that plans has the ledger in the main process, for what plans and takes steps is forked from there.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .clerk import Clerk, ClerkDiedError, HandoverError, Tell
from .closing import Closing
from .identity import Identity
from .look import Look
from .trouble import Trouble

if TYPE_CHECKING:
    from ..planning.hosts import HostVars
    from ..planning.tiers import Key
    from .observer import Observer
    from .recorder import Recorder

COLLECTION = "msp.patching."
PLAN = f"{COLLECTION}plan"
"""The action that every patching run has."""
ON_ENDPOINTS = f"{COLLECTION}win_"
"""What the names of our modules begin with that know nothing of the ledger."""


class Run:
    """Knows who records: a clerk what people's own tasks saw, an observer in this process the run's own part."""

    def __init__(self, begin: Callable[[Identity, Tell], Recorder], tell: Tell, *, check_mode: bool = False) -> None:
        """`begin` activates the recorder of the process that it is called in; `tell` shows people what takes long."""
        self._begin = begin
        self.tell = tell
        self._check_mode = check_mode
        self._identity = Identity()
        self._before = Trouble()
        """What went wrong while there was no recorder."""
        self._recorder: Recorder | None = None
        self._observer: Observer | None = None
        self._clerk: Clerk | None = None
        self._alone = False
        """Whether it has to do without a clerk: one has died."""
        self._plans = False
        self._ours = False
        """Whether a task was ours, and may have recorded."""
        self._urgent = False

    # -- what its processes know of each other -----------------------------------------------------------------------

    @property
    def trouble(self) -> Trouble:
        """What has gone wrong with recording (`Recorder.trouble`)."""
        return self._before if self._recorder is None else self._recorder.trouble

    def share(self, trouble: Trouble) -> None:
        """Another process of this run had that trouble."""
        if self._recorder is None:
            self._before = self._before.then(trouble)
        else:
            self._recorder.share(trouble)

    def report(self, problem: str) -> None:
        """Make `problem` the run's, unless it has one."""
        self.share(Trouble(problem))

    @property
    def recorder(self) -> Recorder:
        """The one of this process, active from now on."""
        if self._recorder is None:
            self._recorder = self._begun(self.tell)
            self._recorder.share(self._before)
        return self._recorder

    def _begun(self, tell: Tell) -> Recorder:
        recorder = self._begin(self._identity, tell)
        recorder.replay()
        return recorder

    def _here(self) -> Observer:
        """The observer in this process."""
        if self._observer is None:
            self._observer = _observer(self.recorder)
        return self._observer

    def _there(self, tell: Tell) -> Observer:
        """The one in the clerk's process."""
        recorder = self._recorder or self._begun(tell)
        recorder.tell = tell
        return _observer(recorder)

    # -- while it goes on ------------------------------------------------------------------------------------------

    def see(self, look: Look, secrets: Collection[str] = ()) -> None:
        """Record soon what a task of people's own saw; none of the `secrets`, which are credentials. Nothing in check
        mode."""
        if self._check_mode:
            return
        if self._alone:
            self._record(look, secrets)
            return
        if self._clerk is None:
            gc.freeze()  # a collection in a worker would write to every object, and so copy the memory of this process
            self._clerk = Clerk(self, self._there)
            atexit.register(self._let_go)
        try:
            self._clerk.put(look, secrets)
        except HandoverError:
            self._hear(settled=True)  # what was seen before it is recorded before it
            self._record(look, secrets)
        except ClerkDiedError as exc:
            self._stand_in(exc)

    def seen(self, *, urgent: bool) -> None:
        """A step has recorded what it saw by itself; `urgent` is whether something of it is to be delivered at once."""
        self._urgent = self._urgent or urgent

    def between_tasks(self, coming: str = "") -> list[str]:
        """Send what the last task's evidence wanted at once; `coming` is the action of the task that comes, before
        which all is recorded that it may ask for.

        Gives what people should read before it.
        """
        ours = coming.startswith(COLLECTION) and not coming.startswith(ON_ENDPOINTS)
        self._hear(settled=ours)
        if ours:
            self._ours = True
            dummy = self.recorder
        words = []
        if coming == PLAN and not self._plans:
            self._plans = True
            words = self._here().before_planning()
        if self._urgent:
            self._urgent = False
            if self._clerk is not None and self._observer is None:
                with suppress(ClerkDiedError):  # the next word to it will tell
                    self._clerk.deliver()
            else:
                self._here().deliver()
        return words

    def _hear(self, *, settled: bool = False) -> None:
        if self._clerk is None:
            return
        try:
            if settled:
                self._clerk.settle()
            else:
                self._clerk.hear()
            self._urgent = self._clerk.take_urgent() or self._urgent
        except ClerkDiedError as exc:
            self._stand_in(exc)

    def _stand_in(self, why: ClerkDiedError) -> None:
        """The clerk is no more: what it has not said to have recorded is recorded here, and so is all that follows."""
        clerk, self._clerk, self._alone = self._clerk, None, True
        atexit.unregister(self._let_go)
        self.report(str(why))
        for look, secrets in clerk.unsaid if clerk else ():
            self._record(look, secrets)

    def _record(self, look: Look, secrets: Collection[str]) -> None:
        self._urgent = self._here().record([look], secrets) or self._urgent

    # -- its end ---------------------------------------------------------------------------------------------------

    def close_tiers(self, hostvars: HostVars, names: Collection[str], tiers: Collection[Key]) -> None:
        """See `Observer.close_tiers`."""
        if tiers:
            self._hear(settled=True)
            self._here().close_tiers(hostvars, names, tiers)

    def close(self, hosts: Mapping[str, Mapping[str, int]], zones: Callable[[], Mapping[str, ZoneInfo]]) -> Closing:
        """End the run; `hosts` are the counts of each, `zones` gives those of endpoints."""
        if self._check_mode:
            return Closing()
        closing = self._closed_by_clerk(hosts)
        if closing is not None:
            return closing
        words = self._let_go()
        if self._observer is None and not self._ours and not self._alone:
            return Closing()  # it had nothing to do with patching, and so no ledger is looked for
        closing = self._here().close(hosts, zones())
        return Closing(
            [*closing.words, *(one for one in words if one not in closing.words)], closing.summary, closing.is_red
        )

    def _closed_by_clerk(self, hosts: Mapping[str, Mapping[str, int]]) -> Closing | None:
        if self._clerk is None or self._observer is not None:
            return None
        try:
            closing = self._clerk.close(hosts)
        except ClerkDiedError as exc:
            self._stand_in(exc)
            return None
        self._let_go()
        return closing

    def _let_go(self) -> list[str]:
        """The clerk ends when it has recorded all. Also where the run was interrupted: then Ansible ends without a word
        to its callbacks."""
        clerk = self._clerk
        if clerk is None:
            return []
        atexit.unregister(self._let_go)
        try:
            words = clerk.end()
        except ClerkDiedError as exc:
            self._stand_in(exc)
            return []
        self._clerk = None
        return words


def _observer(recorder: Recorder) -> Observer:
    # what it loads costs each worker that is forked from here afterwards
    from .observer import Observer

    return Observer(recorder)
