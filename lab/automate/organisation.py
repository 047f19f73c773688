# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/Clients`` and ``/Locations``."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..fleet_model import Client, Location
from .extrafields import ExtraFields
from .lists import Rows, expands, listing, one
from .state import AutomateState

V1 = "/cwa/api/v1"
PSA_COMPANY_OFFSET = 250
"""The PSA's companies have other ids than the RMM's clients: ``ExternalId`` tells them."""


class Organisation:
    def __init__(self, state: AutomateState, fields: ExtraFields) -> None:
        self._state = state
        self._fields = fields

    def routes(self) -> list[Route]:
        return [
            Route(f"{V1}/clients", self._clients, methods=["GET"]),
            Route(f"{V1}/clients/{{id:int}}", self._client, methods=["GET"]),
            Route(f"{V1}/locations", self._locations, methods=["GET"]),
            Route(f"{V1}/locations/{{id:int}}", self._location, methods=["GET"]),
        ]

    async def _clients(self, request: Request) -> Response:
        expanded = expands(request)
        clients = list(self._state.clients.values())
        return listing(request, Rows(clients, lambda client: self._client_row(client, expanded)))

    async def _client(self, request: Request) -> Response:
        client = self._state.clients.get(request.path_params["id"])
        return one(request, self._client_row(client, expands(request)) if client else None, "The client")

    async def _locations(self, request: Request) -> Response:
        return listing(request, Rows(list(self._state.locations.values()), self._location_row))

    async def _location(self, request: Request) -> Response:
        found = self._state.locations.get(request.path_params["id"])
        return one(request, self._location_row(found) if found else None, "The location")

    def _client_row(self, client: Client, expanded: frozenset[str]) -> dict[str, Any]:
        locations = [{"Id": location.id, "Name": location.name} for location in client.locations]
        return {
            "Id": str(client.id),
            "Name": client.name,
            "Company": client.name,
            "FirstName": "",
            "LastName": "",
            "City": "",
            "State": "",
            "ZipCode": "",
            "PhoneNumber": "",
            "ExternalId": PSA_COMPANY_OFFSET + client.id,
            "Comment": "",
            "Locations": locations if "locations" in expanded else [],
        }

    def _location_row(self, found: tuple[Client, Location]) -> dict[str, Any]:
        client, location = found
        return {
            "Id": location.id,
            "LocationId": location.id,
            "Name": location.name,
            "Client": {"Id": str(client.id), "Name": client.name},
            "MaintenanceWindow": {"MaintenanceWindowDefinitionId": 0, "Name": "", "Comment": ""},
            "ProbeId": 0,
            "ExternalId": 0,
            "ExtraFields": self._fields.rows("location", location.id),
        }
