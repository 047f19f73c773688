# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a run that plans: the hosts of a play's batch, the ledger, the policy and the clock, held together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from ..deliveries import compliance
from ..evidence.recorder import Recorder
from ..flow import Endpoint, cycle_at, redundancy_key
from ..ledger import Event
from ..ledger.cycles import opening_events, tiers_in
from ..ledger.kept import policy_events
from ..ledger.lanes import lanes
from ..ledger.overview import Place, places
from ..ledger.planned import last_runs, planned_event
from .away import away_events
from .by_hand import restart_tickets
from .catalogue import ASKED_AGAIN, describe_unknown
from .following import followed_since, following
from .following import in_words as followed_in_words
from .hosts import (
    HostVars,
    ScopeError,
    Unreadable,
    mac_addresses,
    nobody,
    readable_endpoints,
    unreadable_in_words,
)
from .knock import address_of, answering
from .looks import Looks
from .missed import in_words as missed_in_words
from .missed import missed_windows
from .options import OptionCheck
from .pace import apart
from .plan import Plan, as_seen, decided_events, make_plan
from .prose import names_of
from .renamed import Names, seen_events
from .state import State
from .steps import Step
from .tables import in_words, plan_table
from .telling import tell_people
from .tiers import opened_in_words
from .turns import CLAIMED, claims_of, leave_to_others
from .wake import arranged, may_send, place_of, tried_in
from .wake import nobody as nobody_near


class Session:
    """Planning for the hosts of one play. `hostvars` is Ansible's, `hosts` its batch's, `pilots` the pilot's,
    `everybody` the inventory's: of a limit's other endpoints one may have to wake those within it; `play` are the
    play's, of all its batches. `options` looks at the variables of its hosts, for the same `actions`. `rmm_failed` is
    when the run last asked the RMM in vain."""

    def __init__(
        self,
        recorder: Recorder,
        hostvars: HostVars,
        hosts: Collection[str],
        pilots: Collection[str],
        actions: Collection[str],
        everybody: Collection[str] = (),
        play: Collection[str] = (),
        options: OptionCheck | None = None,
        rmm_failed: datetime | None = None,
    ) -> None:
        self._recorder = recorder
        self._hostvars = hostvars
        self._hosts = hosts
        self._pilot_hosts = pilots
        self._everybody = everybody
        self._play = frozenset(play)
        self._actions = actions
        self._options = options or OptionCheck(actions)
        self._troubles: list[str] = []
        self.rmm_failed = rmm_failed
        self._ledger = recorder.ledger
        self._policy = recorder.policy.with_lanes(lanes(self._ledger))

    def open(self, ring: str | None) -> tuple[Plan, str]:
        """The plan for the endpoints of `ring` (None: of all rings), and what people read of it.

        Opens the cycle and the tiers that this is the first run of, and tells of a window that was missed.
        """
        endpoints = self._endpoints
        chosen = {name: one for name, one in endpoints.items() if ring is None or one.ring == ring}
        unreadable = {name: one for name, one in self._unreadable.items() if one.may_be_of(ring)}
        if not chosen:
            raise ScopeError(unreadable_in_words(unreadable) if unreadable else nobody(ring, endpoints))
        if unreadable:
            self._troubles.append(f"{unreadable_in_words(unreadable)}; the others go on without")
        self._tell_bad_options(chosen)
        before = places(self._ledger)  # before this run is on the ledger
        missed = self._missed(chosen)
        followed = self._follow(before)
        recorder = self._recorder
        recorder.append(self._ledger, policy_events(self._ledger, recorder.policy.document, recorder.clock.now()))
        opened = self._open_tiers(chosen)
        plan = self._plan(chosen, followed, before)
        words = self._words(ring, plan, endpoints) + opened + missed + self._told(before)
        self._say_for_whom(chosen, begins=bool(plan.due()))
        return plan, words

    def _say_for_whom(self, chosen: Mapping[str, Endpoint], *, begins: bool) -> None:
        """Put on the ledger for whom the run plans; a run that has nothing to record is not on it."""
        recorder = self._recorder
        if not recorder.check_mode and (begins or self._ledger.has_run(recorder.run)):
            left_out = [one for name, one in self._fleet.items() if name not in self._play and name not in chosen]
            recorder.append(self._ledger, [planned_event(chosen.values(), recorder.clock.now(), left_out)])

    def _tell_bad_options(self, chosen: Mapping[str, Endpoint]) -> None:
        """Raises ScopeError where no endpoint has options that all are good; some of them stop nobody else."""
        bad = self._options.bad(chosen)
        if bad and len(bad) == len(chosen):
            raise ScopeError(f"nothing is begun, for no endpoint could be served: {self._options.in_words(bad)}")
        if bad:
            self._troubles.append(f"steps are not taken where an option is wrong: {self._options.in_words(bad)}")

    def _open_tiers(self, chosen: Mapping[str, Endpoint]) -> str:
        recorder = self._recorder
        if recorder.check_mode:
            return ""
        open_now = {lane for one in chosen.values() for lane in self._policy.settings(one).out_of_band}
        now = recorder.clock.now()
        while True:  # another run that opened something in between makes it look again; there is an end to that
            events, others = opening_events(self._ledger, chosen.values(), open_now, now)
            tickets = compliance.opened(events, tiers_in(self._ledger, cycle_at(now)))
            if recorder.append(self._ledger, [*events, *tickets], unless=others) or not events:
                return opened_in_words(events)

    def _told(self, before: Mapping[str, Place]) -> str:
        """What people have to be told, of the whole inventory; what is new of it goes on the ledger, once."""
        told = tell_people(self._recorder, self._policy, self._fleet, before)
        self._troubles += told.warnings
        return told.words

    def _follow(self, before: Mapping[str, Place]) -> list[Event]:
        """What follows to names that the RMM has changed, put on the ledger before anything is decided; in check mode
        the plan is given it."""
        recorder, names = self._recorder, Names(before, self._fleet)
        while True:  # another run that found something of it in between makes it look again
            events = following(self._ledger, self._policy, names, recorder.clock.now())
            if recorder.check_mode or not events:
                break
            if recorder.append(self._ledger, events, unless=followed_since(events)):
                break
        self._troubles += followed_in_words(events)
        return events if recorder.check_mode else []

    def _missed(self, chosen: Mapping[str, Endpoint]) -> str:
        recorder = self._recorder
        names, now = list(chosen), recorder.clock.now()
        missed = missed_windows(
            chosen.values(),
            self._ledger.applicable(names),
            self._ledger.register(names),
            self._policy,
            last_runs(self._ledger, chosen.values()),
            now,
            self._pilots.values(),
        )
        recorder.append(self._ledger, [one.event(now) for one in missed])
        return missed_in_words(missed)

    def again(self, state: State, sleep: Callable[[float], None]) -> Plan:
        """The plan for the hosts still in the play, with the looks whose time has come; waits first where nothing is to
        be started. `state` is what the pass before handed on. Those that cannot be read fail in it, by name."""
        plan = self._next(state, sleep)
        failing = {name: Step("fail", one.why) for name, one in self._unreadable.items()}
        return replace(plan, steps={**plan.steps, **failing}) if failing else plan

    def _next(self, state: State, sleep: Callable[[float], None]) -> Plan:
        before = state.planned
        if before is None or state.started is None:
            return self._ready(self._endpoints)
        now, speed = self._recorder.clock.now(), self._recorder.clock.speed
        lasted, since = ((now - at).total_seconds() / speed for at in (state.started, before))
        early = apart(lasted) - since
        if early > 0:
            sleep(early)
        plan = self._ready(self._endpoints)
        pause = self._looks(plan, before).pause()
        if pause > 0:
            sleep(pause)
            plan = self._ready(self._endpoints)
        return self._looks(plan, before).in_time()

    def _looks(self, plan: Plan, before: datetime) -> Looks:
        woken = [name for name in plan.steps if self._is_knocked_at(plan, name)]
        return Looks(plan, before, self._recorder.clock.speed, woken)

    def _ready(self, endpoints: Mapping[str, Endpoint]) -> Plan:
        """The plan without what others are at, with the sleepers woken and those seen that have woken up."""
        plan = self._claimed(self._barred(self._plan(endpoints)))
        return self._answering(self._waking(plan))

    def _barred(self, plan: Plan) -> Plan:
        """The plan without steps that an endpoint's options are no good for: it fails by name, and nothing is held."""
        whys = {name: self._options.why_not(name, plan.steps[name].name) for name in self._options.bad(plan.steps)}
        failing = {name: Step("fail", f"{name}: {why}") for name, why in whys.items() if why is not None}
        return replace(plan, steps={**plan.steps, **failing}) if failing else plan

    def _waking(self, plan: Plan) -> Plan:
        waking = {name: plan.endpoints[name] for name, step in plan.steps.items() if step.name == "wake"}
        if not waking:
            return plan
        fleet, _unreadable = readable_endpoints(self._hostvars, self._everybody)
        places = {place_of(endpoint) for endpoint in waking.values()}
        near = [name for name, one in fleet.items() if place_of(one) in places and name not in waking]
        known = self._ledger.progress(near)
        now = plan.now
        seen = {name: as_seen(fleet[name], known[name], now) for name in near}
        peers = [name for name, one in seen.items() if may_send(one, known[name], plan.planner)]
        tried = {name: [peer for peer, dummy in tried_in(plan.progress[name], plan.turns[name])] for name in waking}
        wakings, steps = arranged(waking, self._macs, tried, peers, fleet)
        lost = [name for name in waking if name not in wakings and name not in steps]
        failed = [{"peer": None, "message": nobody_near(waking[name])} for name in lost]
        events = [Event("wake.failed", name, now, body) for name, body in zip(lost, failed, strict=True)]
        self._recorder.append(self._ledger, events)
        steps |= {name: Step("leave", body["message"] or "") for name, body in zip(lost, failed, strict=True)}
        return replace(plan, steps={**plan.steps, **steps}, wakings=wakings)

    def _answering(self, plan: Plan) -> Plan:
        """Those that were woken and accept a connection by now are looked at; the others go on waiting."""
        woken = [name for name in plan.steps if self._is_knocked_at(plan, name)]
        if not woken:
            return plan
        answer = answering({name: address_of(name, self._hostvars[name]) for name in woken})
        return replace(plan, steps={**plan.steps, **dict.fromkeys(answer, Step("see", "it was woken and answers"))})

    @staticmethod
    def _is_knocked_at(plan: Plan, name: str) -> bool:
        """Whether it was woken in its window, and is waited for until it accepts a connection."""
        woken, window, step = plan.progress[name].woken_at, plan.turns.get(name), plan.steps[name]
        is_woken = woken is not None and window is not None and woken >= window.start
        return is_woken and step.name == "wait" and step.until is None

    @cached_property
    def _macs(self) -> dict[str, str]:
        """Of the endpoints that the policy has woken, where the inventory tells the address."""
        wanted = [name for name, one in self._endpoints.items() if self._policy.settings(one).wake]
        return mac_addresses(self._hostvars, wanted)

    def _claimed(self, plan: Plan) -> Plan:
        """The plan without what another run is at: of two runs side by side one does a thing, and not both."""
        groups = {name: redundancy_key(endpoint) for name, endpoint in plan.endpoints.items()}
        wanted = claims_of(plan.steps, groups)
        names = [name for claims in wanted.values() for name in claims]
        taken = self._ledger.claim(names, self._recorder.holder, CLAIMED)
        return replace(plan, steps=leave_to_others(plan.steps, wanted, taken)) if taken else plan

    @property
    def troubles(self) -> list[str]:
        """What went wrong and did not stop the plan, each a sentence, each once."""
        return list(dict.fromkeys(self._troubles))

    def unreadable(self, ring: str | None) -> list[str]:
        """Those of the hosts that cannot be read and may be in `ring` (None: any), by name."""
        return sorted(name for name, one in self._unreadable.items() if one.may_be_of(ring))

    @property
    def _endpoints(self) -> dict[str, Endpoint]:
        return self._read[0]

    @property
    def _unreadable(self) -> dict[str, Unreadable]:
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[str, Endpoint], dict[str, Unreadable]]:
        return readable_endpoints(self._hostvars, self._hosts, self._options.see)

    @cached_property
    def _fleet(self) -> dict[str, Endpoint]:
        """The whole inventory, as far as it can be read."""
        others = [name for name in self._everybody if name not in self._endpoints]
        fleet, _unreadable = readable_endpoints(self._hostvars, others)
        return {**fleet, **self._endpoints}

    @cached_property
    def _pilots(self) -> dict[str, Endpoint]:
        """The pilot's endpoints, also those that are not of the run."""
        others = [name for name in self._pilot_hosts if name not in self._endpoints and name not in self._unreadable]
        known = {name: endpoint for name, endpoint in self._endpoints.items() if endpoint.ring == "pilot"}
        more, unreadable = readable_endpoints(self._hostvars, others)
        if unreadable:  # what an endpoint of the pilot did is known from the ledger all the same
            self._troubles.append(f"of the pilot, {unreadable_in_words(unreadable)}")
        return known | more

    def _plan(
        self,
        endpoints: Mapping[str, Endpoint],
        followed: Sequence[Event] = (),
        before: Mapping[str, Place] = MappingProxyType({}),
    ) -> Plan:
        recorder = self._recorder
        self._describe_unknown(endpoints)
        plan = make_plan(
            self._ledger,
            self._policy,
            endpoints,
            recorder.clock.now(),
            run=recorder.run,
            actions=self._actions,
            pilots=self._pilots.values(),
            macs=self._macs,
            followed=followed,
        )
        decided = decided_events(plan)
        seen = seen_events(plan.endpoints, before, {event.endpoint for event in decided}, plan.now)
        recorder.append(self._ledger, [*decided, *seen, *restart_tickets(plan), *away_events(plan)])
        return plan

    def _describe_unknown(self, endpoints: Mapping[str, Endpoint]) -> None:
        """What the RMM can tell of their updates; not in every pass, where it does not answer. People are told once."""
        clock, failed = self._recorder.clock, self.rmm_failed
        if failed is not None and clock.now() < failed + ASKED_AGAIN:
            return
        trouble = describe_unknown(self._ledger, self._recorder, endpoints)
        if trouble is not None:
            self.rmm_failed = clock.now()
            self._troubles += [trouble] if failed is None else []

    def _words(self, ring: str | None, plan: Plan, everybody: Mapping[str, Endpoint]) -> str:
        counts = Counter(decision.action for decision in plan.decisions.values())
        title = (
            f"{f'Ring {ring}' if ring else 'All rings'} at {plan.now.isoformat(timespec='minutes')}: {in_words(counts)}"
        )
        words = plan_table(title, plan)
        unknown = sorted(name for name, endpoint in everybody.items() if endpoint.ring is None)
        if unknown:
            words += (
                f"In no ring, so in nobody's run: {names_of(unknown)}. "
                "They stay in the inventory's group unclassified until the RMM says where they belong.\n"
            )
        return words
