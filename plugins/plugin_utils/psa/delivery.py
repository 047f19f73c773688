# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings one wanted ticket to the PSA, once: the answer to a lost answer is to look first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .client import PsaClient, quoted
from .directory import Directory

SUMMARY_LENGTH = 100
"""The PSA refuses a longer summary."""


class Delivery:
    """Creates tickets on `board` (`on_call_board` for what has to wake somebody), or adds to the open one."""

    def __init__(
        self, client: PsaClient, directory: Directory, *, board: str, on_call_board: str | None = None
    ) -> None:
        self._client = client
        self._directory = directory
        self._board = board
        self._on_call_board = on_call_board or board

    def deliver(self, wanted: Mapping[str, Any], known: int | None) -> int:
        """The number of the ticket that now holds `wanted` (the body of ticket.wanted).

        `known` is the ticket that got an earlier one with the same ``xref``: open, it gets a note; without
        one, an open ticket with that ``xref`` is our own whose answer was lost, and holds `wanted` already.
        Raises PsaError; then nothing, or an unknown part, has happened, and the same call may be made
        again.
        """
        if known is not None and self._is_open(known):
            self._note(known, wanted)
            return known
        ticket = self._open_with(wanted["xref"], other_than=known)
        company = self._directory.company(wanted["client"])
        if ticket is None:
            ticket = self._create(company, wanted)
        self._configure(ticket, company, wanted)
        return ticket

    def _is_open(self, ticket: int) -> bool:
        return not self._client.get(f"service/tickets/{ticket}").get("closedFlag", False)

    def _open_with(self, xref: str, *, other_than: int | None) -> int | None:
        found = self._client.get(
            "service/tickets",
            conditions=f"externalXRef={quoted(xref)} and closedFlag=false",
            orderBy="id asc",
        )
        ids = [int(ticket["id"]) for ticket in found if int(ticket["id"]) != other_than]
        return ids[0] if ids else None

    def _create(self, company: int, wanted: Mapping[str, Any]) -> int:
        board = self._on_call_board if wanted.get("on_call") else self._board
        body = {
            "summary": wanted["summary"][:SUMMARY_LENGTH],
            "company": {"id": company},
            "board": {"id": self._directory.board(board)},
            "priority": {"id": self._directory.priority(wanted["priority"])},
            "externalXRef": wanted["xref"],
            "initialDescription": wanted["text"],
        }
        return int(self._client.post("service/tickets", body)["id"])

    def _note(self, ticket: int, wanted: Mapping[str, Any]) -> None:
        mark = f"[{wanted['id']}]"
        for note in self._client.all(f"service/tickets/{ticket}/notes"):
            if mark in (note.get("text") or ""):
                return
        text = f"{wanted['text']}\n\n{mark}"
        self._client.post(
            f"service/tickets/{ticket}/notes",
            {"text": text, "detailDescriptionFlag": False, "internalAnalysisFlag": True, "resolutionFlag": False},
        )

    def _configure(self, ticket: int, company: int, wanted: Mapping[str, Any]) -> None:
        """Link the endpoint's configuration; a second link of the same one would be refused, so look first."""
        found = self._directory.configuration(company, wanted.get("endpoint_id"), wanted.get("endpoint_name"))
        path = f"service/tickets/{ticket}/configurations"
        if found is not None and all(int(one["id"]) != found for one in self._client.all(path)):
            self._client.post(path, {"id": found})
