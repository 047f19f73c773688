# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random events of every kind, over few endpoints and updates so that they meet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, text_of

START = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
ENDPOINTS = ("ACME-DC01", "ACME-WS01", "BETA-WS01")
UPDATES = ("u-1", "u-2", "u-3")

instants = st.integers(0, 40 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
named = texts.filter(lambda text: bool(text.strip()))
keys = st.sampled_from(("k-1", "k-2", "k-3"))
updates = st.sampled_from(UPDATES)
flags = st.booleans()
moments = instants.map(text_of)
abouts = st.fixed_dictionaries(
    {},
    optional={
        "id": st.none() | st.integers(1, 3),
        "client": st.sampled_from(("Acme", "Beta")),
        "ring": st.sampled_from(("pilot", "production")),
        "kind": st.sampled_from(("server", "workstation")),
    },
)
checks = st.lists(st.fixed_dictionaries({"name": named, "ok": flags, "seen": texts}), max_size=2)
records = st.lists(
    st.fixed_dictionaries(
        {"id": updates}, optional={"title": texts, "severity": st.none() | st.sampled_from(("Critical", "Low"))}
    ),
    max_size=4,
)
person = {"by": named, "reason": named}
cycles = st.sampled_from(("2026-11", "2026-12", "2026-11-oob1"))
steps = st.sampled_from(("scan", "install", "reboot", "validate"))
scopes = st.fixed_dictionaries({}, optional={"client": named, "ring": st.sampled_from(("pilot", "production"))})

tier = {
    "cycle": st.sampled_from(("2026-11", "2026-12")),
    "client": st.sampled_from(("Acme", "Beta")),
    "ring": st.sampled_from(("pilot", "production")),
    "kind": st.sampled_from(("server", "workstation")),
}
proofs = st.lists(
    st.fixed_dictionaries({"endpoint": named, "stands": st.sampled_from(("patched", "held")), "reason": texts}),
    max_size=2,
)

BODIES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "run.opened": {"by": named, "simulated": flags},
    "run.closed": {"hosts": st.just({})},
    "run.planned": {
        "clients": st.dictionaries(
            st.sampled_from(("Acme", "Beta", "")),
            st.lists(st.sampled_from(("pilot", "production")), unique=True, max_size=2),
        ),
        "endpoints": st.lists(keys, max_size=2),
    },
    "cycle.opened": {
        "cycle": st.sampled_from(("2026-11", "2026-11-oob1")),
        "start": moments,
        "end": moments,
        "updates": st.lists(named, max_size=2),
        "soak_days": st.floats(0, 9),
        "client": st.none() | named,
    },
    "cycle.ended": {"cycle": st.just("2026-11-oob1"), **person},
    "tier.opened": {**tier, "endpoints": st.lists(named, max_size=2)},
    "tier.closed": {**tier, "proof": proofs},
    "window.away": {
        "window": named,
        "zone": named,
        "start": moments,
        "end": moments,
        "why": st.sampled_from(("offline", "asleep")),
    },
    "wake.sent": {"peer": named, "mac": named},
    "wake.failed": {"peer": st.none() | named, "message": texts},
    "window.caught_up": {"windows": st.integers(1, 9), "since": moments},
    "window.missed": {"window": named, "zone": named, "start": moments, "end": moments, "endpoints": st.lists(named)},
    "endpoint.seen": {},
    "plan.decided": {
        "decision": st.fixed_dictionaries({"action": texts | st.just("install"), "updates": st.lists(updates)}),
        "cycle": st.none() | named,
    },
    "scan.started": {"job": named, "limit_seconds": st.integers(1, 9999)},
    "scan.finished": {"updates": records},
    "install.started": {"job": named, "limit_seconds": st.integers(1, 9999), "updates": st.lists(updates)},
    "install.finished": {
        "results": st.lists(
            st.fixed_dictionaries({"update": updates, "ok": flags, "hresult": st.none() | named}),
            max_size=3,
            unique_by=lambda result: result["update"],
        ),
        "reboot_required": flags,
        "unanswered": st.lists(updates, max_size=2, unique=True),
    },
    "install.found": {"updates": st.lists(updates, max_size=3, unique=True)},
    "job.lost": {"job": st.none() | named, "message": texts},
    "endpoint.unreachable": {"during": named, "message": texts},
    "posture.observed": {
        "boot_id": keys,
        "boot_time": moments,
        "now": moments,
        "reboot_pending": flags,
        "services_running": st.lists(named, max_size=2),
    },
    "reboot.started": {"boot_id": st.none() | keys},
    "reboot.confirmed": {"boot_id": keys, "boot_time": moments},
    "validation.checking": {"checks": checks},
    "validation.finished": {"healthy": flags, "checks": checks},
    "step.failed": {"step": steps, "message": texts},
    "retry.scheduled": {"step": steps, "attempt": st.integers(1, 5), "at": moments},
    "failure.opened": {
        "id": keys,
        "step": steps,
        "update": st.none() | updates,
        "hresult": st.none(),
        "name": st.none(),
        "class": st.sampled_from(("update", "unknown")),
        "text": texts,
        "next_window": st.none() | moments,
        "cycle": st.none(),
    },
    "failure.repeated": {"failure": keys, "text": texts, "told": flags},
    "failure.root_cause": {"failure": keys, "by": named, "code": named, "text": named},
    "hold.placed": {"id": keys, "scope": scopes, "reason": named},
    "hold.released": {"id": keys, **person},
    "approval.recorded": {
        "update": updates,
        "decision": st.sampled_from(("approved", "declined", "deferred")),
        "client": st.none() | named,
        "until": st.none() | moments,
        "promote": flags,
        **person,
    },
    "exception.granted": {
        "id": keys,
        "scope": st.just({"client": "Acme"}),
        "expires": st.none() | moments,
        "follows": keys,
        **person,
    },
    "exception.signed": {"id": keys, "signed_by": named, "signed_at": moments, "by": named},
    "exception.revoked": {"id": keys, **person},
    "soak.passed": {
        "update": updates,
        "kind": st.sampled_from(("server", "workstation")),
        "client": st.none() | named,
        "since": st.none() | moments,
        "full_at": st.none() | moments,
        "taken": st.integers(1, 9),
        "healthy": st.integers(1, 9),
        "reason": named,
    },
    "coverage.gap_opened": {
        "id": keys,
        "aspect": st.sampled_from(("update", "os")),
        "value": named,
        "kind": st.sampled_from(("server", "workstation")),
        "client": st.none() | named,
        "endpoints": st.integers(1, 9),
    },
    "coverage.gap_closed": {"id": keys},
    "authorization.given": {"scope": st.just({"endpoint": ENDPOINTS[0]}), "cycle": cycles, **person},
    "endpoint.retired": {"by": named, "code": named, "text": named},
    "reminder.shown": {},
    "updates.described": {"updates": records},
    "failure.cured": {"failure": keys, "step": steps},
    "ticket.wanted": {
        "id": keys,
        "xref": named,
        "summary": named,
        "text": named,
        "priority": st.integers(1, 3),
        "action": st.sampled_from(("tell", "note", "reopen", "close")),
        "parent": st.none() | st.fixed_dictionaries({"xref": named, "summary": named, "text": named}),
    },
    "ticket.sent": {"id": keys, "xref": named, "ticket": st.none() | st.integers(1, 99)},
    "alert.wanted": {
        "id": keys,
        "incident": keys,
        "action": st.sampled_from(("trigger", "resolve")),
        "summary": named,
        "severity": st.sampled_from(("critical", "error", "warning")),
        "source": named,
    },
    "alert.sent": {"id": keys, "incident": keys, "outcome": st.sampled_from(("delivered", "settled"))},
    "tracker.wanted": {
        "id": keys,
        "client": named,
        "cycle": st.just("2026-11"),
        "state": named,
        "closed_at": st.none() | moments,
    },
    "tracker.written": {"id": keys, "client": named, "changed": st.lists(named, max_size=2)},
    "attachment.wanted": {
        "id": keys,
        "xref": named,
        "title": named,
        "file_name": named,
        "media_type": named,
        "sha256": keys,
        "size": st.integers(0, 9),
    },
    "attachment.sent": {
        "id": keys,
        "xref": named,
        "ticket": st.integers(1, 99),
        "document": st.integers(1, 99),
        "sha256": keys,
    },
    "policy.in_force": {"sha256": keys, "document": st.just({})},
    "package.written": {
        "scope": st.just({"cycle": "2026-11"}),
        "name": named,
        "where": named,
        "sha256": keys,
        "size": st.integers(0, 99),
        "until": st.integers(0, 99),
        "retain_until": st.none() | moments,
    },
    "package.deleted": {"sha256": keys, "where": named, **person},
}


def event_of(kind: str, of_endpoint: bool) -> st.SearchStrategy[Event]:
    """Random events of one kind, with `about` where it is one of an endpoint."""
    body = BODIES[kind] | ({"about": abouts} if of_endpoint else {})
    make: Callable[..., Event] = Event
    endpoint = st.sampled_from(ENDPOINTS) if of_endpoint else st.none()
    return st.builds(make, st.just(kind), endpoint, instants, st.fixed_dictionaries(body))
