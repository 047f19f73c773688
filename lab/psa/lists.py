# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists as the PSA answers them: twenty-five rows unless asked, links to the other pages in a header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..conditions import PSA, ConditionError, compile_condition
from .errors import PsaError

DEFAULT_PAGE = 25
LARGEST_PAGE = 1000

Row = Mapping[str, Any]


def query_of(request: Request) -> dict[str, str]:
    return {key.lower(): value for key, value in request.query_params.items()}


def chosen(rows: Iterable[Row], names: Sequence[str], query: Mapping[str, str]) -> list[Row]:
    """The rows that all three kinds of condition let through, in the order asked for."""
    try:
        for key in ("conditions", "childconditions"):
            if query.get(key, "").strip():
                matches = compile_condition(query[key], PSA, names)
                rows = [row for row in rows if matches(row)]
        if query.get("customfieldconditions", "").strip():
            matches = compile_condition(query["customfieldconditions"], PSA, ("id", "caption", "type", "value"))
            rows = [row for row in rows if any(matches(_custom(item)) for item in row.get("customFields") or [])]
        return _ordered(list(rows), names, query.get("orderby", ""))
    except ConditionError as exc:
        raise PsaError(400, str(exc), code="InvalidCondition") from exc


def _custom(item: Row) -> Row:
    return {"id": None, "caption": None, "type": None, "value": None, **item}


def listing(request: Request, rows: Iterable[Row], names: Sequence[str]) -> Response:
    query = query_of(request)
    _fields(query, names)  # also where no row is there to show
    size = min(_number(query, "pagesize", DEFAULT_PAGE), LARGEST_PAGE)
    if request.headers.get("pagination-type", "").lower() == "forward-only":
        return _forward(request, rows, names, query, size)
    found = chosen(rows, names, query)
    page = _number(query, "page", 1)
    shown = found[(page - 1) * size : page * size]
    last = max(1, -(-len(found) // size))
    links = {"next": page + 1, "last": last} if page < last else {}
    if page > 1:
        links |= {"first": 1, "prev": page - 1}
    header = ", ".join(f'<{_link(request, page=number, pageSize=size)}>; rel="{rel}"' for rel, number in links.items())
    return JSONResponse([projected(row, query, names) for row in shown], headers={"Link": header} if header else {})


def _forward(
    request: Request, rows: Iterable[Row], names: Sequence[str], query: Mapping[str, str], size: int
) -> Response:
    """From one id on; no order but by id, and a Link header even when there is nothing to link to."""
    if query.get("orderby"):
        raise PsaError(400, "orderBy cannot be used with forward-only pagination")
    after = _number(query, "pageid", 0, low=0)
    found = sorted((row for row in chosen(rows, names, query) if row["id"] > after), key=lambda row: int(row["id"]))
    shown = found[:size]
    header = ""
    if len(found) > size:
        header = f'<{_link(request, pageId=shown[-1]["id"], pageSize=size)}>; rel="next"'
    return JSONResponse([projected(row, query, names) for row in shown], headers={"Link": header})


def count(request: Request, rows: Iterable[Row], names: Sequence[str]) -> Response:
    return JSONResponse({"count": len(chosen(rows, names, query_of(request)))})


def one(request: Request, row: Row, names: Sequence[str], status: int = 200) -> Response:
    headers = {}
    if status == 201:
        # http even where the request came by https, as the proxies before the real one make it
        headers["Location"] = f"http://{request.headers.get('host', 'lab')}{request.scope['lab_path']}/{row['id']}"
    return JSONResponse(projected(row, query_of(request), names), status, headers)


def projected(row: Row, query: Mapping[str, str], names: Sequence[str]) -> Row:
    """``fields=id,status/name,_info``: these alone, nested as they were."""
    wanted = _fields(query, names)
    if not wanted:
        return row
    spelled = {name.lower(): name for name in names}
    shown: dict[str, Any] = {}
    for path in wanted:
        name, _slash, rest = path.partition("/")
        key = spelled[name.lower()]
        value = row.get(key)
        if rest and isinstance(value, Mapping):
            inner = next((inner for inner in value if inner.lower() == rest.lower()), rest)
            shown[key] = {**(shown.get(key) or {}), inner: value.get(inner)}
        elif not rest or value is not None:
            shown[key] = value
    return shown


def _fields(query: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """The paths that ``fields`` names; of records that have them."""
    wanted = [name.strip() for name in query.get("fields", "").split(",") if name.strip()]
    known = {name.lower() for name in names}
    for path in wanted:
        if path.split("/")[0].lower() not in known:
            raise PsaError(400, f"there is no field {path!r}", code="InvalidCondition")
    return wanted


def _ordered(rows: list[Row], names: Sequence[str], order: str) -> list[Row]:
    for part in reversed([part.strip() for part in order.split(",") if part.strip()]):
        path, _space, direction = part.partition(" ")
        if path.split("/")[0].lower() not in {name.lower() for name in names}:
            raise ConditionError(f"there is no field {path!r}")
        steps = path.lower().split("/")
        rows = sorted(rows, key=lambda row: _sort_key(row, steps), reverse=direction.strip().lower() == "desc")
    return rows


def _sort_key(value: Any, steps: list[str]) -> tuple[int, float, str]:
    for step in steps:
        found = next((key for key in value if key.lower() == step), None) if isinstance(value, Mapping) else None
        value = value[found] if found is not None else None
    if isinstance(value, int | float):
        return 1, float(value), ""
    return (0, 0.0, "") if value is None else (2, 0.0, str(value).lower())


def _number(query: Mapping[str, str], name: str, default: int, low: int = 1) -> int:
    try:
        number = int(query.get(name) or default)
    except ValueError as exc:
        raise PsaError(400, f"{name} must be a number") from exc
    if number < low:
        raise PsaError(400, f"{name} must be at least {low}")
    return number


def _link(request: Request, **changed: object) -> str:
    """This request's address with other paging; all other keys stay, in their own spelling."""
    paging = {"page", "pagesize", "pageid"}
    kept = [(key, value) for key, value in request.query_params.multi_items() if key.lower() not in paging]
    query = urlencode([*kept, *((key, str(value)) for key, value in changed.items())])
    return f"{request.url.scheme}://{request.headers.get('host', 'lab')}{request.scope['lab_path']}?{query}"
