# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the inventory needs from Automate, read in bulk: a sweep of pages a list, no request a computer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from .client import (
    CLIENTS,
    COMPUTERS,
    GROUP_COMPUTERS,
    GROUP_PATCHING_POLICIES,
    GROUPS,
    LOCATIONS,
    AutomateClient,
)
from .errors import VisibilityError
from .extra_fields import is_secret
from .pages import Resource, Row, row_id

COMPUTER_FIELDS = (
    "Id",
    "ComputerName",
    "Client",
    "Location",
    "Type",
    "OperatingSystemName",
    "OperatingSystemVersion",
    "Status",
    "RemoteAgentLastContact",
    "LoggedInUsers",
    "UTCOffset",
    "LocalIPAddress",
    "MACAddress",
    "DomainName",
    "Comment",
)
"""What is asked for of each computer: a whole record is 60 fields, most of them inventory of its hardware."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The lists as the API gave them, sorted by id; only secret extra data fields are taken out."""

    computers: list[Row]
    clients: list[Row]
    locations: list[Row]
    groups: list[Row]
    group_computers: list[Row]
    group_patching_policies: list[Row]

    def as_json(self) -> dict[str, list[Row]]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Snapshot:
        return cls(**document)


def read_snapshot(
    client: AutomateClient, *, computer_fields: Sequence[str] = (), client_extra_fields: bool = True
) -> Snapshot:
    """Reads all lists, computers first: what they refer to is then there, also when it was made just now.

    ``computer_fields`` are read beside `COMPUTER_FIELDS`. ``client_extra_fields`` costs a request a client, as
    the API gives these fields inline for locations only; where it does give them inline, none is made.
    Raises `VisibilityError` where an empty list can only mean a missing permission.
    """
    computers = client.computers(fields=[*COMPUTER_FIELDS, *computer_fields])
    clients = client.read(CLIENTS)
    locations = client.read(LOCATIONS)
    groups = client.read(GROUPS)
    group_computers = client.read(GROUP_COMPUTERS)
    policies = client.read(GROUP_PATCHING_POLICIES)
    _check_visible(computers, clients, locations)
    if client_extra_fields:
        _add_extra_fields(client, clients, {referred(row, "Client") for row in computers})
    for row in (*clients, *locations):
        row["ExtraFields"] = [extra for extra in row.get("ExtraFields") or () if not is_secret(extra)]
    return Snapshot(computers, clients, locations, groups, group_computers, policies)


def referred(computer: Row, kind: str) -> int | None:
    """The id of the ``Client`` or ``Location`` that a computer's record names."""
    reference = computer.get(kind)
    return row_id(reference, "Id") if isinstance(reference, dict) and reference.get("Id") is not None else None


def hidden(resource: Resource, why: str) -> VisibilityError:
    """An empty list is how Automate says "not for you": there is no 403."""
    return VisibilityError(
        f"{resource.path} is an empty list, {why}: the account's user class lacks the permission "
        f"{resource.permission!r}; grant it in Automate under System, Users and Contacts, Permissions"
    )


def _check_visible(computers: Sequence[Row], clients: Sequence[Row], locations: Sequence[Row]) -> None:
    if not computers:
        raise hidden(COMPUTERS, "and an inventory of none cannot be meant")
    for resource, rows, kind in ((CLIENTS, clients, "Client"), (LOCATIONS, locations, "Location")):
        count = sum(1 for row in computers if referred(row, kind) is not None)
        if count and not rows:
            raise hidden(resource, f"but {count} computers name a {kind.lower()}")


def _add_extra_fields(client: AutomateClient, clients: Sequence[Row], used: set[int | None]) -> None:
    missing = {row_id(row, "Id"): row for row in clients if not isinstance(row.get("ExtraFields"), list)}
    for number, extra in client.extra_fields(CLIENTS.path, missing.keys() & used).items():
        missing[number]["ExtraFields"] = extra
