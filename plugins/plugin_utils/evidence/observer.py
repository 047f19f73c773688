# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does on its ledger beside its tasks: it records, has delivered what follows, and closes.

It loads most of what there is, the libraries included; `run.Run` says in which process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

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
from ..planning.hosts import HostVars, Unreadable, readable_endpoints
from ..planning.prose import names_of
from ..planning.summary import run_summary
from ..planning.tiers import Key, prove_tiers, tiers_table
from .archive import Archive
from .closing import Closing
from .look import Look
from .recorder import Recorder
from .trouble import Trouble
from .witness import Witness

SKEW = timedelta(minutes=5)
"""How far the clocks of nodes may be apart before somebody is told."""


class Observer:
    """Records and closes a run, and has delivered what follows from what was recorded."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._witness = Witness(recorder)
        self._zones: dict[str, ZoneInfo] = {}
        self._plans = False
        self._tiers = ""
        self._troubles: list[str] = []
        self._checkpoint: Checkpoint | None = None
        self.archive = Archive(recorder)
        self.outbox = Outbox(recorder)

    def record(self, looks: Sequence[Look], secrets: Iterable[str] = ()) -> bool:
        """Record what tasks of people's own saw; none of `secrets`, which are credentials, is written down. Gives
        whether something of it is to be delivered at once."""
        self._recorder.redactor.learn(secrets)
        self._zones |= {look.endpoint.name: zone for look in looks if (zone := zone_of(look.endpoint))}
        return self._witness.record(looks)

    def deliver(self) -> None:
        """Send what waits, while endpoints wait for it."""
        self.outbox.send_between_tasks()

    @property
    def trouble(self) -> Trouble:
        """What has gone wrong with recording in this process, for the run's others to `share`."""
        return self._recorder.trouble

    def share(self, trouble: Trouble) -> None:
        """See `Recorder.share`."""
        self._recorder.share(trouble)

    @property
    def news(self) -> list[str]:
        """What people have to know of keys and deliveries since this was made."""
        return [*self._recorder.signer.news, *self.outbox.trouble]

    def before_planning(self) -> list[str]:
        """What people should read before the run does anything: whether it will be able to sign. On a ledger that was
        cut short it does nothing."""
        recorder = self._recorder
        self._plans = True
        if recorder.check_mode or recorder.problem:
            return []
        try:
            dummy = recorder.redactor  # made here, for the processes that are forked from this one
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
        recorder = self._recorder
        if recorder.check_mode or recorder.problem or not tiers:
            return  # with a problem, what was seen may not be on the ledger: no proof rests on that
        try:
            inventory, unreadable = readable_endpoints(hostvars, names)
            now = recorder.clock.now()
            policy = recorder.policy.with_lanes(lanes(recorder.ledger))
            whole = [tier for tier in tiers if not any(one.may_be_in(*tier) for one in unreadable.values())]
            if len(whole) < len(tiers):
                self._troubles.append(_not_closing(tiers, unreadable))
            proofs = prove_tiers(recorder.ledger, policy, inventory, whole, now)
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

    def close(self, hosts: Mapping[str, Mapping[str, int]], zones: Mapping[str, ZoneInfo]) -> Closing:
        """End the run: close it in the ledger, send what waits, sign it all. `zones` are those of endpoints that this
        has recorded nothing of."""
        recorder = self._recorder
        if recorder.check_mode:
            return Closing()
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
        problems = [*([recorder.problem] if recorder.problem else []), *unsigned, *recorder.set_aside()]
        is_red = bool(problems) and (opened or self._plans)
        words = [*recorder.signer.news, *problems, *self._troubles, *self.outbox.trouble]
        return Closing(words, self._summary({**zones, **self._zones}), is_red)

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

    def _summary(self, zones: Mapping[str, ZoneInfo]) -> str:
        """What the run did, and how its tiers stand."""
        recorder = self._recorder
        try:
            if not recorder.opened():
                return self._tiers
            words = run_summary(recorder.ledger, recorder.run, zones) + self._tiers
        except LedgerError:
            words = ""  # people are told by what `close` gives
        return words + "".join(f"Evidence package {where}\n" for where in self.archive.written) + self._signed()

    def _signed(self) -> str:
        """The checkpoint, for people to keep elsewhere: it shows later that nothing up to here was taken away."""
        point = self._checkpoint
        return f"Ledger signed with the key {point.key}; checkpoint {point.in_words()}\n" if point else ""


def _not_closing(tiers: Collection[Key], unreadable: Mapping[str, Unreadable]) -> str:
    barring = [name for name, one in unreadable.items() if any(one.may_be_in(*tier) for tier in tiers)]
    return f"no tier closes that these may be in, which the inventory has wrong: {names_of(sorted(barring))}"


def zone_of(endpoint: Endpoint) -> ZoneInfo | None:
    return ZoneInfo(endpoint.time_zone) if endpoint.time_zone else None
