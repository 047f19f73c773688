# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance ticket: one a client and cycle (section 9).

It opens with the cycle's tiers of the client, gets a note with each that opens or closes, and closes with the last.
These are the events that want it; the channel of tickets brings them over.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ..flow import Endpoint, cycle_span
from ..flow.closure import PLACES, Tier
from ..ledger import Event, instant, text_of
from ..ledger.register import CHUNK
from ..ledger.schema import tables
from ..psa.tickets import local, marked, xref
from ..report.figures import Share
from ..report.words import percent
from ..requirements import sqlalchemy as sa

if TYPE_CHECKING:
    from ..ledger import Ledger

PRIORITY = 3
LISTED = 100
"""Endpoints that a note lists of each place; the report has them all."""
TITLES = {
    "patched": "Patched and validated",
    "excluded": "Excluded",
    "held": "Held",
    "failed": "Failed",
    "unreachable": "Unreachable",
    "open": "Not settled",
}


class _Boot(NamedTuple):
    """A boot: its id, its time as Windows tells it, and when it was last seen."""

    boot_id: str | None
    time: datetime
    seen: datetime


def xref_of(cycle: str, client: str) -> str:
    """The key of the compliance ticket of a client and cycle; other clients' names that look alike have another."""
    return xref("compliance", cycle, *marked(client))


def opened(opening: Iterable[Event], there: Iterable[Tier]) -> list[Event]:
    """The tickets that follow from the tiers that open in `opening`; `there` are the tiers of the cycle that the ledger
    has."""
    earlier = {(tier.cycle, tier.client) for tier in there}
    by_ticket: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in opening:
        if event.kind == "tier.opened":
            by_ticket[event.body["cycle"], event.body["client"]].append(event)
    events = []
    for (cycle, client), tiers in sorted(by_ticket.items()):
        listed = [f"- {_tier(event.body)}: {_named(event.body['endpoints'])}" for event in tiers]
        if (cycle, client) in earlier:
            text = "\n".join(["Tiers have opened:", *listed])
            events.append(_wanted(cycle, client, tiers[0].at, text, "reopen"))
            continue
        start, end = cycle_span(cycle)
        lines = [
            f"Patch cycle {cycle} of {client}, from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC.",
            "",
            "Its tiers, and who is in them:",
            *listed,
            "",
            "This ticket gets a note with each tier that opens or closes, and closes with the last of them.",
            "It asks for nothing: what fails has a ticket of its own.",
        ]
        events.append(_wanted(cycle, client, tiers[0].at, "\n".join(lines), "tell"))
    return events


def closed(ledger: Ledger, closing: Iterable[Event], inventory: Mapping[str, Endpoint]) -> list[Event]:
    """The notes that follow from the tiers that close in `closing`; the last tier's closes the ticket."""
    by_ticket: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in closing:
        if event.kind == "tier.closed":
            by_ticket[event.body["cycle"], event.body["client"]].append(event)
    if not by_ticket:
        return []
    rows = ledger.rows("tiers", "cycle", "client", "ring", "kind", "closed_at")
    boots = _boots(
        ledger, {cycle for cycle, dummy in by_ticket}, [one for tiers in by_ticket.values() for one in tiers]
    )
    events = []
    for (cycle, client), tiers in sorted(by_ticket.items()):
        now = {(event.body["ring"], event.body["kind"]) for event in tiers}
        still = [
            row
            for row in rows
            if (row["cycle"], row["client"], row["closed_at"]) == (cycle, client, None)
            and (row["ring"], row["kind"]) not in now
        ]
        parts = [_closing(event, boots.get(cycle, {}), inventory) for event in tiers]
        if still:
            parts.append("Still open: " + ", ".join(sorted(_tier(row) for row in still)) + ".")
        else:
            parts.append(f"All tiers of cycle {cycle} are closed, and this ticket with them.")
        events.append(_wanted(cycle, client, tiers[0].at, "\n\n".join(parts), "note" if still else "close"))
    return events


def note(cycle: str, client: str, at: datetime, text: str) -> Event:
    """A note for the compliance ticket of a client and cycle, as it is."""
    return _wanted(cycle, client, at, text, "note")


def _wanted(cycle: str, client: str, at: datetime, text: str, action: str) -> Event:
    key = xref_of(cycle, client)
    body = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"msp.patching/{key}/{action}/{text_of(at)}/{text}")),
        "xref": key,
        "summary": f"Patch compliance {cycle}: {client}",
        "text": text,
        "priority": PRIORITY,
        "client": client,
        "topic": "compliance",
        "action": action,
    }
    return Event("ticket.wanted", None, at, body)


def _closing(event: Event, boots: Mapping[str, datetime], inventory: Mapping[str, Endpoint]) -> str:
    body = event.body
    rows = body["proof"]
    counts = Counter(row["stands"] for row in rows)
    done, due = counts["patched"], len(rows) - counts["excluded"]
    others = ", ".join(f"{place} {counts[place]}" for place in PLACES if place != "patched" and counts[place])
    status = (
        f"{done} of {due} in scope are patched and validated ({percent(Share(done, due))})"
        if due
        else "None of it is in scope"
    )
    status += f"; {others}." if others else "."
    lines = [f"Closed: {_tier(body)} of cycle {body['cycle']}, {event.at:%Y-%m-%d %H:%M} UTC. {status}"]
    for place in PLACES:
        mine = [row for row in rows if row["stands"] == place]
        if mine:
            lines += ["", f"{TITLES[place]}:", *(_line(row, boots, inventory) for row in mine[:LISTED])]
        if len(mine) > LISTED:
            lines.append(f"- and {len(mine) - LISTED} more")
    return "\n".join(lines)


def _line(row: Mapping[str, Any], boots: Mapping[str, datetime], inventory: Mapping[str, Endpoint]) -> str:
    name = row["endpoint"]
    boot = boots.get(name)
    endpoint = inventory.get(name) or Endpoint.parse({"name": name})
    rebooted = f"; last booted {local(boot, endpoint)}" if boot else ""
    return f"- {name}: {row['reason']}{rebooted}"


def _boots(ledger: Ledger, cycles: Iterable[str], closing: Sequence[Event]) -> dict[str, dict[str, datetime]]:
    """By cycle and endpoint, its last boot in the cycle, as Windows tells its time: one that a run asked for and
    confirmed, or one by hand that a look has shown since."""
    names = sorted({row["endpoint"] for event in closing for row in event.body["proof"]})
    shown = _shown(ledger, names)
    found: dict[str, dict[str, datetime]] = {}
    began = {event.body["cycle"]: seq for seq, dummy, event in ledger.events(kinds=["cycle.opened"])}
    for cycle in cycles:
        start, dummy = cycle_span(cycle)
        boots = {name: boot for name, (since, boot) in shown.items() if since >= start}
        for _seq, _run, event in ledger.events(kinds=["reboot.confirmed"], after=began.get(cycle, 0)):
            name, body = event.endpoint, event.body
            if name in boots and (boots[name].boot_id in (None, body["boot_id"]) or boots[name].seen <= event.at):
                boots[name] = _Boot(body["boot_id"], instant(body["boot_time"]), event.at)
        found[cycle] = {name: boot.time for name, boot in boots.items()}
    return found


def _shown(ledger: Ledger, names: Sequence[str]) -> dict[str, tuple[datetime, _Boot]]:
    """By endpoint that has been restarted, when that was last noticed, and the boot that the last look at it shows."""
    table = tables().endpoints
    columns = table.c.name, table.c.rebooted_at, table.c.posture, table.c.posture_at
    query = sa.select(*columns).where(table.c.rebooted_at.is_not(None))
    found = {}
    with ledger.reading() as connection:
        for start in range(0, len(names), CHUNK):
            for row in connection.execute(query.where(table.c.name.in_(names[start : start + CHUNK]))):
                noticed, posture = instant(row.rebooted_at), json.loads(row.posture or "null")
                boot = _Boot(None, noticed, noticed)
                if posture:
                    boot = _Boot(posture["boot_id"], instant(posture["boot_time"]), instant(row.posture_at))
                found[row.name] = noticed, boot
    return found


def _tier(row: Mapping[str, Any]) -> str:
    return f"{row['ring']} {row['kind']}s"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{len(names)} ({', '.join(names[:LISTED])}{more})"
