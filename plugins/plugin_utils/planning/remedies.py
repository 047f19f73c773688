# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would change a decision: by the node that settled it, what a person can do, and the command for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..flow import Update, scope, soak
from ..flow.gates import MANUAL
from ..flow.register import Exclusion, Hold
from .prose import labels, playbook, scope_words
from .reasons import exception, hold_words
from .reasons import failure_open as failures_in_words
from .subject import Subject

NOUNS = {"scan": "search for updates", "validate": "validation", "remind": "reminder"} | {
    word: word for word in ("install", "reboot")
}
"""What an action of the flow is called when it is due."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """`words` say what would change it, `command` is how a person does that; None: not with a playbook."""

    words: str
    command: str | None = None

    def as_record(self) -> dict[str, str | None]:
        return {"what": self.words, "command": self.command}


def _in_the_rmm(words: str) -> list[Remedy]:
    return [Remedy(f"in the RMM: {words}; the next run reads it from there")]


def location_disabled(of: Subject) -> list[Remedy]:
    return _in_the_rmm(f"enable patching for the location {of.endpoint.location or 'it belongs to'}")


def agent_disabled(of: Subject) -> list[Remedy]:
    return _in_the_rmm(f"take {of.endpoint.name} out of the group that disables patching on the agent")


def _except(row: Exclusion, **given: str | None) -> str:
    return playbook("except", **row.scope, **given)


def _ended(rows: Iterable[Exclusion]) -> list[Remedy]:
    return [Remedy(f"or the end of {exception(row)}", _except(row, state="absent", reason=None)) for row in rows]


def excluded(of: Subject) -> list[Remedy]:
    now = of.case.now
    valid = [row for row in of.case.exclusions if scope.is_signed(row, now) and not scope.is_expired(row, now)]
    held = [
        Remedy(
            f"or its expiry on {of.prose.when(row.expires)}: then the endpoint is held, until it is renewed or ended"
        )
        for row in valid
        if row.expires is not None
    ]
    ended = [Remedy(f"the end of {exception(row)}", _except(row, state="absent", reason=None)) for row in valid]
    return ended + held


def exception_unsigned(of: Subject) -> list[Remedy]:
    rows = [row for row in of.case.exclusions if not scope.is_signed(row, of.case.now)]
    signed = []
    for row in rows:
        expires = {} if row.expires is None else {"expires": row.expires.isoformat()}
        command = _except(row, **expires, code=None, reason=row.reason, signed_by=None, signed_at=None)
        signed.append(
            Remedy(f"the client's signature of {exception(row)}; then it is left out, with a name to it", command)
        )
    return signed + _ended(rows)


def exception_expired(of: Subject) -> list[Remedy]:
    rows = [row for row in of.case.exclusions if scope.is_expired(row, of.case.now)]
    renewed = [
        Remedy(
            f"its renewal, signed by the client: {exception(row)}",
            _except(row, expires=None, code=None, reason=row.reason, signed_by=None, signed_at=None),
        )
        for row in rows
    ]
    return renewed + _ended(rows)


def unclassified(of: Subject) -> list[Remedy]:
    lacks = [word.removeprefix("no ") for word in scope.missing_classification(of.endpoint)]
    groups = [word for word in lacks if word != "time zone"]
    wanted = [f"put {of.endpoint.name} into a group for its {', '.join(groups)}"] if groups else []
    wanted += ["set the time zone of its location or client"] if "time zone" in lacks else []
    return _in_the_rmm(" and ".join(wanted))


def do_not_patch(of: Subject) -> list[Remedy]:
    return _in_the_rmm(f"put {of.endpoint.name} into another policy group than Do Not Patch")


def reboot_technician(of: Subject) -> list[Remedy]:
    name = of.endpoint.name
    found = [Remedy(f"a technician reboots {name}; the next run sees it and validates it")]
    if of.endpoint.policy_group != MANUAL:
        needs = "the policy group Auto Install Auto Reboot, and the approval for unattended reboots"
        found.append(Remedy(f"for the next time, in the RMM: {needs}"))
    return found


def waits(of: Subject, nothing: str = "nothing") -> list[Remedy]:
    return [Remedy(f"{nothing}: it waits{of.prose.maybe(' until ', of.decision.until)}")]


def _policy(of: Subject, what: str) -> list[Remedy]:
    return [*waits(of), Remedy(f"or the policy document, where {what} for all, a client, a location or an endpoint")]


def frozen(of: Subject) -> list[Remedy]:
    return _policy(of, "`freezes` says what is frozen")


def window(of: Subject) -> list[Remedy]:
    return _policy(of, "`windows` says when work is done")


def reboot_user(of: Subject) -> list[Remedy]:
    return [Remedy(f"its user restarts {of.endpoint.name}"), *waits(of, "or nothing")]


def due(of: Subject) -> list[Remedy]:
    ring = of.endpoint.ring
    run = playbook("ring", ring=ring) + f" -l {of.endpoint.name}" if ring else None
    return [Remedy(f"nothing has to: its {NOUNS[of.decision.action]} is due, and the next run does it", run)]


def reminder(of: Subject) -> list[Remedy]:
    return [Remedy(f"its user restarts {of.endpoint.name}; the reminder that is due tells them to")]


def _approve(updates: Iterable[Update], **given: str | None) -> str:
    return playbook("approve", updates=_named(updates), **given)


def _named(updates: Iterable[Update]) -> str:
    return ",".join(dict.fromkeys(f"KB{update.kb[0]}" if update.kb else update.id for update in updates))


def review(of: Subject) -> list[Remedy]:
    held = [update for update in of.updates if of.outcome(update).node == "approval.review"]
    return [
        Remedy(f"an engineer's decision about {labels(held)}", _approve(held, decision="approved", reason=None)),
        Remedy(
            "or to decline them; to look at them later: decision=deferred, deferred_until=INSTANT",
            _approve(held, decision="declined", code=None, reason=None),
        ),
    ]


def nothing_approved(of: Subject) -> list[Remedy]:
    if not of.updates:
        return [Remedy("nothing has to: it is up to date; the next search for updates finds what is new")]
    found = [
        Remedy(
            f"an engineer's approval of {labels(of.updates)}", _approve(of.updates, decision="approved", reason=None)
        )
    ]
    return found + (waits(of, "or nothing") if of.decision.until is not None else [])


def _root_cause(name: str) -> str:
    return playbook("root_cause", endpoint=name, code=None, text=None)


def _root_cause_of(of: Subject) -> str:
    """By the name that the endpoint had when it failed: the ledger may not have heard of another."""
    failed = next(iter(of.case.facts.open_failures(of.endpoint)), None)
    return _root_cause(failed.endpoint if failed else of.endpoint.name)


def failure_open(of: Subject) -> list[Remedy]:
    name = of.endpoint.name
    return [Remedy(f"a root cause, documented: nothing is tried again on {name} before", _root_cause_of(of))]


def tier_held(of: Subject) -> list[Remedy]:
    return [Remedy(f"the release of the hold on {scope_words(hold.scope)}", _release(hold)) for hold in of.holds]


def _release(hold: Hold) -> str:
    return playbook("release", **(dict[str, str | None](hold.scope) or {"hold": None}), reason=None)


def still_open(of: Subject) -> list[Remedy]:
    """What the walk did not come to, and an install has to wait for: its failures and the holds on it. A reboot, a
    validation and a search are asked for before these, and done in spite of them, but for a reboot that is what
    failed."""
    node, found = of.decision.node, []
    if node != "gate.failure_open" and any(of.case.facts.open_failures(of.endpoint)):
        words = f"a failure without a documented root cause, before which no update is installed on {of.endpoint.name}"
        found.append(Remedy(f"{words}: {failures_in_words(of)}", _root_cause_of(of)))
    if node != "gate.tier_held" and of.decision.action != "skip":
        found += [
            Remedy(f"a hold, before whose release no update is installed: {hold_words(of, hold)}", _release(hold))
            for hold in of.holds
        ]
    return found


def soaked(of: Subject) -> list[Remedy]:
    waiting = [update for update in of.approved if not (of.outcome(update).waived or of.soak(update).passed)]
    until = of.decision.until
    found = [Remedy(f"time: {of.prose.when(until)} at the earliest, while the pilot stays healthy")] if until else []
    untaken = [update for update in waiting if not of.soak(update).taken]
    if untaken:
        found.append(Remedy(f"a pilot endpoint that takes {labels(untaken)} and is validated healthy"))
    found += [
        Remedy(f"a root cause for the failure in the pilot, on {name}", _root_cause(name))
        for name in dict.fromkeys(name for update in waiting for name in of.soak(update).failing)
    ]
    promoted = _approve(waiting, decision="approved", promote="true", reason=None)
    hurried = playbook("out_of_band", updates=_named(waiting), soak_days=None, reason=None)
    return [
        *found,
        Remedy("or an out-of-band cycle, which gives them a shorter soak in an emergency", hurried),
        Remedy("or an engineer's promotion by name, which waives the soak", promoted),
    ]


def authorized(of: Subject) -> list[Remedy]:
    if of.endpoint.policy_group == MANUAL:
        return [Remedy(f"a technician installs {labels(of.updates)} by hand; the next search finds them gone")]
    tier = {"client": of.endpoint.client, "ring": of.endpoint.ring, "kind": of.endpoint.kind}
    found = [
        Remedy(
            f"a technician's go, which is for {of.case.facts.cycle} and ends with it",
            playbook("authorize", endpoint=of.endpoint.name, reason=None),
        )
    ]
    if all(tier.values()) and not soak.is_single_server(of.endpoint):
        found.append(Remedy("or one for its whole tier", playbook("authorize", **tier, reason=None)))
    return found


def offline(of: Subject) -> list[Remedy]:
    return [Remedy("somebody switches it on, and its agent reports"), *_caught_up(of)]


def asleep(of: Subject) -> list[Remedy]:
    return [Remedy("somebody wakes it"), *_caught_up(of)]


def _caught_up(of: Subject) -> list[Remedy]:
    found = []
    if not of.settings.wake:
        found.append(
            Remedy("or Wake-on-LAN when its turn comes: `wake: true` in the policy document, for whom it may be")
        )
    if of.decision.until is not None:
        found.append(Remedy(f"or nothing: it is caught up in its window, next on {of.prose.when(of.decision.until)}"))
    return found


REMEDIES: Mapping[str, Callable[[Subject], list[Remedy]]] = {
    "scope.location_disabled": location_disabled,
    "scope.agent_disabled": agent_disabled,
    "scope.excluded": excluded,
    "scope.exception_unsigned": exception_unsigned,
    "scope.exception_expired": exception_expired,
    "scope.unclassified": unclassified,
    "scope.do_not_patch": do_not_patch,
    "reboot.technician": reboot_technician,
    "reboot.freeze": frozen,
    "reboot.window": window,
    "reboot.unattended": due,
    "reboot.overnight": due,
    "reboot.forced": due,
    "reboot.reminder": reminder,
    "reboot.user": reboot_user,
    "validate.due": due,
    "scan.due": due,
    "approval.nothing_approved": nothing_approved,
    "approval.review": review,
    "gate.failure_open": failure_open,
    "gate.tier_held": tier_held,
    "gate.soak": soaked,
    "gate.authorization": authorized,
    "schedule.freeze": frozen,
    "schedule.window": window,
    "posture.offline": offline,
    "posture.asleep": asleep,
    "deploy.install": due,
}
"""By the id of the node that settled the walk."""
