# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the resources of the lab's Automate together and lets only users in."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..web import ApiCredentials, ApiWorld, BadRequestError, Faulty, FoldPath, Journaled, Renewed
from .auth import Sessions
from .commands import Commands
from .computers import Computers
from .extrafields import ExtraFields
from .groups import Groups
from .lists import listing, refusal
from .monitoring import Monitoring
from .organisation import Organisation
from .patching import Patching
from .state import AutomateState

V1 = "/cwa/api/v1"


def automate_app(world: ApiWorld, credentials: ApiCredentials | None = None, *, strict_patch: bool = False) -> ASGIApp:
    """The ASGI application. ``strict_patch``: JSON Patch keys must be lower case, as on live servers."""
    app = Renewed(world, lambda: _build(world, credentials or ApiCredentials(), strict_patch=strict_patch))
    return FoldPath(Journaled(Faulty(app, world, "automate", _shape), world, "automate"))


def _build(world: ApiWorld, credentials: ApiCredentials, *, strict_patch: bool) -> ASGIApp:
    sessions = Sessions(world, credentials)
    state = AutomateState(world)
    fields = ExtraFields(state, strict=strict_patch)
    app = Starlette(
        routes=[
            *sessions.routes(),
            *Computers(state).routes(),
            *fields.routes(),
            *Organisation(state, fields).routes(),
            *Groups(state).routes(),
            *Patching(state).routes(),
            *Commands(state).routes(),
            *Monitoring(state).routes(),
            *_probes(world, sessions),
        ],
        exception_handlers={HTTPException: _http_error, BadRequestError: _bad_request},
        middleware=[Middleware(_Gate, sessions=sessions)],
    )
    app.state.faults = world.faults
    return app


class _Gate:
    """Nobody passes without a token and the ClientId header but to the token calls; nor writes unless allowed."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(f"{V1}/apitoken"):
            user = self._sessions.user(Request(scope))
            if user is None:
                await refusal(401, "Authorization has been denied for this request.")(scope, receive, send)
                return
            if scope["method"] != "GET" and not user.writes:
                await refusal(403, "The user class does not permit this.")(scope, receive, send)
                return
            scope.setdefault("state", {})["user"] = user
        await self._app(scope, receive, send)


def _shape(_status: int, message: str) -> dict[str, Any]:
    return {"Message": message}


async def _bad_request(_request: Request, exc: Exception) -> Response:
    return refusal(400, str(exc))


async def _http_error(_request: Request, exc: Exception) -> Response:
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    return refusal(status, "No HTTP resource was found that matches the request URI.")


def _probes(world: ApiWorld, sessions: Sessions) -> list[Route]:
    """Small calls that clients make to learn whether they may, and what time it is there."""

    async def database_time(_request: Request) -> Response:
        return JSONResponse(world.clock.now().strftime("%Y-%m-%dT%H:%M:%S+00:00"))

    async def flags(request: Request) -> Response:
        return listing(request, [{"Name": "PatchManager", "IsEnabled": True}], key="Name")

    async def profiles(request: Request) -> Response:
        rows = [{"Id": str(user.id), "Name": user.name, "IsIntegrator": user.writes} for user in sessions.users]
        return listing(request, rows)

    async def patch_information(request: Request) -> Response:
        rows = [
            {"HotfixId": update.id, "KnowledgeBaseId": int(update.kb or 0), "Title": update.title}
            for update in world.fleet.updates
        ]
        return listing(request, rows, key="HotfixId")

    return [
        Route(f"{V1}/databaseservertime", database_time, methods=["GET"]),
        Route(f"{V1}/featureflags", flags, methods=["GET"]),
        Route(f"{V1}/userprofiles", profiles, methods=["GET"]),
        Route(f"{V1}/patchinformation", patch_information, methods=["GET"]),
    ]
