# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PSA of an MSP holds before anybody opens a ticket: boards, priorities, companies, configurations."""

from __future__ import annotations

from ..automate.organisation import PSA_COMPANY_OFFSET
from ..fleet_model import Computer
from ..web import ApiWorld
from .schemas import ALL
from .table import Row, Table

API_MEMBER = "PatchingApi"
BOARDS = ("Support", "Patch Management", "On-Call")
TYPES = ("Patch Failure", "Patch Compliance", "Reboot", "Exception", "Incident")
PRIORITIES = ("Priority 1 - Critical", "Priority 2 - High", "Priority 3 - Medium", "Priority 4 - Low")
STATUSES = (
    # name, closedStatus, escalationStatus; the flag, not the name, makes a ticket closed
    ("New", False, "NotResponded"),
    ("In Progress", False, "Responded"),
    ("Waiting on Approval", False, "ResolutionPlan"),
    ("Completed", False, "Resolved"),
    ("Closed", True, "Resolved"),
)
OWN_COMPANY = 2
OWN_COMPANY_IDENTIFIER = "MSP"
CONFIGURATION_OFFSET = 1000


def make_tables(world: ApiWorld) -> dict[str, Table]:
    def now() -> str:
        return world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    tables: dict[str, Table] = {}
    for name, schema in ALL.items():
        tables[name] = Table(schema, tables, now, API_MEMBER)
    _members(tables)
    _boards(tables)
    _companies(tables, world)
    return tables


def _members(tables: dict[str, Table]) -> None:
    people = (("JTech", "Jo", "Technician"), ("OnCall", "Olly", "Oncall"), (API_MEMBER, "Patching", "API"))
    for number, (identifier, first, last) in enumerate(people, start=150):
        tables["member"].seed(number, {"identifier": identifier, "firstName": first, "lastName": last})


def _boards(tables: dict[str, Table]) -> None:
    """A status of the same name has another id on every board."""
    for number, name in enumerate(PRIORITIES, start=1):
        row: Row = {"name": name, "sortOrder": number, "defaultFlag": number == 3, "color": "Custom"}
        tables["priority"].seed(10 - number, row)
    for number, name in enumerate(("Phone", "Email Connector", "Monitoring"), start=1):
        tables["source"].seed(number, {"name": name, "defaultFlag": number == 3})
    on_call = tables["member"].find(identifier="OnCall")
    for position, name in enumerate(BOARDS, start=1):
        member = {"id": on_call["id"], "identifier": "OnCall"} if on_call else None
        tables["board"].seed(position, {"name": name, "oncallMember": member})
        board = {"id": position, "name": name}
        for index, (status, closed, escalation) in enumerate(STATUSES):
            told = {"sortOrder": index, "closedStatus": closed, "defaultFlag": index == 0}
            row = {"name": status, "board": board, "escalationStatus": escalation, **told}
            tables["status"].seed(position * 100 + index, row)
        for index, kind in enumerate(TYPES):
            tables["type"].seed(position * 100 + 50 + index, {"name": kind, "board": board})
        tables["team"].seed(position * 100 + 80, {"name": "Service Team", "board": board, "defaultFlag": True})


def _companies(tables: dict[str, Table], world: ApiWorld) -> None:
    own: Row = {
        "identifier": OWN_COMPANY_IDENTIFIER,
        "name": "Lab Managed Services",
        "types": [{"id": 1, "name": "Owner"}],
    }
    active = {"status": {"id": 1, "name": "Active"}}
    tables["company"].seed(OWN_COMPANY, {**own, **active})
    for client in world.fleet.clients:
        row: Row = {
            "identifier": client.psa_identifier,
            "name": client.name[:50],
            "types": [{"id": 2, "name": "Client"}],
        }
        tables["company"].seed(PSA_COMPANY_OFFSET + client.id, {**row, **active})
    tables["configurationType"].seed(17, {"name": "Managed Server"})
    tables["configurationType"].seed(18, {"name": "Managed Workstation"})
    tables["configurationStatus"].seed(1, {"name": "Active", "defaultFlag": True})
    companies = {
        client.id: tables["company"].reference({"id": PSA_COMPANY_OFFSET + client.id}, "company")
        for client in world.fleet.clients
    }
    for computer in world.fleet.computers.values():
        row = _configuration(computer, companies[computer.client_id])
        tables["configuration"].seed(CONFIGURATION_OFFSET + computer.id, row)


def _configuration(computer: Computer, company: Row) -> Row:
    """`deviceIdentifier` is the RMM's computer id, as the sync between the products leaves it."""
    server = computer.kind == "server"
    return {
        "name": computer.name,
        "type": {"id": 17, "name": "Managed Server"} if server else {"id": 18, "name": "Managed Workstation"},
        "status": {"id": 1, "name": "Active"},
        "company": company,
        "deviceIdentifier": str(computer.id),
        "serialNumber": f"SN{computer.id:08d}",
        "osType": computer.os,
        "osInfo": computer.os_version,
    }
