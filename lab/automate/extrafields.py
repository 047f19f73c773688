# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra data fields (EDF) of computers, locations and clients, read and written by JSON Patch.

A write names the field by its definition id and the setting by a path: ``TextFieldSettings/Value``,
``CheckboxSettings/IsChecked``, ``DropdownSettings/SelectedValue`` (a leading slash does no harm).
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..fleet_model import EdfValue, ExtraField
from ..web import BadRequestError, json_body
from .lists import listing, one, refusal
from .state import AutomateState

LEVELS = {"computers": "computer", "locations": "location", "clients": "client"}
SETTINGS = {
    "text": ("TextFieldSettings", "Value"),
    "checkbox": ("CheckboxSettings", "IsChecked"),
    "dropdown": ("DropdownSettings", "SelectedValue"),
}
FORMAT_IDS = {"text": 1, "checkbox": 2, "dropdown": 3}
LEVEL_IDS = {"computer": 1, "location": 2, "client": 3}


class ExtraFields:
    """``strict``: refuse patches whose keys are written ``Op``, ``Path``, ``Value``, as the live product does."""

    def __init__(self, state: AutomateState, *, strict: bool) -> None:
        self._state = state
        self._strict = strict
        self._by_level: dict[str, dict[int, ExtraField]] = {level: {} for level in LEVELS.values()}
        for field in state.world.fleet.extra_fields:
            self._by_level[field.level][field.id] = field

    def routes(self) -> list[Route]:
        routes = []
        for kind in LEVELS:
            base = f"/cwa/api/v1/{kind}/{{id:int}}/extrafields"
            routes += [
                Route(base, self._list, methods=["GET"]),
                Route(f"{base}/{{field:int}}", self._patch, methods=["PATCH"]),
                Route(f"{base}/{{field:int}}", self._reset, methods=["DELETE"]),
            ]
        return routes

    def rows(self, level: str, target: int) -> list[dict[str, Any]]:
        return [self._row(level, target, field) for field in self._by_level[level].values()]

    async def _list(self, request: Request) -> Response:
        level, target = _addressed(request)
        if not self._exists(level, target):
            return refusal(404, f"The {level} was not found.")
        # live servers take no notice of a condition here
        return listing(request, self.rows(level, target), key="ExtraFieldDefinitionId", filtered=False)

    async def _patch(self, request: Request) -> Response:
        level, target = _addressed(request)
        field = self._by_level[level].get(request.path_params["field"])
        if field is None or not self._exists(level, target):
            return refusal(404, "The extra field was not found.")
        value, loose = self._patched(field, await json_body(request))
        self._state.set_edf(level, target, field.name, value)
        answer = one(request, self._row(level, target, field), "The extra field")
        if loose:
            answer.headers["Warning"] = '199 lab "write op, path, value: live servers want lower-case keys"'
        return answer

    async def _reset(self, request: Request) -> Response:
        level, target = _addressed(request)
        field = self._by_level[level].get(request.path_params["field"])
        if field is None or not self._exists(level, target):
            return refusal(404, "The extra field was not found.")
        self._state.clear_edf(level, target, field.name)
        return JSONResponse(self._row(level, target, field))

    def _exists(self, level: str, target: int) -> bool:
        state = self._state
        where: dict[str, Any] = {
            "computer": state.computers,
            "location": state.locations,
            "client": state.clients,
        }
        return target in where[level]

    def _patched(self, field: ExtraField, patch: object) -> tuple[EdfValue, bool]:
        """The new value, and whether the patch was spelled in a way that only the lab forgives."""
        if not isinstance(patch, list) or len(patch) != 1 or not isinstance(patch[0], dict):
            raise BadRequestError("The body must be a JSON Patch: an array with one operation.")
        loose = not {"op", "path", "value"}.issuperset(patch[0])
        if loose and self._strict:
            raise BadRequestError("The operation must have the keys op, path and value, in lower case.")
        step = {str(key).lower(): value for key, value in patch[0].items()}
        settings, name = SETTINGS[field.type]
        path = str(step.get("path", "")).strip("/")
        if step.get("op") not in ("replace", "add") or path.lower() != f"{settings}/{name}".lower():
            raise BadRequestError(f"This field takes replace of /{settings}/{name}, not {step.get('op')} of {path}.")
        value = step.get("value")
        if not isinstance(value, bool if field.type == "checkbox" else str):
            raise BadRequestError(f"{value!r} is not a value for {field.name}, which is a {field.type}.")
        if field.options and value not in field.options:
            raise BadRequestError(f"{value!r} is not an option of {field.name}.")
        return value, loose

    def _row(self, level: str, target: int, field: ExtraField) -> dict[str, Any]:
        value = self._state.edf(level, target, field.name, field.default)
        row = {
            "TargetId": target,
            "ExtraFieldDefinitionId": field.id,
            "Title": field.name,
            "Section": field.section,
            "Tooltip": "",
            "DisplayFormat": {"ExtraFieldDisplayFormatId": FORMAT_IDS[field.type], "Name": field.type.capitalize()},
            "Location": {"ExtraFieldLocationId": LEVEL_IDS[level], "Name": level.capitalize()},
            "TitleFormat": None,
            "IsReadOnly": False,
            "IsEncrypted": False,
            "IsDefaultValue": self._state.is_default(level, target, field.name),
            "LtGuid": str(uuid5(NAMESPACE_OID, f"{level}/{field.section}/{field.name}")),
            "TextFieldSettings": None,
            "DropdownSettings": None,
            "CheckboxSettings": None,
        }
        if field.type == "text":
            row["TextFieldSettings"] = {"Value": value, "DefaultValue": "", "IsMasked": False}
        elif field.type == "checkbox":
            row["CheckboxSettings"] = {"IsChecked": value, "DefaultValue": False}
        else:
            row["DropdownSettings"] = {
                "SelectedValue": value,
                "DefaultValue": "",
                "AvailableOptions": {option: option for option in field.options},
                "IsSqlDefined": False,
                "DynamicSqlQuery": None,
            }
        return row


def _addressed(request: Request) -> tuple[str, int]:
    kind = request.url.path.split("/")[4].lower()
    return LEVELS[kind], request.path_params["id"]
