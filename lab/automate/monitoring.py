# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitors and alerts as the machines are at the moment of asking, maintenance mode, and (no) tickets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..fleet_model import Computer
from ..web import json_body, no_content, wall
from .groups import number
from .lists import Rows, listing, one, refusal
from .state import AutomateState

V1 = "/cwa/api/v1"
MONITORS_A_COMPUTER = 100
"""Monitor and alert ids are the computer's id times this, plus the number of the check."""

Row = dict[str, Any]


class Monitoring:
    def __init__(self, state: AutomateState) -> None:
        self._state = state
        self._suspended: set[tuple[int, int]] = set()

    def routes(self) -> list[Route]:
        computer = f"{V1}/computers/{{id:int}}"
        return [
            Route(f"{V1}/alerts", self._alerts, methods=["GET"]),
            Route(f"{V1}/alerts/{{alert:int}}", self._alert, methods=["GET"]),
            Route(f"{computer}/alerts", self._alerts, methods=["GET"]),
            Route(f"{V1}/monitors", self._monitors, methods=["GET"]),
            Route(f"{computer}/monitors", self._monitors, methods=["GET"]),
            Route(f"{computer}/monitoralertsuspensions", self._suspend, methods=["POST"]),
            Route(f"{computer}/alertsuspensions/maintenancewindow", self._maintenance, methods=["GET"]),
            Route(f"{V1}/computers/maintenancemodes", self._maintenance, methods=["GET"]),
            Route(f"{V1}/maintenancewindowdefinitions", self._nothing, methods=["GET"]),
            Route(f"{V1}/internalmonitorresults", self._internal, methods=["GET"]),
            Route(f"{V1}/tickets", self._nothing, methods=["GET"]),
        ]

    async def _alerts(self, request: Request) -> Response:
        computers = self._computers(request)
        if computers is None:
            return refusal(404, "The computer was not found.")
        rows = [row for computer in computers for row in self._alerts_of(computer)]
        return listing(request, rows, key="AlertId")

    async def _alert(self, request: Request) -> Response:
        wanted = request.path_params["alert"]
        computer = self._state.computers.get(wanted // MONITORS_A_COMPUTER)
        rows: list[Row] = self._alerts_of(computer) if computer else []
        return one(request, next((row for row in rows if row["AlertId"] == wanted), None), "The alert")

    async def _monitors(self, request: Request) -> Response:
        computers = self._computers(request)
        if computers is None:
            return refusal(404, "The computer was not found.")
        now = wall(self._state.world.clock.now())
        rows: list[Row] = [
            {
                "MonitorId": check,
                "ComputerId": computer.id,
                "DeviceId": 0,
                "Name": name,
                "State": "Normal" if ok else "Failed",
                "LastScanned": now,
                "LastFailed": None if ok else now,
                "AlertAction": "Default - Raise Alert",
                "MonitorHistory": [],
            }
            for computer in computers
            for check, name, ok in self._checks(computer)
        ]
        return listing(request, rows, key="MonitorId")

    async def _internal(self, request: Request) -> Response:
        rows = [
            {"Id": row["AlertId"], "ComputerId": computer.id, "Name": row["Source"], "Status": "Failed"}
            for computer in self._state.computers.values()
            for row in self._alerts_of(computer)
        ]
        return listing(request, rows)

    async def _suspend(self, request: Request) -> Response:
        """The body is the bare number of a monitor."""
        if request.path_params["id"] not in self._state.computers:
            return refusal(404, "The computer was not found.")
        self._suspended.add((request.path_params["id"], number(await json_body(request), "The body")))
        return no_content()

    async def _maintenance(self, request: Request) -> Response:
        now = self._state.world.clock.now()
        rows = [
            {
                "ComputerID": row.computer_id,  # spelled so, with a capital D, here alone
                "TimeStart": wall(row.start),
                "Duration": row.minutes,
                "Mode": 3,
                "UserID": row.user,
            }
            for row in self._state.maintenance.values()
            if row.start <= now < row.start + timedelta(minutes=row.minutes)
            and row.computer_id == request.path_params.get("id", row.computer_id)
        ]
        return listing(request, rows, key="ComputerID")

    async def _nothing(self, request: Request) -> Response:
        """Nobody has made any in this lab; tickets are the PSA's."""
        return listing(request, Rows[Row]([], lambda row: row))

    def _computers(self, request: Request) -> list[Computer] | None:
        if "id" not in request.path_params:
            return list(self._state.computers.values())
        computer = self._state.computers.get(request.path_params["id"])
        return [computer] if computer else None

    def _checks(self, computer: Computer) -> Iterator[tuple[int, str, bool]]:
        """Monitor id, name, and whether all is well."""
        machine = self._state.machine(computer)
        first = computer.id * MONITORS_A_COMPUTER
        yield first + 1, "Agent Heartbeat", machine.agent_reporting
        yield first + 2, "Drive C Free Space", machine.system_drive_free_mb > 5_000
        automatic = [service for service in machine.services.values() if service.start_mode == "auto"]
        for index, service in enumerate(automatic, start=3):
            yield first + index, f"Service {service.name}", service.state == "running"

    def _alerts_of(self, computer: Computer) -> list[Row]:
        machine = self._state.machine(computer)
        status = "Online" if machine.agent_reporting else "Offline"
        return [
            {
                "AlertId": check,
                "Client": {"Id": computer.client_id, "Name": computer.client},
                "Computer": {"Id": computer.id, "Name": computer.name, "ComputerStatus": status},
                "Device": None,
                "Location": {"Id": computer.location_id, "Name": computer.location},
                "Monitor": {"Id": check, "Name": name},
                "AlertDate": wall(machine.last_contact),
                "Severity": {"Id": 3, "Name": "Error"},
                "Source": name,
                "Message": f"{name} failed on {computer.name}",
                "FieldName": "",
                "AlertAge": 0,
            }
            for check, name, ok in self._checks(computer)
            if not ok and (computer.id, check) not in self._suspended
        ]
