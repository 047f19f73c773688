# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a server can do to a ledger: refuse, go away, take a connection away, and know other accounts."""

from __future__ import annotations

import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ansible_collections.msp.patching.plugins.plugin_utils import requirements
from ansible_collections.msp.patching.plugins.plugin_utils.errors import RequirementMissingError
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import (
    Event,
    Ledger,
    LedgerError,
    database,
    migrations,
)
from tests.postgres import PASSWORD, Postgres

from .behind import shape, sql

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


def reminder(endpoint: str = "ACME-WS01") -> Event:
    return Event("reminder.shown", endpoint, NOW, {})


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new()


@pytest.fixture
def ledger(url: str) -> Ledger:
    return Ledger.open(url)


def names(url: str) -> list[str | None]:
    return [event.endpoint for _seq, _run, event in Ledger.open(url).events(kinds=["reminder.shown"])]


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_needs_no_driver_in_it(url: str, scheme: str) -> None:
    Ledger.open(url.replace("postgresql", scheme, 1)).append([reminder()], run="r")
    assert names(url) == ["ACME-WS01"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://u:hunter2@h:port/d", "the ledger's address postgresql://… is no database URL"),
        ("postgresql://u:hun@ter2@h:54x/d", "special characters of the password as %40"),
        ("postgresql://u:hun@ter2@127.0.0.1:1/d", "special characters of the password as %40"),
        ("postgresql://u:@hunter2@127.0.0.1:1/d", "address postgresql://… is no database URL"),
        ("mysql://u:hunter2@h/d", "mysql://u:***@h/d would be on mysql: it is on SQLite or PostgreSQL"),
        ("postgresql://u:hunter2@127.0.0.1:1/d", "postgresql+psycopg://u:***@127.0.0.1:1/d cannot be"),
        ("postgresql://u@127.0.0.1:1/d?password=hunter2", "u@127.0.0.1:1/d?password=*** cannot be"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(address: str, words: str) -> None:
    with pytest.raises(LedgerError) as failed:
        Ledger.open(address)
    assert words in str(failed.value)
    assert "hunter2" not in str(failed.value)
    assert "ter2" not in str(failed.value)
    assert "\n" not in str(failed.value)
    assert "hunter2" not in repr(Settings(ledger=address))


def test_a_database_that_is_not_there_is_named(postgres: Postgres) -> None:
    with pytest.raises(LedgerError, match='database "nowhere" does not exist') as failed:
        Ledger.open(postgres.url("nowhere"))
    assert PASSWORD not in str(failed.value)


def test_a_missing_driver_is_named_with_what_installs_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "psycopg", requirements._Library("psycopg"))  # one that nobody has used yet
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(RequirementMissingError, match=r"psycopg is needed .* the collection's requirements-postgresql"):
        Ledger.open(url)


def test_a_database_that_cannot_hold_every_character_is_refused(postgres: Postgres) -> None:
    address = postgres.database("ENCODING 'SQL_ASCII' TEMPLATE template0")
    with pytest.raises(LedgerError, match=r"encoding SQL_ASCII.*ENCODING 'UTF8'"):
        Ledger.open(address)


def test_texts_are_compared_by_their_bytes(url: str, ledger: Ledger) -> None:
    ledger.append([reminder(name) for name in ("b", "A", "a", "Ä", "B", "-", "_")], run="r")
    assert [row["name"] for row in ledger.rows("endpoints")] == ["-", "A", "B", "_", "a", "b", "Ä"]
    tables = [name for (name,) in sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]
    columns = [column for columns, dummy, dummy in shape(url, *tables).values() for column in columns]
    assert len(columns) > 100
    assert {column[3] for column in columns if "TEXT" in column[1]} == {"C"}, "whatever the locale of the database"


# -- going away -------------------------------------------------------------------------------------------------------


def test_a_server_that_stops_and_comes_back(postgres: Postgres, url: str, tmp_path: Path) -> None:
    settings = Settings(ledger=url, spool=tmp_path / "spool.jsonl", by="j.doe")
    first = Recorder(settings)
    first.record([reminder("A")])
    with postgres.down():
        first.record([reminder("B")])
        assert first.problem is not None
        assert PASSWORD not in first.problem
        assert "cannot be written" in first.problem
        assert Recorder(settings).replay() == 0
        with pytest.raises(LedgerError, match="cannot be read"):
            first.ledger.head()
        with pytest.raises(LedgerError, match=r"cannot be opened|cannot be read"):
            Ledger.open(url)
    first.record([reminder("C")])
    assert names(url) == ["A"], "C waits for its turn"
    assert Recorder(settings).replay() == 2
    assert names(url) == ["A", "B", "C"]
    Ledger.open(url).verify()


def test_a_connection_that_is_lost_in_the_middle_leaves_nothing_half(url: str, tmp_path: Path) -> None:
    """The server ends the connection while the events are being written."""
    settings = Settings(ledger=url, spool=tmp_path / "spool.jsonl", by="j.doe")
    recorder = Recorder(settings)
    recorder.record([reminder("A")])
    sql(
        url,
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$",
        "CREATE TRIGGER cut AFTER UPDATE ON head FOR EACH ROW EXECUTE FUNCTION cut()",
    )
    recorder.record([reminder("B"), reminder("C")])
    assert recorder.problem is not None
    assert "terminating connection" in recorder.problem
    assert names(url) == ["A"]
    sql(url, "DROP TRIGGER cut ON head")
    assert Recorder(settings).replay() == 1
    assert names(url) == ["A", "B", "C"]
    assert Ledger.open(url).verify()[0] == 4


def test_what_the_server_took_and_could_not_say_so_enters_once(postgres: Postgres, url: str, tmp_path: Path) -> None:
    settings = Settings(ledger=url, spool=tmp_path / "spool.jsonl", by="j.doe")
    recorder = Recorder(settings)
    recorder.record([reminder("A")])
    with postgres.losing_answers() as (port, losing):
        losing.set()
        options = url.partition("options=")[2]
        through = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=disable&options={options}"
        vars(recorder)["ledger"] = Ledger(database.engine_for(database.place_of(through)))
        recorder.record([reminder("B")])
    assert recorder.problem is not None
    assert PASSWORD not in recorder.problem
    assert names(url) == ["A", "B"], "it was committed"
    assert settings.spool_path().exists(), "and nobody could know"
    assert Recorder(settings).replay() == 1
    assert names(url) == ["A", "B"]
    Ledger.open(url).verify()


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_nobody_waits_without_end_for_the_lock(url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    with psycopg.connect(url) as other:
        other.execute("SELECT * FROM head FOR UPDATE")
        with pytest.raises(LedgerError, match="cannot be written: canceling statement due to lock timeout"):
            ledger.append([reminder()], run="r")
        other.rollback()
    assert ledger.append([reminder()], run="r") == 1


def test_who_holds_the_lock_and_says_nothing_loses_it(
    url: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process does that was stopped, or whose node was cut off."""
    monkeypatch.setattr(database, "IDLE_SECONDS", 1)
    in_time: list[int] = []

    def silent(_connection: Any) -> bool:
        monkeypatch.setattr(database, "IDLE_SECONDS", 60)
        in_time.append(Ledger.open(url).append([reminder("B")], run="other"))
        time.sleep(1.5)
        return False

    with pytest.raises(LedgerError, match="cannot be written"):
        ledger.append([reminder("A")], run="r", unless=silent)
    assert in_time == [1]
    assert names(url) == ["B"]
    ledger.verify()


# -- accounts ---------------------------------------------------------------------------------------------------------

GUIDE = Path(__file__).parents[3] / "docs" / "stores.md"


def test_the_account_that_runs_cannot_change_what_happened(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set up as the guide tells; the owner makes and migrates."""
    accounts, rights, restrictions = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    for statement in accounts.strip().splitlines():
        postgres.sql(statement)
    owner, runs = postgres.url("patching", user="patching_owner"), postgres.url("patching", user="patching")
    sql(owner, rights)
    with pytest.raises(LedgerError, match=r"cannot be opened: permission denied for schema .*the owner's account"):
        Ledger.open(runs)
    Ledger.open(owner)
    sql(owner, restrictions)

    ledger = Ledger.open(runs)
    assert ledger.append([reminder("A")], run="r", batch="b") == 1
    assert ledger.lease("outbox", "r", datetime.now(UTC))
    assert ledger.rebuild() == 1
    ledger.verify()
    for statement in ("UPDATE events SET body = '{}'", "DELETE FROM events", "TRUNCATE events", "DELETE FROM version"):
        with pytest.raises(Exception, match="permission denied"):
            sql(runs, statement)
    for statement in ("UPDATE events SET body = '{}'", "DELETE FROM events", "TRUNCATE events"):
        with pytest.raises(Exception, match="append-only"):
            sql(owner, statement)

    monkeypatch.setattr(migrations, "STEPS", {})
    sql(owner, "UPDATE version SET version = 3")
    with pytest.raises(LedgerError, match=r"cannot be opened: must be owner of table .*the owner's account"):
        Ledger.open(runs)
    assert Ledger.open(runs, create=False).verify()[0] == 1
    Ledger.open(owner)
    assert Ledger.open(runs).append([reminder("B")], run="r") == 1, "its rights to the tables made anew came with them"
