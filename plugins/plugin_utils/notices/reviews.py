# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reviews (section 4): updates held for an engineer. One that is not answered in time is escalated with a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..flow import Endpoint, Settings, Update
from ..flow.approval import review_time
from ..planning.prose import count, playbook
from .letters import Letter, endpoints_of, utc, where
from .outlook import Outlook, by_client, days

AWAITS = "approval.review"
TOPIC = "review"


@dataclass(slots=True)
class Review:
    """An update that awaits an engineer, for one `client` or for all (None), `since` it was first found or since its
    deferral ended; an answer is due `within` that time. `endpoints` are those that it waits on."""

    update: Update
    client: str | None
    rule: str
    since: datetime
    within: timedelta
    deferred_by: str | None = None
    endpoints: list[Endpoint] = field(default_factory=list)

    @property
    def due(self) -> datetime:
        return self.since + self.within


def reviews(outlook: Outlook) -> list[Review]:
    """Every update that awaits review somewhere, the oldest first; apart for a client that has rules or a deferral of
    its own."""
    found: dict[tuple[str, str | None, datetime, timedelta], Review] = {}
    known: dict[tuple[str, str, Settings], Review | None] = {}
    for case in outlook.cases:
        for update in case.updates or ():
            asked = (update.id, case.endpoint.client, case.settings)
            if asked not in known:
                outcome = case.facts.outcome(update, case.endpoint.client, case.settings)
                review = None
                if outcome.node == AWAITS:
                    review = _review(outlook, update, case.endpoint.client, case.settings, outcome.rule)
                    review = found.setdefault((update.id, review.client, review.since, review.within), review)
                known[asked] = review
            waiting = known[asked]
            if waiting is not None:
                waiting.endpoints.append(case.endpoint)
    return sorted(found.values(), key=lambda one: (one.since, one.update.label, one.client or ""))


def _review(outlook: Outlook, update: Update, client: str, settings: Settings, rule: str) -> Review:
    facts = outlook.cases[0].facts
    lapsed = facts.lapsed(update, client)
    since = outlook.known.first_seen[update.id]
    own = settings.approval != outlook.settings().approval
    if lapsed is not None and lapsed.until is not None:
        since = max(since, lapsed.until)
        own = own or lapsed.client is not None
    return Review(
        update=update,
        client=client if own else None,
        rule=rule,
        since=since,
        within=review_time(settings.approval, rule),
        deferred_by=None if lapsed is None else lapsed.by or "an engineer",
    )


def escalations(outlook: Outlook, waiting: Iterable[Review]) -> list[Letter]:
    """The tickets for those whose answer is overdue."""
    return [_letter(outlook, one) for one in waiting if one.due <= outlook.now]


def _letter(outlook: Outlook, one: Review) -> Letter:
    update, clients = one.update, by_client(one.endpoints)
    name = f"KB{update.kb[0]}" if update.kb else update.id
    whose = {"client": one.client} if one.client else {}
    began = f"Its deferral by {one.deferred_by} ended then." if one.deferred_by else "A search first found it then."
    released = utc(update.released) if update.released else "not known"
    about = (
        f"severity {update.severity or 'none given'}, CVSS {update.cvss if update.cvss is not None else 'none given'}"
    )
    lines = [
        f"{update.label} awaits an engineer's review, which was due by {utc(one.due)}.",
        "",
        f"Title: {update.called}",
        f"What it is: {', '.join(update.described) or 'no category'}; {about}; released {released}",
        *([f"CVEs: {', '.join(update.cves)}"] if update.cves else []),
        f"Awaits review since: {utc(one.since)}, {count(days(outlook.now - one.since), 'day')}. {began}",
        f"Held by: the approval rule {one.rule}, for {one.client or 'all clients'}",
        f"Waits on: {endpoints_of(clients)}",
        *where(clients),
        "",
        "It stays held until somebody decides; time alone never approves or declines it.",
        *_answers(name, whose),
    ]
    return Letter(
        topic=TOPIC,
        key=(update.id, one.client or "", one.since.isoformat()),
        about=(one.client or "all-clients", TOPIC, name),
        summary=f"Patching: review overdue: {update.label}" + (f" ({one.client})" if one.client else ""),
        lines=lines,
        priority=outlook.settings(client=one.client).notice_priority,
        client=one.client,
    )


def _answers(name: str, whose: dict[str, str]) -> list[str]:
    given = {"updates": name, **whose}
    return [
        f"Approve: {playbook('approve', **given, decision='approved', reason=None)}",
        f"Decline: {playbook('approve', **given, decision='declined', code=None, reason=None)}",
        f"Later:   {playbook('approve', **given, decision='deferred', deferred_until=None, code=None, reason=None)}",
    ]


def in_words(waiting: Sequence[Review], now: datetime) -> str:
    """One line for a run; empty where nothing awaits review."""
    if not waiting:
        return ""
    number = len({one.update.label for one in waiting})
    oldest = waiting[0]
    late = len({one.update.label for one in waiting if one.due <= now})
    overdue = f"; {late} overdue, a ticket is wanted" if late else ""
    waited = days(now - oldest.since)
    for_ = f"for {count(waited, 'day')}" if waited else "since less than a day"
    if number == 1:
        return f"{oldest.update.label} awaits an engineer's review, {for_}{overdue}.\n"
    return f"{number} updates await an engineer's review, the oldest ({oldest.update.label}) {for_}{overdue}.\n"
