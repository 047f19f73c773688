# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes what the callback hands over, in Ansible's main process: a run from its beginning to its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..account import last_instant
from ..deliveries import compliance, reports
from ..deliveries.flaws import found
from ..deliveries.outbox import Outbox
from ..deliveries.tracker import tracked
from ..errors import PatchingError
from ..flow import Endpoint
from ..flow.closure import Tier
from ..ledger import Event, LedgerError
from ..ledger.checkpoints import Checkpoint
from ..ledger.cycles import closing_events
from ..ledger.lanes import lanes
from ..planning.hosts import HostVars, readable_endpoints
from ..planning.summary import run_summary
from ..planning.tiers import Key, prove_tiers, tiers_table
from .archive import Archive
from .recorder import Recorder
from .scribe import Scribe
from .witness import Look, Witness

PLAN = "msp.patching.plan"
"""The action that every patching run has."""
SKEW = timedelta(minutes=5)
"""How far the clocks of nodes may be apart before somebody is told."""


class Observer:
    """Opens and closes a run on its ledger, and has delivered what follows from what it has recorded."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._witness = Witness(recorder)
        self._scribe: Scribe[Look] = Scribe(self._write)
        self._delivery_due = False
        self._plans = False
        self._tiers = ""
        self._troubles: list[str] = []
        self._checkpoint: Checkpoint | None = None
        self.is_red = False
        """Whether the run has to end red though no host failed: it is not recorded as it should be."""
        self.archive = Archive(recorder)
        self.outbox = Outbox(recorder)

    def see(self, look: Look) -> None:
        """Record what a task of people's own saw, now or in a moment; nothing in check mode."""
        if not self._recorder.check_mode:
            self._scribe.put(look)

    def _write(self, looks: Sequence[Look]) -> None:
        self._delivery_due = self._witness.record(looks) or self._delivery_due

    def seen(self, *, urgent: bool) -> None:
        """A step has recorded what it saw by itself; `urgent` is whether something of it is to be delivered at once."""
        self._delivery_due = self._delivery_due or urgent

    def learn_secrets(self, secrets: Iterable[str]) -> None:
        """These are credentials: nothing that is recorded may have them in it."""
        self._recorder.redactor.learn(secrets)

    def between_tasks(self, coming: str = "") -> list[str]:
        """Send what the last task's evidence wanted at once; `coming` is the action of the task that comes.

        Gives what people should read before it.
        """
        self._scribe.drain()
        words = []
        if coming == PLAN and not self._plans:
            self._plans = True
            words = self._before_planning()
        if self._delivery_due:
            self._delivery_due = False
            self.outbox.send_between_tasks()
        return words

    def _before_planning(self) -> list[str]:
        """Whether this run will be able to sign is said before it does anything; on a ledger that was cut short it does
        nothing."""
        recorder = self._recorder
        if recorder.check_mode or recorder.problem:
            return []
        try:
            dummy = recorder.redactor  # made here, so that all processes of the run give a name the same stand-in
            lacks = recorder.signer.lacks(recorder.ledger)
            if lacks:
                recorder.report(lacks)
                return []
            return [words for words in (recorder.signer.trouble(recorder.ledger), self._clock_trouble()) if words]
        except PatchingError as exc:
            return [str(exc)]

    def _clock_trouble(self) -> str | None:
        """A clock that was set back, here or where the last run was: nothing that is written then would be believed."""
        recorder = self._recorder
        last, now = last_instant(recorder.ledger), recorder.clock.now()
        if recorder.simulated or last is None or last - now < SKEW:
            return None
        return (
            f"the clock here says {now:%Y-%m-%d %H:%M} UTC, and the ledger's last event is of {last:%Y-%m-%d %H:%M}: "
            "one of the two clocks is wrong, and windows, soaks and deadlines rest on them; set them by NTP"
        )

    def close_tiers(self, hostvars: HostVars, names: Collection[str], tiers: Collection[Key]) -> None:
        """Report what was found, and close those of `tiers` (client, ring and kind) whose endpoints all stand where
        they may; `names` is the whole inventory. What goes wrong becomes the run's problem: a tier that did not close
        is tried by the next run."""
        self._scribe.drain()
        recorder = self._recorder
        if recorder.check_mode or recorder.problem or not tiers:
            return  # with a problem, what was seen may not be on the ledger: no proof rests on that
        try:
            inventory, _unreadable = readable_endpoints(hostvars, names)
            now = recorder.clock.now()
            policy = recorder.policy.with_lanes(lanes(recorder.ledger))
            proofs = prove_tiers(recorder.ledger, policy, inventory, tiers, now)
            events, others = closing_events(recorder.ledger, proofs, now)
            recorder.append(recorder.ledger, found(recorder.ledger, now))
            recorder.append(recorder.ledger, [*events, *self._closing(events, inventory)], unless=others)
            self._tiers = tiers_table(proofs)
            clients = {client for client, dummy, dummy in tiers}
            self._troubles += reports.attach_due(recorder, policy, clients, now)
        except PatchingError as exc:
            recorder.report(f"what was found, and which tiers close, could not be told: {exc}")

    def _closing(self, events: Sequence[Event], inventory: Mapping[str, Endpoint]) -> list[Event]:
        """What is told of tiers that close: to the compliance ticket, and to the RMM where there is one (section 9)."""
        ledger, settings = self._recorder.ledger, self._recorder.settings
        notes = compliance.closed(ledger, events, inventory)
        if settings.automate is None or settings.tracker is None or not events:
            return notes
        closing = {Tier(*(event.body[key] for key in ("cycle", "client", "ring", "kind"))) for event in events}
        known = ledger.rows("tiers", "cycle", "client", "ring", "kind", "closed_at")
        return [*notes, *tracked(closing, known, events[0].at)]

    def close(self, hosts: Mapping[str, Mapping[str, int]]) -> list[str]:
        """End the run: close it in the ledger, send what waits, sign it all; gives what people should read about it."""
        self._scribe.drain()
        recorder = self._recorder
        if recorder.check_mode:
            return []
        opened, unsigned = True, []
        try:
            opened = recorder.opened()
            if opened:
                recorder.record([Event("run.closed", None, recorder.clock.now(), {"hosts": dict(hosts)})])
                recorder.replay()
            if opened or self._plans:
                self.outbox.send()  # a patching run that had nothing to do still brings what an earlier one could not
            if opened:
                unsigned = self._sign_and_keep()
        except PatchingError as exc:
            recorder.report(str(exc))
        problems = [*([recorder.problem] if recorder.problem else []), *unsigned]
        self.is_red = bool(problems) and (opened or self._plans)
        return [*recorder.signer.news, *problems, *self._troubles, *self.outbox.trouble]

    def _sign_and_keep(self) -> list[str]:
        """Sign what this run has recorded and keep the packages that are due; gives why that could not be."""
        unsigned = self._sign()
        if not unsigned and self.archive.look_after():
            unsigned = self._sign()
        return [*unsigned, *self.archive.trouble]

    def _sign(self) -> list[str]:
        """Sign the ledger's head; gives why that could not be."""
        try:
            self._checkpoint = self._recorder.checkpoint()
        except PatchingError as exc:
            return [f"the checkpoint of this run is missing: {exc}"]
        return []

    def summary(self, zones: Mapping[str, Any]) -> str:
        """What the run did, and how its tiers stand, as tables; `zones` gives the tzinfo of each endpoint."""
        recorder = self._recorder
        try:
            if recorder.check_mode or not recorder.opened():
                return self._tiers
            words = run_summary(recorder.ledger, recorder.run, zones) + self._tiers
        except LedgerError:
            words = ""  # people are told by what `close` gives
        return words + "".join(f"Evidence package {where}\n" for where in self.archive.written) + self._signed()

    def _signed(self) -> str:
        """The checkpoint, for people to keep elsewhere: it shows later that nothing up to here was taken away."""
        point = self._checkpoint
        return f"Ledger signed with the key {point.key}; checkpoint {point.in_words()}\n" if point else ""
