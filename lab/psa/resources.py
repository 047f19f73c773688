# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes that every collection has: list, count, one, create, replace, change, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..web import json_body, no_content
from .errors import PsaError
from .lists import count, listing, one
from .patch import changes, has_leading_slash
from .table import Row, Table

Told = Callable[[str, Row], None]
"""Called with ``added``, ``updated`` or ``deleted`` and the record."""


async def object_body(request: Request) -> Mapping[str, Any]:
    body = await json_body(request)
    if not isinstance(body, Mapping):
        raise PsaError(400, "the body must be a JSON object")
    return body


class Collection:
    """``within`` narrows a collection below another record: it gives the rows, and what a new one gets added."""

    def __init__(
        self,
        table: Table,
        path: str = "",
        *,
        methods: str = "GET POST PUT PATCH DELETE",
        deep_patch: bool = False,
        strict_patch: bool = False,
        within: Callable[[Request], Mapping[str, Any]] = lambda _request: {},
        told: Told = lambda _action, _row: None,
    ) -> None:
        self._table = table
        self._path = (path or table.schema.path).lower()
        self._methods = methods.split()
        self._deep = deep_patch
        self._strict = strict_patch
        self._within = within
        self._told = told

    def routes(self) -> list[Route]:
        one_path = f"{self._path}/{{row:int}}"
        rows = (
            ("GET", f"{self._path}/count", self.count),
            ("GET", self._path, self.list),
            ("POST", self._path, self.create),
            ("GET", one_path, self.one),
            ("PUT", one_path, self.replace),
            ("PATCH", one_path, self.change),
            ("DELETE", one_path, self.delete),
        )
        return [Route(path, call, methods=[method]) for method, path, call in rows if method in self._methods]

    async def list(self, request: Request) -> Response:
        return listing(request, self._rows(request), self._table.names)

    async def count(self, request: Request) -> Response:
        return count(request, self._rows(request), self._table.names)

    async def one(self, request: Request) -> Response:
        return one(request, self._row(request), self._table.names)

    async def create(self, request: Request) -> Response:
        row = self._table.create({**await object_body(request), **self._within(request)})
        self._told("added", row)
        return one(request, row, self._table.names, 201)

    async def replace(self, request: Request) -> Response:
        body = {**await object_body(request), **self._within(request)}
        row = self._table.replace(self._row(request)["id"], body)
        self._told("updated", row)
        return one(request, row, self._table.names)

    async def change(self, request: Request) -> Response:
        found = self._row(request)
        patch = await json_body(request)
        changed = changes(self._table, found, patch, deep=self._deep, strict=self._strict)
        row = self._table.change(found["id"], changed)
        self._told("updated", row)
        answer = one(request, row, self._table.names)
        if has_leading_slash(patch):
            answer.headers["Warning"] = '199 lab "the guide wants paths without a leading slash"'
        return answer

    async def delete(self, request: Request) -> Response:
        self._told("deleted", self._table.delete(self._row(request)["id"]))
        return no_content()

    def _rows(self, request: Request) -> Iterable[Row]:
        within = self._within(request)
        return (row for row in self._table if all(row[key] == value for key, value in within.items()))

    def _row(self, request: Request) -> Row:
        row = self._table.get(request.path_params["row"])
        if any(row[key] != value for key, value in self._within(request).items()):
            raise PsaError(404, f"{self._table.schema.name} {row['id']} not found")
        return row
