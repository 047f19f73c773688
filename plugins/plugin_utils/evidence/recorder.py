# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run's one recorder: who runs, by which policy and clock, and the way into the ledger.

The callback activates it in Ansible's main process before the first task of ours, so that every plugin of the
run finds the same one with `active()`. It holds no database handle: each append opens and closes its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from .. import flow
from ..errors import PatchingError
from ..ledger import Event, Ledger, LedgerError, Opening
from ..ledger.checkpoints import Checkpoint
from ..ledger.claims import Holder
from ..ledger.kinds import check_event
from ..ledger.replay import Tell, nobody
from ..ledger.store import Guard
from ..requirements import yaml
from .clock import Clock, clock_for
from .identity import Identity
from .redact import Redactor
from .rotation import Rotation, rotate
from .settings import Settings, SettingsError
from .signer import Signer
from .spool import Spool
from .trouble import Trouble

ENABLING = (
    "add the line  callbacks_enabled = msp.patching.evidence  to the section [defaults] of the ansible.cfg in use"
    " (in AWX: the one at the project's root), or set ANSIBLE_CALLBACKS_ENABLED=msp.patching.evidence"
)


class NotReadyError(PatchingError):
    """The run may not go on: nothing would be recorded, or something it rests on is wrong."""


class Recorder:
    """Records the events of one run, and knows what the run's plugins need to agree on."""

    def __init__(self, settings: Settings, tell: Tell = nobody, identity: Identity | None = None) -> None:
        """`tell` shows people what takes long; `identity` is that of the run, where another process of it records as
        well."""
        self.settings = settings
        self.tell = tell
        self._identity = identity or Identity()
        self.run = self._identity.run
        self.holder = Holder.of_this_process(self.run)
        self.check_mode = settings.check_mode
        self.signer = Signer(settings)
        self._spools = [Spool(path) for path in settings.spool_paths()]
        self._spooling = False
        self._lost: str | None = None

    @property
    def problem(self) -> str | None:
        """Why this run must not start new work: a sentence, or None where all is well."""
        return self._lost or self._unfit

    @cached_property
    def _unfit(self) -> str | None:
        if self.settings.problem is not None:
            return self.settings.problem
        try:
            self.clock.now()
        except PatchingError as exc:
            return str(exc)
        return None

    @cached_property
    def policy(self) -> flow.Policy:
        """The policy of the run, read once. Raises a PatchingError that names file and path in it."""
        path = self.settings.policy
        if path is None:
            return flow.load_policy({}, None)
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
            raise SettingsError(f"the policy document {path} cannot be read: {exc}") from exc
        try:
            return flow.load_policy({} if document is None else document, path.parent)
        except PatchingError as exc:
            raise SettingsError(f"the policy document {path}: {exc}") from exc

    @cached_property
    def clock(self) -> Clock:
        """What the run takes for the time. Raises a PatchingError where the settings and the policy
        disagree.
        """
        settings = self.settings
        return clock_for(simulated=self.simulated, clock_url=settings.clock_url, as_of=settings.as_of)

    @cached_property
    def redactor(self) -> Redactor:
        """Takes credentials, and by policy the names of users, out of what is recorded."""
        try:
            key = self.signer.key
        except PatchingError:
            key = None
        secrets = [*self.settings.secrets(), *(key.secrets if key else ())]
        try:
            named = self.policy.document["evidence"]["user_names"] == "keep"
        except PatchingError:
            named = False  # nobody knows what the policy says
        seed = key.secrets[0].encode() if key else self._identity.seed
        return Redactor(secrets, pseudonyms=None if named else seed)

    @property
    def simulated(self) -> bool:
        return bool(self.policy.clock == "simulated")

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger; in check mode one that is not there yet is not made. Raises LedgerError."""
        return Ledger.open(self.settings.ledger, create=not self.check_mode, tell=self.tell)

    def append(
        self, ledger: Ledger, events: Sequence[Event], unless: Guard | None = None, batch: str | None = None
    ) -> int:
        """Append events of this run, the run's opening before its first; nothing in check mode, and nothing where
        `unless` is true (`Ledger.append`).

        For plugins that can fail: raises LedgerError where the ledger cannot be written.
        """
        if self.check_mode or not events:
            return 0
        events = [self.redactor.event(event) for event in events]
        return ledger.append(events, run=self.run, opening=self._opening(), unless=unless, batch=batch)

    def record(self, events: Sequence[Event]) -> None:
        """Like `append`, for the callback: what cannot be appended is spooled and becomes the run's problem.

        Once one append was spooled the later ones are too, so that the ledger gets them in order. A connection may be
        lost after the ledger took the events and before it could say so: they bear the number of their batch from
        the first attempt on, so that they enter once. Raises EventError for an event that is not of its kind, with or
        without a spool; nothing is recorded then.
        """
        if self.check_mode or not events:
            return
        batch = str(uuid.uuid4())
        cause = self._lost or ""
        if not self._spooling:
            try:
                self.append(self.ledger, events, batch=batch)
            except LedgerError as exc:
                self._spooling = True
                cause = str(exc)
                self._lost = self._lost or self._waiting(cause)
            else:
                return
        kept = [self.redactor.event(event) for event in events]
        for event in kept:
            check_event(event)  # as the ledger does: what it will never take is in nobody's way later
        self._keep(kept, batch, cause)

    def _keep(self, events: Sequence[Event], batch: str, cause: str) -> None:
        """Into the first spool that takes it; the later events follow it there."""
        troubles = []
        while self._spools:
            try:
                self._spools[0].keep(events, self.run, self._opening(), batch)
            except OSError as exc:
                troubles.append(f"{self._spools.pop(0).path} ({exc.strerror or exc})")
            else:
                if troubles or not self._lost:
                    self._lost = self._waiting(cause)
                return
        self._lost = f"events were lost: neither the ledger nor a spool can be written: {cause}; {', '.join(troubles)}"

    def replay(self) -> int:
        """Bring what an earlier run had to spool into the ledger; where that fails, it is the run's problem."""
        if self.check_mode:
            return 0
        count = 0
        try:
            for spool in self._waiting_spools():
                count += spool.replay(self.ledger)
        except (LedgerError, OSError) as exc:
            self._spooling = True
            self._lost = self._waiting(str(exc))
            return 0
        self._spooling = False
        return count

    def _waiting_spools(self) -> list[Spool]:
        """Those in which something waits, in the order in which they were filled."""
        found = [Spool(path) for path in self.settings.spool_paths() if path.exists()]
        for spool in found:
            if not spool.is_ours:
                self.tell(
                    f"{spool.path} lies where others may write, and is not entered in the ledger: look who made it"
                )
        return [spool for spool in found if spool.is_ours]

    def set_aside(self) -> list[str]:
        """Of what was spooled and no ledger can take, a sentence each for a file of it that is still there."""
        spools = [Spool(path) for path in self.settings.spool_paths()]
        return [
            f"what waited in {spool.path} was no event that the ledger can take, and is in no evidence: {count} "
            f"line(s) in {spool.aside}; look what they say, and move the file away"
            for spool in spools
            if (count := spool.set_aside())
        ]

    def _waiting(self, cause: str) -> str:
        where = self._spools[0].path if self._spools else self.settings.spool_path()
        return f"{cause}; what was seen, and may not be lost, has to wait in {where} for the next run"

    def checkpoint(self) -> Checkpoint | None:
        """Sign the ledger's head; None in check mode, and where nothing is on the ledger.

        Raises PatchingError where that cannot be: what is recorded stays, and the next checkpoint signs it too.
        """
        if self.check_mode:
            return None
        if self._spooling:
            raise LedgerError("the ledger is not signed: events of this run are not on it yet")
        return self.signer.sign(self.ledger, self.run, self.clock.now(), self.settings.by)

    def rotate_key(self, wanted: Rotation) -> str:
        """Replace the key that signs the ledger; in check mode only say so. Raises PatchingError."""
        return rotate(self.signer, self.ledger, self.run, self._opening(), wanted, dry=self.check_mode)

    def opened(self) -> bool:
        """Whether anything was recorded of this run, by this process or a worker; makes no ledger."""
        if self._spooling:
            return True
        return Ledger.open(self.settings.ledger, create=False).has_run(self.run)

    def report(self, problem: str) -> None:
        """Make `problem` the run's, unless it has one."""
        self._lost = self._lost or problem

    def report_if(self, problem: str | None) -> None:
        """The same, where there is one."""
        if problem is not None:
            self.report(problem)

    @property
    def trouble(self) -> Trouble:
        """What has gone wrong with recording in this process, for another process of the run to `share`."""
        return Trouble(self._lost, self._spooling)

    def share(self, trouble: Trouble) -> None:
        """Another process of this run had that trouble: what is recorded from now on follows what it had to spool."""
        both = self.trouble.then(trouble)
        self._lost, self._spooling = both.problem, both.spooling

    def _opening(self) -> Opening:
        settings = self.settings
        body: dict[str, Any] = {
            "by": settings.by,
            "core": settings.core,
            "playbook": settings.playbook,
            "ring": settings.ring,
            "limit": settings.limit,
            "job": settings.job,
            "simulated": self.simulated,
        }
        return Opening(self._opened, body)

    @cached_property
    def _opened(self) -> datetime:
        return self.clock.now()


_active: Recorder | None = None


def activate(settings: Settings, tell: Tell = nobody, identity: Identity | None = None) -> Recorder:
    """Make the recorder of this process and of those forked from it."""
    global _active
    _active = Recorder(settings, tell, identity)
    return _active


def active() -> Recorder | None:
    """The run's recorder; None where the callback is not enabled."""
    return _active


def ready() -> Recorder:
    """The run's recorder, if what the run does will be recorded; NotReadyError says what is in the way."""
    recorder = active()
    if recorder is None:
        raise NotReadyError(
            f"the callback msp.patching.evidence is not enabled, so nothing this run does would be recorded: {ENABLING}"
        )
    if recorder.problem:
        raise NotReadyError(recorder.problem)
    return recorder


def reading() -> Recorder:
    """The run's recorder, for what reads and starts nothing; NotReadyError where the settings are wrong."""
    recorder = active()
    if recorder is None:
        raise NotReadyError(
            "the callback msp.patching.evidence is not enabled, and its settings say where ledger and policy are:"
            f" {ENABLING}"
        )
    if recorder.settings.problem:
        raise NotReadyError(recorder.settings.problem)
    return recorder
