# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register's rows, read and written inside the transaction that appends an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..requirements import sqlalchemy as sa
from .event import Event, text_of
from .schema import Tables

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

Row = dict[str, Any]


class Rows:
    """The register's rows inside one transaction, and the run of the event that is being projected."""

    def __init__(self, connection: Connection, tables: Tables) -> None:
        self.of = tables
        self._connection = connection
        self.run = ""

    def get(self, table: Table, **key: object) -> Row | None:
        found = self._connection.execute(sa.select(table).where(*_same(table, key))).mappings().first()
        return None if found is None else dict(found)

    def some(self, table: Table, column: str, values: Iterable[str]) -> list[Row]:
        query = sa.select(table).where(table.c[column].in_([_storable(value) for value in values]))
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def put(self, table: Table, key: Mapping[str, object], /, **values: object) -> None:
        """Set `values` on the row with this key; a new row where there is none."""
        there = self.change(table, key, **values) if values else self.get(table, **key) is not None
        if not there:
            self.insert(table, [{**key, **values}])

    def change(self, table: Table, where: Mapping[str, object], /, **values: object) -> int:
        """Set `values` on the rows that match, and tell how many did."""
        changed = sa.update(table).where(*_same(table, where)).values(_all_storable(values))
        return self._connection.execute(changed).rowcount

    def where(self, table: Table, *conditions: sa.ColumnElement[bool]) -> list[Row]:
        """The rows for which all conditions hold."""
        return [dict(row) for row in self._connection.execute(sa.select(table).where(*conditions)).mappings()]

    def change_where(self, table: Table, conditions: Iterable[sa.ColumnElement[bool]], **values: object) -> int:
        """Set `values` on the rows for which all conditions hold, and tell how many there are."""
        changed = sa.update(table).where(*conditions).values(_all_storable(values))
        return self._connection.execute(changed).rowcount

    def delete(self, table: Table, **where: object) -> None:
        self._connection.execute(sa.delete(table).where(*_same(table, where)))

    def insert(self, table: Table, rows: list[Row]) -> None:
        if rows:
            self._connection.execute(sa.insert(table), [_all_storable(row) for row in rows])

    def next_number(self, table: Table) -> int:
        """One more than the highest `number` in the table: instants may be equal, and order still counts."""
        highest: int | None = self._connection.execute(sa.select(sa.func.max(table.c.number))).scalar()
        return (highest or 0) + 1

    def endpoint(self, event: Event) -> Row:
        """The row of the event's endpoint as it stands; every column None where it is new."""
        row = self.get(self.of.endpoints, name=event.endpoint)
        return row or dict.fromkeys(self.of.endpoints.c.keys())

    def touch(self, event: Event, **values: object) -> None:
        """Set `values`, and what the event tells about its endpoint, on the endpoint's row."""
        key, told = {"name": event.endpoint}, {**event.body.get("about", {}), **values}
        there = self.change(self.of.endpoints, key, **told) if told else self.get(self.of.endpoints, **key) is not None
        if not there:
            self.insert(self.of.endpoints, [{**key, **told, "known_since": text_of(event.at)}])


def _same(table: Table, values: Mapping[str, object]) -> list[Any]:
    return [
        table.c[name].is_(None) if value is None else table.c[name] == value
        for name, value in _all_storable(values).items()
    ]


def _all_storable(values: Mapping[str, object]) -> Row:
    return {name: _storable(value) for name, value in values.items()}


def _storable(value: object) -> object:
    """PostgreSQL's texts hold any character but NUL, which the output of a program may have: it becomes U+FFFD."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
