# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an endpoint will or will not be patched: the walk through the flow as a person reads it.

Pure: a decision is taken apart into the nodes walked, the fact each answer rests on, and what would change it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..flow import Decision, Update
from ..flow.fields import plain
from ..flow.walk import NODES
from ..visible import visible
from .prose import labels, span
from .reasons import FACTS, ROWS
from .remedies import NOUNS, REMEDIES, Remedy, still_open
from .steps import ACTING
from .subject import Subject

WIDTH = 118
ORDER = (*(node for node, dummy in NODES), "deploy.install")


@dataclass(frozen=True, slots=True)
class Fact:
    """One node walked: its `answer`, ``yes`` or ``no``, what that rests on, and a row for each update it looked at."""

    node: str
    answer: str
    words: str
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """Updates that are not installed now, which a node left out for one reason, until when (None: not known)."""

    updates: tuple[Update, ...]
    node: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is told of one endpoint; instants in the words are in its own time."""

    endpoint: str
    about: str
    here: str
    decision: Decision
    reason: str
    until: str
    path: tuple[Fact, ...]
    not_asked: tuple[str, ...]
    would_change: tuple[Remedy, ...]
    still_open: tuple[Remedy, ...]
    installs: tuple[Update, ...]
    left_out: tuple[Left, ...]
    left_out_until: tuple[str, ...]
    in_flight: tuple[str, ...]
    next_look: str

    def as_record(self) -> dict[str, Any]:
        """As JSON types."""
        decision = self.decision
        return {
            "endpoint": self.endpoint,
            "action": decision.action,
            "node": decision.node,
            "reason": self.reason,
            "until": plain(decision.until),
            "path": [
                {"node": fact.node, "answer": fact.answer, "fact": fact.words, "updates": list(fact.rows)}
                for fact in self.path
            ],
            "would_change": [remedy.as_record() for remedy in self.would_change],
            "still_open": [remedy.as_record() for remedy in self.still_open],
            "updates": [update.id for update in self.installs],
            "left_out": [row.as_record() for row in decision.left_out],
            "in_flight": list(self.in_flight),
            "next_look": self.next_look,
        }


def explain(of: Subject) -> Explanation:
    """The explanation of the decision that `of` holds."""
    decision = of.decision
    walked = [node for node, dummy in decision.path]
    installs = set(decision.updates)
    left = tuple(_left_out(of))
    return Explanation(
        endpoint=of.endpoint.name,
        about=_about(of),
        here=f"{of.prose.here()}, cycle {of.case.facts.cycle}",
        decision=decision,
        reason=of.prose.told(decision.reason),
        until=of.prose.maybe("until ", decision.until),
        path=tuple(_fact(of, node, answer) for node, answer in decision.path),
        not_asked=ORDER[1 + max(ORDER.index(node) for node in walked if node in ORDER) :],
        would_change=tuple(REMEDIES[decision.node](of)),
        still_open=tuple(still_open(of)),
        installs=tuple(update for update in of.updates if update.id in installs),
        left_out=left,
        left_out_until=tuple(of.prose.maybe("until ", row.until) for row in left),
        in_flight=tuple(_in_flight(of)),
        next_look=_next_look(of),
    )


def _about(of: Subject) -> str:
    endpoint = of.endpoint
    kind = " ".join(filter(None, (of.settings.criticality_of(endpoint), endpoint.kind, endpoint.role, endpoint.track)))
    parts = [", ".join(filter(None, (endpoint.client, endpoint.location))), kind]
    parts += [f"ring {endpoint.ring}" if endpoint.ring else "", endpoint.os or ""]
    return " · ".join(filter(None, parts))


def _fact(of: Subject, node: str, answer: str) -> Fact:
    rows = ROWS[node](of) if node in ROWS else ()
    return Fact(node, answer.partition(":")[0], FACTS[node](of), tuple(rows))


def _left_out(of: Subject) -> Iterable[Left]:
    """One row for all the updates that the same node left out for the same reason."""
    known = {update.id: update for update in of.updates}
    found: dict[tuple[str, str, datetime | None], list[Update]] = {}
    for row in of.decision.left_out:
        found.setdefault((row.node, row.reason, row.until), []).append(known[row.update])
    for (node, reason, until), updates in found.items():
        yield Left(tuple(updates), node, of.prose.told(reason), until)


def _in_flight(of: Subject) -> Iterable[str]:
    """What the ledger says is under way on it."""
    progress, prose = of.progress, of.prose
    if of.holder is not None:
        yield f"{of.holder} is at it"
    if progress.job is not None:
        job = progress.job
        what = f" of {labels(update for update in of.updates if update.id in job.updates)}" if job.updates else ""
        limit = span(timedelta(seconds=job.limit_seconds))
        yield f"the {job.kind}{what} was started {prose.ago(job.started_at)}, and may take {limit} (job {job.jid})"
    if progress.reboot is not None:
        limit = span(of.settings.reboot_time_limit)
        yield f"it was told to reboot {prose.ago(progress.reboot.requested_at)}, and has {limit} to come back"
    if progress.checking_since is not None:
        limit = span(of.settings.validation_deadline)
        yield f"it is being validated since {prose.ago(progress.checking_since)}; its checks have {limit} to pass"
    if progress.retry_at is not None:
        due = "is due" if progress.retry_at > of.case.now else "has been due since"
        yield f"retry {progress.attempts} of its {progress.retry_step} {due} {prose.when(progress.retry_at)}"
    if progress.unreachable_since is not None:
        yield f"it did not answer, first on {prose.ago(progress.unreachable_since)}"
    if of.decision.action == "reboot" and of.step.name in ("wait", "leave"):
        yield f"its turn: {prose.told(of.step.why)}"


def _next_look(of: Subject) -> str:
    """When something may be done on it next; every run decides anew for every endpoint in any case."""
    progress, decision, prose = of.progress, of.decision, of.prose
    if progress.job is not None or progress.reboot is not None or progress.checking_since is not None:
        return "by the next run, which looks at what is in flight before anything else"
    if of.step.name == "wait" and progress.retry_at is not None:
        return f"on {prose.when(progress.retry_at)}, for the retry"
    if decision.action in ACTING:
        if of.step.name in ("leave", "wait") and decision.action == "reboot":
            return "by the next run after its turn has come"
        before = prose.maybe(", if that starts before ", _last_start(of)) if decision.until is not None else ""
        return f"by the next run{before}: its {NOUNS[decision.action]} is due now"
    looks = {}
    if decision.until is not None:
        looks[decision.until] = f"on {prose.when(decision.until)}, when this answer may be another"
    scanned = of.case.state.scanned_at
    if ("scan.due", "no") in decision.path and scanned is not None:
        search = scanned + of.settings.scan_max_age
        looks[search] = f"from {prose.when(search)} on, for its next search for updates"
    told = "; ".join(looks[moment] for moment in sorted(looks))
    return told or "by every run, with this answer until something above is changed"


def _last_start(of: Subject) -> datetime | None:
    until = of.decision.until
    return None if until is None else until - of.settings.minimum_remaining


def page(one: Explanation) -> str:
    """The explanation as text for a terminal."""
    decision = one.decision
    lines = [
        f"{one.endpoint}: {decision.action.upper()} at {decision.node} {one.until}".rstrip(),
        *_wrapped(one.reason),
    ]
    lines += [*_wrapped(one.about), f"  {one.here}"]
    lines += ["", "The path", *_path(one), "", "What would change it", *_remedies(one.would_change)]
    lines += ["", "Still open", *_remedies(one.still_open)] if one.still_open else []
    lines += ["", "Updates", *_updates(one), "", "In flight"]
    lines += [line for words in one.in_flight or ("nothing",) for line in _wrapped(words)]
    lines += ["", "Looked at next", *_wrapped(one.next_look)]
    return visible("\n".join(lines) + "\n")


def _path(one: Explanation) -> list[str]:
    wide = max(len(fact.node) for fact in one.path)
    lines = []
    for fact in one.path:
        mark = ">" if fact is one.path[-1] else " "
        head = f"{mark} {fact.node:<{wide}}  {fact.answer:<3}  "
        lines += _wrapped(fact.words, head)
        for row in fact.rows:
            lines += _wrapped(row, " " * len(head) + "- ")
    if one.not_asked:
        first, last = one.not_asked[0], one.not_asked[-1]
        rest = f"{first} is" if first == last else f"{first} to {last} are"
        lines += _wrapped(f"the walk ends there: {rest} not asked")
    return lines


def _remedies(remedies: Iterable[Remedy]) -> list[str]:
    lines = []
    for remedy in remedies:
        lines += _wrapped(remedy.words, "  - ")
        lines += [f"      {remedy.command}"] if remedy.command else []
    return lines


def _updates(one: Explanation) -> list[str]:
    lines = _wrapped(f"{labels(one.installs)}: to be installed", "  - ") if one.installs else []
    for row, until in zip(one.left_out, one.left_out_until, strict=True):
        if row.reason == one.reason:
            words = "not now, for the reason above"
        else:
            words = f"left out at {row.node} {until}".rstrip() + f": {_without(row.updates[0].label, row.reason)}"
        lines += _wrapped(f"{labels(row.updates)}: {words}", "  - ")
    return lines or ["  none that is known"]


def _without(label: str, reason: str) -> str:
    """The reason, not beginning with the update that the line names already."""
    return reason.removeprefix(f"{label} ").removeprefix("is ")


def _wrapped(words: str, head: str = "  ") -> list[str]:
    """`words` after `head`, the lines that follow indented as far."""
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
