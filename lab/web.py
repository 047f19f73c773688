# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's web APIs share: the world they read, their credentials, faults and the journal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .clock import LabClock
from .faults import FaultBook
from .fleet_model import Fleet
from .journal import Journal
from .machine import Machine

ErrorShape = Callable[[int, str], dict[str, Any]]
"""Status and message to the body that the API in question would write."""

LONGEST_BODY_TOLD = 20_000
"""Bytes of a request's body that the journal still takes."""


class ApiWorld(Protocol):
    """What the APIs need of the world; `machines` are by `Computer.key`."""

    @property
    def fleet(self) -> Fleet: ...
    @property
    def clock(self) -> LabClock: ...
    @property
    def faults(self) -> FaultBook: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def machines(self) -> Mapping[str, Machine]: ...
    @property
    def alerts(self) -> list[dict[str, Any]]: ...
    @property
    def on_reset(self) -> list[Callable[[], None]]: ...


@dataclass(frozen=True, kw_only=True)
class ApiCredentials:
    """Made up, and good for nothing but the lab. Both products want a client id on top of the user's own."""

    client_id: str = "6a1f2f0e-7d3c-4f57-9a52-0c8b1d2e3f40"
    automate_user: str = "patching"
    automate_password: str = "Lab-Patching-2026"
    psa_company: str = "lab"
    psa_public_key: str = "LabPublicKey2026"
    psa_private_key: str = "LabPrivateKey2026"
    on_call_key: str = "labroutingkey0000000000000002026"
    on_call_token: str = "Lab-OnCall-Token-2026"
    awx_user: str = "admin"
    awx_password: str = "Lab-Awx-2026"
    awx_token: str = "LabAwxToken00000000000000002026"


def wall(instant: datetime) -> str:
    """As Automate writes times: UTC, and not a word about it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S")


class Renewed:
    """The application, built anew whenever the world is reset: with its machines its memory goes too."""

    def __init__(self, world: ApiWorld, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._app = build()
        world.on_reset.append(self._renew)

    def _renew(self) -> None:
        self._app = self._build()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class FoldPath:
    """Paths in any case and with slashes at the end reach the same route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = "/" + "/".join(part for part in scope["path"].lower().split("/") if part)
            scope = {**scope, "path": path, "raw_path": path.encode(), "lab_path": scope["path"]}
        await self._app(scope, receive, send)


class Journaled:
    """Tells the journal of every request: method, path, query, body of a write, status, and by whom."""

    def __init__(self, app: ASGIApp, world: ApiWorld, face: str) -> None:
        self._app = app
        self._world = world
        self._face = face

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, body = 0, bytearray()

        async def listen() -> Message:
            message = await receive()
            if message["type"] == "http.request" and len(body) <= LONGEST_BODY_TOLD:
                body.extend(message.get("body", b""))
            return message

        async def speak(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        listen.transport = getattr(getattr(receive, "__self__", None), "transport", None)  # type: ignore[attr-defined]
        try:
            await self._app(scope, listen, speak)
        finally:
            self._world.journal.write(
                self._face,
                method=scope["method"],
                path=scope.get("lab_path", scope["path"]),
                query=scope["query_string"].decode("latin-1"),
                body=_told(scope, bytes(body)),
                status=status,
            )


def _told(scope: Scope, body: bytes) -> object:
    """JSON bodies only; never of the token calls, whose body may be nothing but a secret."""
    if "apitoken" in scope["path"].lower() or not body or len(body) > LONGEST_BODY_TOLD:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


class Faulty:
    """Lets the world's faults for ``target`` strike before the application sees the request.

    ``refuse`` closes the port itself where the lab process serves it; for anyone still connected it resets.
    ``cut`` ends the connection in the middle of the body.
    """

    def __init__(self, app: ASGIApp, world: ApiWorld, target: str, shape: ErrorShape) -> None:
        self._app = app
        self._world = world
        self._target = target
        self._shape = shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope.get("lab_path", scope["path"])
        take = self._world.faults.take
        if take(self._target, "refuse", path=path) or take(self._target, "reset", path=path):
            _abort(receive)
        elif take(self._target, "hang", path=path):
            while (await receive())["type"] != "http.disconnect":
                await asyncio.sleep(0)
        elif take(self._target, "unauthorized", path=path):
            await JSONResponse(self._shape(401, "Unauthorized"), 401)(scope, receive, send)
        elif fault := take(self._target, "throttle", path=path):
            wait = str(fault.retry_after)
            body = self._shape(429, f"Too many requests. Please try again in {wait} seconds.")
            await JSONResponse(body, 429, {"Retry-After": wait})(scope, receive, send)
        elif take(self._target, "error", path=path):
            await JSONResponse(self._shape(500, "An error has occurred."), 500)(scope, receive, send)
        elif take(self._target, "cut", path=path):
            await self._app(scope, receive, _Cut(receive, send))
        else:
            if slow := take(self._target, "slow", path=path):
                await self._world.clock.sleep(slow.seconds)
            await self._app(scope, receive, send)


class _Cut:
    """Sends the head and half of the first piece of the body, and hangs up."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._over = False

    async def __call__(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.body":
            self._over = True
            half = message.get("body", b"")
            await self._send({**message, "body": half[: len(half) // 2], "more_body": True})
            await asyncio.sleep(0)
            _close(self._receive)
            return
        await self._send(message)


class ConnectionLostError(ConnectionError):
    """Raised in place of an answer where the server gives no way to end the connection itself."""


def _transport(receive: Receive) -> Any:
    return getattr(receive, "transport", None) or getattr(getattr(receive, "__self__", None), "transport", None)


def _abort(receive: Receive) -> None:
    transport = _transport(receive)
    if transport is None:
        raise ConnectionLostError("the lab resets this connection")
    transport.abort()


def _close(receive: Receive) -> None:
    transport = _transport(receive)
    if transport is None:
        raise ConnectionLostError("the lab cuts this connection")
    transport.close()


class BadRequestError(Exception):
    """A request that cannot be carried out as it is written; each API answers it with its own 400."""


async def json_body(request: Request) -> Any:
    """The body as JSON; None where there is no body."""
    raw = await request.body()
    try:
        return json.loads(raw) if raw else None
    except ValueError as exc:
        raise BadRequestError(f"The body is not JSON: {exc}") from exc


def no_content() -> Response:
    return Response(status_code=204)
