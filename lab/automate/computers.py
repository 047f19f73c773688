# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/Computers``: one row an agent, and what hangs below it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..fleet_model import Computer
from ..web import no_content, wall
from .lists import Rows, expands, listing, one, refusal
from .state import AutomateState

BASE = "/cwa/api/v1/computers"
Row = dict[str, Any]


class Computers:
    def __init__(self, state: AutomateState) -> None:
        self._state = state
        self._still: dict[int, Row] = {}

    def routes(self) -> list[Route]:
        return [
            Route(BASE, self._list, methods=["GET"]),
            Route(f"{BASE}/drives", self._drives, methods=["GET"]),
            Route(f"{BASE}/{{id:int}}", self._one, methods=["GET"]),
            Route(f"{BASE}/{{id:int}}", self._retire, methods=["DELETE"]),
            Route(f"{BASE}/{{id:int}}/operatingsystem", self._operating_system, methods=["GET"]),
            Route(f"{BASE}/{{id:int}}/services", self._services, methods=["GET"]),
            Route(f"{BASE}/{{id:int}}/software", self._software, methods=["GET"]),
            Route(f"{BASE}/{{id:int}}/drives", self._drives, methods=["GET"]),
            Route(f"{BASE}/{{id:int}}/bios", self._bios, methods=["GET"]),
            Route("/cwa/api/v1/retiredassets", self._retired, methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        expanded = expands(request)
        computers = list(self._state.computers.values())
        return listing(request, Rows(computers, lambda computer: self._row(computer, expanded)))

    async def _one(self, request: Request) -> Response:
        computer = self._computer(request)
        return one(request, self._row(computer, expands(request)) if computer else None, "The computer")

    async def _retire(self, request: Request) -> Response:
        computer = self._computer(request)
        if computer is None:
            return refusal(404, "The computer was not found.")
        self._state.retire(computer.id)
        return no_content()

    async def _retired(self, request: Request) -> Response:
        rows = [
            {
                "RetiredAssetId": str(computer.id),
                "ComputerId": str(computer.id),
                "ClientId": str(computer.client_id),
                "LocationId": str(computer.location_id),
                "Name": computer.name,
                "RetiredDate": wall(at),
            }
            for computer, at in self._state.retired.values()
        ]
        return listing(request, rows, key="RetiredAssetId")

    async def _operating_system(self, request: Request) -> Response:
        computer = self._computer(request)
        return one(request, self._system_row(computer) if computer else None, "The computer")

    async def _services(self, request: Request) -> Response:
        computer = self._computer(request)
        if computer is None:
            return refusal(404, "The computer was not found.")
        services = self._state.machine(computer).services.values()
        rows = [
            {
                "ComputerId": computer.id,
                "Id": number,
                "Name": service.name,
                "DisplayName": service.name,
                "State": "Running" if service.state == "running" else "Stopped",
                "StartupType": {"auto": "Automatic", "delayed": "Automatic (Delayed)"}.get(
                    service.start_mode, service.start_mode.capitalize()
                ),
            }
            for number, service in enumerate(services, start=1)
        ]
        return listing(request, rows)

    async def _software(self, request: Request) -> Response:
        computer = self._computer(request)
        if computer is None:
            return refusal(404, "The computer was not found.")
        names = ("ConnectWise Automate Agent", "Microsoft Edge", "Microsoft Defender")
        rows = [
            {"Id": number, "ComputerId": computer.id, "Name": name, "Version": "1.0", "InstallDate": None}
            for number, name in enumerate(names, start=1)
        ]
        return listing(request, rows)

    async def _drives(self, request: Request) -> Response:
        """Below a computer its own; ``/Computers/Drives`` those of all."""
        if "id" in request.path_params:
            computer = self._computer(request)
            if computer is None:
                return refusal(404, "The computer was not found.")
            return listing(request, [self._drive(computer)])
        return listing(request, Rows(list(self._state.computers.values()), self._drive))

    async def _bios(self, request: Request) -> Response:
        computer = self._computer(request)
        row = {"ComputerId": computer.id, "Manufacturer": "Lab", "Version": "1.0"} if computer else None
        return one(request, row, "The computer")

    # -- rows -------------------------------------------------------------------------------------------

    def _computer(self, request: Request) -> Computer | None:
        return self._state.computers.get(request.path_params["id"])

    def _row(self, computer: Computer, expanded: frozenset[str]) -> Row:
        """The published fields, every one; what changes is read from the machine."""
        state, machine = self._state, self._state.machine(computer)
        now = state.world.clock.now()
        contact = wall(machine.last_contact)
        users = [{"LoggedInUserName": user, "ConsoleId": 1} for user in machine.users]
        row = {
            **self._still_row(computer),
            "Status": "Online" if machine.agent_reporting else "Offline",
            "RemoteAgentLastContact": contact,
            "RemoteAgentLastInventory": contact,
            "LastInventoryReceived": contact,
            "LastHeartbeat": contact,
            "LastStartup": wall(machine.boot_time),
            "WindowsUpdateDate": wall(machine.boot_time),
            "AntivirusDefinitionDate": contact,
            "UTCOffset": _utc_offset(computer.time_zone, now),
            "SystemUptime": max(0, int((now - machine.boot_time).total_seconds() // 60)),
            "LoggedInUsers": users,
            "UserIdleTime": 0 if users else 120,
            "IsRebootNeeded": machine.reboot_pending,
            "IsMaintenanceModeEnabled": _in_maintenance(state, computer.id, now),
            "IsHeartbeatRunning": machine.agent_reporting,
            "Groups": [],
        }
        if "groups" in expanded:
            row["Groups"] = [
                {"Id": str(group.id), "Name": group.name.rpartition(".")[2], "FullName": group.name}
                for group in state.groups_of(computer.id)
            ]
        return row

    def _still_row(self, computer: Computer) -> Row:
        row = self._still.get(computer.id)
        if row is None:
            row = self._still[computer.id] = _still_row(computer)
        return row

    def _system_row(self, computer: Computer) -> Row:
        server = computer.kind == "server"
        return {
            "ComputerId": computer.id,
            "Name": computer.os,
            "Version": computer.os_version,
            "ReleaseId": computer.release,
            "Edition": computer.os.removesuffix(" x64").rpartition(" ")[2],
            "IsServer": server,
            "IsDomainController": computer.in_group("Patching.Role.") == "Domain Controller",
            "ProductType": 3 if server else 1,
            "Domain": f"{computer.client.split()[0].lower()}.lab",
            "InstallDate": "2025-02-03T09:00:00",
        }

    def _drive(self, computer: Computer) -> Row:
        free = self._state.machine(computer).system_drive_free_mb
        return {
            "Id": computer.id,
            "ComputerId": computer.id,
            "Letter": "C",
            "Size": max(81_920, free),
            "FreeSpace": free,
            "FileSystem": "NTFS",
            "IsSystem": True,
        }


def _in_maintenance(state: AutomateState, computer_id: int, now: datetime) -> bool:
    row = state.maintenance.get(computer_id)
    return row is not None and row.start <= now < row.start + timedelta(minutes=row.minutes)


def _utc_offset(zone: str | None, now: datetime) -> int:
    """Minutes east of UTC; unit and sign are our guess."""
    offset = now.astimezone(ZoneInfo(zone)).utcoffset() if zone else None
    return int(offset.total_seconds() // 60) if offset else 0


def _still_row(computer: Computer) -> Row:
    low, high = computer.id % 250 + 2, computer.id // 250 % 250
    server = computer.kind == "server"
    return {
        "Id": str(computer.id),
        "ComputerName": computer.name,
        "FriendlyName": computer.name,
        "Client": {"Id": str(computer.client_id), "Name": computer.client},
        "Location": {"Id": computer.location_id, "Name": computer.location},
        "Contact": None,
        "DomainName": f"{computer.client.split()[0].lower()}.lab",
        "OperatingSystemName": computer.os,
        "OperatingSystemVersion": computer.os_version,
        "Type": "Server" if server else "Laptop" if computer.laptop else "Workstation",
        "DateAdded": "2025-02-03T10:00:00",
        "AssetDate": "2025-02-01T00:00:00",
        "WarrantyEndDate": "2028-02-01T00:00:00",
        "RemoteAgentVersion": "250.327",
        "LocalIPAddress": f"10.{high}.{computer.location_id % 250}.{low}",
        "GatewayIPAddress": f"203.0.113.{computer.client_id % 250 + 1}",
        "MACAddress": computer.mac,
        "DomainNameServers": [f"10.{high}.{computer.location_id % 250}.1"],
        "OpenPortsTCP": [135, 445, 3389, 5985] if server else [135, 445],
        "OpenPortsUDP": [123],
        "TotalMemory": 32768 if server else 16384,
        "FreeMemory": 8192,
        "CpuUsage": 7,
        "LastUserName": "" if server else "jdoe",
        "Comment": "",
        "AssetTag": f"LAB{computer.id:06d}",
        "SerialNumber": f"SN{computer.id:08d}",
        "BiosManufacturer": "Lab",
        "BiosFlash": "1.0",
        "VirusScanner": {"Name": "Microsoft Defender"},
        "PrimaryContactName": "",
        "TempFiles": "",
        "PowerProfiles": ["Balanced"],
        "CurrentPowerProfile": "Balanced",
        "UserAccounts": [],
        "Tickets": [],
        "IsVirtualMachine": server,
        "IsVirtualHost": computer.in_group("Patching.Role.") == "Virtualization Host",
        "IsMaster": False,
        "IsNetworkProbe": False,
        "IsFasTalk": False,
        "IsHeartbeatEnabled": True,
        "IsTunnelSupported": True,
        "IsLockedDown": False,
        "IsSystemAccount": True,
        "HasIntelVPRO": False,
        "HasIntelAMT": False,
        "HasHPiLO": False,
    }
