# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves for other systems, on the ledger: wanted, and confirmed once it is there.

Each channel has two kinds of event, ``<channel>.wanted`` and one that confirms it (`CONFIRMS`). Between the two it is
pending: whoever finds it so brings it over. Tickets have a table of their own, because their numbers are asked for;
the others share one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..requirements import sqlalchemy as sa
from .event import Event, canonical, text_of
from .schema import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .rows import Rows
    from .store import Ledger

CONFIRMS = {
    "ticket": "ticket.sent",
    "alert": "alert.sent",
    "tracker": "tracker.written",
    "attachment": "attachment.sent",
}
"""The kind that confirms what a channel wanted."""
SUBJECT = {"alert": "incident", "tracker": "client", "attachment": "xref"}
"""The key of the body that says what several of a channel are about."""
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Pending:
    """Something wanted and not confirmed: the event's body, when it was wanted (as the ledger writes instants), and
    of a ticket the PSA's number that an earlier one of the same ``xref`` got."""

    body: dict[str, Any]
    wanted_at: str
    ticket: int | None = None

    @property
    def id(self) -> str:
        return str(self.body["id"])


def pending(connection: Connection, channel: str) -> list[Pending]:
    """What the channel wanted and nobody confirmed, in the order in which it was wanted."""
    return _pending_tickets(connection) if channel == "ticket" else _pending(connection, channel)


def numbers(ledger: Ledger, xrefs: Iterable[str]) -> dict[str, int]:
    """The PSA's number of the last ticket that each ``xref`` got; those without one are left out."""
    with ledger.reading() as connection:
        return _numbers(connection, list(dict.fromkeys(xrefs)))


def bundled(ledger: Ledger, parents: Iterable[str]) -> dict[str, set[int]]:
    """The numbers of the tickets that were wanted under each parent's ``xref`` and sent."""
    table = tables().tickets
    found: dict[str, set[int]] = {}
    with ledger.reading() as connection:
        for part in _chunks(list(dict.fromkeys(parents))):
            query = sa.select(table).where(table.c.parent.in_(part), table.c.ticket.is_not(None))
            for row in connection.execute(query).mappings():
                found.setdefault(row["parent"], set()).add(row["ticket"])
    return found


def wanted_ids(ledger: Ledger, channel: str) -> set[str]:
    """The ids of everything that the channel ever wanted."""
    of = tables()
    with ledger.reading() as connection:
        if channel == "ticket":
            return set(connection.execute(sa.select(of.tickets.c.id)).scalars())
        return set(
            connection.execute(sa.select(of.deliveries.c.id).where(of.deliveries.c.channel == channel)).scalars()
        )


def wanted_xrefs(ledger: Ledger, xrefs: Iterable[str]) -> set[str]:
    """Those of the ``xref`` under which a ticket was wanted, sent or not."""
    column = tables().tickets.c.xref
    with ledger.reading() as connection:
        return {
            found
            for part in _chunks(list(dict.fromkeys(xrefs)))
            for found in connection.execute(sa.select(column).where(column.in_(part))).scalars()
        }


def rows_of(ledger: Ledger, channel: str) -> list[dict[str, Any]]:
    """Every delivery of a channel other than tickets, in order: ``body`` and ``answer`` as mappings."""
    table = tables().deliveries
    query = sa.select(table).where(table.c.channel == channel).order_by(table.c.number)
    with ledger.reading() as connection:
        found = [dict(row) for row in connection.execute(query).mappings()]
    return [row | {"body": json.loads(row["body"]), "answer": json.loads(row["answer"] or "null")} for row in found]


def _pending(connection: Connection, channel: str) -> list[Pending]:
    table = tables().deliveries
    query = sa.select(table).where(table.c.channel == channel, table.c.sent_at.is_(None)).order_by(table.c.number)
    return [Pending(json.loads(row["body"]), row["wanted_at"]) for row in connection.execute(query).mappings()]


def _pending_tickets(connection: Connection) -> list[Pending]:
    table = tables().tickets
    query = sa.select(table).where(table.c.sent_at.is_(None)).order_by(table.c.number)
    found = list(connection.execute(query).mappings())
    known = _numbers(connection, list(dict.fromkeys(row["xref"] for row in found)))
    return [Pending(json.loads(row["body"]), row["wanted_at"], known.get(row["xref"])) for row in found]


def _numbers(connection: Connection, xrefs: list[str]) -> dict[str, int]:
    table = tables().tickets
    known: dict[str, int] = {}
    for part in _chunks(xrefs):
        query = sa.select(table).where(table.c.xref.in_(part), table.c.ticket.is_not(None)).order_by(table.c.number)
        for row in connection.execute(query).mappings():
            known[row["xref"]] = row["ticket"]
    return known


def _chunks(names: list[str]) -> Iterable[list[str]]:
    return (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))


def _ticket_wanted(event: Event, rows: Rows) -> None:
    rows.put(
        rows.of.tickets,
        {"id": event.body["id"]},
        number=rows.next_number(rows.of.tickets),
        xref=event.body["xref"],
        parent=(event.body.get("parent") or {}).get("xref"),
        endpoint=event.endpoint,
        wanted_at=text_of(event.at),
        body=canonical(event.body),
    )


def _ticket_sent(event: Event, rows: Rows) -> None:
    rows.change(rows.of.tickets, {"id": event.body["id"]}, sent_at=text_of(event.at), ticket=event.body["ticket"])


def _wanted(channel: str) -> Callable[[Event, Rows], None]:
    def project(event: Event, rows: Rows) -> None:
        rows.put(
            rows.of.deliveries,
            {"channel": channel, "id": event.body["id"]},
            number=rows.next_number(rows.of.deliveries),
            subject=event.body[SUBJECT[channel]],
            endpoint=event.endpoint,
            wanted_at=text_of(event.at),
            body=canonical(event.body),
        )

    return project


def _confirmed(channel: str) -> Callable[[Event, Rows], None]:
    def project(event: Event, rows: Rows) -> None:
        where = {"channel": channel, "id": event.body["id"]}
        rows.change(rows.of.deliveries, where, sent_at=text_of(event.at), answer=canonical(event.body))

    return project


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "ticket.wanted": _ticket_wanted,
    "ticket.sent": _ticket_sent,
    **{f"{channel}.wanted": _wanted(channel) for channel in SUBJECT},
    **{CONFIRMS[channel]: _confirmed(channel) for channel in SUBJECT},
}
