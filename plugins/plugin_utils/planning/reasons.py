# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fact that each node's answer rests on, in words: what `explain` says beside the node.

A fact is worked out from the endpoint, the register, the policy and the instant, as the node itself does it; it is
the same whether the node settled the walk or let it pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from ..flow import Update, gates, scope, soak, windows
from ..flow.closure import AWAY
from ..flow.register import Exclusion, Hold
from ..flow.settings import WindowSpec
from ..flow.times import localized
from .away import missed_in_words
from .prose import count, hours, labels, scope_words, span
from .subject import Subject


def location_disabled(of: Subject) -> str:
    place = ", ".join(filter(None, (of.endpoint.client, of.endpoint.location))) or "its location"
    return _flag(of.endpoint.location_disabled, f"the location {place}")


def agent_disabled(of: Subject) -> str:
    return _flag(of.endpoint.agent_disabled, "its agent")


def _flag(disabled: bool | None, what: str) -> str:
    if disabled is None:
        return f"nothing says that patching is disabled for {what}"
    return f"patching is {'disabled' if disabled else 'enabled'} in the RMM for {what}"


def excluded(of: Subject) -> str:
    rows = of.case.exclusions
    now = of.case.now
    valid = [row for row in rows if scope.is_signed(row, now) and not scope.is_expired(row, now)]
    if not valid:
        return f"{count(len(rows), 'exception')}, and none that counts" if rows else "no exception names it"
    one = valid[0]
    ends = of.prose.maybe("until ", one.expires) or "without an end"
    return f"{exception(one)} counts {ends}: signed by {one.signed_by}{of.prose.maybe(' on ', one.signed_at)}"


def exception(row: Exclusion) -> str:
    why = f" ({row.reason})" if row.reason else ""
    return f"the exception for {scope_words(row.scope)}{why}"


def exception_unsigned(of: Subject) -> str:
    rows = [row for row in of.case.exclusions if not scope.is_signed(row, of.case.now)]
    if not rows:
        return "no exception waits for its signature"
    return "; ".join(f"{exception(row)} has {_unsigned(of, row)}" for row in rows)


def _unsigned(of: Subject, row: Exclusion) -> str:
    lacks = {"signatory": row.signed_by, "date of signature": row.signed_at, "reason": row.reason}
    missing = [f"no {word}" for word, value in lacks.items() if not str(value or "").strip()]
    return ", ".join(missing) or f"a signature dated later than now{of.prose.maybe(', ', row.signed_at)}"


def exception_expired(of: Subject) -> str:
    rows = [row for row in of.case.exclusions if scope.is_expired(row, of.case.now)]
    if not rows:
        return "no exception of it has expired"
    return "; ".join(f"{exception(row)} expired{of.prose.maybe(' on ', row.expires)}" for row in rows)


def unclassified(of: Subject) -> str:
    endpoint = of.endpoint
    lacks = scope.missing_classification(endpoint)
    own = endpoint.role if endpoint.kind == "server" else endpoint.track
    known = {
        "ring": endpoint.ring,
        "role" if endpoint.kind == "server" else "track": own,
        "policy group": endpoint.policy_group,
        "zone": endpoint.time_zone,
    }
    words = ", ".join(filter(None, (endpoint.kind, *(f"{key} {value}" for key, value in known.items() if value))))
    if lacks:
        return f"{', '.join(lacks)}; known are {words or 'none of these'}"
    return words


def do_not_patch(of: Subject) -> str:
    return f"its policy group is {of.endpoint.policy_group}"


def reboot_pending(of: Subject) -> str:
    state, prose = of.case.state, of.prose
    since = state.reboot_pending_since
    if since is None or since > of.case.now:
        return "no reboot is pending" + prose.maybe("; last rebooted ", state.rebooted_at)
    return f"a reboot is pending since {prose.ago(since)}" + prose.maybe(
        "; the last install ended ", state.installed_at
    )


def reboot_technician(of: Subject) -> str:
    group, approved = of.endpoint.policy_group, of.endpoint.unattended_reboot
    approval = "and its approval is on record" if approved else "and no approval for it is on record"
    needs = "an unattended reboot needs the policy group auto_install_auto_reboot and an approval on record"
    return f"{needs}; its policy group is {group}, {approval}"


def reboot_window(of: Subject) -> str:
    spec = windows.reboot_spec(of.endpoint, of.settings)
    return reboot_technician(of) if spec is None else _window(of, spec)


def reboot_forced(of: Subject) -> str:
    return f"{_pending_for(of)}; {reboot_window(of)}"


def _pending_for(of: Subject) -> str:
    since = of.case.state.reboot_pending_since or of.case.now
    limit = of.settings.force_reboot_after
    return f"pending for {span(of.case.now - since)}, forced after {span(limit)}, from {of.prose.when(since + limit)}"


def reboot_reminder(of: Subject) -> str:
    who = "a user is logged on" if of.endpoint.user_logged_on else "nobody is logged on"
    told = of.prose.maybe("last reminded ", of.case.state.reminded_at) or "never reminded yet"
    from_ = f"once a day from {of.settings.reminder_at:%H:%M}"
    return f"{who}, {told} (that is {from_}; it is {of.prose.clock()} there)"


def reboot_user(of: Subject) -> str:
    return f"{_pending_for(of)}; {reboot_reminder(of)}"


def validate_due(of: Subject) -> str:
    state, prose = of.case.state, of.prose
    done = {"installed": state.installed_at, "rebooted": state.rebooted_at}
    words = [f"last {what} {prose.when(at)}" for what, at in done.items() if at is not None and at <= of.case.now]
    if not words:
        return "nothing was installed on it yet"
    validated = state.validated_at
    return ", ".join(words) + (prose.maybe(", validated ", validated) or ", not validated since")


def scan_due(of: Subject) -> str:
    scanned = of.case.state.scanned_at
    if scanned is None:
        return "what applies to it is known" if of.case.updates is not None else "it was never searched for updates"
    limit = f"due again after {span(of.settings.scan_max_age)}"
    if of.case.updates is None:
        return f"searched {of.prose.ago(scanned)}, and what applies to it is not known any more"
    applies = count(len(of.updates), "update applies", "updates apply")
    return f"searched {of.prose.ago(scanned)}, {limit}; {applies}"


def nothing_approved(of: Subject) -> str:
    if not of.updates:
        return "no update applies to it"
    return f"{len(of.approved)} of {len(of.updates)} updates that apply to it approved"


def review(of: Subject) -> str:
    held = [update for update in of.updates if of.outcome(update).node == "approval.review"]
    late = [update for update in held if of.outcome(update).overdue]
    overdue = f"; overdue: {labels(late)}" if late else ""
    return f"an engineer has not decided about {labels(held)}{overdue}"


def approval_rows(of: Subject) -> list[str]:
    """A row an update: what was decided, by which rule, and what the rule looks at."""
    rows = []
    for update in of.updates:
        outcome = of.outcome(update)
        about = [update.vendor, ", ".join(update.categories), update.severity or "no severity"]
        about += ["optional"] if update.optional else []
        released = of.prose.maybe("released ", update.released) or "release not known"
        by = "" if outcome.rule in outcome.reason else f", rule {outcome.rule}"
        rows.append(f"{of.prose.told(outcome.reason)}{by} ({', '.join(filter(None, (*about, released)))})")
    return rows


def failure_open(of: Subject) -> str:
    found = of.case.facts.open_failures(of.endpoint)
    if not found:
        return "no failure of it is without a root cause"
    if of.failures:
        return "; ".join(of.failures)
    return "; ".join(
        (f"failure of {row.update}" if row.update else "failure") + of.prose.maybe(" on ", row.at) for row in found
    )


def tier_held(of: Subject) -> str:
    if not of.holds:
        return "no hold covers its tier, client or ring"
    return "; ".join(hold_words(of, hold) for hold in of.holds)


def hold_words(of: Subject, hold: Hold) -> str:
    why = f": {hold.reason}" if hold.reason else ""
    return f"{scope_words(hold.scope)} is held{of.prose.maybe(' since ', hold.at)}{why}"


def soaked(of: Subject) -> str:
    if soak.is_single_server(of.endpoint):
        return "its client has one server, so no pilot to wait for"
    if not soak.waits(of.endpoint, of.settings):
        return f"its ring, {of.endpoint.ring}, does not wait for the soak"
    through = [update for update in of.approved if of.outcome(update).waived or of.soak(update).passed]
    named = f": {labels(through)}" if through else ""
    return f"{len(through)} of {len(of.approved)} approved updates through{named}"


def soak_rows(of: Subject) -> list[str]:
    """A row an approved update: the numbers of R5."""
    if not soak.waits(of.endpoint, of.settings):
        return []
    return [f"{update.label}: {_soak(of, update)}" for update in of.approved]


def _soak(of: Subject, update: Update) -> str:
    if of.outcome(update).waived:
        return "its soak is waived"
    found, settings = of.soak(update), of.settings
    whose = of.endpoint.client if settings.soak_scope[of.endpoint.kind or "workstation"] == "client" else "any client"
    if not found.taken:
        return f"no pilot endpoint of {whose} has taken it"
    healthy = f"{found.healthy} of {found.taken} pilot endpoints of {whose} that took it are healthy"
    needs = f"{settings.soak_minimum_healthy:.0%} and at least {settings.soak_minimum_endpoints} are needed"
    days = span(of.wanted_soak(update)) if of.wanted_soak(update) > timedelta(0) else "no time"
    first = of.prose.maybe("the first healthy install was ", found.since)
    full = of.prose.maybe(f"{days} without a hold are full on ", found.full_at) or f"its {days} have not begun"
    full = f"{first}, {full}" if first else full
    failing = f"; it failed on {', '.join(found.failing)}" if found.failing else ""
    lane = of.case.lane_of(update)
    full += f" (of the out-of-band cycle {lane.cycle}, opened by {lane.by}: {lane.reason})" if lane else ""
    return f"{healthy} ({needs}); {full}{failing}"


def authorized(of: Subject) -> str:
    endpoint, cycle = of.endpoint, of.case.facts.cycle
    if endpoint.policy_group == gates.MANUAL:
        return "its policy group is manual: automation never installs on it"
    why = gates.needs_go(endpoint, of.settings)
    if why is None:
        return f"a {endpoint.kind} of the ring {endpoint.ring} needs no technician's go"
    given = {one: of.case.facts.authorized(endpoint, one) for one in (cycle, *(lane.cycle for lane in of.case.lanes()))}
    goes = [
        f"given for {one} by {row.by or 'somebody'}{of.prose.maybe(' on ', row.at)}"
        for one, row in given.items()
        if row
    ]
    return f"{why} needs a technician's go in each cycle: " + (", ".join(goes) or f"none is on record for {cycle}")


def frozen(of: Subject) -> str:
    found = of.case.facts.freeze(of.endpoint, of.settings, of.case.zone)
    if found is not None:
        return f"the change freeze {found[0]} holds until {of.prose.when(found[1])}"
    names = [freeze.name for freeze in of.settings.freezes if freeze.covers(of.endpoint)]
    return f"no change freeze holds now (it is under: {', '.join(names)})" if names else "no change freeze concerns it"


def install_window(of: Subject) -> str:
    return _window(of, windows.install_spec(of.endpoint, of.settings))


def _window(of: Subject, spec: WindowSpec) -> str:
    now, least = of.case.now, of.settings.minimum_remaining
    its = f"its window {spec.name} is {hours(spec)} {of.case.zone}; it is {_day(of)} {of.prose.clock()} there"
    window = of.case.facts.window(spec, of.case.zone)
    if not window.open:
        return its
    left = (
        f"{span(window.end - now)} {'are' if windows.may_start(window, of.settings, now) else 'and no more are'} left"
    )
    return f"{its}, {left} (work starts with {span(least)} or more)"


def _day(of: Subject) -> str:
    return f"{localized(of.case.now, of.case.zone):%a}"


def offline(of: Subject) -> str:
    words = {True: "its agent reports", False: "its agent is silent", None: "the RMM does not say whether it is online"}
    return words[of.endpoint.online] + of.prose.maybe(", last contact ", of.endpoint.last_contact) + _missed(of)


def asleep(of: Subject) -> str:
    return ("it is asleep or hibernating" if of.endpoint.asleep else "nothing says that it is asleep") + _missed(of)


def _missed(of: Subject) -> str:
    """Told at the node that it was for, and where it is away now."""
    woken = of.progress.woken_at if of.decision.node in AWAY else None
    return _windows_missed(of) + of.prose.maybe(f"; {of.progress.wake_peer} sent it a packet to wake ", woken)


def _windows_missed(of: Subject) -> str:
    missed = of.progress.missed
    if missed is None or not (of.decision.node in AWAY and missed.over(of.case.now)):
        return ""
    last = "no run was there" if missed.why == "no run" else f"it was {missed.why}"
    words = missed_in_words(missed, of.case.now, of.endpoint.time_zone)
    return f"; {words}, the last {of.prose.when(missed.start)} because {last}"


def install(of: Subject) -> str:
    wanted = set(of.decision.updates)
    chosen = [update for update in of.updates if update.id in wanted]
    end = of.prose.maybe(", and its window is open until ", of.decision.until)
    return f"{labels(chosen)}: nothing stands in the way{end}"


FACTS: Mapping[str, Callable[[Subject], str]] = {
    "scope.location_disabled": location_disabled,
    "scope.agent_disabled": agent_disabled,
    "scope.excluded": excluded,
    "scope.exception_unsigned": exception_unsigned,
    "scope.exception_expired": exception_expired,
    "scope.unclassified": unclassified,
    "scope.do_not_patch": do_not_patch,
    "reboot.pending": reboot_pending,
    "reboot.technician": reboot_technician,
    "reboot.freeze": frozen,
    "reboot.window": reboot_window,
    "reboot.unattended": reboot_window,
    "reboot.overnight": reboot_window,
    "reboot.forced": reboot_forced,
    "reboot.reminder": reboot_reminder,
    "reboot.user": reboot_user,
    "validate.due": validate_due,
    "scan.due": scan_due,
    "approval.nothing_approved": nothing_approved,
    "approval.review": review,
    "gate.failure_open": failure_open,
    "gate.tier_held": tier_held,
    "gate.soak": soaked,
    "gate.authorization": authorized,
    "schedule.freeze": frozen,
    "schedule.window": install_window,
    "posture.offline": offline,
    "posture.asleep": asleep,
    "deploy.install": install,
}
"""By the id of the node."""

ROWS: Mapping[str, Callable[[Subject], list[str]]] = {
    "approval.nothing_approved": approval_rows,
    "gate.soak": soak_rows,
}
"""Facts that are told update by update."""
