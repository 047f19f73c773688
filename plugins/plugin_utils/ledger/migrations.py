# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a ledger is made, and how one of an older schema becomes one of this.

The contract: the register is never migrated. Its tables are dropped, made and filled again from the events. The tables
that hold what cannot be made again (`schema.KEPT`) go through `STEPS`, each once and in order, from the first version
on. All of it is one transaction, and of several processes one does it while the others wait.

A step is plain SQL of its time: it must not change its meaning when the tables in ``schema`` do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..requirements import sqlalchemy as sa
from .database import safe
from .errors import LedgerError
from .event import GENESIS, text_of
from .replay import BATCH, Tell, memory, put_register, replay
from .schema import VERSION, guards, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK = 7246
"""The number of PostgreSQL's advisory lock that the one who migrates holds."""
PATIENCE = "15min"
"""How long another one waits for it on PostgreSQL."""


def _leases(connection: Connection) -> None:
    """The first ledgers had no leases."""
    connection.execute(
        sa.text("CREATE TABLE IF NOT EXISTS leases (name TEXT NOT NULL PRIMARY KEY, holder TEXT, until TEXT)")
    )


def _salts_and_blobs(connection: Connection) -> None:
    """Events had no salt, and their hashes stay as they are (``chain.Link``); nothing was attached to tickets; texts on
    PostgreSQL were compared as the database's locale has it.
    """
    on_postgresql = connection.dialect.name == "postgresql"
    binary = "BYTEA" if on_postgresql else "BLOB"
    connection.execute(sa.text("ALTER TABLE events ADD COLUMN salt TEXT"))
    connection.execute(sa.text(f"CREATE TABLE blobs (sha256 TEXT NOT NULL PRIMARY KEY, content {binary})"))
    if not on_postgresql:
        return
    for table, columns in {
        "version": ("since",),
        "events": ("kind", "endpoint", "run", "at", "body", "salt", "hash"),
        "head": ("hash",),
        "spooled": ("batch",),
        "leases": ("name", "holder", "until"),
        "blobs": ("sha256",),
    }.items():
        changes = ", ".join(f'ALTER COLUMN "{column}" TYPE TEXT COLLATE "C"' for column in columns)
        connection.execute(sa.text(f"ALTER TABLE {table} {changes}"))


STEPS: dict[int, Callable[[Connection], None]] = {2: _leases, 4: _salts_and_blobs}
"""What has to be done to `KEPT` for a ledger to become one of the version."""


def version_of(connection: Connection) -> int:
    """The version of the tables that are there, 0 where none are."""
    if not sa.inspect(connection).has_table("version"):
        return 0
    found: int | None = connection.execute(sa.select(sa.func.max(tables().version.c.version))).scalar()
    return found or 0


def bring_up(connection: Connection, tell: Tell) -> None:
    """Make the ledger, or make one of an older version one of this; nothing where it is one already."""
    if connection.dialect.name == "postgresql":
        _wait_for_others(connection)
    found = version_of(connection)
    if found >= VERSION:
        return
    of = tables()
    if not found:
        _refuse_foreign(connection, of.metadata.tables)
        of.metadata.create_all(connection, checkfirst=False)
        connection.execute(sa.insert(of.head), {"id": 1, "seq": 0, "hash": GENESIS})
    else:
        for version, step in sorted(STEPS.items()):
            if version > found:
                step(connection)
        _register_anew(connection, found, tell)
    connection.execute(sa.insert(of.version), {"version": VERSION, "since": text_of(datetime.now(UTC))})
    for statement in guards(connection.dialect.name):
        connection.execute(sa.text(statement))


def _refuse_foreign(connection: Connection, ours: Collection[str]) -> None:
    foreign = sorted({*ours}.intersection(sa.inspect(connection).get_table_names()))
    if foreign:
        raise LedgerError(
            f"the database at {safe(connection.engine.url)} holds no ledger, and somebody else's table "
            f"{', '.join(foreign)}: a ledger wants a database of its own, or on PostgreSQL a schema"
        )


def _wait_for_others(connection: Connection) -> None:
    connection.execute(sa.text(f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{PATIENCE}'"))
    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    encoding = connection.execute(sa.text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise LedgerError(
            f"the database has the encoding {encoding}, and a ledger holds any character: make one with "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def _register_anew(connection: Connection, found: int, tell: Tell) -> None:
    of = tables()
    tell(f"the ledger has schema version {found} and becomes one of version {VERSION}: its register is made anew")
    of.metadata.drop_all(connection, of.projected())
    of.metadata.create_all(connection, of.projected())
    with memory() as register:
        count = replay(connection, register, tell)
        put_register(register, connection, of)
    tell(f"the register was made anew from {count:,} events")


def copy_kept(source: Connection, target: Connection) -> None:
    """Take over what an older ledger holds into an empty one of this version; `source` is only read."""
    of = tables()
    target.execute(sa.delete(of.head))
    for table in (of.events, of.head, of.spooled, of.leases):
        if not sa.inspect(source).has_table(table.name):
            continue
        there = sa.Table(table.name, sa.MetaData(), autoload_with=source)
        known = [column for column in there.columns if column.name in table.c]
        for rows in source.execute(sa.select(*known)).mappings().partitions(BATCH):
            target.execute(sa.insert(table), [dict(row) for row in rows])
