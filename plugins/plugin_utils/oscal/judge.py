# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an account to verdicts: for each client the six objectives of 3.14.1, and what is open past its deadline.

Honest by rule. What speaks against an objective makes it not satisfied, and is said: a flaw whose time ended while it
was held, failed, out of reach, declined or under a signed exception; one of which nobody knows when it was released;
an endpoint that nobody searched. What still has time, and what no search shows any more, is said and counts for
neither side. A share that is merely good satisfies nothing: the objectives know no share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..account import Account, Deadline, EndpointResult, ExceptionRow, Flaw
from ..account.model import RISK_ACCEPTED
from ..flow import Endpoint
from ..flow.deadlines import Deadlines
from ..flow.policy import Policy, defaults
from . import sentences
from .judged import Closed, Figure, Judged, Left, Overdue, Verdict
from .sentences import counted, named

SECURITY = "Security Updates"
NO_CLIENT = "no client"
"""Where endpoints stand that the RMM files under none."""
SINCE = "from its release, or from the endpoint's first day with the provider where that is later"
IDENTIFY, REPORT, CORRECT = (
    f"identify a flaw, {SINCE}",
    "report a flaw, from its identification",
    f"correct a flaw, {SINCE}",
)
LEFT = "left by a recorded decision"
ACCEPTED = f"{LEFT} and past no deadline: not counted"


def judge(account: Account, policy: Policy) -> tuple[Judged, ...]:
    """A verdict on each objective for each client that has an endpoint in the account, by client."""
    endpoints: dict[str, list[EndpointResult]] = {}
    for endpoint in account.endpoints:
        endpoints.setdefault(endpoint.client or NO_CLIENT, []).append(endpoint)
    clients = {endpoint.name: endpoint.client or NO_CLIENT for endpoint in account.endpoints}
    flaws: dict[str, list[Flaw]] = {client: [] for client in endpoints}
    for flaw in account.flaws:
        if flaw.endpoint in clients:
            flaws[clients[flaw.endpoint]].append(flaw)
    return tuple(
        _Client(client, account, {row.name: _limits(policy, row) for row in rows}, rows, flaws[client]).judged()
        for client, rows in sorted(endpoints.items())
    )


def _limits(policy: Policy, endpoint: EndpointResult) -> Deadlines:
    place = {"name": endpoint.name, "client": endpoint.client, "location": endpoint.location}
    return policy.settings(Endpoint.parse(place)).deadlines


@dataclass(frozen=True, slots=True)
class _Client:
    """One client's endpoints, their times, and the flaws on them."""

    client: str
    account: Account
    limits: Mapping[str, Deadlines]
    endpoints: Sequence[EndpointResult]
    flaws: Sequence[Flaw]

    def judged(self) -> Judged:
        default = all(one == Deadlines.of(defaults()["deadlines"]) for one in self.limits.values())
        left = [flaw for flaw in self.flaws if self._left(flaw)]
        times = self.limits.values()
        verdicts = (
            _specified("a", IDENTIFY, [sentences.time(one.identify) for one in times], default=default),
            self._identified(),
            _specified("c", REPORT, [sentences.time(one.report) for one in times], default=default),
            self._reported(),
            _specified("e", CORRECT, [sentences.table(one) for one in times], default=default),
            self._corrected(left),
        )
        return Judged(self.client, len(self.endpoints), verdicts, self._overdue(left), self._closed())

    def _identified(self) -> Verdict:
        met = [flaw for flaw in self.flaws if flaw.identify.met]
        late = [flaw for flaw in self.flaws if flaw.identify.met is False]
        unknown = [flaw for flaw in self.flaws if flaw.identify.met is None and flaw.released is None]
        against = [
            *_each(late, "was identified late", "were identified late"),
            *_unknown(unknown, "identified"),
            *self._unsearched("so what is there is not known"),
        ]
        return _verdict("b", "identified", met, [*late, *unknown], against)

    def _reported(self) -> Verdict:
        met = [flaw for flaw in self.flaws if flaw.report.met]
        late = [flaw for flaw in self.flaws if flaw.report.met is False and flaw.report.done is not None]
        never = [flaw for flaw in self.flaws if flaw.report.met is False and flaw.report.done is None]
        against = [
            *_each(late, "was reported late", "were reported late"),
            *_each(never, "is on no ticket, and its time has ended", "are on no ticket, and their time has ended"),
        ]
        sooner = sum(flaw.report.met is None and flaw.corrected is not None for flaw in self.flaws)
        notes = self._pending(flaw for flaw in self.flaws if self._runs(flaw, flaw.report))
        if sooner:
            notes.append(f"{counted(sooner, 'flaw')} {_was(sooner)} corrected before a ticket was due: not counted.")
        silent = [flaw for flaw in self.flaws if flaw.state in RISK_ACCEPTED and flaw.report.met is None]
        notes += _each(silent, f"is {LEFT}, on no ticket: not counted", f"are {LEFT}, on no ticket: not counted")
        return _verdict("d", "reported", met, [*late, *never], against, notes)

    def _corrected(self, left: Sequence[Flaw]) -> Verdict:
        met = [flaw for flaw in self.flaws if flaw.correct.met]
        late = [flaw for flaw in self.flaws if flaw.correct.met is False and flaw.corrected is not None]
        unknown = [flaw for flaw in self.flaws if self._untimed(flaw)]
        gone = sum(flaw.state == "gone" for flaw in self.flaws)
        counts = {(flaw.endpoint, flaw.update) for flaw in left}
        accepted = [
            flaw for flaw in self.flaws if flaw.state in RISK_ACCEPTED and (flaw.endpoint, flaw.update) not in counts
        ]
        against = [*_each(late, "was corrected late", "were corrected late")]
        for state, flaws in sorted(_by_state(left).items()):
            against += _each(flaws, f"is past its deadline, {state}", f"are past their deadline, {state}")
        against += _unknown(unknown, "corrected")
        against += self._unsearched("so nothing shows what is corrected there")
        notes = self._pending(flaw for flaw in self.flaws if self._runs(flaw, flaw.correct))
        if gone:
            it = "it" if gone == 1 else "them"
            notes.append(f"{counted(gone, 'flaw')} no search shows any more, and no run installed {it}: not counted.")
        notes += _each(accepted, f"is {ACCEPTED}", f"are {ACCEPTED}")
        return _verdict("f", "corrected", met, [*late, *left, *unknown], against, notes)

    def _left(self, flaw: Flaw) -> bool:
        """Whether it stands uncorrected after its time. A recorded decision to leave it stops no clock that an assessor
        reads; what is no security update, and was left on purpose, is no flaw in that sense."""
        if flaw.corrected is not None or flaw.state == "gone":
            return False
        if flaw.state not in RISK_ACCEPTED:
            return flaw.correct.met is False
        return self._matters(flaw) and self._deadline(flaw) <= self.account.at

    def _matters(self, flaw: Flaw) -> bool:
        return flaw.severity is not None or bool(flaw.cves) or SECURITY in flaw.categories

    def _deadline(self, flaw: Flaw) -> datetime:
        """When it was due; of one whose clock a decision has stopped, when it would have been."""
        if flaw.correct.due is not None:
            return flaw.correct.due
        limits = self.limits[flaw.endpoint]
        return (flaw.since or flaw.identified) + limits.correct(flaw.severity, flaw.kind, flaw.criticality)

    def _untimed(self, flaw: Flaw) -> bool:
        """Whether it had to be corrected and nobody can say by when."""
        return flaw.counts and flaw.released is None and flaw.correct.due is None

    def _runs(self, flaw: Flaw, deadline: Deadline) -> bool:
        """Whether its time still runs."""
        due = deadline.due
        return (
            flaw.counts
            and flaw.corrected is None
            and deadline.done is None
            and due is not None
            and due > self.account.at
        )

    def _pending(self, flaws: Iterable[Flaw]) -> list[str]:
        number = len(list(flaws))
        has = "has" if number == 1 else "have"
        return [f"{counted(number, 'flaw')} {has} time left: not counted."] if number else []

    def _unsearched(self, so: str) -> list[str]:
        """Who was not searched in the cycle, once the time to identify what it brought has ended: from its start, or
        from the endpoint's first day with the provider where that is later."""
        start, at = self.account.start, self.account.at
        names = [
            row.name
            for row in self.endpoints
            if row.searched is None and max(start, row.known_since or start) + self.limits[row.name].identify <= at
        ]
        if not names:
            return []
        return [
            f"{counted(len(names), 'endpoint')} {_was(len(names))} not searched in the cycle, {so} ({named(names)})."
        ]

    def _closed(self) -> tuple[Closed, ...]:
        return tuple(
            Closed(f"{tier.ring} {tier.kind}s", tier.opened, tier.closed, tuple(tier.counts.items()))
            for tier in self.account.tiers
            if tier.client == self.client and tier.closed is not None
        )

    def _overdue(self, left: Iterable[Flaw]) -> tuple[Overdue, ...]:
        by_update: dict[str, list[Flaw]] = {}
        for flaw in left:
            by_update.setdefault(flaw.update, []).append(flaw)
        places = {row.name: row for row in self.endpoints}
        signed = [row for row in self.account.exceptions if row.state == "signed"]
        return tuple(
            Overdue(
                update=update,
                title=flaws[0].label,
                severity=flaws[0].severity,
                cves=flaws[0].cves,
                cvss=flaws[0].cvss,
                deadline=min(map(self._deadline, flaws)),
                left=tuple(
                    Left(
                        flaw.endpoint,
                        f"{flaw.state}, {flaw.reason}" if flaw.reason else flaw.state,
                        excepted=flaw.state == "excluded"
                        and any(_covers(row, places[flaw.endpoint]) for row in signed),
                    )
                    for flaw in sorted(flaws, key=lambda one: one.endpoint)
                ),
            )
            for update, flaws in sorted(by_update.items())
        )


def _specified(objective: str, to: str, times: Iterable[str], *, default: bool) -> Verdict:
    kinds = Counter(times)
    alone = len(kinds) == 1
    said = "; ".join(words if alone else f"{words} ({counted(n, 'endpoint')})" for words, n in sorted(kinds.items()))
    remarks = ("These are the collection's defaults.",) if default else ()
    return Verdict(
        objective, satisfied=True, shown=f"The policy in force sets a time to {to}: {said}.", remarks=remarks
    )


def _verdict(
    objective: str,
    done: str,
    met: Sequence[Flaw],
    unmet: Sequence[Flaw],
    against: Sequence[str],
    notes: Sequence[str] = (),
) -> Verdict:
    every = len(met) + len(unmet)
    shown = f"{len(met)} of {counted(every, 'flaw')} {_was(every)} {done} in time, each counted on each endpoint."
    if not every:
        shown = f"There is no flaw that had to be {done} by now."
    return Verdict(objective, not against, shown, (*against, *notes), _figures(met, unmet))


def _figures(met: Iterable[Flaw], unmet: Iterable[Flaw]) -> tuple[Figure, ...]:
    right, wrong = Counter(map(_tier, met)), Counter(map(_tier, unmet))
    return tuple(Figure(tier, right[tier], right[tier] + wrong[tier]) for tier in sorted(right.keys() | wrong.keys()))


def _tier(flaw: Flaw) -> str:
    return f"{flaw.ring} {flaw.kind}s" if flaw.ring and flaw.kind else "endpoints without ring or kind"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _each(flaws: Sequence[Flaw], one: str, many: str) -> list[str]:
    if not flaws:
        return []
    said = one if len(flaws) == 1 else many
    return [f"{counted(len(flaws), 'flaw')} {said} ({named(f'{flaw.label} on {flaw.endpoint}' for flaw in flaws)})."]


def _unknown(flaws: Sequence[Flaw], done: str) -> list[str]:
    so = "no known release, so nothing shows that"
    return _each(flaws, f"has {so} it was {done} in time", f"have {so} they were {done} in time")


def _by_state(flaws: Iterable[Flaw]) -> dict[str, list[Flaw]]:
    found: dict[str, list[Flaw]] = {}
    for flaw in flaws:
        found.setdefault(flaw.state, []).append(flaw)
    return found


def _covers(exception: ExceptionRow, endpoint: EndpointResult) -> bool:
    """Whether the exception's scope holds the endpoint."""
    is_ = {"client": endpoint.client, "location": endpoint.location, "endpoint": endpoint.name, "role": endpoint.role}
    return all(is_.get(key) == value for key, value in exception.scope.items())
