# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel of tickets: ConnectWise PSA.

What is pending is brought over in batches, so that five hundred failures at once are a bounded number of calls: for a
batch one search for what is there already, two for its configurations, one that reads back; and for each new ticket
one call that makes it and one that links its machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import UnavailableError
from ..ledger import Event
from ..ledger.deliveries import Pending, bundled
from ..psa.client import PsaClient, PsaError, PsaRefusedError
from ..psa.delivery import Delivery, Row
from ..psa.directory import Directory
from .channel import Budget, Channel, Told

if TYPE_CHECKING:
    from ..evidence.recorder import Recorder

BATCH = 25
"""Keeps the addresses of its lookups below 2,000 characters."""
TO_SET = {
    "company": "psa_companies maps the client to a company",
    "board": "psa_board or psa_layout name the board",
    "priority": "psa_priorities name the priorities",
    "status": "psa_layout names the status of new tickets",
    "type": "psa_layout names the type, by topic or by queue",
    "subtype": "the board wants a subtype with that type: name a type without one in psa_layout",
    "item": "the board wants an item with that type: name a type without one in psa_layout",
    "team": "psa_layout names the team, by topic or by queue",
}
"""What a person can set where the PSA refuses a field."""


@dataclass(slots=True)
class _Batch:
    """What is known while a batch is brought over."""

    rows: dict[int, Row] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    configurations: Mapping[str, int] = field(default_factory=dict)
    made: dict[int, dict[str, int]] = field(default_factory=dict)
    """What each new ticket was to have."""
    done: list[tuple[Pending, int | None]] = field(default_factory=list)
    overtaken: list[tuple[Pending, int | None]] = field(default_factory=list)
    """What was not done to a ticket and is not any more, and the ticket that it was wanted again on."""
    parents: dict[str, int] = field(default_factory=dict)
    """By ``xref``, once their children are under them."""
    told: list[str] = field(default_factory=list)

    def keep(self, row: Row) -> None:
        """A ticket as it is now."""
        number, key = int(row["id"]), row["externalXRef"]
        self.rows[number] = row
        if not row["closedFlag"]:
            self.open[key] = number
        elif self.open.get(key) == number:
            del self.open[key]

    def is_open(self, ticket: int) -> bool:
        row = self.rows.get(ticket)
        return ticket in self.made if row is None else not row["closedFlag"]


@dataclass(slots=True)
class _Held:
    """What waits for something that was not done, by ``xref``."""

    all: set[str] = field(default_factory=set)
    """A ticket was refused: a note would count as one without a ticket, and a close would come before it."""
    turns: dict[str, list[Pending]] = field(default_factory=dict)
    """A close or reopen was refused: it and those that came after it, which wait as notes do. A ticket does not, for
    somebody has to know; it overtakes them, or they would close what has failed anew."""

    def keeps(self, one: Pending) -> bool:
        """Whether it waits."""
        key, action = one.body["xref"], _action(one.body)
        if key in self.all:
            return True
        if key not in self.turns or action == "tell":
            return False
        if action != "note":
            self.turns[key].append(one)
        return True

    def refused(self, one: Pending) -> None:
        """A note holds nothing up."""
        key, action = one.body["xref"], _action(one.body)
        if action == "tell":
            self.all.add(key)
        elif action != "note":
            self.turns[key] = [one]


class TicketChannel(Channel):
    """Creates tickets, or adds to the open one."""

    name = "ticket"
    things = "ticket(s)"

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._psa = recorder.settings.psa
        self._budget = Budget(0)

    @property
    def missing(self) -> str | None:
        return None if self._psa else "no PSA is set (psa_url)"

    @cached_property
    def client(self) -> PsaClient:
        """Waits no longer than the sending at hand may take; attachments go through it as well."""
        if self._psa is None:
            raise PsaError("no PSA is set (psa_url)")
        return PsaClient(self._psa, sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        self._budget.wait(seconds)

    def within(self, budget: Budget) -> None:
        """From now on the client waits within this budget."""
        self._budget = budget

    @cached_property
    def _delivery(self) -> Delivery:
        psa = self._psa
        if psa is None:
            raise PsaError("no PSA is set (psa_url)")
        directory = Directory(
            self.client, companies=psa.companies, priorities=psa.priorities, own_company=psa.own_company
        )
        return Delivery(self.client, directory, board=psa.board, on_call_board=psa.on_call_board, layout=psa.layout)

    def deliver(self, pending: Sequence[Pending], budget: Budget) -> Iterator[Told]:
        self.within(budget)
        known = {one.body["xref"]: one.ticket for one in pending}
        held = _Held()
        for start in range(0, len(pending), BATCH):
            yield from self._bring(pending[start : start + BATCH], known, held)

    def _bring(self, pending: Sequence[Pending], known: dict[str, int | None], held: _Held) -> Iterator[Told]:
        batch = self._looked_at(pending, known)
        troubled = None
        for one in pending:
            if held.keeps(one):
                continue
            try:
                self._budget.check()
                number = self._one(one.body, known.get(one.body["xref"]), batch)
            except PsaRefusedError as exc:
                held.refused(one)
                batch.told.append(f"ticket {one.body['xref']}: {exc}{_to_set(exc)}")
                continue
            except UnavailableError as exc:
                troubled = exc  # what was written before it is confirmed first, if that can be
                break
            known[one.body["xref"]] = number
            batch.done.append((one, number))
            batch.overtaken += [(late, number) for late in held.turns.pop(one.body["xref"], ())]
        yield from batch.told
        yield from self._confirmed(batch, held)
        if troubled is not None:
            raise troubled

    def _looked_at(self, pending: Sequence[Pending], known: Mapping[str, int | None]) -> _Batch:
        """What the PSA has already of what a batch is about, and the configurations it needs."""
        bodies = [one.body for one in pending]
        numbers = {number for body in bodies if (number := known.get(body["xref"])) is not None}
        telling = [body for body in bodies if _action(body) == "tell"]
        rows = self._delivery.look(numbers, {body["xref"] for body in telling})
        batch = _Batch(rows={int(row["id"]): row for row in rows})
        for row in reversed(rows):
            if not row["closedFlag"]:
                batch.open[row["externalXRef"]] = int(row["id"])
        try:
            batch.configurations = self._configurations(telling)
        except PsaRefusedError as exc:
            batch.told.append(f"tickets are without the configurations of their machines: {exc}")
        return batch

    def _configurations(self, bodies: Sequence[Mapping[str, Any]]) -> dict[str, int]:
        """The configuration of the machine that each ticket is about, by the id of what was wanted."""
        asked = {}
        for body in bodies:
            if body.get("endpoint_id") is not None or body.get("endpoint_name"):
                try:
                    company = self._delivery.directory.company(body.get("client"))
                except PsaRefusedError:
                    continue  # told when the ticket itself is made
                asked[body["id"]] = (company, body.get("endpoint_id"), body.get("endpoint_name"))
        found = self._delivery.directory.configurations(list(asked.values())) if asked else {}
        return {key: found[endpoint] for key, endpoint in asked.items() if endpoint in found}

    def _one(self, body: Mapping[str, Any], known: int | None, batch: _Batch) -> int | None:
        """The number of the ticket that now holds `body`; None where there is none to add to.

        `known` is the ticket that got an earlier one with the same ``xref``: open, it gets a note; without one, an
        open ticket with that ``xref`` is our own whose answer was lost, and holds `body` already.
        """
        delivery, action = self._delivery, _action(body)
        if action != "tell":
            return None if known is None else self._add(body, known, batch)
        if known is not None and batch.is_open(known):
            delivery.note(known, body)
            return known
        ticket = batch.open.get(body["xref"])
        fresh = ticket is None
        if ticket is None:
            ticket, meant = delivery.create(body)
            batch.made[ticket] = meant
        if body["id"] in batch.configurations:
            try:
                delivery.link(ticket, batch.configurations[body["id"]], fresh=fresh)
            except PsaRefusedError as exc:
                of = body.get("endpoint_name") or "its machine"
                batch.told.append(f"ticket {body['xref']}: #{ticket} is without the configuration of {of}: {exc}")
        return ticket

    def _add(self, body: Mapping[str, Any], ticket: int, batch: _Batch) -> int | None:
        """The note, and the status that it asks for; None where the ticket was deleted."""
        delivery, action = self._delivery, body["action"]
        row = batch.rows.get(ticket) or next(iter(delivery.look([ticket], [])), None)
        if row is None:
            batch.told.append(f"ticket {body['xref']}: #{ticket} is not there any more to be added to")
            return None
        delivery.note(ticket, body)
        if action in ("close", "reopen"):
            batch.keep(delivery.close(row) if action == "close" else delivery.reopen(row))
        return ticket

    def _confirmed(self, batch: _Batch, held: _Held) -> Iterator[Told]:
        """Read back what was written; what is not there stays pending, with what comes after it and what it
        overtakes."""
        numbers = {number for dummy, number in batch.done if number is not None}
        rows = self._delivery.look(numbers, {one.body["xref"] for one, number in batch.done if number in batch.made})
        yield from _doubles(rows)
        there = {int(row["id"]): row for row in rows}
        yield from self._bundled(batch, there)
        now, events, gone = self._recorder.clock.now(), [], set()
        for one, number in batch.done:
            body, row = one.body, there.get(number or 0)
            if body["xref"] in gone:
                continue
            if number is not None and row is None:
                gone.add(body["xref"])
                yield f"ticket {body['xref']}: #{number} was written and cannot be read back"
                continue
            if row is not None:
                yield from _as_wanted(row, batch.made.get(int(row["id"]), {}))
            told = {"id": body["id"], "xref": body["xref"], "ticket": number}
            parent = batch.parents.get((body.get("parent") or {}).get("xref", ""))
            events.append(Event("ticket.sent", None, now, told | ({"parent": parent} if parent is not None else {})))
        for one, number in batch.overtaken:
            if one.body["xref"] not in gone:
                late = f"the {_action(one.body)} that did not go through before"
                yield f"ticket {one.body['xref']}: it is wanted again, on #{number}; {late} is dropped"
                told = {"id": one.id, "xref": one.body["xref"], "ticket": None}
                events.append(Event("ticket.sent", None, now, told))
        held.all.update(gone)
        yield events

    def _bundled(self, batch: _Batch, there: Mapping[int, Row]) -> Iterator[str]:
        """Put what was done under its parents; where that is refused it is told, and the parent's next child brings the
        others along."""
        if self._psa is None or not self._psa.bundle:
            return
        wanted = {one.body["parent"]["xref"]: one.body for one, dummy in batch.done if one.body.get("parent")}
        children = bundled(self._recorder.ledger, wanted)
        for one, number in batch.done:
            if one.body.get("parent") and number in there:
                children.setdefault(one.body["parent"]["xref"], set()).add(int(number or 0))
        for key, body in wanted.items():
            try:
                number = self._delivery.bundle(body["parent"], sorted(children.get(key, ())), _like(body))
            except PsaRefusedError as exc:
                yield f"parent ticket {key}: {exc}{_to_set(exc)}"
                continue
            if number is not None:
                batch.parents[key] = number


def _action(body: Mapping[str, Any]) -> str:
    return str(body.get("action") or "tell")


def _like(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a parent has of its children: the company, and their priority."""
    return {key: body[key] for key in ("client", "priority") if key in body}


def _to_set(exc: PsaRefusedError) -> str:
    hints = [TO_SET[name.casefold()] for name in dict.fromkeys(exc.fields) if name.casefold() in TO_SET]
    return f" ({'; '.join(hints)})" if hints else ""


def _as_wanted(row: Row, wanted: Mapping[str, int]) -> Iterator[str]:
    """A workflow of the PSA may have moved it; that is told, and left."""
    for name, number in wanted.items():
        there = row.get(name) or {}
        if int(there.get("id") or 0) != number:
            yield (
                f"ticket #{row['id']} ({row['externalXRef']}) was made with the {name} {number} and reads back with "
                f"{there.get('name')!r} ({there.get('id')}): a workflow rule of the PSA has changed it"
            )


def _doubles(rows: Sequence[Row]) -> Iterator[str]:
    by_key: dict[str, list[int]] = {}
    for row in rows:
        if not row["closedFlag"] and row.get("externalXRef"):
            by_key.setdefault(row["externalXRef"], []).append(int(row["id"]))
    for key, numbers in by_key.items():
        if len(numbers) > 1:
            yield f"tickets {', '.join(f'#{number}' for number in numbers)} are all open for {key}: merge them"
