# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collection of the PSA: which fields its records have, what may be written, and the records."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import PsaError, invalid

Row = dict[str, Any]


@dataclass(frozen=True)
class Schema:
    """``fields`` with their defaults; ``references`` name the table that a field points into.

    ``write_only`` fields are taken and never told; ``computed`` ones are told and never taken.
    """

    name: str
    path: str
    fields: Mapping[str, Any]
    required: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    write_only: frozenset[str] = frozenset()
    computed: frozenset[str] = frozenset({"id", "_info"})


class Table:
    """``tables`` are those that references point into. ``now`` gives the time as the PSA writes it."""

    def __init__(self, schema: Schema, tables: Mapping[str, Table], now: Callable[[], str], user: str) -> None:
        self.schema = schema
        self._tables = tables
        self._now = now
        self._user = user
        self._rows: dict[int, Row] = {}
        self._ids = itertools.count(1)
        self.complete: Callable[[Row], Row] = lambda row: row
        """Fills in the computed fields of a whole record when it is told."""
        self.prepare: Callable[[Row], None] = lambda _row: None
        """Is given a record before its references are looked up."""
        self.check: Callable[[Row], None] = lambda _row: None
        """Raises `PsaError` where fields do not go together."""

    @property
    def names(self) -> list[str]:
        return ["id", *self.schema.fields, "_info"]

    def __iter__(self) -> Iterator[Row]:
        return (self._whole(row) for row in self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, row_id: int) -> Row:
        row = self._rows.get(row_id)
        if row is None:
            raise PsaError(404, f"{self.schema.name} {row_id} not found")
        return self._whole(row)

    def has(self, row_id: object) -> bool:
        return row_id in self._rows

    def find(self, **wanted: Any) -> Row | None:
        return next((row for row in self if all(row.get(key) == value for key, value in wanted.items())), None)

    def seed(self, row_id: int, values: Row) -> Row:
        """A record that was always there; references are given whole."""
        info = {"lastUpdated": self._now(), "updatedBy": "seed", "dateEntered": self._now(), "enteredBy": "seed"}
        self._rows[row_id] = {"id": row_id, "_info": info, **values}
        self._ids = itertools.count(max(self._rows) + 1)
        return self._whole(self._rows[row_id])

    def create(self, body: Mapping[str, Any]) -> Row:
        row = self._valid(self._taken(body))
        row_id = next(self._ids)
        now = self._now()
        info = {"lastUpdated": now, "updatedBy": self._user, "dateEntered": now, "enteredBy": self._user}
        return self._store(row_id, row, info)

    def replace(self, row_id: int, body: Mapping[str, Any]) -> Row:
        """All of it: what the body leaves out goes back to its default."""
        info = self.get(row_id)["_info"]
        return self._store(row_id, self._valid(self._taken(body)), self._touched(info))

    def change(self, row_id: int, changes: Mapping[str, Any]) -> Row:
        """Some fields, whole."""
        row = self.get(row_id)
        kept = {key: row[key] for key in self.schema.fields if key not in self.schema.computed}
        return self._store(row_id, self._valid({**kept, **changes}), self._touched(row["_info"]))

    def delete(self, row_id: int) -> Row:
        row = self.get(row_id)
        del self._rows[row_id]
        return row

    def touch(self, row_id: int) -> None:
        self._rows[row_id]["_info"] = self._touched(self._rows[row_id]["_info"])

    def reference(self, value: Any, field_name: str) -> Row:
        """What a field that points to one of these rows holds; given as ``{id}``, ``{identifier}`` or ``{name}``."""
        row = None
        if isinstance(value, Mapping):
            row = self._rows.get(value["id"]) if value.get("id") else None
            for key in ("identifier", "name"):
                if row is None and value.get(key) and not value.get("id"):
                    text = str(value[key]).lower()
                    row = next((row for row in self._rows.values() if str(row.get(key, "")).lower() == text), None)
        if row is None:
            said = f"The {field_name} {value!r} is not a {self.schema.name} that exists."
            raise PsaError(400, f"{field_name} is invalid", ("InvalidReference", said, field_name))
        told: Row = {key: row[key] for key in ("id", "identifier", "name") if key in row}
        return {**told, "_info": {f"{field_name}_href": f"{self.schema.path}/{row['id']}"}}

    # -- one record -------------------------------------------------------------------------------------

    def _whole(self, row: Row) -> Row:
        return self.complete({"id": row["id"], **self.schema.fields, **row})

    def _taken(self, body: Mapping[str, Any]) -> Row:
        """The fields of a body, in any case; what is unknown or computed is dropped without a word."""
        known = {name.lower(): name for name in (*self.schema.fields, *self.schema.write_only)}
        found = {known[key.lower()]: value for key, value in body.items() if key.lower() in known}
        return {key: value for key, value in found.items() if key not in self.schema.computed}

    def _valid(self, row: Row) -> Row:
        schema = self.schema
        self.prepare(row)
        for name in schema.required:
            if row.get(name) in (None, ""):
                raise invalid(schema.name, ("MissingRequiredField", f"The {name} field is required.", name))
        for name, limit in schema.limits.items():
            if len(str(row.get(name) or "")) > limit:
                said = f"The field {name} must be a string with a maximum length of {limit}."
                raise invalid(schema.name, ("MaxLength", said, name))
        for name, table in schema.references.items():
            if row.get(name) is not None:
                row[name] = self._tables[table].reference(row[name], name)
        self.check(row)
        return row

    def _store(self, row_id: int, row: Row, info: Row) -> Row:
        kept = {key: value for key, value in row.items() if key not in self.schema.write_only}
        self._rows[row_id] = {"id": row_id, **kept, "_info": info}
        return self.get(row_id)

    def _touched(self, info: Row) -> Row:
        return {**info, "lastUpdated": self._now(), "updatedBy": self._user}
