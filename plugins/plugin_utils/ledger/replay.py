# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events read in order, and the register made of them anew.

A register is made in memory and put into its database in bulk: it is the same on any database, and thousands of
events are then no thousands of questions over a network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..garbage import uncollected
from ..requirements import sqlalchemy as sa
from .ahead import ahead
from .errors import LedgerError
from .event import Event, EventError, instant
from .projection import project
from .rows import Rows
from .schema import Tables, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

BATCH = 1000
"""How many rows are read or written at once."""
PROJECTED = 25_000
"""How many events are brought into the register at once; somebody who waits is then told that it goes on."""
UNFIT = (EventError, ValueError, LookupError, TypeError)
"""What a projection raises where an event does not hold what it needs."""

Tell = Callable[[str], None]
"""Shows a sentence to the people who wait."""


def nobody(_words: str) -> None:
    """Tells nobody."""


def event_of(row: Any) -> Event:
    """The event that a row of `events` holds."""
    return Event(row.kind, row.endpoint, instant(row.at), json.loads(row.body))


def stream(connection: Connection, query: Select[Any], after: int = 0) -> Iterator[Any]:
    """The rows of `events` that `query` selects, from behind the event number `after` on, in order; read a batch at a
    time. The query has no bound of its own there: of two a database may take the wrong one to search by."""
    seq = tables().events.c.seq
    while found := connection.execute(query.where(seq > after).order_by(seq).limit(BATCH)).all():
        yield from found
        after = found[-1].seq


@contextmanager
def memory() -> Iterator[Connection]:
    """A connection to an empty register in memory, which ends with it."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    try:
        with engine.connect() as connection:
            tables().metadata.create_all(connection, tables().projected(), checkfirst=False)
            yield connection
    finally:
        engine.dispose()


def replay(source: Connection, register: Connection, tell: Tell = nobody) -> int:
    """Bring every event of `source` into the empty `register`; gives how many there were.

    Raises LedgerError that names an event which does not hold what the register needs of its kind.
    """
    of = tables()
    rows = Rows(register, of, empty=True)
    total = source.execute(sa.select(sa.func.count()).select_from(of.events)).scalar() or 0
    done = 0
    found = stream(source, sa.select(of.events))
    with uncollected():  # the rows that are held live
        while batch := list(islice(found, PROJECTED)):
            _bring_in(batch, rows)
            done += len(batch)
            if done < total:
                tell(f"the register is made anew: {done:,} of {total:,} events")
    return done


def _bring_in(batch: Sequence[Any], rows: Rows) -> None:
    row = batch[0]
    try:
        events = []
        for row in batch:
            events.append(event_of(row))  # noqa: PERF401 -- the row at hand is named where it is none
        with suppress(*UNFIT):  # which one it is shows when it is projected
            ahead(events, rows)
        for row, event in zip(batch, events, strict=True):
            project(event, row.run, rows)
    except UNFIT as exc:
        raise LedgerError(
            f"event {row.seq} of the ledger ({row.kind}, {row.at}) cannot be read, so the register cannot be made "
            f"anew: {type(exc).__name__}: {exc}"
        ) from exc
    rows.write()


def put_register(register: Connection, target: Connection, of: Tables) -> None:
    """Fill the empty tables of the register at `target` from those in memory."""
    for table in of.projected():
        for rows in register.execute(sa.select(table)).mappings().partitions(BATCH):
            target.execute(sa.insert(table), [dict(row) for row in rows])
