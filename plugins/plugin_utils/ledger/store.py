# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of the ledger: one transaction an append, the chain never forked, the register always in step.

A write holds the database's write lock before it reads the head of the chain (``database``). No connection outlives a
call, so that a process that was forked never shares one.
"""

from __future__ import annotations

import secrets
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint, Register, Update
from ..requirements import sqlalchemy as sa
from . import deliveries, migrations
from . import register as reading
from .ahead import ahead
from .audit import Audit, Auditor
from .chain import COLUMNS, Link
from .checkpoints import Checkpoint, Maker, current_key, last_checkpoint
from .claims import Holder, claim, lease
from .database import cause, engine_for, file_of, is_refusal, place_of, safe
from .deliveries import Pending
from .down import down
from .errors import LedgerError, TamperedError
from .event import Event, canonical, canonical_event, chained, content_hash, text_of
from .kinds import check_event
from .projection import project
from .register import Progress
from .replay import Tell, event_of, memory, nobody, put_register, replay, stream
from .rows import Rows
from .schema import VERSION, tables
from .verifying import damage_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from ..signing.keys import PublicKey

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Opening:
    """The run.opened of a run: it enters the ledger with the run's first event, once, whoever appends that."""

    at: datetime
    body: Mapping[str, Any]


Guard = Callable[["Connection"], bool]


class Ledger:
    """The ledger at one database URL. Safe for several processes at once; holds no open connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tables = tables()
        weakref.finalize(self, engine.dispose)  # an in-memory one has a connection to close

    @classmethod
    def open(cls, url: str, *, create: bool = True, tell: Tell = nobody) -> Ledger:
        """The ledger at the SQLAlchemy URL `url`; made or migrated where need be, which `tell` is told.

        With `create` false nothing is changed there: a ledger that is not there yet reads as an empty one, and of an
        older one a copy in memory is migrated. Raises LedgerError where it cannot be opened, or was written by a
        newer version.
        """
        try:
            place = place_of(url)
            path = file_of(place)
            if path is not None and not path.exists():
                if not create:
                    return cls.open("sqlite://")
                path.parent.mkdir(parents=True, exist_ok=True)
            ledger = cls(engine_for(place))
            found = ledger._version()
            if not found and not create:
                return cls.open("sqlite://")
            if found < VERSION:
                return ledger._brought_up(tell) if create else ledger._copied(tell)
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as exc:
            raise LedgerError(f"the ledger at {safe(url)} cannot be opened: {cause(exc, place)}") from exc
        return ledger

    def append(
        self,
        events: Iterable[Event],
        *,
        run: str,
        opening: Opening | None = None,
        batch: str | None = None,
        unless: Guard | None = None,
    ) -> int:
        """Append `events` in one transaction and bring the register up to them; gives how many were appended.

        `opening` is put first where the run is not in the ledger yet. A `batch` that is there already (a
        spool that was replayed before) appends nothing; nor does it where `unless`, asked under the write
        lock, is true. Raises EventError for an event that is not of its kind, LedgerError where it cannot
        be written.
        """
        wanted = list(events)
        for event in wanted:
            check_event(event)
        if not wanted:
            return 0
        with self._writing() as connection:
            rows = Rows(connection, self._tables)
            seq, head = self._lock_head(connection)
            if unless is not None and unless(connection):
                return 0
            if batch is not None:
                if rows.get(self._tables.spooled, batch=batch):
                    return 0
                rows.insert(self._tables.spooled, {"batch": batch})
            if opening is not None and rows.get(self._tables.runs, id=run) is None:
                first = Event("run.opened", None, opening.at, opening.body)
                check_event(first)
                wanted.insert(0, first)
            self._chain(connection, wanted, run, seq, head)
            ahead(wanted, rows)
            for event in wanted:
                project(event, run, rows)
            rows.write()
        return len(wanted)

    def append_made(self, makers: Iterable[Maker], *, run: str, opening: Opening | None = None) -> int:
        """Append what the makers make of the head, each of the head that the one before it left; all or nothing.

        Gives how many events that were. `opening` is as in `append`. Raises what they raise, and as `append`.
        """
        count = 0
        with self._writing() as connection:
            rows = Rows(connection, self._tables)
            seq, head = self._lock_head(connection)
            for make in [self._opening(rows, run, opening), *makers]:
                events = make(connection, seq, head)
                for event in events:
                    check_event(event)
                if events:
                    seq, head = self._chain(connection, events, run, seq, head)
                for event in events:
                    project(event, run, rows)
                rows.write()
                count += len(events)
        return count

    def _opening(self, rows: Rows, run: str, opening: Opening | None) -> Maker:
        def make(_connection: Connection, _seq: int, _head: str) -> list[Event]:
            there = opening is None or rows.get(self._tables.runs, id=run) is not None
            return [] if there or opening is None else [Event("run.opened", None, opening.at, opening.body)]

        return make

    def _chain(self, connection: Connection, events: Sequence[Event], run: str, seq: int, head: str) -> tuple[int, str]:
        added = []
        for event in events:
            seq += 1
            salt = secrets.token_hex(SALT_BYTES)
            at, body = text_of(event.at), canonical(event.body)
            content = canonical_event(event.kind, event.endpoint, run, at, body)
            head = chained(head, seq, content_hash(salt, content))
            added.append(
                {
                    "seq": seq,
                    "kind": event.kind,
                    "endpoint": event.endpoint,
                    "run": run,
                    "at": at,
                    "body": body,
                    "salt": salt,
                    "hash": head,
                }
            )
        connection.execute(sa.insert(self._tables.events), added)
        connection.execute(sa.update(self._tables.head).values(seq=seq, hash=head))
        return seq, head

    def signing(self) -> tuple[str | None, Checkpoint | None]:
        """The id of the key that signs this ledger and the last checkpoint, None where there is none yet."""
        with self.reading() as connection:
            return current_key(connection), last_checkpoint(connection)

    def head(self) -> tuple[int, str]:
        """The number and the hash of the last event; 0 and 64 zeros where there is none."""
        with self.reading() as connection:
            return self._head(connection)

    def hash_at(self, seq: int) -> str | None:
        """The hash of the event number `seq`; None where the ledger does not reach so far."""
        events = self._tables.events
        with self.reading() as connection:
            found: str | None = connection.execute(sa.select(events.c.hash).where(events.c.seq == seq)).scalar()
        return found

    def has_run(self, run: str) -> bool:
        """Whether anything of the run is in the ledger."""
        with self.reading() as connection:
            return Rows(connection, self._tables).get(self._tables.runs, id=run) is not None

    def events(
        self,
        *,
        kinds: Iterable[str] = (),
        run: str | None = None,
        endpoint: str | None = None,
        after: int = 0,
    ) -> Iterator[tuple[int, str, Event]]:
        """Number, run and event of each event that matches, in order; reads in batches."""
        table = self._tables.events
        query = sa.select(table)
        wanted = list(kinds)
        if wanted:
            query = query.where(table.c.kind.in_(wanted))
        if run is not None:
            query = query.where(table.c.run == run)
        if endpoint is not None:
            query = query.where(table.c.endpoint == endpoint)
        with self.reading() as connection:
            for row in stream(connection, query, after):
                yield row.seq, row.run, event_of(row)

    def verify(self) -> tuple[int, str]:
        """Check the whole ledger, first event to head, as `audit` does; gives number and hash of the head."""
        found = self.audit()
        return found.seq, found.head

    def audit(self, given: Iterable[PublicKey] = (), expected: Iterable[tuple[int, str]] = ()) -> Audit:
        """Check the whole ledger: chain, checkpoints and keys, trusting the public keys `given` (`KeyRing`), and that
        it has the heads `expected`, by number and hash.

        Raises TamperedError, a LedgerError, which names the first event that is missing, altered or out of place.
        """
        with self.reading() as connection:
            return self.audited(connection, given, expected)

    def audited(self, connection: Connection, given: Iterable[PublicKey], expected: Iterable[tuple[int, str]]) -> Audit:
        """What `audit` finds in the state that `connection` sees."""
        auditor = Auditor(given, expected)
        seq, head = self._head(connection)
        for link in self.links(connection):
            auditor.take(link)
        return auditor.end(seq, head)

    def damage(self) -> str | None:
        """What the database itself finds wrong with its file; None where nothing is."""
        try:
            with self._engine.connect() as connection:
                return damage_of(connection)
        except sa.exc.SQLAlchemyError as exc:
            return cause(exc)

    @staticmethod
    def replayed(source: Connection) -> Ledger:
        """A ledger in memory with the register that follows from the events that `source` sees, and without these."""
        other = Ledger.open("sqlite://")
        with other._writing() as connection:
            replay(source, connection)
        return other

    def links(self, connection: Connection, after: int = 0, until: int | None = None) -> Iterator[Link]:
        """The chain as it is stored, behind the event number `after`, as far as `until`."""
        table = self._tables.events
        query = sa.select(*(table.c[name] for name in COLUMNS))
        if until is not None:
            query = query.where(table.c.seq <= until)
        try:
            for row in stream(connection, query, after):
                after = row[0]
                yield Link.of_row(row)
        except (sa.exc.SQLAlchemyError, ValueError) as exc:
            seq = self._unreadable(connection, after)
            raise TamperedError(
                seq, f"event {seq} was altered: it cannot be read ({cause(exc, self._engine.url)})"
            ) from exc

    def _unreadable(self, connection: Connection, after: int) -> int:
        """The first event after this one that the database cannot give; rows are read in batches otherwise."""
        table = self._tables.events
        while True:
            query = sa.select(table).where(table.c.seq > after).order_by(table.c.seq).limit(1)
            try:
                row = connection.execute(query).first()
            except (sa.exc.SQLAlchemyError, ValueError):
                return after + 1
            if row is None:
                return after + 1
            after = row.seq

    def rebuild(self, tell: Tell = nobody) -> int:
        """Empty the register and replay every event into it, in one transaction; gives how many there were."""
        with self._writing() as connection, memory() as register:
            self._lock_head(connection)
            count = replay(connection, register, tell)
            for table in self._tables.projected():
                connection.execute(sa.delete(table))
            put_register(register, connection, self._tables)
        return count

    def register(self, endpoints: Iterable[str] | None = None) -> Register:
        """The register; with `endpoints`, what concerns them (and what concerns all)."""
        with self.reading() as connection:
            record = reading.register_record(connection, self._tables, endpoints)
            pilots = reading.pilots(connection, self._tables)
        return replace(Register.parse(record), pilots=pilots)

    def register_record(self, endpoints: Iterable[str] | None = None) -> dict[str, Any]:
        """The register as the plain record of the public interface."""
        with self.reading() as connection:
            return reading.register_record(connection, self._tables, endpoints)

    def applicable(self, endpoints: Iterable[str]) -> dict[str, list[Update] | None]:
        """The updates that apply to each endpoint since its last scan; None where that is not known."""
        with self.reading() as connection:
            return reading.applicable(connection, self._tables, endpoints)

    def updates(self, ids: Iterable[str]) -> dict[str, Update]:
        """The updates with these ids, by id, as far as a search has found them."""
        with self.reading() as connection:
            return reading.updates(connection, self._tables, ids)

    def progress(
        self, endpoints: Iterable[str], *, run: str | None = None, fleet: Mapping[str, Endpoint] | None = None
    ) -> dict[str, Progress]:
        """What is in flight on each endpoint; `run` is the run whose own failures stand in `failed_in_run`, `fleet` is
        what the RMM says of endpoints now."""
        with self.reading() as connection:
            return reading.progress(connection, self._tables, endpoints, run, fleet or {})

    def undescribed(self, updates: Iterable[str], before: datetime) -> list[str]:
        """Those of the updates, by id, that the RMM was not asked for since `before`."""
        with self.reading() as connection:
            return reading.undescribed(connection, self._tables, updates, before)

    def labels(self, updates: Iterable[str]) -> dict[str, str]:
        """How people call each update: its KB numbers, else its title."""
        with self.reading() as connection:
            return reading.labels(connection, self._tables, updates)

    def down(self) -> dict[str, tuple[str, str]]:
        """The redundancy group of each endpoint that is rebooting, or rebooted and not yet validated (R6)."""
        with self.reading() as connection:
            return down(connection, self._tables)

    def installing(self, now: datetime) -> dict[str, tuple[tuple[str, str], datetime]]:
        """Client and location of each endpoint on which an install runs, and since when."""
        with self.reading() as connection:
            return reading.installing(connection, self._tables, now)

    def pending(self, channel: str) -> list[Pending]:
        """What one of `deliveries.CONFIRMS` wanted and nobody confirmed, in the order in which it was wanted."""
        with self.reading() as connection:
            return deliveries.pending(connection, channel)

    def keep_blob(self, sha256: str, content: bytes) -> None:
        """Keep the bytes of something that has to be delivered; the same bytes are kept once. No event: the event that
        wants them delivered names them by their hash."""
        blobs = self._tables.blobs
        with self._writing() as connection:
            self._lock_head(connection)
            if connection.execute(sa.select(blobs.c.sha256).where(blobs.c.sha256 == sha256)).first() is None:
                connection.execute(sa.insert(blobs), {"sha256": sha256, "content": content})

    def blob(self, sha256: str) -> bytes | None:
        """The bytes that were kept under this hash; None where there are none (any more)."""
        blobs = self._tables.blobs
        with self.reading() as connection:
            found: bytes | None = connection.execute(
                sa.select(blobs.c.content).where(blobs.c.sha256 == sha256)
            ).scalar()
        return found

    def drop_blob(self, sha256: str) -> None:
        """Forget bytes that were delivered."""
        blobs = self._tables.blobs
        with self._writing() as connection:
            connection.execute(sa.delete(blobs).where(blobs.c.sha256 == sha256))

    def lease(self, name: str, holder: Holder | str, until: datetime) -> bool:
        """Whether `holder` is now the only one to do the thing `name`, until it gives it back, `until` passes, or its
        process is gone and we can tell.

        Real time: it is about processes side by side, which may die. Not an event: nothing was done yet.
        """
        with self._writing() as connection:
            self._lock_head(connection)
            return lease(connection, self._tables.leases, name, holder, datetime.now(UTC), until)

    def lease_turn(
        self, name: str, group: tuple[str, str], endpoint: str, holder: Holder | str, until: datetime
    ) -> bool:
        """The same, of the turn `name` of the redundancy `group` to restart `endpoint`: not where another of the group
        is down (R6), as whoever had the turn before may have left it."""
        with self._writing() as connection:
            self._lock_head(connection)
            unvalidated = down(connection, self._tables)
            if any(its == group and other != endpoint for other, its in unvalidated.items()):
                return False
            return lease(connection, self._tables.leases, name, holder, datetime.now(UTC), until)

    def claim(self, names: Collection[str], holder: Holder, lasts: timedelta) -> dict[str, Holder]:
        """Make the claims of `holder` be `names`, for the time that it `lasts`, less those that somebody else has;
        gives these and whose they are. Real time, as in `lease`.
        """
        now = datetime.now(UTC)
        with self._writing() as connection:
            self._lock_head(connection)
            return claim(connection, self._tables.leases, names, holder, now, now + lasts)

    def give_back(self, name: str, holder: Holder | str) -> None:
        """End a lease of `holder` before its time."""
        leases = self._tables.leases
        with self._writing() as connection:
            connection.execute(sa.delete(leases).where(leases.c.name == name, leases.c.holder == str(holder)))

    def rows(self, name: str, *columns: str) -> list[dict[str, Any]]:
        """All rows of one table of the register, JSON columns as text, ordered by key; with `columns` only these of
        it, which are not to be the long ones where the rows are as many as the months."""
        with self.reading() as connection:
            return self.rows_in(connection, name, *columns)

    def rows_in(self, connection: Connection, name: str, *columns: str) -> list[dict[str, Any]]:
        """The same, in the state that `connection` sees."""
        table = self._tables.metadata.tables[name]
        wanted = [table.c[column] for column in columns or table.c.keys()]
        query = sa.select(*wanted).order_by(*table.primary_key.columns)
        return [dict(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the ledger."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as exc:
            raise LedgerError(
                f"the ledger at {safe(self._engine.url)} cannot be read: {cause(exc, self._engine.url)}"
            ) from exc

    @contextmanager
    def _writing(self, what: str = "written") -> Iterator[Connection]:
        try:
            with (
                self._engine.connect().execution_options(ledger_write=True) as connection,
                connection.begin(),
            ):
                yield connection
        except sa.exc.SQLAlchemyError as exc:
            raise LedgerError(
                f"the ledger at {safe(self._engine.url)} cannot be {what}: {cause(exc, self._engine.url)}"
            ) from exc

    def _head(self, connection: Connection) -> tuple[int, str]:
        row = connection.execute(sa.select(self._tables.head.c.seq, self._tables.head.c.hash)).one()
        return row.seq, row.hash

    def _lock_head(self, connection: Connection) -> tuple[int, str]:
        """The head, with the write lock on it; refuses where another process has migrated the ledger meanwhile."""
        head, version = self._tables.head, self._tables.version
        newest = sa.select(sa.func.max(version.c.version)).scalar_subquery().label("version")
        row = connection.execute(sa.select(head.c.seq, head.c.hash, newest).with_for_update(of=head)).one()
        self._check(row.version or 0)
        return row.seq, row.hash

    def _version(self) -> int:
        """The version of the tables that are there, 0 where none are; refuses one that is newer than this code."""
        with self.reading() as connection:
            found = migrations.version_of(connection)
        self._check(found)
        return found

    def _check(self, version: int) -> None:
        if version > VERSION:
            raise LedgerError(
                f"the ledger at {safe(self._engine.url)} has schema version {version}, this collection "
                f"knows up to {VERSION}: install the collection's newer version"
            )

    def _brought_up(self, tell: Tell) -> Ledger:
        with self._writing("opened") as connection:
            try:
                migrations.bring_up(connection, tell)
            except sa.exc.SQLAlchemyError as exc:
                if is_refusal(exc):
                    raise LedgerError(
                        f"the ledger at {safe(self._engine.url)} cannot be opened: {cause(exc)}; its tables are "
                        f"made and migrated (to schema version {VERSION}) by their owner: open it once with the "
                        "owner's account"
                    ) from exc
                raise
        return self

    def _copied(self, tell: Tell) -> Ledger:
        """An older ledger for those who only look: its events, and the register they add up to, in memory."""
        copy = Ledger.open("sqlite://")
        with self.reading() as source, copy._writing() as target:
            migrations.copy_kept(source, target)
            replay(target, target, tell)
        return copy
