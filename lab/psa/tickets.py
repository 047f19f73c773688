# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service tickets: their rules, notes, configurations, merging and bundling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..web import no_content
from .errors import PsaError, invalid
from .lists import count, listing, one
from .resources import Collection, Told, object_body
from .table import Row, Table

PATH = "/service/tickets"
ON_BOARD = {"status": "status", "type": "type", "subType": "subtype", "item": "item", "team": "team"}
FIRST_NOTES = {
    "initialDescription": "detailDescriptionFlag",
    "initialInternalAnalysis": "internalAnalysisFlag",
    "initialResolution": "resolutionFlag",
}
NOTE_FLAGS = ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag")


class Tickets:
    def __init__(self, tables: Mapping[str, Table], told: Told, *, strict_patch: bool) -> None:
        self._tables = tables
        self._table = tables["ticket"]
        self._told = told
        self._collection = Collection(self._table, told=told, strict_patch=strict_patch)
        self._configurations: dict[int, list[int]] = {}
        self._parents: dict[int, int] = {}
        self._merged: dict[int, int] = {}
        self._closed: dict[int, str] = {}
        self._table.complete = self._complete
        self._table.prepare = self._named_on_board
        self._table.check = self._check
        tables["note"].check = _check_note
        tables["note"].complete = _dated_note

    def routes(self) -> list[Route]:
        below = f"{PATH}/{{ticket:int}}"
        notes = Collection(self._tables["note"], f"{below}/notes", within=self._within)
        return [
            Route(f"{PATH}/search", self._search, methods=["POST"]),
            Route(PATH, self._create, methods=["POST"]),
            Route(f"{below}/notes", self._add_note, methods=["POST"]),
            *notes.routes(),
            Route(f"{below}/allnotes", self._all_notes, methods=["GET"]),
            Route(f"{below}/configurations", self._attached, methods=["GET"]),
            Route(f"{below}/configurations/count", self._attached_count, methods=["GET"]),
            Route(f"{below}/configurations", self._attach, methods=["POST"]),
            Route(f"{below}/configurations/{{configuration:int}}", self._detach, methods=["DELETE"]),
            Route(f"{below}/documents", self._documents, methods=["GET"]),
            Route(f"{below}/timeentries", self._time_entries, methods=["GET"]),
            Route(f"{below}/scheduleentries", self._schedule_entries, methods=["GET"]),
            Route(f"{below}/merge", self._merge, methods=["POST"]),
            Route(f"{below}/attachchildren", self._bundle, methods=["POST"]),
            *self._collection.routes(),
        ]

    # -- rules ------------------------------------------------------------------------------------------

    def _named_on_board(self, row: Row) -> None:
        """A status or type given by name means that of the ticket's board: other boards use the same names."""
        board = self._tables["board"].reference(row.get("board") or {"id": 1}, "board")["id"]
        for field, table in ON_BOARD.items():
            value = row.get(field)
            if isinstance(value, Mapping) and value.get("name") and not value.get("id"):
                name = str(value["name"]).lower()
                found = (one for one in self._tables[table] if one["board"]["id"] == board)
                row[field] = next(({"id": one["id"]} for one in found if one["name"].lower() == name), value)

    def _check(self, row: Row) -> None:
        """Defaults, and that what belongs to a board belongs to this one."""
        tables = self._tables
        if row.get("board") is None:
            row["board"] = tables["board"].reference({"id": 1}, "board")
        board = row["board"]["id"]
        company = tables["company"].get(row["company"]["id"])
        if company["deletedFlag"] or (company["status"] or {}).get("name") not in (None, "Active"):
            raise invalid("ticket", ("InvalidReference", f"company {company['id']} is not active.", "company"))
        if row.get("status") is None:
            first = next(row for row in tables["status"] if row["board"]["id"] == board and row["defaultFlag"])
            row["status"] = tables["status"].reference({"id": first["id"]}, "status")
        if row.get("priority") is None:
            default = tables["priority"].find(defaultFlag=True)
            row["priority"] = tables["priority"].reference({"id": default["id"] if default else 0}, "priority")
        for field, table in ON_BOARD.items():
            value = row.get(field)
            if value and tables[table].get(value["id"])["board"]["id"] != board:
                said = f"The {field} {value.get('name')!r} ({value['id']}) is not of board {board}."
                raise invalid("ticket", ("InvalidReference", said, field))
        for field in ("severity", "impact"):
            if row.get(field) not in ("Low", "Medium", "High", None):
                raise invalid("ticket", ("InvalidEnum", f"{row[field]!r} is not Low, Medium or High.", field))

    def _complete(self, row: Row) -> Row:
        """What follows from the status and from other tickets."""
        ticket = row["id"]
        status = row["status"] and self._tables["status"].get(row["status"]["id"])
        closed = bool(status and status["closedStatus"])
        priority = row["priority"] and self._tables["priority"].get(row["priority"]["id"])
        row["closedFlag"] = closed
        if closed:
            row["closedDate"] = self._closed.setdefault(ticket, row["_info"]["lastUpdated"])
            row["closedBy"] = row["_info"]["updatedBy"]
        else:
            self._closed.pop(ticket, None)
        if priority:
            row["priority"] = {**row["priority"], "sort": priority["sortOrder"]}
        row["parentTicketId"] = self._parents.get(ticket)
        row["hasChildTicket"] = ticket in self._parents.values()
        row["hasMergedChildTicketFlag"] = ticket in self._merged.values()
        if ticket in self._merged:
            row["mergedParentTicket"] = {"id": self._merged[ticket]}
        return row

    # -- tickets ----------------------------------------------------------------------------------------

    async def _create(self, request: Request) -> Response:
        body = dict(await object_body(request))
        row = self._table.create(body)
        given = {key.lower(): value for key, value in body.items()}
        for field, flag in FIRST_NOTES.items():
            if given.get(field.lower()):
                self._tables["note"].create({"ticketId": row["id"], "text": given[field.lower()], flag: True})
        if not given.get("skipcallback"):
            self._told("added", row)
        return one(request, row, self._table.names, 201)

    async def _search(self, request: Request) -> Response:
        """Conditions too long for an address, in the body; paging stays in the query."""
        body = await object_body(request)
        extra = {key: str(value) for key, value in body.items() if value is not None}
        return listing(_with_query(request, extra), self._table, self._table.names)

    async def _merge(self, request: Request) -> Response:
        parent = self._table.get(request.path_params["ticket"])
        body = await object_body(request)
        for child in self._ids(body.get("mergeTicketIds"), parent["id"], "mergeTicketIds"):
            self._merged[child] = parent["id"]
            if body.get("status"):
                self._told("updated", self._table.change(child, {"status": dict(body["status"])}))
        return one(request, self._table.get(parent["id"]), self._table.names)

    async def _bundle(self, request: Request) -> Response:
        parent = self._table.get(request.path_params["ticket"])
        body = await object_body(request)
        for child in self._ids(body.get("childTicketIds"), parent["id"], "childTicketIds"):
            self._parents[child] = parent["id"]
        return JSONResponse({"success": True, "message": "Ticket(s) bundled successfully."})

    def _ids(self, value: object, parent: int, field: str) -> list[int]:
        ids = value if isinstance(value, list) and value else None
        if ids is None or parent in ids or not all(self._table.has(child) for child in ids):
            raise PsaError(400, f"{field} must be ids of other tickets")
        return ids

    # -- below a ticket ---------------------------------------------------------------------------------

    def _within(self, request: Request) -> Mapping[str, Any]:
        return {"ticketId": self._table.get(request.path_params["ticket"])["id"]}

    async def _add_note(self, request: Request) -> Response:
        body = {**await object_body(request), **self._within(request)}
        row = self._tables["note"].create(body)
        self._table.touch(row["ticketId"])
        self._told("updated", self._table.get(row["ticketId"]))
        return one(request, row, self._tables["note"].names, 201)

    async def _all_notes(self, request: Request) -> Response:
        """Notes of all kinds, by a type of their own that the plain ones do not know."""
        ticket = self._within(request)["ticketId"]
        rows = [
            {"id": row["id"], "noteType": "TicketNote", "text": row["text"], "_info": row["_info"]}
            | {flag: row[flag] for flag in NOTE_FLAGS}
            for row in self._tables["note"]
            if row["ticketId"] == ticket
        ]
        return listing(request, rows, ("id", "noteType", "text", *NOTE_FLAGS, "_info"))

    def _configuration_rows(self, request: Request) -> list[Row]:
        ticket = self._within(request)["ticketId"]
        names = ("id", "deviceIdentifier", "_info")
        rows = [self._tables["configuration"].get(row) for row in self._configurations.get(ticket, [])]
        return [{name: row[name] for name in names} for row in rows]

    async def _attached(self, request: Request) -> Response:
        return listing(request, self._configuration_rows(request), ("id", "deviceIdentifier", "_info"))

    async def _attached_count(self, request: Request) -> Response:
        return count(request, self._configuration_rows(request), ("id", "deviceIdentifier", "_info"))

    async def _attach(self, request: Request) -> Response:
        ticket = self._within(request)["ticketId"]
        configuration = (await object_body(request)).get("id")
        if not self._tables["configuration"].has(configuration):
            raise PsaError(404, f"configuration {configuration} not found")
        there = self._configurations.setdefault(ticket, [])
        if configuration in there:
            said = f"configuration {configuration} is on ticket {ticket} already."
            raise invalid("ticketConfiguration", ("ObjectExists", said, "id"))
        there.append(int(str(configuration)))
        row = self._tables["configuration"].get(int(str(configuration)))
        return JSONResponse({name: row[name] for name in ("id", "deviceIdentifier", "_info")}, 201)

    async def _detach(self, request: Request) -> Response:
        there = self._configurations.get(self._within(request)["ticketId"], [])
        if request.path_params["configuration"] not in there:
            raise PsaError(404, f"configuration {request.path_params['configuration']} not found")
        there.remove(request.path_params["configuration"])
        return no_content()

    async def _documents(self, request: Request) -> Response:
        ticket = self._within(request)["ticketId"]
        table = self._tables["document"]
        rows = [row for row in table if (row["recordType"], row["recordId"]) == ("Ticket", ticket)]
        return listing(request, rows, table.names)

    async def _time_entries(self, request: Request) -> Response:
        ticket = self._within(request)["ticketId"]
        table = self._tables["timeEntry"]
        return listing(request, [row for row in table if row["chargeToId"] == ticket], table.names)

    async def _schedule_entries(self, request: Request) -> Response:
        ticket = self._within(request)["ticketId"]
        table = self._tables["scheduleEntry"]
        return listing(request, [row for row in table if row["objectId"] == ticket], table.names)


def _check_note(row: Row) -> None:
    if not any(row.get(flag) for flag in NOTE_FLAGS):
        said = "One of the flags detailDescriptionFlag, internalAnalysisFlag, resolutionFlag must be true."
        raise invalid("ticketNote", ("InvalidFlags", said, "detailDescriptionFlag"))


def _dated_note(row: Row) -> Row:
    return {**row, "dateCreated": row["_info"]["dateEntered"], "createdBy": row["_info"]["enteredBy"]}


def _with_query(request: Request, extra: Mapping[str, str]) -> Request:
    """The same request as if ``extra`` stood in its query."""
    query = urlencode([*request.query_params.multi_items(), *extra.items()]).encode()
    return Request({**request.scope, "query_string": query}, request.receive)
