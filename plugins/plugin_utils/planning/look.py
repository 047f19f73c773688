# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at what would be decided now, which changes nothing: no event, no question to the RMM, no connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from ..evidence.clock import real
from ..evidence.recorder import Recorder
from ..flow import Endpoint
from ..ledger import Ledger, text_of
from ..ledger.claims import Holder
from ..ledger.lanes import lanes
from ..ledger.overview import places, promotions
from ..ledger.people import known_in
from ..notices.outlook import in_scope
from ..notices.soaks import TITLE, gates, listed
from .explain import Explanation, explain, page
from .following import following
from .hosts import HostVars, ScopeError, nobody, read_endpoints, readable_endpoints, unreadable_in_words
from .plan import Plan, make_plan
from .prose import Prose
from .renamed import Names
from .steps import ACTING
from .subject import Subject
from .tables import counts_table, in_words


class Look:
    """The plan for the hosts of a play that are in `ring` and of `client` (None: of all), at the run's instant.

    `hostvars` is Ansible's, `hosts` the play's, `everybody` the inventory's: what is called otherwise now is known by
    all of it. Raises ScopeError where nobody is left; of hosts that cannot be read there are `warnings`.
    """

    def __init__(
        self,
        recorder: Recorder,
        hostvars: HostVars,
        hosts: Collection[str],
        everybody: Collection[str],
        *,
        ring: str | None = None,
        client: str | None = None,
    ) -> None:
        self._ledger = Ledger.open(recorder.settings.ledger, create=False, tell=recorder.tell)
        self.is_empty = self._ledger.head()[0] == 0
        there, self.warnings = read_endpoints(hostvars, hosts)
        others, unreadable = readable_endpoints(hostvars, set(everybody) - set(hosts))
        pilots = {name: one for name, one in unreadable.items() if one.may_be_of("pilot")}
        if pilots:
            self.warnings.append(f"of the pilot, {unreadable_in_words(pilots)}")
        known = {**others, **there}
        policy, now = recorder.policy.with_lanes(lanes(self._ledger)), instant_of(recorder)
        self.plan: Plan = make_plan(
            self._ledger,
            policy,
            _chosen(there, ring, client),
            now,
            run=None,
            actions=ACTING,
            pilots=[endpoint for endpoint in known.values() if endpoint.ring == "pilot"],
            followed=following(self._ledger, policy, Names(places(self._ledger), known), now),
        )

    def explanations(self) -> Iterator[Explanation]:
        """One of each endpoint, by name."""
        plan, names = self.plan, sorted(self.plan.endpoints)
        failures = self._failures()
        holders = self._holders()
        for name in names:
            endpoint = plan.endpoints[name]
            case = plan.planner.case(endpoint, plan.updates[name])
            former = dict.fromkeys(failure.endpoint for failure in case.facts.open_failures(endpoint))
            yield explain(
                Subject(
                    case=case,
                    decision=plan.decisions[name],
                    progress=plan.progress[name],
                    step=plan.steps[name],
                    prose=Prose(endpoint.time_zone, plan.now),
                    failures=[text for one in former for text in failures.get(one, ())],
                    holder=holders.get(name),
                )
            )

    def words(self, *, detail: bool) -> str:
        """What people read: one endpoint in full, of several the counts; with `detail` each of them in full."""
        told = "" if not self.is_empty else "The ledger is empty: no run has looked at any endpoint yet.\n\n"
        if detail or len(self.plan.endpoints) == 1:
            return told + "\n\n".join(page(one) for one in self.explanations())
        counts = Counter(decision.action for decision in self.plan.decisions.values())
        title = f"{len(self.plan.endpoints)} endpoints at {self.plan.now.isoformat(timespec='minutes')}"
        table = counts_table(f"{title}: {in_words(counts)}", self.plan)
        return f"{told}{table}{self._gates()}One of them in full: -l NAME. All of them in full: -e detail=true\n"

    def _gates(self) -> str:
        """The gate of the soak for what these endpoints wait for, a line an update and scope (R5)."""
        plan = self.plan
        cases = [plan.planner.case(one, plan.updates[name]) for name, one in plan.endpoints.items()]
        found = gates([case for case in cases if in_scope(case)], plan.policy.settings(), promotions(self._ledger))
        return listed(TITLE, found, plan.now)

    def _failures(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in self._ledger.rows("failures"):
            if row["root_cause"] is None:
                found.setdefault(row["endpoint"], []).append(row["text"])
        return found

    def _holders(self) -> Mapping[str, str]:
        """Which other run is at which endpoint."""
        found, now = {}, text_of(real())
        for row in self._ledger.rows("leases"):
            kind, dummy, name = row["name"].partition(" ")
            if kind == "endpoint" and row["until"] > now:
                holder = Holder.parse(row["holder"])
                if not holder.is_gone():
                    found[name] = holder.in_words()
        return found


def instant_of(recorder: Recorder) -> datetime:
    """`as_of`, whatever the clock: a look does nothing at that hour."""
    return recorder.settings.as_of or recorder.clock.now()


def _chosen(there: Mapping[str, Endpoint], ring: str | None, client: str | None) -> dict[str, Endpoint]:
    clients = {endpoint.client for endpoint in there.values()}
    if client is not None and client not in clients:
        raise ScopeError(
            f"no endpoint of a client {client!r} is in the inventory within the limit; there is: {known_in(clients)}"
        )
    of_client = {name: one for name, one in there.items() if client is None or one.client == client}
    chosen = {name: one for name, one in of_client.items() if ring is None or one.ring == ring}
    if not chosen:
        raise ScopeError(nobody(ring, of_client))
    return chosen
