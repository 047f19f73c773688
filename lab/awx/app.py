# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's AWX: its objects can be made, changed, joined, scheduled and launched; it runs nothing by itself.

``POST /api/v2/tokens/`` with a name and a password gives a token; all else wants it. Every kind of `lab.awx.kinds` has
``/api/v2/KIND/``, ``/api/v2/KIND/ID/`` and its lists, templates also ``survey_spec`` and ``launch``. A launch leaves a
job that is pending; ``GET /lab/jobs/ID/`` tells what AWX would hand to ansible-runner for it (`lab.awx.jobs`), secrets
included. That path is the lab's own: AWX has nothing of the kind.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..clock import iso
from ..web import ApiCredentials, ApiWorld, BadRequestError, Faulty, Journaled, Renewed, json_body
from . import schedules, surveys
from .errors import AwxError, NotThereError, RefusedError
from .jobs import handed_over
from .kinds import Kind
from .rules import RULES
from .store import Row, Store

API = "/api/v2"
HEADERS = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}
ENCRYPTED = "$encrypted$"
MOST_OF_A_PAGE = 200
LAUNCH_PROMPTS = ("inventory", "limit", "job_type", "scm_branch", "verbosity", "diff_mode", "forks", "timeout")

Answer = Callable[[Request], Awaitable[Response]]


def awx_app(world: ApiWorld, credentials: ApiCredentials | None = None) -> ASGIApp:
    """The ASGI application."""
    access = credentials or ApiCredentials()
    app = Renewed(world, lambda: _Awx(world, access).app())
    return Journaled(Faulty(app, world, "awx", lambda _status, message: {"detail": message}), world, "awx")


class _Gate:
    """Lets in who has the token, or wants one with name and password; says which product has answered."""

    def __init__(self, app: ASGIApp, access: ApiCredentials) -> None:
        self._app = app
        self._bearer = f"Bearer {access.awx_token}".encode()
        self._user = f"{access.awx_user}:{access.awx_password}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Request(scope).headers.get("authorization", "").encode()
        allowed = hmac.compare_digest(given, self._bearer)
        if scope["path"].startswith(f"{API}/tokens/"):
            allowed = allowed or self._is_user(given)
        if not allowed:
            refused = JSONResponse({"detail": "Authentication credentials were not provided."}, 401, HEADERS)
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_user(self, given: bytes) -> bool:
        try:
            user = base64.b64decode(given.partition(b" ")[2].strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return given[:6].lower() == b"basic " and hmac.compare_digest(user, self._user)


class _Awx:
    def __init__(self, world: ApiWorld, access: ApiCredentials) -> None:
        self._world = world
        self._access = access
        self._store = Store()

    def app(self) -> Starlette:
        routes = [
            Route(f"{API}/tokens/", self._token, methods=["POST"]),
            Route(f"{API}/tokens/{{id:int}}/", self._no_token, methods=["DELETE"]),
            Route(f"{API}/schedules/preview/", self._preview, methods=["POST"]),
            Route(f"{API}/unified_job_templates/", self._list("unified_job_templates"), methods=["GET"]),
            Route(
                f"{API}/workflow_job_template_nodes/{{id:int}}/create_approval_template/",
                self._make_approval,
                methods=["POST"],
            ),
            Route("/lab/jobs/{id:int}/", self._hand_over, methods=["GET"]),
        ]
        for kind in self._store.kinds.values():
            routes += self._routes(kind)
        return Starlette(
            routes=routes,
            exception_handlers={AwxError: _refuse, BadRequestError: _bad_request},
            middleware=[Middleware(_Gate, access=self._access)],
        )

    def _routes(self, kind: Kind) -> list[Route]:
        base, one = f"{API}/{kind.path}/", f"{API}/{kind.path}/{{id:int}}/"
        routes = [
            Route(base, self._list(kind.path), methods=["GET"]),
            Route(base, self._make(kind), methods=["POST"]),
            Route(one, self._show(kind), methods=["GET"]),
            Route(one, self._change(kind), methods=["PATCH"]),
            Route(one, self._delete(kind), methods=["DELETE"]),
        ]
        if kind.path in ("job_templates", "workflow_job_templates"):
            routes.append(Route(f"{one}survey_spec/", self._survey(kind), methods=["GET", "POST", "DELETE"]))
        if kind.path == "job_templates":
            routes.append(Route(f"{one}launch/", self._launch, methods=["POST"]))
        if kind.lists:
            routes.append(Route(f"{one}{{name:str}}/", self._members(kind), methods=["GET", "POST"]))
        return routes

    # -- objects --------------------------------------------------------------------------------------------------

    def _list(self, path: str) -> Answer:
        async def answer(request: Request) -> Response:
            found = sorted(self._store.matching(path, request.query_params), key=lambda row: row["id"])
            return _told(self._page(request, found))

        return answer

    def _page(self, request: Request, rows: list[Row]) -> dict[str, Any]:
        size = min(int(request.query_params.get("page_size", 25)), MOST_OF_A_PAGE)
        page = int(request.query_params.get("page", 1))
        more = len(rows) > page * size
        query = {**request.query_params, "page": str(page + 1)}
        following = f"{request.url.path}?{'&'.join(f'{name}={value}' for name, value in query.items())}"
        shown = rows[(page - 1) * size : page * size]
        return {
            "count": len(rows),
            "next": following if more else None,
            "previous": None,
            "results": [self._shown(row) for row in shown],
        }

    def _make(self, kind: Kind) -> Answer:
        async def answer(request: Request) -> Response:
            given = await _mapping(request)
            missing = {name: ["This field is required."] for name in kind.required if given.get(name) in (None, "")}
            if missing:
                raise AwxError(400, missing)
            row = {"type": kind.type, "name": given.get("name", ""), **kind.fields}
            row |= {name: value for name, value in given.items() if name in row}
            self._check(kind, row, None)
            made = self._store.add(kind.path, row)
            self._afterwards(kind, made)
            return _told(self._shown(made), 201)

        return answer

    def _afterwards(self, kind: Kind, made: Row) -> None:
        """What AWX makes of its own accord."""
        if kind.path == "inventories" and made["kind"] == "constructed":
            told = {
                "name": f"Auto-created source for: {made['name']}",
                "inventory": made["id"],
                "source": "constructed",
                "overwrite": True,
                "overwrite_vars": True,
                "update_on_launch": True,
            }
            self._store.add("inventory_sources", told)

    def _show(self, kind: Kind) -> Answer:
        async def answer(request: Request) -> Response:
            return _told(self._shown(self._store.get(kind.path, request.path_params["id"])))

        return answer

    def _change(self, kind: Kind) -> Answer:
        async def answer(request: Request) -> Response:
            given = await _mapping(request)
            old = self._store.get(kind.path, request.path_params["id"])
            if old.get("managed"):
                raise AwxError(403, {"detail": "You do not have permission to perform this action."})
            new = {
                **old,
                **{name: value for name, value in given.items() if name in old and name not in ("id", "type")},
            }
            if kind.path == "credentials":
                kept = old["inputs"]
                new["inputs"] = {
                    name: kept.get(name) if value == ENCRYPTED else value for name, value in new["inputs"].items()
                }
            self._check(kind, new, old)
            self._store.replace(kind.path, new)
            return _told(self._shown(new))

        return answer

    def _check(self, kind: Kind, new: Row, old: Row | None) -> None:
        for name, path in kind.points_at.items():
            if new.get(name) is not None:
                try:
                    self._store.get(path, new[name])
                except NotThereError:
                    raise RefusedError(name, f'Invalid pk "{new[name]}" - object does not exist.') from None
        if kind.path in RULES:
            RULES[kind.path](self._store, new, old)
        identity = [str(new[name]) for name in kind.unique]
        for row in self._store.rows(kind.path) if kind.unique else ():
            if [str(row[name]) for name in kind.unique] == identity and (old is None or row["id"] != old["id"]):
                words = " and ".join(name.capitalize() for name in kind.unique)
                raise RefusedError("__all__", f"{kind.type} with this {words} already exists.")

    def _delete(self, kind: Kind) -> Answer:
        async def answer(request: Request) -> Response:
            self._store.remove(kind.path, request.path_params["id"])
            return Response(status_code=204)

        return answer

    def _shown(self, row: Row) -> dict[str, Any]:
        path = self._store.path_of(row)
        url = f"{API}/{path}/{row['id']}/"
        related = {name: f"{url}{name}/" for name in self._store.kinds[path].lists}
        shown = {**row, "url": url, "related": related, "summary_fields": {}}
        if path in ("job_templates", "workflow_job_templates"):
            related |= {"survey_spec": f"{url}survey_spec/", "launch": f"{url}launch/"}
        if path == "workflow_job_template_nodes" and row["unified_job_template"] is not None:
            template = self._store.template(row["unified_job_template"])
            related["unified_job_template"] = f"{API}/{self._store.path_of(template)}/{template['id']}/"
        if path == "credentials":
            shown["inputs"] = self._hidden(row)
        if path == "schedules":
            coming = schedules.fires(row["rrule"], self._world.clock.now(), 1) if row["enabled"] else []
            shown["next_run"] = iso(coming[0]) if coming else None
        return shown

    def _hidden(self, row: Row) -> dict[str, Any]:
        kind = self._store.get("credential_types", row["credential_type"])
        secret = {field["id"] for field in kind["inputs"].get("fields", []) if field.get("secret")}
        return {name: ENCRYPTED if name in secret and value else value for name, value in row["inputs"].items()}

    # -- what hangs on objects ------------------------------------------------------------------------------------

    def _members(self, kind: Kind) -> Answer:
        async def answer(request: Request) -> Response:
            name, number = request.path_params["name"], request.path_params["id"]
            ids = self._store.members(kind.path, number, name)
            path = kind.lists.get(name, "")
            if request.method == "GET":
                return _told(self._page(request, [self._store.get(path, one) for one in ids]))
            given = await _mapping(request)
            other = self._store.get(path, given.get("id"))
            if given.get("disassociate"):
                ids.remove(other["id"])
            elif other["id"] not in ids:
                self._may_join(kind, self._store.get(kind.path, number), name, other, ids)
                ids.append(other["id"])
            return Response(status_code=204)

        return answer

    def _may_join(self, kind: Kind, row: Row, name: str, other: Row, ids: list[int]) -> None:
        if name == "input_inventories" and (row["kind"] != "constructed" or other["kind"] == "constructed"):
            raise RefusedError("detail", "You cannot add a constructed inventory to another constructed inventory.")
        if name == "credentials" and kind.path in ("schedules", "workflow_job_template_nodes"):
            template = self._store.template(row["unified_job_template"])
            if not template.get("ask_credential_on_launch"):
                raise RefusedError("msg", "Related template is not configured to accept credentials on launch.")
        if name == "credentials" and any(
            self._store.get("credentials", one)["credential_type"] == other["credential_type"] for one in ids
        ):
            kind_of = self._store.get("credential_types", other["credential_type"])
            raise RefusedError("error", f"Cannot assign multiple {kind_of['name']} credentials.")
        if name.endswith("_nodes") and other["workflow_job_template"] != row["workflow_job_template"]:
            raise RefusedError("Error", "Cannot associate nodes of different workflows.")

    def _survey(self, kind: Kind) -> Answer:
        async def answer(request: Request) -> Response:
            template = self._store.get(kind.path, request.path_params["id"])
            if request.method == "GET":
                return _told(self._store.survey(template))
            spec = await _mapping(request) if request.method == "POST" else None
            if spec is not None:
                surveys.check_spec(spec)
            self._store.set_survey(template, spec)
            return _told({})

        return answer

    async def _make_approval(self, request: Request) -> Response:
        given = await _mapping(request)
        node = self._store.get("workflow_job_template_nodes", request.path_params["id"])
        if not given.get("name"):
            raise RefusedError("name", "This field may not be blank.")
        made = self._store.add("workflow_approval_templates", given)
        node["unified_job_template"] = made["id"]
        return _told(self._shown(made), 201)

    # -- what happens ---------------------------------------------------------------------------------------------

    async def _token(self, _request: Request) -> Response:
        return _told({"id": 1, "token": self._access.awx_token}, 201)

    async def _no_token(self, _request: Request) -> Response:
        return Response(status_code=204)

    async def _preview(self, request: Request) -> Response:
        rule = str((await _mapping(request)).get("rrule", ""))
        schedules.check(rule)
        coming = schedules.fires(rule, self._world.clock.now())
        return _told({"utc": [iso(one) for one in coming]})

    async def _launch(self, request: Request) -> Response:
        """By hand: what is not asked for is ignored, what the survey does not take is refused."""
        given = await _mapping(request)
        template = self._store.get("job_templates", request.path_params["id"])
        spec = self._store.survey(template) if template["survey_enabled"] else {}
        answers = given.get("extra_vars") or {}
        wrong = surveys.wrong_answers(spec, answers)
        if wrong:
            raise AwxError(400, {"variables_needed_to_start": wrong})
        asked = {question["variable"] for question in spec.get("spec", ())}
        taken = {name: value for name, value in answers.items() if name in asked or template["ask_variables_on_launch"]}
        row = {name: template.get(name) for name in LAUNCH_PROMPTS}
        prompted = {name for name in LAUNCH_PROMPTS if name in given and template.get(f"ask_{name}_on_launch")}
        row |= {name: given[name] for name in prompted}
        variables = surveys.launch_vars(spec, json.loads(template["extra_vars"] or "{}"), taken)
        told = {"name": template["name"], "job_template": template["id"], "extra_vars": json.dumps(variables), **row}
        job = self._store.add("jobs", told)
        ignored = sorted((set(given) - prompted - {"extra_vars"}) | (set(answers) - set(taken)))
        return _told({"job": job["id"], "ignored_fields": ignored, **self._shown(job)}, 201)

    async def _hand_over(self, request: Request) -> Response:
        job = self._store.get("jobs", request.path_params["id"])
        return _told(handed_over(self._store, job, self._access.awx_user))


async def _mapping(request: Request) -> dict[str, Any]:
    body = await json_body(request)
    if not isinstance(body, Mapping):
        raise AwxError(400, {"detail": "JSON parse error - not an object"})
    return dict(body)


def _told(body: Any, status: int = 200) -> Response:
    return JSONResponse(body, status, HEADERS)


async def _refuse(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, AwxError)  # noqa: S101 - for the type
    return JSONResponse(exc.body, exc.status, HEADERS)


async def _bad_request(_request: Request, exc: Exception) -> Response:
    return JSONResponse({"detail": f"JSON parse error - {exc}"}, 400, HEADERS)
