# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approval, section 4: ordered rules of which the first that matches decides.

The rules are data of the policy; what an engineer recorded comes from the register. The nodes
``approval.nothing_approved`` and ``approval.review`` are walked in ``decide``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from . import fields
from .records import Update, update_keys
from .register import Approval

_EVER = datetime(fields.EARLIEST_YEAR, 1, 1, tzinfo=UTC)

APPROVED, DECLINED, HELD = "approved", "declined", "held"


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule; None and empty conditions match every update."""

    name: str
    decision: str
    categories: frozenset[str] = frozenset()
    severity: frozenset[str | None] = frozenset()
    vendor: frozenset[str] = frozenset()
    optional: bool | None = None
    kb: frozenset[str] = frozenset()
    title: re.Pattern[str] | None = None
    minimum_cvss: float | None = None
    soak: bool = True
    within: timedelta | None = None

    def matches(self, update: Update) -> bool:
        conditions = (
            not self.categories or any(category.casefold() in self.categories for category in update.categories),
            not self.severity or update.severity in self.severity,
            not self.vendor or (update.vendor or "").casefold() in self.vendor,
            self.optional is None or (update.optional is True) is self.optional,
            not self.kb or not self.kb.isdisjoint(update.kb),
            self.title is None or self.title.search(update.title) is not None,
            self.minimum_cvss is None or (update.cvss is not None and update.cvss >= self.minimum_cvss),
        )
        return all(conditions)


# Where a document's rules match nothing: it is held for an engineer, never passed in silence.
REVIEW_WITHIN = timedelta(days=7)
REVIEW = Rule("review", HELD, within=REVIEW_WITHIN)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided of one update, by which rule, and until when that stands (None: not known).

    ``node`` is the one that leaves an update out that is not approved; ``waived`` that it needs no soak;
    ``overdue`` that its review was due before now.
    """

    update: str
    decision: str
    rule: str
    reason: str
    until: datetime | None = None
    node: str | None = None
    waived: bool = False
    overdue: bool = False

    def as_record(self) -> dict[str, Any]:
        return {
            "update": self.update,
            "decision": self.decision,
            "rule": self.rule,
            "reason": self.reason,
            "until": fields.plain(self.until),
        }


class Recorded:
    """The engineers' recorded decisions, by update, as known at one instant."""

    def __init__(self, approvals: Iterable[Approval], now: datetime) -> None:
        self._now = now
        self._rows: dict[str, list[Approval]] = {}
        for row in approvals:
            if row.at is None or row.at <= now:
                self._rows.setdefault(row.update, []).append(row)

    def about(self, update: Update, client: str | None) -> Approval | None:
        """The decision that stands: the client's own before one for all, and of several the latest.

        A deferral whose day has come stands no more.
        """
        return next((row for row in self._latest(update, client) if not self._has_lapsed(row)), None)

    def lapsed(self, update: Update, client: str | None) -> Approval | None:
        """The deferral after which the update is back in review: of several the one that ended last."""
        rows = [row for row in self._latest(update, client) if self._has_lapsed(row)]
        return max(rows, key=lambda row: row.until or _EVER, default=None)

    def _latest(self, update: Update, client: str | None) -> Iterable[Approval]:
        """The client's own latest decision, then the latest for all."""
        rows = [row for key in update_keys(update) for row in self._rows.get(key, ())]
        for scope in dict.fromkeys((client or None, None)):
            of_scope = [row for row in rows if row.client == scope]
            if of_scope:
                yield max(of_scope, key=lambda row: row.at or _EVER)

    def _has_lapsed(self, row: Approval) -> bool:
        return row.decision == "deferred" and row.until is not None and row.until <= self._now

    def promoted(self, update: Update, client: str | None) -> Approval | None:
        """The row that waives this update's soak for the client (R5): its own or that for all, if it still stands."""
        return next((row for row in self._latest(update, client) if row.promote and row.decision == APPROVED), None)


def judge(update: Update, rules: Sequence[Rule], recorded: Recorded, client: str | None, now: datetime) -> Outcome:
    """The first rule that matches decides and is named."""
    decision = recorded.about(update, client)
    for rule in rules:
        if rule.decision == "recorded":
            if decision is not None and rule.matches(update):
                return _recorded(update, rule, decision, recorded.promoted(update, client))
        elif rule.matches(update):
            return _by_rule(update, rule, now, recorded.lapsed(update, client))
    return _by_rule(update, REVIEW, now, recorded.lapsed(update, client))


def review_time(rules: Sequence[Rule], name: str) -> timedelta:
    """How long an engineer has for a review by the rule `name`: as it says itself, else 7 days (section 4)."""
    said = next((rule.within for rule in rules if rule.name == name and rule.decision == HELD), None)
    return said or REVIEW_WITHIN


def judge_all(
    updates: Iterable[Update], rules: Sequence[Rule], approvals: Iterable[Approval], client: str | None, now: datetime
) -> list[Outcome]:
    """An outcome for each update, in their order."""
    recorded = Recorded(approvals, now)
    return [judge(update, rules, recorded, client, now) for update in updates]


def _recorded(update: Update, rule: Rule, row: Approval, promotion: Approval | None) -> Outcome:
    by = f"{row.decision} by {row.by or 'an engineer whose name is not on record'}"
    scope = f" for {row.client}" if row.client else " for all clients"
    reason = f"{update.label} is {by}{scope}" + (f": {row.reason}" if row.reason else "")
    if row.decision == "deferred":
        return Outcome(update.id, HELD, rule.name, reason, row.until, "approval.deferred")
    if row.decision == DECLINED:
        return Outcome(update.id, DECLINED, rule.name, reason, row.until, "approval.declined")
    return Outcome(update.id, APPROVED, rule.name, reason, waived=promotion is not None)


def _by_rule(update: Update, rule: Rule, now: datetime, lapsed: Approval | None = None) -> Outcome:
    since = update.released
    if rule.decision == HELD and lapsed is not None:
        since = lapsed.until  # a review begins anew when its deferral ends
    due = since + rule.within if since is not None and rule.within is not None else None
    about = f"{update.label} is {rule.decision} by the rule {rule.name}"
    if rule.decision == DECLINED:
        return Outcome(update.id, DECLINED, rule.name, about, node="approval.declined")
    if rule.decision == APPROVED:
        by = f", due by {due.isoformat(timespec='minutes')}" if due is not None else ""
        exempt = "" if rule.soak else ", exempt from soak"
        return Outcome(update.id, APPROVED, rule.name, about + by + exempt, waived=not rule.soak)
    overdue = due is not None and due <= now
    answer = (
        f": an engineer's review was due by {due.isoformat(timespec='minutes')}"
        if due is not None and overdue
        else ": an engineer reviews it"
    )
    return Outcome(
        update.id,
        HELD,
        rule.name,
        about + answer,
        None if overdue else due,
        "approval.review",
        overdue=overdue,
    )


def rule_of(row: Mapping[str, Any], within: timedelta | None) -> Rule:
    """A rule of a policy document that has been checked against the schema; ``re.error`` for a bad title."""
    match = row.get("match", {})
    title = match.get("title")
    return Rule(
        name=row["name"],
        decision=row["decision"],
        categories=frozenset(word.casefold() for word in match.get("categories", ())),
        severity=frozenset(match.get("severity", ())),
        vendor=frozenset(word.casefold() for word in match.get("vendor", ())),
        optional=match.get("optional"),
        kb=frozenset(match.get("kb", ())),
        title=None if title is None else re.compile(title, re.IGNORECASE),
        minimum_cvss=match.get("minimum_cvss"),
        soak=row.get("soak", True),
        within=within,
    )
