# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and tokens of the lab's Automate, on the lab clock."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..web import ApiCredentials, ApiWorld, json_body, no_content, wall

TOKEN_LIFE = timedelta(hours=1)
ABSOLUTE_LIFE = timedelta(hours=24)
SHORTEST_LIFE_REAL_SECONDS = 60
"""A token lives at least this long in real time, so that a fast clock does not outrun every client."""

TWO_FACTOR_USER = "engineer"
NO_PERMISSION_USER = "nobody"
READ_ONLY_USER = "auditor"
PASSCODE = "123456"


@dataclass(frozen=True)
class User:
    """``sees`` false: every list is empty, as for a user class without permissions. ``writes`` false: 403."""

    id: int
    name: str
    password: str
    passcode: str = ""
    sees: bool = True
    writes: bool = True


def users_of(credentials: ApiCredentials) -> dict[str, User]:
    """By lower-case name; all have the same password."""
    word = credentials.automate_password
    rows = (
        User(1, credentials.automate_user, word),
        User(2, TWO_FACTOR_USER, word, passcode=PASSCODE),
        User(3, NO_PERMISSION_USER, word, sees=False, writes=False),
        User(4, READ_ONLY_USER, word, writes=False),
    )
    return {user.name.lower(): user for user in rows}


@dataclass
class _Token:
    user: User
    expires: datetime
    last_refresh: datetime


class Sessions:
    def __init__(self, world: ApiWorld, credentials: ApiCredentials) -> None:
        self._world = world
        self._client_id = credentials.client_id.lower()
        self._users = users_of(credentials)
        self._tokens: dict[str, _Token] = {}

    @property
    def users(self) -> list[User]:
        return list(self._users.values())

    def user(self, request: Request) -> User | None:
        """Whoever the request's token stands for; None without token, ClientId header, or after its time."""
        scheme, _space, word = request.headers.get("authorization", "").partition(" ")
        token = self._tokens.get(word.strip())
        if scheme.lower() != "bearer" or token is None or self._world.clock.now() >= token.expires:
            return None
        return token.user if request.headers.get("clientid", "").lower() == self._client_id else None

    def routes(self) -> list[Route]:
        return [
            Route("/cwa/api/v1/apitoken", self._log_in, methods=["POST"]),
            Route("/cwa/api/v1/apitoken", self._about, methods=["GET"]),
            Route("/cwa/api/v1/apitoken/refresh", self._refresh, methods=["POST"]),
            Route("/cwa/api/v1/apitoken/disable", self._log_out, methods=["POST"]),
        ]

    async def _about(self, _request: Request) -> Response:
        return JSONResponse(
            {"AllowDirect": True, "AllowServiceRegistration": False, "AutomateRedirectUri": "", "Services": []}
        )

    async def _log_in(self, request: Request) -> Response:
        given = await _credentials(request)
        user = self._users.get(given.get("username", "").lower())
        if user is None or not secrets.compare_digest(user.password.encode(), given.get("password", "").encode()):
            return JSONResponse({"Message": "The username or password is incorrect."}, 401)
        if user.passcode and given.get("twofactorpasscode") != user.passcode:
            # 200 and no token: success is told by the token, not by the status.
            return JSONResponse({"IsTwoFactorRequired": True, "IsInternalTwoFactorRequired": True})
        return self._issue(user, self._world.clock.now() + ABSOLUTE_LIFE)

    async def _refresh(self, request: Request) -> Response:
        """The body is the current token as a bare JSON string; the old one is good no longer."""
        word = await json_body(request)
        token = self._tokens.pop(word, None) if isinstance(word, str) else None
        now = self._world.clock.now()
        if token is None or now >= min(token.expires, token.last_refresh):
            return JSONResponse({"Message": "The token is not valid."}, 401)
        return self._issue(token.user, token.last_refresh)

    async def _log_out(self, request: Request) -> Response:
        body = await json_body(request)
        if isinstance(body, Mapping):
            for key, value in body.items():
                if key.lower() == "securitytoken":
                    self._tokens.pop(str(value), None)
        return no_content()

    def _issue(self, user: User, absolute: datetime) -> Response:
        clock = self._world.clock
        life = max(TOKEN_LIFE, timedelta(seconds=clock.speed * SHORTEST_LIFE_REAL_SECONDS))
        expires = clock.now() + life
        word = secrets.token_urlsafe(48)
        self._tokens[word] = _Token(user, expires, max(absolute, expires))
        return JSONResponse(
            {
                "UserId": str(user.id),
                "InternalUserName": user.name,
                "AccessToken": word,
                "TokenType": "Bearer",
                "ExpirationDate": wall(expires),
                "AbsoluteExpirationDate": wall(max(absolute, expires)),
                "IsTwoFactorRequired": False,
                "IsInternalTwoFactorRequired": False,
                "SSOAccessToken": None,
            }
        )


async def _credentials(request: Request) -> dict[str, str]:
    """User name and password as JSON or as a form, keys in any case."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        body: Any = dict(parse_qsl((await request.body()).decode()))
    else:
        body = await json_body(request)
    if not isinstance(body, Mapping):
        return {}
    return {str(key).lower(): str(value) for key, value in body.items() if value is not None}
