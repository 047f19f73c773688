# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/system/bundles``: several reads in one call.

The inside of ``apiRequest`` is not published anywhere we know: we take ``id``, or ``conditions``, ``orderBy``,
``page`` and ``pageSize``, flat or below ``filters`` and ``page``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .errors import PsaError
from .lists import DEFAULT_PAGE, LARGEST_PAGE, chosen
from .resources import object_body
from .table import Table


class Bundles:
    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = {name.lower(): table for name, table in tables.items()}

    def routes(self) -> list[Route]:
        return [Route("/system/bundles", self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> Response:
        wanted = (await object_body(request)).get("requests")
        if not isinstance(wanted, list):
            raise PsaError(400, "requests must be an array")
        return JSONResponse({"results": [self._result(one) for one in wanted if isinstance(one, Mapping)]})

    def _result(self, one: Mapping[str, Any]) -> dict[str, Any]:
        told = {"sequenceNumber": one.get("sequenceNumber"), "resourceType": one.get("resourceType")}
        try:
            rows = self._rows(str(one.get("resourceType", "")), one.get("apiRequest") or {})
        except PsaError as exc:
            return {**told, "success": False, "statusCode": exc.status, "error": exc.body(), "data": None}
        return {**told, "success": True, "statusCode": 200, "error": None, "data": rows}

    def _rows(self, kind: str, wanted: Mapping[str, Any]) -> Any:
        table = self._tables.get(kind.lower())
        if table is None:
            raise PsaError(400, f"resourceType {kind!r} is not known")
        flat: dict[str, str] = {}
        for key, value in wanted.items():
            inner = value if isinstance(value, Mapping) else {key: value}
            flat.update({name.lower(): str(item) for name, item in inner.items() if item is not None})
        if flat.get("id", "").isdigit():
            return table.get(int(flat["id"]))
        size = min(int(flat.get("pagesize", DEFAULT_PAGE)), LARGEST_PAGE)
        first = (int(flat.get("page", 1)) - 1) * size
        return chosen(table, table.names, flat)[first : first + size]
