# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/Groups`` and ``/GroupComputers``, saved searches, and the batch calls that move members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..fleet_model import RmmGroup
from ..web import BadRequestError, json_body, no_content
from .lists import Rows, expands, listing, one, refusal
from .state import AutomateState, Membership

V1 = "/cwa/api/v1"
ENTITY_TYPES = ("System", "Computer", "Site", "Company", "Probe", "NetworkDevice", "Ticket", "Group")
ALIASES = {"location": "site", "client": "company"}
TYPE_IDS = {"Standard": 1, "Patching": 2}


def folded(body: object) -> dict[str, Any]:
    """The body's keys in lower case."""
    if not isinstance(body, Mapping):
        raise BadRequestError("The body must be a JSON object.")
    return {str(key).lower(): value for key, value in body.items()}


def entity_type(value: object) -> str:
    """The enumeration's name for a number or a name, in lower case."""
    if isinstance(value, int) and 0 <= value < len(ENTITY_TYPES):
        return ENTITY_TYPES[value].lower()
    name = ALIASES.get(str(value).lower(), str(value).lower())
    if name not in (known.lower() for known in ENTITY_TYPES):
        raise BadRequestError(f"EntityType {value!r} is not known: give a number or one of {', '.join(ENTITY_TYPES)}.")
    return name


def number(value: object, name: str) -> int:
    """Ids come as numbers and as strings."""
    try:
        return int(str(value))
    except ValueError as exc:
        raise BadRequestError(f"{name} is {value!r}: it must be an id.") from exc


class Groups:
    def __init__(self, state: AutomateState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        return [
            Route(f"{V1}/groups", self._list, methods=["GET"]),
            Route(f"{V1}/groups", self._create, methods=["POST"]),
            Route(f"{V1}/groups/{{id:int}}", self._one, methods=["GET"]),
            Route(f"{V1}/groups/{{id:int}}", self._replace, methods=["PUT", "PATCH"]),
            Route(f"{V1}/groups/{{id:int}}", self._delete, methods=["DELETE"]),
            Route("/cwa/api/v2/groups/{id:int}/computers", self._members, methods=["GET"]),
            Route(f"{V1}/groupcomputers", self._memberships, methods=["GET"]),
            Route(f"{V1}/groupcomputers", self._join, methods=["POST"]),
            Route(f"{V1}/groupcomputers/{{id:int}}", self._leave, methods=["DELETE"]),
            Route(f"{V1}/batch/commands/sendto", self._send_to, methods=["POST"]),
            Route(f"{V1}/batch/groups/removeentities", self._remove, methods=["POST"]),
            Route(f"{V1}/searches", self._searches, methods=["GET"]),
        ]

    # -- groups -----------------------------------------------------------------------------------------

    async def _list(self, request: Request) -> Response:
        expanded = expands(request)
        groups = sorted(self._state.groups.values(), key=lambda group: group.id)
        return listing(request, Rows(groups, lambda group: self._row(group, expanded)))

    async def _one(self, request: Request) -> Response:
        group = self._state.groups.get(request.path_params["id"])
        return one(request, self._row(group, expands(request)) if group else None, "The group")

    async def _create(self, request: Request) -> Response:
        body = folded(await json_body(request))
        parent = self._state.groups.get(number(body.get("parentid", 0) or 0, "ParentId"))
        name = str(body.get("name") or "")
        if not name:
            return refusal(400, "Name is required.")
        group = RmmGroup(
            id=self._state.next_group_id(),
            name=f"{parent.name}.{name}" if parent else name,
            type=str(body.get("typename") or "Standard"),
        )
        self._state.put_group(group)
        return JSONResponse(self._row(group, frozenset()), 201)

    async def _replace(self, request: Request) -> Response:
        """PUT and PATCH change the name, and whether the group is limited to its search."""
        group = self._state.groups.get(request.path_params["id"])
        if group is None:
            return refusal(404, "The group was not found.")
        changes = _changes(request.method, await json_body(request))
        if "name" in changes:
            folder, dot, _name = group.name.rpartition(".")
            group = replace(group, name=f"{folder}{dot}{changes['name']}")
        if "computerslimittosearch" in changes:
            group = replace(group, limited=bool(changes["computerslimittosearch"]))
        self._state.put_group(group)
        return JSONResponse(self._row(group, frozenset()))

    async def _delete(self, request: Request) -> Response:
        if request.path_params["id"] not in self._state.groups:
            return refusal(404, "The group was not found.")
        self._state.drop_group(request.path_params["id"])
        return no_content()

    async def _searches(self, request: Request) -> Response:
        searches = [group.search for group in self._state.groups.values() if group.search]
        rows = [{"Id": str(row.id), "Name": row.name, "FolderId": "1"} for row in searches]
        return listing(request, rows)

    # -- members ----------------------------------------------------------------------------------------

    async def _memberships(self, request: Request) -> Response:
        return listing(request, Rows(self._state.memberships(), _membership_row))

    async def _members(self, request: Request) -> Response:
        if request.path_params["id"] not in self._state.groups:
            return refusal(404, "The group was not found.")
        return listing(request, self._computers(request.path_params["id"]))

    async def _join(self, request: Request) -> Response:
        body = folded(await json_body(request))
        group_id = number(body.get("groupid"), "GroupId")
        computer_id = number(body.get("computerid"), "ComputerId")
        if group_id not in self._state.groups or computer_id not in self._state.computers:
            return refusal(404, "The group or the computer was not found.")
        return JSONResponse(_membership_row(self._state.join(group_id, computer_id)), 201)

    async def _leave(self, request: Request) -> Response:
        row = next((row for row in self._state.memberships() if row.id == request.path_params["id"]), None)
        if row is None:
            return refusal(404, "The member was not found.")
        self._state.leave(row.group_id, row.computer_id)
        return no_content()

    async def _send_to(self, request: Request) -> Response:
        body = folded(await json_body(request))
        if (entity_type(body.get("entitytype")), entity_type(body.get("targettype"))) != ("computer", "group"):
            raise BadRequestError("Only computers can be sent, and only to groups.")
        group_id = number(body.get("targetid"), "TargetId")
        ids = [number(value, "EntityIds") for value in body.get("entityids") or []]
        if group_id not in self._state.groups:
            return refusal(404, "The group was not found.")
        for computer_id in ids:
            if computer_id in self._state.computers:
                self._state.join(group_id, computer_id)
        return no_content()

    async def _remove(self, request: Request) -> Response:
        body = folded(await json_body(request))
        if entity_type(body.get("entitytype")) != "computer":
            raise BadRequestError("Only computers can be removed.")
        group_id = number(body.get("groupid"), "GroupId")
        ids = [number(value, "EntityIds") for value in body.get("entityids") or []]
        for computer_id in ids:
            self._state.leave(group_id, computer_id)
        return no_content()

    # -- rows -------------------------------------------------------------------------------------------

    def _computers(self, group_id: int) -> list[dict[str, Any]]:
        return [
            {"Id": str(row.computer_id), "ComputerName": self._state.computers[row.computer_id].name}
            for row in self._state.members(group_id)
        ]

    def _row(self, group: RmmGroup, expanded: frozenset[str]) -> dict[str, Any]:
        by_name = {row.name: row for row in self._state.groups.values()}
        steps = group.name.split(".")
        parents = [by_name[name] for name in (".".join(steps[:i]) for i in range(1, len(steps))) if name in by_name]
        search = group.search
        return {
            "Id": str(group.id),
            "ParentId": str(parents[-1].id if parents else 0),
            "Name": steps[-1],
            "FullName": group.name,
            "Depth": len(steps) - 1,
            "SubGroups": [row.id for name, row in by_name.items() if name.startswith(f"{group.name}.")],
            "ParentGroups": [row.id for row in parents],
            "Parents": [{"ID": row.id, "ParentId": 0, "Name": row.name.rpartition(".")[2]} for row in parents],
            "TypeId": TYPE_IDS.get(group.type, 1),
            "TypeName": group.type,
            "TemplatePriority": group.priority,
            "GUID": str(uuid5(NAMESPACE_OID, f"group/{group.name}")),
            "ComputersAutoJoinSearch": search and {"Id": str(search.id), "Name": search.name},
            "ComputersLimitToSearch": group.limited,
            "NetworkDevicesAutoJoinSearch": None,
            "NetworkDevicesLimitToSearch": False,
            "ContactsAutoJoinSearch": None,
            "ContactsLimitToSearch": False,
            "ContactsJoinComputers": False,
            "MaintenanceWindow": {"Id": 0},
            "MaintenanceWindowLastApplied": None,
            "ClientToSync": None,
            "LocationToSync": None,
            "Comments": "",
            "ComputerPermissions": [],
            "Computers": self._computers(group.id) if "computers" in expanded else [],
            "NetworkDevices": [],
            "Contacts": [],
        }


def _membership_row(row: Membership) -> dict[str, str]:
    return {"Id": str(row.id), "GroupId": str(row.group_id), "ComputerId": str(row.computer_id)}


def _changes(method: str, body: object) -> dict[str, Any]:
    if method == "PUT":
        return folded(body)
    if not isinstance(body, list):
        raise BadRequestError("The body must be a JSON Patch: an array of operations.")
    steps = [folded(step) for step in body]
    return {str(step.get("path", "")).strip("/").lower(): step.get("value") for step in steps}
