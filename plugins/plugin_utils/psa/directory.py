# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant's own names: which company, board, priority and configuration a ticket is for.

Ids differ per tenant, so everything is found by name, once, and kept for the run. What is not found is
refused with the names that exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from .client import PsaClient, PsaRefusedError, quoted

NAMED = 20
"""How many names an error lists."""


class Directory:
    """Finds the ids of one tenant. `companies` maps client names to company identifiers where they differ."""

    def __init__(self, client: PsaClient, *, companies: dict[str, str], priorities: tuple[str, ...] = ()) -> None:
        self._client = client
        self._companies = companies
        self._priority_names = priorities
        self.company = cache(self._company)
        self.board = cache(self._board)
        self.priority = cache(self._priority)
        self.configuration = cache(self._configuration)

    def _company(self, client: str) -> int:
        """The id of the company of the RMM client `client`: as mapped, else by name, else by identifier."""
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

    def _configuration(self, company: int, rmm_id: int | None, name: str | None) -> int | None:
        """The configuration of an endpoint: by the RMM's id, else by name; None where there is none."""
        tries = [("deviceIdentifier", str(rmm_id))] if rmm_id is not None else []
        tries += [("name", name)] if name else []
        for field, value in tries:
            found = self._client.get(
                "company/configurations", conditions=f"company/id={company} and {field}={quoted(value)}"
            )
            if found:
                return int(found[0]["id"])
        return None


def _names(records: Iterable[dict[str, Any]], key: str) -> str:
    names = [str(record.get(key)) for record in records]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (", ".join(names[:NAMED]) or "nothing") + more
