# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was put on tickets of the PSA, and since when a flaw stands on one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ..flow import Update
from ..ledger import instant
from ..visible import one_line
from .model import TicketRow
from .read import Read, Row

COMPLIANCE = "compliance"
"""What the topic, or the xref, of a client's compliance ticket says it is."""


class Told:
    """Since when a flaw stands on a ticket: a compliance ticket of its client, or one of its endpoint.

    It stands on a ticket of its endpoint whose text names its update, by KB number or title, and on the compliance
    ticket whose note names both, once that is in the PSA; and there once a report is attached that was made after the
    flaw was identified: that names all.
    """

    def __init__(self, read: Read) -> None:
        self._of: dict[str, list[tuple[datetime, int, str]]] = {}
        self._pairs: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
        self._reports: dict[str, list[tuple[datetime, datetime, int]]] = {}
        attached: dict[str, list[tuple[datetime, datetime]]] = {}
        for row in read.reports:
            if not _by_then(read, row["sent_at"]):
                continue
            attached.setdefault(row["subject"], []).append((instant(row["wanted_at"]), instant(row["sent_at"])))
        for row in read.tickets:
            if row["ticket"] is None or not _by_then(read, row["sent_at"]):
                continue
            body = row["body"]
            said = instant(row["sent_at"]), int(row["ticket"]), f"{body['summary']}\n{body['text']}"
            if is_compliance(row):
                client = body.get("client") or ""
                for update, names in (body.get("found") or {}).items():
                    for name in names:
                        self._pairs.setdefault((update, name), []).append(said[:2])
                reports = [(made, sent, said[1]) for made, sent in attached.pop(row["xref"], ())]
                self._reports.setdefault(client, []).extend(reports)
            elif row["endpoint"] or body.get("endpoint_name"):
                self._of.setdefault(row["endpoint"] or body["endpoint_name"], []).append(said)

    def of(
        self, endpoint: str, client: str | None, update: Update, identified: datetime
    ) -> tuple[datetime, int] | None:
        """When the flaw first stood on a ticket, not before it was identified; and that ticket's number."""
        said = [*self._naming(endpoint, update), *self._pairs.get((update.id, endpoint), ())]
        found = [(max(at, identified), ticket) for at, ticket in said]
        found += [(sent, ticket) for made, sent, ticket in self._reports.get(client or "", ()) if made >= identified]
        return min(found, default=None)

    def _naming(self, endpoint: str, update: Update) -> list[tuple[datetime, int]]:
        return [(at, ticket) for at, ticket, text in self._of.get(endpoint, ()) if names_it(text, update)]


def is_compliance(row: Row, cycle: str | None = None) -> bool:
    """Whether it belongs to a client's compliance ticket, of the cycle where one is given."""
    return row["body"].get("topic") == COMPLIANCE and (cycle is None or cycle in str(row["xref"]).split("/"))


def names_it(text: str, update: Update) -> bool:
    """Whether a ticket's text names the update: by KB number, or by title, as people read it or as the endpoint has it,
    which tickets once had."""
    if any(f"KB{kb}" in text for kb in update.kb):
        return True
    return any(title and title in text for title in (update.title, one_line(update.title)))


def ticket_rows(read: Read, endpoints: Iterable[str]) -> list[TicketRow]:
    """The tickets of the cycle that concern the scope, in the order they were wanted in."""
    names, found, month = set(endpoints), [], read.scope.cycle[:7]
    for row in read.tickets:
        body = row["body"]
        endpoint = row["endpoint"] or body.get("endpoint_name")
        wanted = instant(row["wanted_at"])
        of_cycle = read.start <= wanted <= min(read.at, read.end)
        if is_compliance(row):  # an emergency's is its month's
            of_cycle = is_compliance(row, month) and (of_cycle or month == read.scope.cycle)
        # the notes and the report of its closing may get there after it
        there = is_compliance(row, read.scope.cycle) or _by_then(read, row["sent_at"])
        mine = endpoint in names if endpoint else read.scope.client in (None, body.get("client"))
        if of_cycle and mine:
            found.append(
                TicketRow(
                    id=row["id"],
                    xref=row["xref"],
                    summary=body["summary"],
                    client=body.get("client"),
                    endpoint=endpoint,
                    failure=body.get("failure"),
                    topic=body.get("topic"),
                    wanted=wanted,
                    sent=instant(row["sent_at"]) if there and row["sent_at"] is not None else None,
                    ticket=row["ticket"] if there else None,
                )
            )
    return sorted(found, key=lambda one: (one.wanted, one.id))


def _by_then(read: Read, text: str | None) -> bool:
    """Whether it had happened at the account's instant."""
    return text is not None and instant(text) <= read.at
