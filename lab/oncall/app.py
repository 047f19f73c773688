# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receiver of alerts, in both forms.

``POST /v2/enqueue``  PagerDuty's Events API v2: the routing key in the body; 202, or 400 with what is wrong
``POST /alerts``      a webhook: a bearer token; 202, 401, or 400 with what is wrong

What was taken is listed by the control API (`/lab/alerts`), oldest first: ``at``, ``form``, ``action``, ``incident``,
``summary``, ``severity``, ``source``, ``late`` (minutes), ``body`` without its key, and ``opened`` (whether it opened
an incident: a trigger of one that is open is taken, and wakes nobody).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ..clock import iso
from ..web import ApiCredentials, ApiWorld, BadRequestError, Faulty, FoldPath, Journaled, Renewed, json_body

ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
LONGEST_SUMMARY = 1024
LONGEST_KEY = 255
GENERIC = ("version", "id", "event", "incident", "time", "summary", "severity", "source")


def oncall_app(world: ApiWorld, credentials: ApiCredentials | None = None) -> ASGIApp:
    """The ASGI application; its alerts are in ``world.alerts``."""
    app = Renewed(world, lambda: _Receiver(world, credentials or ApiCredentials()).app())
    return FoldPath(Journaled(Faulty(app, world, "oncall", _shape), world, "oncall"))


def _shape(_status: int, message: str) -> dict[str, Any]:
    return {"status": "error", "message": message}


class _Receiver:
    def __init__(self, world: ApiWorld, credentials: ApiCredentials) -> None:
        self._world = world
        self._key = credentials.on_call_key
        self._token = credentials.on_call_token
        self._open: set[str] = set()
        self._taken: set[str] = set()

    def app(self) -> Starlette:
        routes = [
            Route("/v2/enqueue", self._enqueue, methods=["POST"]),
            Route("/alerts", self._alert, methods=["POST"]),
        ]
        return Starlette(routes=routes, exception_handlers={BadRequestError: _bad_request})

    async def _enqueue(self, request: Request) -> Response:
        body = await json_body(request)
        wrong = self._wrong(body)
        if wrong:
            return JSONResponse({"status": "invalid event", "message": "Event object is invalid", "errors": wrong}, 400)
        payload = body.get("payload") or {}
        key = body.get("dedup_key") or f"srv{len(self._world.alerts) + 1:032d}"
        late = (payload.get("custom_details") or {}).get("delivered_late_minutes", 0)
        told = {name: payload.get(name, "") for name in ("summary", "severity", "source")}
        self._take("pagerduty", body["event_action"], key, {**told, "late": late}, body)
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": key}, 202)

    def _wrong(self, body: Any) -> list[str]:
        if not isinstance(body, Mapping):
            return ["The body is no JSON object"]
        key = str(body.get("routing_key") or "")
        wrong = []
        if len(key) != 32:
            wrong.append("Length of 'routing_key' is incorrect (should be 32 characters)")
        elif not hmac.compare_digest(key, self._key):
            wrong.append(f"'routing_key' {key} is unknown")  # quoting it, as a careless receiver does
        if body.get("event_action") not in ACTIONS:
            wrong.append(f"'event_action' must be one of {', '.join(ACTIONS)}")
        if len(str(body.get("dedup_key") or "")) > LONGEST_KEY:
            wrong.append(f"'dedup_key' is longer than {LONGEST_KEY} characters")
        if body.get("event_action") == "trigger":
            wrong += _wrong_payload(body.get("payload"))
        elif not body.get("dedup_key"):
            wrong.append("'dedup_key' is missing or blank")
        return wrong

    async def _alert(self, request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return JSONResponse({"error": f"{given!r} is not the token"}, 401)
        body = await json_body(request)
        missing = [name for name in GENERIC if not (isinstance(body, Mapping) and body.get(name))]
        if missing or body["event"] not in ACTIONS or body["severity"] not in SEVERITIES:
            return JSONResponse(
                {"error": f"the alert is not complete: {', '.join(missing) or 'event or severity'}"}, 400
            )
        if request.headers.get("idempotency-key") != body["id"]:
            return JSONResponse({"error": "Idempotency-Key and id differ"}, 400)
        if body["id"] not in self._taken:
            self._taken.add(body["id"])
            told = {name: body[name] for name in ("summary", "severity", "source")}
            self._take("webhook", body["event"], body["incident"], {**told, "late": body["late_minutes"]}, body)
        return JSONResponse({"taken": body["id"]}, 202)

    def _take(self, form: str, action: str, key: str, told: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        opened = action == "trigger" and key not in self._open
        if action == "trigger":
            self._open.add(key)
        elif action == "resolve":
            self._open.discard(key)
        self._world.alerts.append(
            {
                "at": iso(self._world.clock.now()),
                "form": form,
                "action": action,
                "incident": key,
                **told,
                "opened": opened,
                "body": {name: value for name, value in body.items() if name != "routing_key"},
            }
        )


def _wrong_payload(payload: Any) -> list[str]:
    if not isinstance(payload, Mapping):
        return ["'payload' is missing or blank"]
    wrong = [
        f"'payload.{name}' is missing or blank" for name in ("summary", "source", "severity") if not payload.get(name)
    ]
    if payload.get("severity") not in SEVERITIES:
        wrong.append(f"'payload.severity' is invalid (must be one of the following: {', '.join(SEVERITIES)})")
    if len(str(payload.get("summary") or "")) > LONGEST_SUMMARY:
        wrong.append(f"'payload.summary' is longer than {LONGEST_SUMMARY} characters")
    return wrong


async def _bad_request(_request: Request, exc: Exception) -> Response:
    return JSONResponse({"status": "invalid event", "message": str(exc), "errors": [str(exc)]}, 400)
