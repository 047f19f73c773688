# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant's own names: which company, board, priority and configuration a ticket is for.

Ids differ per tenant, so everything is found by name, once, and kept for the run. What is not found is
refused with the names that exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from .client import PsaClient, PsaRefusedError, quoted

NAMED = 20
"""How many names an error lists."""
BOARD_LISTS = {"status": "statuses", "type": "types", "team": "teams"}
Endpoint = tuple[int, int | None, str | None]
"""The PSA's id of its company, the RMM's id of it, its name."""


class Directory:
    """Finds the ids of one tenant. `companies` maps client names to company identifiers where they differ."""

    def __init__(
        self,
        client: PsaClient,
        *,
        companies: dict[str, str],
        priorities: tuple[str, ...] = (),
        own_company: str | None = None,
    ) -> None:
        self._client = client
        self._companies = companies
        self._priority_names = priorities
        self._own_company = own_company
        self.company = cache(self._company)
        self.board = cache(self._board)
        self.priority = cache(self._priority)
        self.on_board = cache(self._on_board)
        self.closing_status = cache(self._closing_status)
        self._of_board = cache(self._of_board_uncached)

    def _company(self, client: str | None) -> int:
        """The id of the company of the RMM client `client`: as mapped, else by name, else by identifier. What is no
        client's goes to the MSP's own company."""
        if client is None:
            return self._own()
        mapped = self._companies.get(client)
        tries = [("identifier", mapped)] if mapped else [("name", client), ("identifier", client)]
        for field, value in tries:
            found = self._client.get(
                "company/companies", conditions=f"{field}={quoted(str(value))} and deletedFlag=false"
            )
            if len(found) == 1:
                return int(found[0]["id"])
            if found:
                raise PsaRefusedError(
                    f"{len(found)} PSA companies have the {field} {value!r}: map the client {client!r} to one "
                    f"identifier with psa_companies ({_names(found, 'identifier')})"
                )
        there = self._client.all("company/companies", fields="identifier,name", orderBy="name asc")
        raise PsaRefusedError(
            f"no PSA company for the client {client!r} ({' or '.join(f'{f} {v!r}' for f, v in tries)}): map it with "
            f"psa_companies; there is: {_names(there, 'identifier')}"
        )

    def _board(self, name: str) -> int:
        boards = self._client.all("service/boards")
        for board in boards:
            if board["name"].casefold() == name.casefold() and not board.get("inactiveFlag"):
                return int(board["id"])
        raise PsaRefusedError(f"there is no active service board {name!r}; there is: {_names(boards, 'name')}")

    def _priority(self, number: int) -> int:
        """The id of priority 1, 2 or 3: by the names that were set, else the one that bears the number."""
        there = self._client.all("service/priorities")
        if self._priority_names:
            wanted = self._priority_names[number - 1].casefold()
            found = [one for one in there if one["name"].casefold() == wanted]
        else:
            pattern = re.compile(rf"(?<!\d){number}(?!\d)")
            found = [one for one in there if pattern.search(one["name"])]
        if len(found) == 1:
            return int(found[0]["id"])
        raise PsaRefusedError(
            f"{'several PSA priorities fit' if found else 'no PSA priority fits'} priority {number}: name the three "
            f"with psa_priorities; there is: {_names(there, 'name')}"
        )

    def _own(self) -> int:
        if self._own_company is None:
            raise PsaRefusedError(
                "a ticket that is no client's needs psa_own_company, the MSP's own company identifier"
            )
        found = self._client.get(
            "company/companies", conditions=f"identifier={quoted(self._own_company)} and deletedFlag=false"
        )
        if len(found) == 1:
            return int(found[0]["id"])
        there = self._client.all("company/companies", fields="identifier,name", orderBy="name asc")
        raise PsaRefusedError(
            f"no PSA company has the identifier {self._own_company!r} (psa_own_company); there is: "
            f"{_names(there, 'identifier')}"
        )

    def _on_board(self, board: int, what: str, name: str) -> int:
        """The id of a ``status``, ``type`` or ``team`` of one board: the same name has another id on every board."""
        there = self._of_board(board, what)
        for one in there:
            if one["name"].casefold() == name.casefold() and not (one.get("inactive") or one.get("inactiveFlag")):
                return int(one["id"])
        raise PsaRefusedError(
            f"service board {board} has no active {what} {name!r} (psa_layout); there is: {_names(there, 'name')}"
        )

    def _closing_status(self, board: int, name: str | None) -> int:
        """The id of the status that closes a ticket of a board: the one called `name`, else the first that closes."""
        there = sorted(self._of_board(board, "status"), key=lambda one: one.get("sortOrder") or 0)
        closing = [one for one in there if one.get("closedStatus") and not one.get("inactive")]
        found = [one for one in closing if name is None or one["name"].casefold() == name.casefold()]
        if found:
            return int(found[0]["id"])
        raise PsaRefusedError(
            f"service board {board} has no status {f'{name!r} ' if name else ''}that closes a ticket (psa_layout: "
            f"closed); those that do: {_names(closing, 'name')}"
        )

    def opening_status(self, board: int) -> int:
        """The id of the board's default status."""
        there = self._of_board(board, "status")
        for one in there:
            if one.get("defaultFlag"):
                return int(one["id"])
        raise PsaRefusedError(
            f"service board {board} has no default status, which a ticket that is opened again gets; there is: "
            f"{_names(there, 'name')}"
        )

    def _of_board_uncached(self, board: int, what: str) -> list[dict[str, Any]]:
        return self._client.all(f"service/boards/{board}/{BOARD_LISTS[what]}")

    def configurations(self, endpoints: Sequence[Endpoint]) -> dict[Endpoint, int]:
        """The configuration of each endpoint (company, RMM id, name): by the RMM's id, else by name; those that have
        none are left out. Two requests for all of them, which are to be few enough for an address."""
        by_id = self._configurations(
            "deviceIdentifier", [str(number) for _client, number, _name in endpoints if number is not None]
        )
        found = {one: by_id[one[0], str(one[1])] for one in endpoints if (one[0], str(one[1])) in by_id}
        left = [one for one in endpoints if one not in found and one[2]]
        by_name = self._configurations("name", [str(name) for _client, _number, name in left])
        return found | {
            one: by_name[one[0], str(one[2]).casefold()] for one in left if (one[0], str(one[2]).casefold()) in by_name
        }

    def _configurations(self, field: str, values: Sequence[str]) -> dict[tuple[int, str], int]:
        if not values:
            return {}
        listed = ",".join(quoted(value) for value in dict.fromkeys(values))
        rows = self._client.all(
            "company/configurations",
            conditions=f"{field} in ({listed})",
            fields=f"id,{field},company",
            orderBy="id desc",  # the oldest of several is the one that stands
        )
        return {
            (int((row.get("company") or {}).get("id") or 0), str(row[field]).casefold()): int(row["id"]) for row in rows
        }


def _names(records: Iterable[dict[str, Any]], key: str) -> str:
    names = [str(record.get(key)) for record in records]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (", ".join(names[:NAMED]) or "nothing") + more
