# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the body of each kind of event holds.

`KINDS` is the one list: kind → keys → check. A key that ends in ``?`` may be left out; no other key is
allowed. Every kind that stands for an endpoint may bear ``about`` as well: what was known of it at that hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..flow.closure import PLACES
from ..flow.records import KINDS as KINDS_OF_ENDPOINT
from ..flow.records import RINGS, ROLES, Endpoint
from .event import Event, EventError, canonical
from .shapes import (
    Check,
    anything,
    cycle,
    each,
    either,
    flag,
    many,
    maybe,
    mismatch,
    number,
    one_of,
    prose,
    record,
    shape,
    text,
    update_record,
    when,
    whole,
)

STEP = one_of("scan", "install", "reboot", "validate", "posture", "remind", "wake")
PERSON = {"by": text, "reason": text}
RING, KIND, ROLE = one_of(*RINGS), one_of(*KINDS_OF_ENDPOINT), one_of(*ROLES)
TOLD = ("id", "client", "location", "ring", "kind", "role", "criticality", "redundancy_group")
ABOUT = shape(
    id_=maybe(whole),
    client_=maybe(text),
    location_=maybe(text),
    ring_=maybe(RING),
    kind_=maybe(KIND),
    role_=maybe(ROLE),
    criticality_=maybe(text),
    redundancy_group_=maybe(text),
)
TIER = {"cycle": cycle, "client": text, "ring": RING, "kind": KIND}
HOLD_SCOPE = shape(client_=text, ring_=RING, kind_=KIND, cycle_=cycle)
EXCEPTION_SCOPE = either(shape(client=text), shape(client=text, location=text), shape(endpoint=text), shape(role=ROLE))
AUTHORIZATION_SCOPE = either(shape(endpoint=text), shape(client=text, ring=RING, kind=KIND))
PACKAGE_SCOPE = shape(cycle=cycle, client_=text, ring_=RING, kind_=KIND)
HEAD = {"ledger": text, "seq": whole, "hash": text}
"""The head of the chain that is signed: the ledger by its first event's hash, the last event's number and hash."""
HEALTH_CHECK = shape(name=text, ok=flag, seen=anything)
INSTALL_RESULT = shape(update=text, ok=flag, hresult=maybe(text))
STARTED = {"job": text, "limit_seconds": whole, "updates?": many(text)}
POSTURE = {
    "boot_id": text,
    "boot_time": when,
    "now": when,
    "reboot_pending": flag,
    "computer_name?": maybe(prose),
    "reboot_pending_reasons?": many(prose),
    "os_build?": maybe(prose),
    "services_running?": many(text),
    "services_stopped?": many(text),
    "agent?": record,
    "users_logged_on?": maybe(whole),
    "system_drive_free_mb?": maybe(whole),
}

TICKET_ACTIONS = ("tell", "note", "reopen", "close")
"""What a wanted ticket asks for. ``tell`` (the default): that there is an open ticket of its ``xref`` that holds the
text. The others want the text as a note on the ticket that the ``xref`` got, and nothing where there is none:
``note`` leaves the ticket as it is, ``reopen`` and ``close`` see to its status as well."""

OF_ENDPOINT: dict[str, dict[str, Check]] = {
    "plan.decided": {"decision": record, "cycle": maybe(text)},
    "endpoint.seen": {},
    "endpoint.retired": {"by": text, "code": text, "text": text},
    "scan.started": STARTED,
    "scan.finished": {"updates": many(update_record)},
    "install.started": STARTED,
    "install.finished": {"results": many(INSTALL_RESULT), "reboot_required": flag, "unanswered?": many(text)},
    "install.found": {"updates": many(text)},
    "job.lost": {"job": maybe(text), "message": prose},
    "endpoint.unreachable": {"during": text, "message": prose},
    "posture.observed": POSTURE,
    "reboot.started": {"boot_id": maybe(text)},
    "reboot.confirmed": {"boot_id": text, "boot_time": when},
    "validation.checking": {"checks": many(HEALTH_CHECK)},
    "validation.finished": {"healthy": flag, "checks": many(HEALTH_CHECK)},
    "step.failed": {"step": STEP, "message": prose, "hresult?": maybe(text)},
    "retry.scheduled": {"step": STEP, "attempt": whole, "at": when},
    "failure.opened": {
        "id": text,
        "step": STEP,
        "update": maybe(text),
        "hresult": maybe(text),
        "name": maybe(text),
        "class": one_of("environment", "update", "transient", "unknown"),
        "text": prose,
        "next_window": maybe(when),
        "cycle": maybe(text),
    },
    "failure.cured": {"failure": text, "step": STEP},
    "failure.repeated": {"failure": text, "text": prose, "told": flag, "held_in?": cycle},
    "reminder.shown": {"text?": prose},
    "window.away": {"window": text, "zone": text, "start": when, "end": when, "why": one_of("offline", "asleep")},
    "wake.sent": {"peer": text, "mac": text},
    "wake.failed": {"peer": maybe(text), "message": prose},
    "window.caught_up": {"windows": whole, "since": when},
}
"""Kinds that name an endpoint."""

OF_ALL: dict[str, dict[str, Check]] = {
    "run.opened": {
        "by": text,
        "core?": prose,
        "collection?": prose,
        "playbook?": maybe(prose),
        "ring?": maybe(text),
        "limit?": maybe(prose),
        "job?": maybe(prose),
        "simulated": flag,
    },
    "run.closed": {"hosts": record},
    "run.planned": {"clients": each(many(RING)), "endpoints?": many(text)},
    "cycle.opened": {
        "cycle": cycle,
        "start": when,
        "end": when,
        "by?": text,
        "reason?": text,
        "updates?": many(text),
        "soak_days?": number,
        "client?": maybe(text),
    },
    "cycle.ended": {"cycle": cycle, **PERSON},
    "tier.opened": {**TIER, "endpoints": many(text)},
    "tier.closed": {**TIER, "proof": many(shape(endpoint=text, stands=one_of(*PLACES), reason=prose))},
    "window.missed": {"window": text, "zone": text, "start": when, "end": when, "endpoints": many(text)},
    "updates.described": {"updates": many(update_record), "unknown?": many(text)},
    "failure.root_cause": {"failure": text, "by": text, "code": text, "text": text},
    "hold.placed": {
        "id": text,
        "scope": HOLD_SCOPE,
        "reason": text,
        "failure?": maybe(text),
        "by?": maybe(text),
    },
    "hold.released": {"id": text, **PERSON},
    "approval.recorded": {
        "update": text,
        "decision": one_of("approved", "declined", "deferred"),
        "client": maybe(text),
        "until": maybe(when),
        "promote": flag,
        "code?": maybe(text),
        **PERSON,
    },
    "exception.granted": {
        "id": text,
        "scope": EXCEPTION_SCOPE,
        "expires": maybe(when),
        "code?": maybe(text),
        "follows?": text,
        **PERSON,
    },
    "exception.signed": {"id": text, "signed_by": text, "signed_at": when, "by": text},
    "exception.revoked": {"id": text, **PERSON},
    "soak.passed": {
        "update": text,
        "kind": KIND,
        "client": maybe(text),
        "since": maybe(when),
        "full_at": maybe(when),
        "taken": whole,
        "healthy": whole,
        "reason": text,
    },
    "coverage.gap_opened": {
        "id": text,
        "aspect": one_of("update", "track", "os", "role"),
        "value": text,
        "kind": KIND,
        "client": maybe(text),
        "endpoints": whole,
    },
    "coverage.gap_closed": {"id": text},
    "authorization.given": {"scope": AUTHORIZATION_SCOPE, "cycle": cycle, **PERSON},
    "ticket.wanted": {
        "id": text,
        "xref": text,
        "summary": text,
        "text": text,
        "priority": whole,
        "client?": maybe(text),
        "endpoint_id?": maybe(whole),
        "endpoint_name?": maybe(text),
        "failure?": maybe(text),
        "queue?": maybe(text),
        "on_call?": flag,
        "topic?": text,
        "action?": one_of(*TICKET_ACTIONS),
        "parent?": maybe(shape(xref=text, summary=text, text=text)),
        "found?": record,
    },
    "ticket.sent": {"id": text, "xref": text, "ticket": maybe(whole), "parent?": whole},
    "alert.wanted": {
        "id": text,
        "incident": text,
        "action": one_of("trigger", "resolve"),
        "summary": text,
        "severity": one_of("critical", "error", "warning", "info"),
        "source": text,
        "client?": maybe(text),
        "failures?": many(text),
        "details?": record,
    },
    "alert.sent": {"id": text, "incident": text, "outcome": one_of("delivered", "settled"), "late_minutes?": whole},
    "tracker.wanted": {"id": text, "client": text, "cycle": cycle, "state": text, "closed_at": maybe(when)},
    "tracker.written": {"id": text, "client": text, "changed": many(text), "superseded?": flag},
    "attachment.wanted": {
        "id": text,
        "xref": text,
        "title": text,
        "file_name": text,
        "media_type": text,
        "sha256": text,
        "size": whole,
    },
    "attachment.sent": {"id": text, "xref": text, "ticket": whole, "document": whole, "sha256": text},
    "policy.in_force": {"sha256": text, "document": record},
    "key.introduced": {
        **HEAD,
        "key": text,
        "public": text,
        "replaces": maybe(text),
        "signed_by": text,
        "lost": flag,
        "signature": text,
        **PERSON,
    },
    "checkpoint.signed": {**HEAD, "previous": whole, "key": text, "signature": text},
    "package.written": {
        "scope": PACKAGE_SCOPE,
        "name": text,
        "where": text,
        "sha256": text,
        "size": whole,
        "until": whole,
        "retain_until": maybe(when),
    },
    "package.deleted": {"sha256": text, "where": text, **PERSON},
}
"""Kinds of the run, of the whole and of people; where one concerns an endpoint, `Event.endpoint` may name
it.
"""


def about(endpoint: Endpoint) -> dict[str, Any]:
    """The part of an event's body that tells what the RMM says of its endpoint; empty where that is no RMM's."""
    return {"about": {key: getattr(endpoint, key) or None for key in TOLD}} if endpoint.client else {}


def _keys(fields: Mapping[str, Check], *, about: bool) -> dict[str, tuple[Check, bool]]:
    keys = {name.rstrip("?"): (check, name.endswith("?")) for name, check in fields.items()}
    return keys | {"about": (ABOUT, True)} if about else keys


KINDS = {kind: _keys(fields, about=True) for kind, fields in OF_ENDPOINT.items()} | {
    kind: _keys(fields, about=False) for kind, fields in OF_ALL.items()
}


def check_event(event: Event) -> None:
    """Raises EventError where `event` is of no known kind or its body is not what the kind holds."""
    keys = KINDS.get(event.kind)
    if keys is None:
        raise EventError(f"{event.kind!r} is no kind of event; there are: {', '.join(sorted(KINDS))}")
    if event.kind in OF_ENDPOINT and not event.endpoint:
        raise EventError(f"an event {event.kind} names its endpoint")
    if "\0" in (event.endpoint or ""):
        raise EventError(f"{event.endpoint!r} is no name of an endpoint: it holds a NUL")
    canonical(event.endpoint)
    problem = mismatch(keys, event.body)
    if problem is not None:
        raise EventError(f"an event {event.kind} of {event.endpoint or 'the run'} does not hold: {problem}")
