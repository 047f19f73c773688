# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register's rows inside the transaction that appends events: read in bulk, changed in memory, written in bulk.

What the events will need is fetched before the first of them is projected (`ahead` in ``projection``), what they change
is written after the last: so that ten thousand events are a few dozen statements, over a network too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..requirements import sqlalchemy as sa
from .event import Event, text_of
from .schema import Tables

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

Row = dict[str, Any]
Key = tuple[Any, ...]
Conditions = Callable[["Table"], "list[ColumnElement[bool]]"]
"""Which rows of a table."""
CHUNK = 500
"""How many keys one statement asks for: below the variable limit of every database."""
KEPT_ROWS = 50_000
"""Of one table, after a write; more are forgotten and asked for again."""


class Sheet:
    """The rows of one table that a transaction has come to.

    `complete` is said of a table all rows of which are here, as those of one that is empty at the beginning: nothing is
    asked of the database then.
    """

    def __init__(self, connection: Connection, table: Table, *, complete: bool) -> None:
        self._connection = connection
        self._table = table
        self._names = table.c.keys()
        self._keys = [column.name for column in table.primary_key.columns]
        self._empty: Row = dict.fromkeys(self._names)
        self._complete = complete
        self._rows: dict[Key, Row | None] = {}
        self._of: dict[str, dict[Key, None]] = {}
        self._fetched: set[str] = set()
        self._whole: set[str] = set()
        self._place = self._keys.index("endpoint") if "endpoint" in self._keys else None
        self._stored: set[Key] = set()
        self._changed: dict[Key, set[str]] = {}

    def key(self, values: Mapping[str, object]) -> Key:
        key = tuple([values[name] for name in self._keys])
        return key if key in self._rows else tuple([_storable(part) for part in key])

    def row(self, key: Key) -> Row | None:
        """The row itself, not to be changed from outside."""
        if key not in self._rows and not self._is_known(key):
            self.fetch([key])
        return self._rows.get(key)

    def _is_known(self, key: Key) -> bool:
        """Whether a row with this key would be here, were there one."""
        return self._complete or (self._place is not None and key[self._place] in self._whole)

    def fetch(self, keys: Iterable[Key]) -> None:
        """Ask for the rows with these keys, where that is not known yet."""
        if self._complete:
            return
        keys = (tuple([_storable(part) for part in key]) for key in dict.fromkeys(keys))
        wanted = [key for key in dict.fromkeys(keys) if key not in self._rows and not self._is_known(key)]
        for start in range(0, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            self._rows.update(dict.fromkeys(chunk))
            # column by column, which is a few rows too many: SQLite looks for pairs without the index
            parts = zip(self._keys, zip(*chunk, strict=True), strict=True)
            self._take(*(self._table.c[name].in_(list(dict.fromkeys(part))) for name, part in parts))

    def fetch_of(self, endpoints: Iterable[str], some: Conditions | None = None) -> None:
        """Ask for the rows of these endpoints; with `some`, the same at every call, for those that it says."""
        if self._complete:
            return
        wanted = [name for name in dict.fromkeys(endpoints) if name not in self._fetched]
        self._fetched.update(wanted)
        if some is None:
            self._whole.update(wanted)
        for start in range(0, len(wanted), CHUNK):
            conditions = [] if some is None else some(self._table)
            self._take(self._table.c.endpoint.in_(wanted[start : start + CHUNK]), *conditions)

    def _take(self, *conditions: Any) -> None:
        place = [self._names.index(name) for name in self._keys]
        for values in self._connection.execute(sa.select(self._table).where(*conditions)):
            key = tuple(values[index] for index in place)
            if self._rows.get(key) is None and key not in self._changed:
                self._rows[key] = dict(zip(self._names, values, strict=True))
                self._stored.add(key)
                self._index(key)

    def of(self, endpoint: str) -> list[Row]:
        """The rows of an endpoint that were fetched or made, not to be changed from outside."""
        found = (self._rows.get(key) for key in self._of.get(endpoint, ()))
        return [row for row in found if row is not None]

    def _index(self, key: Key) -> None:
        if self._place is not None:
            self._of.setdefault(key[self._place], {})[key] = None

    def change(self, key: Key, values: Mapping[str, object]) -> bool:
        """Set `values` on the row, and tell whether there is one."""
        row = self.row(key)
        if row is None:
            return False
        changed = []
        for name, value in values.items():
            if row[name] != value and row[name] != (kept := _storable(value)):
                row[name] = kept
                changed.append(name)
        if changed:
            self._changed.setdefault(key, set()).update(changed)
        return True

    def insert(self, key: Key, values: Mapping[str, object]) -> None:
        """A new row; there is none with this key."""
        row = self._empty | {name: _storable(value) for name, value in values.items()}
        self._rows[key] = row | dict(zip(self._keys, key, strict=True))
        self._changed[key] = set(self._names).difference(self._keys)
        self._index(key)

    def delete(self, key: Key) -> None:
        if self.row(key) is not None:
            self._rows[key] = None
            self._changed[key] = set()

    def write(self) -> None:
        """Bring the table up to what is here: what goes, what changes (columns that change together at once), what is
        new."""
        gone, new = [], []
        changed: dict[tuple[str, ...], list[Row]] = {}
        for key, names in self._changed.items():
            row = self._rows[key]
            there = key in self._stored
            if row is None:
                if there:
                    gone.append(_keyed(self._keys, key))
                    self._stored.discard(key)
            elif not there:
                new.append(row)
                self._stored.add(key)
            elif names:
                ordered = tuple(sorted(names))
                values = {name: row[name] for name in ordered}
                changed.setdefault(ordered, []).append(_keyed(self._keys, key) | values)
        self._changed.clear()
        same = [self._table.c[name] == sa.bindparam(f"key_{name}") for name in self._keys]
        if gone:
            self._connection.execute(sa.delete(self._table).where(*same), gone)
        for columns, rows in changed.items():
            update = sa.update(self._table).where(*same)
            self._connection.execute(update.values({name: sa.bindparam(name) for name in columns}), rows)
        if new:
            self._connection.execute(sa.insert(self._table), new)
        if len(self._rows) > KEPT_ROWS:
            self._forget()

    def _forget(self) -> None:
        for kept in (self._rows, self._of, self._fetched, self._whole, self._stored):
            kept.clear()
        self._complete = False


class Rows:
    """The register's rows inside one transaction, and the run of the event that is being projected."""

    def __init__(self, connection: Connection, tables: Tables, *, empty: bool = False) -> None:
        """`empty` is said of a register that has no row yet."""
        self.of = tables
        self._connection = connection
        self._empty = empty
        self._sheets: dict[str, Sheet] = {}
        self._numbers: dict[str, int] = {}
        self.run = ""

    def sheet(self, table: Table) -> Sheet:
        found = self._sheets.get(table.name)
        if found is None:
            found = self._sheets[table.name] = Sheet(self._connection, table, complete=self._empty)
        return found

    def write(self) -> None:
        """Write what was changed."""
        for sheet in self._sheets.values():
            sheet.write()

    def get(self, table: Table, **key: object) -> Row | None:
        sheet = self.sheet(table)
        found = sheet.row(sheet.key(key))
        return None if found is None else dict(found)

    def some(self, table: Table, values: Iterable[str]) -> list[Row]:
        """The rows with these keys of a table whose key is one column."""
        sheet = self.sheet(table)
        keys = [(_storable(value),) for value in dict.fromkeys(values)]
        sheet.fetch(keys)
        found = (sheet.row(key) for key in keys)
        return [dict(row) for row in found if row is not None]

    def rows_of(self, table: Table, endpoint: str | None, some: Conditions | None = None) -> list[Row]:
        """The rows of an endpoint; with `some`, those that it says and those that were come to otherwise."""
        if endpoint is None:
            return []
        sheet = self.sheet(table)
        sheet.fetch_of([endpoint], some)
        return [dict(row) for row in sheet.of(endpoint)]

    def put(self, table: Table, key: Mapping[str, object], /, **values: object) -> None:
        """Set `values` on the row with this key; a new row where there is none."""
        if not self.change(table, key, **values):
            self.insert(table, {**key, **values})

    def change(self, table: Table, key: Mapping[str, object], /, **values: object) -> bool:
        """Set `values` on the row with this key, and tell whether there is one."""
        sheet = self.sheet(table)
        return sheet.change(sheet.key(key), values)

    def delete(self, table: Table, **key: object) -> None:
        sheet = self.sheet(table)
        sheet.delete(sheet.key(key))

    def insert(self, table: Table, row: Mapping[str, object]) -> None:
        """A new row; there is none with its key."""
        sheet = self.sheet(table)
        sheet.insert(sheet.key(row), row)

    def next_number(self, table: Table) -> int:
        """One more than the highest `number` in the table: instants may be equal, and order still counts."""
        if table.name not in self._numbers:
            highest = None if self._empty else self._connection.execute(sa.select(sa.func.max(table.c.number))).scalar()
            self._numbers[table.name] = highest or 0
        self._numbers[table.name] += 1
        return self._numbers[table.name]

    def endpoint(self, event: Event) -> Row:
        """The row of the event's endpoint as it stands; every column None where it is new."""
        row = self.get(self.of.endpoints, name=event.endpoint)
        return row or dict.fromkeys(self.of.endpoints.c.keys())

    def touch(self, event: Event, **values: object) -> None:
        """Set `values`, and what the event tells about its endpoint, on the endpoint's row."""
        key, told = {"name": event.endpoint}, {**event.body.get("about", {}), **values}
        if not self.change(self.of.endpoints, key, **told):
            self.insert(self.of.endpoints, {**key, **told, "known_since": text_of(event.at)})


def _keyed(names: Iterable[str], key: Key) -> Row:
    return {f"key_{name}": value for name, value in zip(names, key, strict=True)}


def _storable(value: object) -> Any:
    """PostgreSQL's texts hold any character but NUL, which the output of a program may have: it becomes U+FFFD."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
