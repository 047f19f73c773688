# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to tickets: found in bulk, created, noted, closed, bundled.

Every write is sent once; the answer to a lost answer is to look first. So each write here can be asked whether it was
made already: a ticket by its ``externalXRef``, a note by the mark in its text, a configuration and a parent by the
ticket itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..visible import one_line, visible
from .client import PsaClient, PsaRefusedError, quoted
from .directory import Directory
from .layout import Layout, Place

SUMMARY_LENGTH = 100
"""The PSA refuses a longer summary."""
FIELDS = "id,summary,externalXRef,closedFlag,board,company,priority,status,parentTicketId"

Row = dict[str, Any]


class Delivery:
    """Tickets of one PSA: on `board` (`on_call_board` for what has to wake somebody), as `layout` says."""

    def __init__(
        self, client: PsaClient, directory: Directory, *, board: str, on_call_board: str | None, layout: Layout
    ) -> None:
        self._client = client
        self.directory = directory
        self._board = board
        self._on_call_board = on_call_board
        self._layout = layout

    def look(self, numbers: Iterable[int], xrefs: Iterable[str]) -> list[Row]:
        """The tickets of these numbers, and the open ones with one of these ``externalXRef``, in one request."""
        either = []
        if ids := sorted(set(numbers)):
            either.append(f"id in ({','.join(map(str, ids))})")
        if keys := sorted(set(xrefs)):
            either.append(f"(externalXRef in ({','.join(quoted(key) for key in keys)}) and closedFlag=false)")
        found = self._client.search("service/tickets", " or ".join(either), FIELDS) if either else []
        return sorted(found, key=lambda row: int(row["id"]))

    def create(self, wanted: Mapping[str, Any]) -> tuple[int, dict[str, int]]:
        """A new ticket: its number, and the ids of company, board and priority that it was to have."""
        place = self._layout.place(wanted, self._board, self._on_call_board)
        ids = {
            "company": self.directory.company(wanted.get("client")),
            "board": self.directory.board(str(place.board)),
            "priority": self.directory.priority(wanted["priority"]),
        }
        body: Row = {
            "summary": one_line(wanted["summary"], SUMMARY_LENGTH),
            "externalXRef": wanted["xref"],
            "initialDescription": visible(wanted["text"]),
            **{field: {"id": number} for field, number in (ids | self._on_board(ids["board"], place)).items()},
        }
        return int(self._client.post("service/tickets", body)["id"]), ids

    def _on_board(self, board: int, place: Place) -> dict[str, int]:
        given = {"type": place.type, "team": place.team, "status": place.status}
        return {what: self.directory.on_board(board, what, name) for what, name in given.items() if name}

    def note(self, ticket: int, wanted: Mapping[str, Any]) -> None:
        """The text of `wanted` as an internal note, unless it is there already."""
        mark = f"[{wanted['id']}]"
        path = f"service/tickets/{ticket}/notes"
        if any(mark in (note.get("text") or "") for note in self._client.all(path)):
            return
        flags = {"detailDescriptionFlag": False, "internalAnalysisFlag": True, "resolutionFlag": False}
        told = self._client.post(path, {"text": f"{visible(wanted['text'])}\n\n{mark}", **flags})
        if mark not in (told.get("text") or ""):
            raise PsaRefusedError(f"the note on ticket #{ticket} reads back without its text")

    def link(self, ticket: int, configuration: int, *, fresh: bool) -> None:
        """The configuration on the ticket; a second link of the same one would be refused, so look first unless the
        ticket is `fresh`."""
        path = f"service/tickets/{ticket}/configurations"
        if fresh or all(int(one["id"]) != configuration for one in self._client.all(path)):
            self._client.post(path, {"id": configuration})

    def close(self, row: Row) -> Row:
        """Close a ticket by the status of its own board; the ticket as it then reads back."""
        if row["closedFlag"]:
            return row
        return self._turned(row, self.directory.closing_status(int(row["board"]["id"]), self._layout.closed))

    def reopen(self, row: Row) -> Row:
        """Back to the default status of its board, where it is closed; the ticket as it then reads back."""
        if not row["closedFlag"]:
            return row
        return self._turned(row, self.directory.opening_status(int(row["board"]["id"])))

    def _turned(self, row: Row, status: int) -> Row:
        """Raises PsaRefusedError where it reads back as open, or as closed, as it was."""
        self._client.patch(f"service/tickets/{row['id']}", status={"id": status})
        there = next(iter(self.look([int(row["id"])], [])), row)
        if there["closedFlag"] == row["closedFlag"]:
            ends = ("opened again", "closed") if row["closedFlag"] else ("closed", "open")
            raise PsaRefusedError(f"#{row['id']} was to be {ends[0]}, and reads back {ends[1]}")
        return there

    def bundle(self, parent: Mapping[str, Any], children: Sequence[int], like: Mapping[str, Any]) -> int | None:
        """Put tickets under the open parent that has the ``xref`` of `parent` (``xref``, ``summary``, ``text``), made
        with company and priority of `like` where there is none; its number, or None where fewer than two are open."""
        rows = self.look(children, [parent["xref"]])
        parents = [row for row in rows if row["externalXRef"] == parent["xref"]]
        still = [row for row in rows if row not in parents and not row["closedFlag"]]
        if not parents and len(still) < 2:
            return None
        number = int(parents[0]["id"]) if parents else self.create({**like, **parent, "topic": "bundle"})[0]
        loose = [int(row["id"]) for row in still if not row.get("parentTicketId")]
        if loose:
            self._client.post(f"service/tickets/{number}/attachChildren", {"childTicketIds": loose})
            missing = [row["id"] for row in self.look(loose, []) if row.get("parentTicketId") != number]
            if missing:
                raise PsaRefusedError(f"tickets {missing} read back without their parent #{number}")
        return number
