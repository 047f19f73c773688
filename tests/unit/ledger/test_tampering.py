# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is changed in the rows of a ledger's database is found, and the first event that shows it is named."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, LedgerError, replay, store
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.errors import TamperedError
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.schema import tables
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.verifying import parse_checkpoint, verify_ledger
from tests.examples import examples
from tests.unit.packages.ledgers import KEY, told

COLUMNS = ("seq", "kind", "endpoint", "run", "at", "body", "salt", "hash")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The story of two clients, in a file, with a tail that no checkpoint covers yet."""
    path = tmp_path_factory.mktemp("whole") / "ledger.sqlite"
    story = told()
    story.scan("WS01", story.end - story.start)
    with story.ledger.reading() as connection, sqlite3.connect(path) as copy:
        connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
    copy.close()
    return path


@contextmanager
def changed(whole: Path, work: Path) -> Iterator[tuple[sqlite3.Connection, Ledger]]:
    """A copy of the ledger without guards, with a connection to change it behind its back."""
    path = work / "ledger.sqlite"
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    shutil.copy(whole, path)
    ledger = Ledger.open(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    try:
        for guard in ("update", "delete"):
            connection.execute(f"DROP TRIGGER events_no_{guard}")
        yield connection, ledger
    finally:
        connection.close()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("changed")


def refused(ledger: Ledger) -> int:
    """The number of the first event that is named."""
    with pytest.raises(TamperedError) as found:
        verify_ledger(ledger, [KEY.public], register=False)
    assert f"event {found.value.seq}" in str(found.value)
    return found.value.seq


@pytest.mark.parametrize("given", [[], [KEY.public]])
def test_a_ledger_that_is_not_there_is_not_in_order(tmp_path: Path, given: list[Any]) -> None:
    """A mistyped place reads as an empty ledger, and nothing was checked."""
    with pytest.raises(LedgerError, match="nothing was checked"):
        verify_ledger(Ledger.open(f"sqlite:///{tmp_path / 'mistyped.sqlite'}", create=False), given)


def test_the_ledger_itself_is_in_order(whole: Path) -> None:
    verified = verify_ledger(Ledger.open(f"sqlite:///{whole}", create=False), [KEY.public])
    assert verified.unsigned == 1
    assert verified.audit.checkpoints == 3
    words = verified.in_words()
    assert "1 event(s) after it wait" in words
    assert "\n" not in words


every = settings(
    max_examples=examples(25),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@every
@given(
    seq=st.integers(1, 22),
    column=st.sampled_from(COLUMNS[1:]),
    place=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 6),
)
def test_a_byte_flipped_in_any_column(whole: Path, work: Path, seq: int, column: str, place: float, bit: int) -> None:
    with changed(whole, work) as (connection, ledger):
        (before,) = connection.execute(f"SELECT {column} FROM events WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
        if before is None:
            after: Any = ""
        else:
            at = int(place * len(before))
            after = before[:at] + chr(ord(before[at]) ^ (1 << bit)) + before[at + 1 :]
        connection.execute(f"UPDATE events SET {column} = ? WHERE seq = ?", (after, seq))  # noqa: S608
        connection.commit()
        assert refused(ledger) == seq


@every
@given(
    seq=st.integers(1, 22),
    column=st.sampled_from(COLUMNS[1:]),
    value=st.none() | st.integers() | st.binary(max_size=4) | st.text(max_size=4),
)
def test_any_value_in_any_column(whole: Path, work: Path, seq: int, column: str, value: Any) -> None:
    if isinstance(value, str) and not value.isprintable():
        return
    with changed(whole, work) as (connection, ledger):
        (before,) = connection.execute(f"SELECT {column} FROM events WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
        try:
            connection.execute(f"UPDATE events SET {column} = ? WHERE seq = ?", (value, seq))  # noqa: S608
        except (sqlite3.IntegrityError, OverflowError):
            return  # the database refuses it by itself
        connection.commit()
        (after,) = connection.execute(f"SELECT {column} FROM events WHERE seq = ?", (seq,)).fetchone()  # noqa: S608
        if after != before:
            assert refused(ledger) == seq


@every
@given(gone=st.sets(st.integers(1, 22), min_size=1))
def test_events_dropped(whole: Path, work: Path, gone: set[int]) -> None:
    """The last one too: the head says how far the ledger goes."""
    with changed(whole, work) as (connection, ledger):
        connection.executemany("DELETE FROM events WHERE seq = ?", [(seq,) for seq in gone])
        connection.commit()
        assert refused(ledger) == min(gone)


@every
@given(pair=st.sets(st.integers(1, 22), min_size=2, max_size=2))
def test_events_put_in_another_order(whole: Path, work: Path, pair: set[int]) -> None:
    one, other = sorted(pair)
    with changed(whole, work) as (connection, ledger):
        for start, end in ((one, -1), (other, one), (-1, other)):
            connection.execute("UPDATE events SET seq = ? WHERE seq = ?", (end, start))
        connection.commit()
        assert refused(ledger) == one


@every
@given(seq=st.integers(1, 22), place=st.integers(1, 24))
def test_an_event_put_in_again(whole: Path, work: Path, seq: int, place: int) -> None:
    """Somewhere, with all that follows moved up by one, and the head with it."""
    with changed(whole, work) as (connection, ledger):
        row = connection.execute("SELECT * FROM events WHERE seq = ?", (seq,)).fetchone()
        (head,) = connection.execute("SELECT seq FROM head").fetchone()
        for number in range(head, place - 1, -1):
            connection.execute("UPDATE events SET seq = seq + 1 WHERE seq = ?", (number,))
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (place, *row[1:]))
        connection.execute("UPDATE head SET seq = seq + 1")
        connection.commit()
        assert refused(ledger) <= place + 1


@pytest.mark.parametrize("statement", ["seq = 3", "seq = 99", "hash = 'x'", "hash = NULL", "seq = NULL"])
def test_another_head(whole: Path, work: Path, statement: str) -> None:
    with changed(whole, work) as (connection, ledger):
        connection.execute(f"UPDATE head SET {statement}")  # noqa: S608
        connection.commit()
        refused(ledger)


def test_a_tail_cut_off_with_its_checkpoint_shows_against_the_one_that_was_kept(whole: Path, work: Path) -> None:
    with changed(whole, work) as (connection, ledger):
        dummy, kept = ledger.signing()
        assert kept is not None
        (last,) = connection.execute("SELECT hash FROM events WHERE seq = 12").fetchone()
        connection.execute("DELETE FROM events WHERE seq > 12")
        connection.execute("UPDATE head SET seq = 12, hash = ?", (last,))
        connection.commit()
        verify_ledger(ledger, [KEY.public], register=False)
        with pytest.raises(TamperedError, match="the ledger ends at event 12, and once had") as found:
            verify_ledger(ledger, [KEY.public], [parse_checkpoint(kept.in_words())])
        assert found.value.seq == 13


def test_a_run_that_writes_meanwhile_is_no_tampering(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The register is held against the events of the same instant: verify and the cycle run side by side."""
    path = shutil.copy(whole, tmp_path / "ledger.sqlite")
    ledger, writer = Ledger.open(f"sqlite:///{path}"), Ledger.open(f"sqlite:///{path}")
    real = replay.replay

    def replay_and_write(source: Any, register: Any) -> int:
        count = real(source, register)
        hold = Event("hold.placed", None, datetime.now(UTC), {"id": "h-late", "scope": {}, "reason": "a run"})
        writer.append([hold], run="the run beside it")
        return count

    monkeypatch.setattr(store, "replay", replay_and_write)
    verified = verify_ledger(ledger, [KEY.public])
    assert verified.audit.seq < writer.head()[0], "something was written while it was checked"
    monkeypatch.undo()
    assert verify_ledger(ledger, [KEY.public]).audit.seq == writer.head()[0]


Change = Callable[[sqlite3.Connection], object]


@pytest.mark.parametrize("table", [table.name for table in tables().projected()])
def test_every_table_of_the_register_is_held_against_the_events(whole: Path, work: Path, table: str) -> None:
    with changed(whole, work) as (connection, ledger):
        before = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        if not before:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join("'1'" for dummy in columns)
            connection.execute(f"INSERT INTO {table} VALUES ({values})")  # noqa: S608
        else:
            connection.execute(f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})")  # noqa: S608
        connection.commit()
        with pytest.raises(LedgerError, match=f"the register's table {table}, "):
            verify_ledger(ledger, [KEY.public])


def test_a_register_that_says_otherwise(whole: Path, work: Path) -> None:
    """Whoever would approve an update without an event for it."""
    with changed(whole, work) as (connection, ledger):
        connection.execute("UPDATE approvals SET client = NULL, scope = ''")
        connection.commit()
        with pytest.raises(LedgerError, match="table approvals, update KB5001, scope : no event says so"):
            verify_ledger(ledger, [KEY.public])
        connection.execute("UPDATE approvals SET client = 'Beta', scope = 'Beta', decision = 'declined'")
        connection.commit()
        with pytest.raises(LedgerError, match="decision is 'declined', and after the events it is 'approved'"):
            verify_ledger(ledger, [KEY.public])


def test_a_database_whose_file_is_damaged(whole: Path, work: Path) -> None:
    with changed(whole, work) as (_connection, ledger):
        pass
    path = work / "ledger.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 3 + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"malformed|damaged|cannot be read|altered"):
        verify_ledger(ledger, [KEY.public])


@pytest.mark.parametrize("text", ["", "12", "12:abc", f"x:{'0' * 64}"])
def test_checkpoints_that_are_none(text: str) -> None:
    with pytest.raises(LedgerError, match="NUMBER:HASH"):
        parse_checkpoint(text)
