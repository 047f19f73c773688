# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists as Automate answers them: a bare array, ``Total-Count`` in a header, thirty rows unless asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..conditions import AUTOMATE, ConditionError, Row, compile_condition

DEFAULT_PAGE = 30
LARGEST_PAGE = 1000
EVERYTHING = -1

T = TypeVar("T")


class Rows(Generic[T]):
    """Rows that are built when they are needed: a page of a large table costs a page."""

    def __init__(self, keys: Sequence[T], build: Callable[[T], Row]) -> None:
        self._keys = keys
        self._build = build

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Row]:
        return map(self._build, self._keys)

    def __getitem__(self, span: slice) -> list[Row]:
        return [self._build(key) for key in self._keys[span]]


def query_of(request: Request) -> dict[str, str]:
    """Query keys in any case; of unknown ones nobody takes notice."""
    return {key.lower(): value for key, value in request.query_params.items()}


def expands(request: Request) -> frozenset[str]:
    return frozenset(_names(query_of(request).get("expand", "")))


def listing(request: Request, rows: Rows[Any] | Sequence[Row], *, key: str = "Id", filtered: bool = True) -> Response:
    """The page of ``rows`` that the query asks for. ``filtered`` false: ``condition`` is silently ignored."""
    query = query_of(request)
    if not request.state.user.sees:
        rows = []
    try:
        chosen = _chosen(rows, query, key, filtered=filtered)
        page, total = _page(chosen, query)
    except ConditionError as exc:
        return refusal(500, str(exc))  # a malformed condition is a server error there
    except ValueError as exc:
        return refusal(400, str(exc))
    shown = [_projected(row, query) for row in page]
    headers = {"Total-Count": str(total)}
    if len(shown) == 1 and request.app.state.faults.take("automate", "single_object", path=request.scope["lab_path"]):
        return JSONResponse(shown[0], headers=headers)
    return JSONResponse(shown, headers=headers)


def one(request: Request, row: Row | None, what: str) -> Response:
    """One record, or 404; who may not see it is told that it does not exist."""
    if row is None or not request.state.user.sees:
        return refusal(404, f"{what} was not found.")
    return JSONResponse(_projected(row, query_of(request)))


def refusal(status: int, message: str) -> Response:
    """An error. No body of a real one is known to us; this is how ASP.NET's Web API writes them."""
    return JSONResponse({"Message": message}, status)


def _chosen(
    rows: Rows[Any] | Sequence[Row], query: Mapping[str, str], key: str, *, filtered: bool
) -> Rows[Any] | Sequence[Row]:
    condition = query.get("condition", "").strip() if filtered else ""
    if condition:
        matches = compile_condition(condition, AUTOMATE)
        rows = [row for row in rows if matches(row)]
    if ids := set(_names(query.get("ids", ""))):
        rows = [row for row in rows if str(row.get(key)) in ids]
    order = query.get("orderby", "").strip()
    if order and order.lower() not in (key.lower(), f"{key.lower()} asc"):
        rows = _sorted(list(rows), order)
    return rows


def _sorted(rows: list[Row], order: str) -> list[Row]:
    for part in reversed(order.split(",")):
        name, _space, direction = part.strip().partition(" ")
        steps = name.lower().replace("/", ".").split(".")
        rows = sorted(rows, key=lambda row: _sort_key(row, steps), reverse=direction.lower() == "desc")
    return rows


def _sort_key(row: Any, steps: list[str]) -> tuple[int, float, str]:
    value: Any = row
    for step in steps:
        if value is None:
            break
        found = next((key for key in value if key.lower() == step), None) if isinstance(value, Mapping) else None
        if found is None:
            raise ConditionError(f"there is no field {'.'.join(steps)!r} to order by")
        value = value[found]
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
        return 1, float(value), ""
    return (0, 0.0, "") if value is None else (2, 0.0, str(value).lower())


def _page(rows: Rows[Any] | Sequence[Row], query: Mapping[str, str]) -> tuple[Sequence[Row], int]:
    size, page = _number(query, "pagesize", DEFAULT_PAGE), _number(query, "page", 1)
    if size == EVERYTHING:
        return rows[:], len(rows)
    if not 1 <= size <= LARGEST_PAGE or page < 1:
        raise ValueError(f"pagesize must be 1 to {LARGEST_PAGE} or -1, page at least 1")
    return rows[(page - 1) * size : page * size], len(rows)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(query.get(name) or default)
    except ValueError as exc:
        raise ValueError(f"{name} must be a number") from exc


def _names(text: str) -> list[str]:
    return [name.strip().lower() for name in text.split(",") if name.strip()]


def _projected(row: Row, query: Mapping[str, str]) -> Row:
    included = {name.replace("/", ".").split(".")[0] for name in _names(query.get("includefields", ""))}
    excluded = set(_names(query.get("excludefields", "")))
    if not included and not excluded:
        return row
    return {
        name: value
        for name, value in row.items()
        if (not included or name.lower() in included) and name.lower() not in excluded
    }
