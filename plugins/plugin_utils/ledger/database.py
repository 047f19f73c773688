# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases that a ledger may be on, and where they differ: SQLite on one node, PostgreSQL for several.

A write takes the database's write lock before it reads: ``BEGIN IMMEDIATE`` on SQLite, the lock on the head's row on
PostgreSQL. A read sees one state from its first statement to its last. Neither waits without end.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..requirements import psycopg
from ..requirements import sqlalchemy as sa
from .errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

BUSY_SECONDS = 30
"""How long a write waits for another process's."""
SWITCH_SECONDS = 0.01
"""How long a process waits before it asks again whether another's switch of a new file is done."""
STATEMENT_SECONDS = 120
"""How long one statement may take; those of a migration may take longer."""
IDLE_SECONDS = 60
"""How long a process that holds the write lock may be silent before PostgreSQL takes the lock away from it."""
NETWORK = {
    "client_encoding": "utf8",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "fallback_application_name": "msp.patching",
}
"""What a connection to PostgreSQL is opened with where the URL says nothing else: a server that is gone is noticed."""
ROOM = 1 << 16
"""Bytes that a disk has to have left, or it is full for a ledger."""
SECRETS = ("password", "sslpassword")
"""Keys of a URL's query whose values are nobody's business."""
HIDDEN = "***"


def place_of(url: str) -> URL:
    """The address, with our driver where it names none. Raises LedgerError for what is no database URL."""
    place = _parsed(url)
    if place is None:
        raise LedgerError(
            f"the ledger's address {safe(url)} is no database URL: write a path, or "
            "postgresql://user:password@host:5432/database with special characters of the password as %40 and the like"
        )
    if place.drivername in ("postgres", "postgresql"):
        place = place.set(drivername="postgresql+psycopg")
    if place.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(f"the ledger at {safe(place)} would be on {place.drivername}: it is on SQLite or PostgreSQL")
    return place


def file_of(place: URL) -> Path | None:
    """The file of an SQLite ledger that has one."""
    if place.get_backend_name() != "sqlite" or place.database in (None, "", ":memory:"):
        return None
    return Path(str(place.database))


def engine_for(place: URL) -> Engine:
    """An engine that keeps no connection (an in-memory database has its only one), so that a fork shares none."""
    if place.get_backend_name() == "sqlite":
        return _sqlite(place)
    if place.get_driver_name() == "psycopg":
        dummy = psycopg.connect  # says what to install where it is missing
    engine = sa.create_engine(place, poolclass=sa.pool.NullPool, connect_args=_network(place))

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        limits = f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'"
        if connection.get_execution_options().get("ledger_write"):
            limits += (
                f"; SET LOCAL lock_timeout = '{BUSY_SECONDS}s'"
                f"; SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
            )
        else:
            limits = f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; {limits}"
        connection.exec_driver_sql(limits)

    return engine


def _network(place: URL) -> dict[str, str]:
    if place.get_driver_name() not in ("psycopg", "psycopg2"):
        return {}
    return {name: value for name, value in NETWORK.items() if name not in place.query}


def _sqlite(place: URL) -> Engine:
    memory = file_of(place) is None
    pool = sa.pool.StaticPool if memory else sa.pool.NullPool
    engine = sa.create_engine(place, poolclass=pool, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, never by the driver
        if not memory:
            _to_write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("ledger_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _to_write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to a write-ahead log, which it then stays in. SQLite answers "database is locked" at once where
    another process is amid that very switch, whatever the timeout: it takes the write lock on top of a read's."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(SWITCH_SECONDS)
        else:
            return


def safe(url: Any) -> str:
    """The URL without its passwords; of what is no URL, nothing that could be one."""
    place = _parsed(url)
    if place is None:
        return f"{str(url).partition('://')[0]}://…" if "://" in str(url) else "given"
    hidden = {name: HIDDEN for name in SECRETS if name in place.query}
    return str(place.update_query_dict(hidden).render_as_string(hide_password=True)).replace(quote(HIDDEN), HIDDEN)


def secrets_of(url: str) -> list[str]:
    """The passwords in the address of a ledger, as they are and as they stand there."""
    place = _parsed(url)
    if place is None:
        return []
    written = [urlsplit(url).password, place.password, *(place.query.get(name) for name in SECRETS)]
    return [str(one) for one in written if one]


def _parsed(url: Any) -> URL | None:
    """None for what is no URL; so is one whose host begins within the password, for an @ in that is not written %40."""
    try:
        place = sa.engine.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        return None
    return None if "@" in (place.host or "") else place


def cause(exc: BaseException, place: URL | None = None) -> str:
    """The database's own words on one line, without the statement and its values; of a file also what is wrong with its
    `place`, which SQLite calls an I/O error or does not tell at all."""
    said = getattr(exc, "orig", None) or exc
    primary = getattr(getattr(said, "diag", None), "message_primary", None)  # what PostgreSQL adds to it are values
    return " ".join(str(primary or said).split()) + _trouble(None if place is None else file_of(place))


def _trouble(file: Path | None) -> str:
    """What is wrong with the disk or the folder of an SQLite ledger, in brackets; empty where nothing is."""
    if file is None or not file.parent.is_dir():
        return ""
    disk = os.statvfs(file.parent)
    if disk.f_bavail * disk.f_frsize < ROOM:
        return " (its disk is full)"
    return "" if os.access(file.parent, os.W_OK) else " (its folder cannot be written)"


def is_refusal(exc: BaseException) -> bool:
    """Whether PostgreSQL says that the account may not do that."""
    return getattr(getattr(exc, "orig", None), "sqlstate", None) == "42501"
