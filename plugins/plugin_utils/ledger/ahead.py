# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the projections of many events will ask for, fetched in a few statements before they do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from . import cycles, flaws
from .event import Event
from .rows import Key, Rows

KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ticket.wanted": ("tickets", ("id",)),
    "ticket.sent": ("tickets", ("id",)),
    "failure.opened": ("failures", ("id",)),
    "failure.repeated": ("failures", ("failure",)),
    "failure.cured": ("failures", ("failure",)),
    "failure.root_cause": ("failures", ("failure",)),
    "tier.opened": ("tiers", cycles.TIER),
    "tier.closed": ("tiers", cycles.TIER),
}
"""Kinds of which many come at once and that a row is asked for: its table, and the key in the event's body."""
NAMING = frozenset({"window.missed", "run.planned"})
"""Kinds that are of no endpoint, and name some whose rows they change."""
SEARCHES = frozenset({"scan.finished"})
INSTALLS = frozenset({"install.finished", "install.found"})
BOOTS = frozenset({"posture.observed", "reboot.confirmed"})
VALIDATIONS = frozenset({"validation.finished"})


def ahead(events: Sequence[Event], rows: Rows) -> None:
    """Fetch in bulk what the projections of `events` will ask for; what is left out they ask for one by one."""
    of = rows.of
    named = (name for event in events if event.kind in NAMING for name in event.body.get("endpoints", ()))
    rows.sheet(of.endpoints).fetch((name,) for name in (*(one.endpoint for one in events if one.endpoint), *named))
    planned = [event.body["clients"] for event in events if event.kind == "run.planned"]
    rows.sheet(of.planned).fetch(
        (client, ring) for clients in planned for client, rings in clients.items() for ring in rings
    )
    told = [update["id"] for event in events for update in event.body.get("updates", ()) if _tells(event)]
    rows.some(of.updates, told)
    rows.sheet(of.applicable).fetch_of(_endpoints(events, SEARCHES | INSTALLS | VALIDATIONS))
    rows.sheet(of.soak).fetch_of(_endpoints(events, INSTALLS | VALIDATIONS))
    known = rows.sheet(of.flaws)
    known.fetch_of(_endpoints(events, SEARCHES | INSTALLS | BOOTS | VALIDATIONS), flaws.open_ones)
    known.fetch(key for event in events for key in _flaws_of(event))
    wanted: dict[str, list[Key]] = {}
    for event in events:
        if event.kind in KEYS:
            table, names = KEYS[event.kind]
            wanted.setdefault(table, []).append(tuple(event.body[name] for name in names))
    for table, keys in wanted.items():
        rows.sheet(of.metadata.tables[table]).fetch(keys)


def _endpoints(events: Iterable[Event], kinds: Collection[str]) -> list[str]:
    return [event.endpoint for event in events if event.kind in kinds and event.endpoint]


def _tells(event: Event) -> bool:
    """Whether it tells of updates: their records and not their ids."""
    return event.kind in ("scan.finished", "updates.described")


def _flaws_of(event: Event) -> list[Key]:
    body = event.body
    match event.kind:
        case "scan.finished":
            updates = [update["id"] for update in body["updates"]]
        case "install.finished":
            updates = [result["update"] for result in body["results"]]
        case "install.found":
            updates = list(body["updates"])
        case _:
            updates = []
    return [(event.endpoint, update) for update in updates]
