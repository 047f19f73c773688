# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the resources of the lab's PSA together, lets only key holders in, and marks every answer."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..web import ApiCredentials, ApiWorld, BadRequestError, Faulty, FoldPath, Journaled, Renewed
from .bundles import Bundles
from .callbacks import Callbacks
from .documents import Documents
from .errors import PsaError, shape
from .resources import Collection
from .seed import API_MEMBER, make_tables
from .table import Row, Table
from .tickets import Tickets

NEWEST = "2026.1"
CODEBASE = "v4_6_release/"
BASE = re.compile(r"^/v\d+_(?:6_release|\d+)/apis/3\.0(?=/|$)")
COMPANY_INFO = "/login/companyinfo/"


def psa_app(world: ApiWorld, credentials: ApiCredentials | None = None, *, strict_patch: bool = False) -> ASGIApp:
    """The ASGI application. ``strict_patch``: paths of a ticket's JSON Patch must have no leading slash."""
    app = Renewed(world, lambda: _build(world, credentials or ApiCredentials(), strict_patch=strict_patch))
    return FoldPath(Journaled(Faulty(app, world, "psa", shape), world, "psa"))


def _build(world: ApiWorld, credentials: ApiCredentials, *, strict_patch: bool) -> ASGIApp:
    tables = make_tables(world)
    callbacks = Callbacks(tables["callback"], credentials.psa_company)
    tickets = Tickets(tables, lambda action, row: callbacks.tell("ticket", action, row), strict_patch=strict_patch)
    return Starlette(
        routes=[
            Route(f"{COMPANY_INFO}{{company}}", _company_info(credentials), methods=["GET"]),
            Route("/system/info", _system_info, methods=["GET"]),
            *callbacks.routes(),
            *tickets.routes(),
            *Documents(tables, API_MEMBER).routes(),
            *Bundles(tables).routes(),
            *_collections(tables, callbacks),
        ],
        exception_handlers={PsaError: _psa_error, HTTPException: _http_error, BadRequestError: _bad_request},
        middleware=[Middleware(_Gate, credentials=credentials, callbacks=callbacks)],
    )


def _collections(tables: Mapping[str, Table], callbacks: Callbacks) -> list[Route]:
    def told(kind: str) -> Any:
        return lambda action, row: callbacks.tell(kind, action, row)

    def on_board(request: Request) -> Mapping[str, Any]:
        board = tables["board"].get(request.path_params["board"])
        return {"board": {"id": board["id"], "name": board["name"]}}

    boards = "/service/boards/{board:int}"
    collections = [
        Collection(tables["configurationType"], methods="GET"),
        Collection(tables["configurationStatus"], methods="GET"),
        Collection(tables["company"], told=told("company")),
        Collection(tables["configuration"], told=told("configuration")),
        Collection(tables["contact"]),
        Collection(tables["board"], methods="GET"),
        Collection(tables["priority"], methods="GET"),
        Collection(tables["source"], methods="GET"),
        Collection(tables["member"], methods="GET"),
        Collection(tables["callback"]),
        Collection(tables["timeEntry"]),
        Collection(tables["scheduleEntry"], deep_patch=True),
    ]
    for name, kind in (
        ("statuses", "status"),
        ("types", "type"),
        ("subtypes", "subtype"),
        ("items", "item"),
        ("teams", "team"),
    ):
        collections.append(Collection(tables[kind], f"{boards}/{name}", methods="GET", within=on_board))
    return [route for collection in collections for route in collection.routes()]


class _Gate:
    """Strips the base path, asks for keys and client id, and says which version of the API has answered."""

    def __init__(self, app: ASGIApp, credentials: ApiCredentials, callbacks: Callbacks) -> None:
        self._app = app
        user = f"{credentials.psa_company}+{credentials.psa_public_key}:{credentials.psa_private_key}"
        self._user = user.encode()
        self._client_id = credentials.client_id.lower()
        self._callbacks = callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(COMPANY_INFO):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        base = BASE.match(scope["path"])
        refused = self._refused(request, known=base is not None)
        speak = _Marked(send, request.headers.get("accept", ""))
        if refused is not None:
            await JSONResponse(refused.body(), refused.status)(scope, receive, speak)
            return
        prefix = base[0] if base else ""
        self._callbacks.base_url = f"{request.url.scheme}://{request.headers.get('host', 'lab')}{prefix}"
        path = scope["path"][len(prefix) :] or "/"
        await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, speak)

    def _refused(self, request: Request, *, known: bool) -> PsaError | None:
        if not known:
            return PsaError(404, "The requested resource was not found.")
        scheme, _space, word = request.headers.get("authorization", "").partition(" ")
        try:
            user = base64.b64decode(word.strip(), validate=True)
        except (binascii.Error, ValueError):
            user = b""
        if scheme.lower() != "basic" or not secrets.compare_digest(user, self._user):
            return PsaError(401, "UserNotAuthenticated", code="ConnectWiseApi")
        if request.headers.get("clientid", "").lower() != self._client_id:
            return PsaError(403, "A valid clientId header is required.", code="Security")
        return None


class _Marked:
    """Adds the headers that every answer bears, and the versioned content type where one was asked for."""

    def __init__(self, send: Send, accept: str) -> None:
        self._send = send
        wanted = re.search(r"application/vnd\.connectwise\.com\+json;\s*version=([\d.]+)", accept)
        self._version = wanted[1] if wanted else NEWEST
        self._type = f"application/vnd.connectwise.com+json; version={self._version}" if wanted else ""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["api-current-version"] = self._version
            headers["x-cw-request-id"] = secrets.token_hex(8)
            headers["server"] = "Microsoft-IIS/10.0"
            if self._type and headers.get("content-type") == "application/json":
                headers["content-type"] = f"{self._type}; charset=utf-8"
        await self._send(message)


def _company_info(credentials: ApiCredentials) -> Any:
    """Where a company's API is; asked without keys, before anything else. Unknown companies are ``null``."""

    async def answer(request: Request) -> Response:
        if request.path_params["company"] != credentials.psa_company.lower():
            return JSONResponse(None)
        told: Row = {
            "CompanyName": "Lab Managed Services",
            "Codebase": CODEBASE,
            "VersionCode": f"v{NEWEST}",
            "VersionNumber": f"v{NEWEST}.105333",
            "CompanyID": credentials.psa_company,
            "IsCloud": False,
            "SiteUrl": request.headers.get("host", "lab"),
            "AllowedOrigins": [],
        }
        return JSONResponse(told)

    return answer


async def _system_info(_request: Request) -> Response:
    told = {"version": f"v{NEWEST}.105333", "isCloud": False, "serverTimeZone": "UTC", "licenseBits": []}
    return JSONResponse(told)


async def _psa_error(_request: Request, exc: Exception) -> Response:
    if not isinstance(exc, PsaError):
        raise exc
    return JSONResponse(exc.body(), exc.status)


async def _bad_request(_request: Request, exc: Exception) -> Response:
    return JSONResponse(PsaError(400, str(exc)).body(), 400)


async def _http_error(_request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    return JSONResponse(PsaError(status, "The requested resource was not found.").body(), status)
