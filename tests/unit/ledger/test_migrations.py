# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers as earlier versions wrote them, opened by this one: nothing is lost, and the register is made anew.

``data/version-N.sql`` are dumps of ledgers that the collection's own code of that time wrote.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, LedgerError, migrations
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.migrations import STEPS
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.schema import KEPT, VERSION, tables
from tests.postgres import Postgres

from .behind import shape, sql, tampered
from .test_store import ENVIRONMENT, PREAMBLE, PYTHON

DATA = Path(__file__).parent / "data"
WRITTEN = {1: 34, 3: 39}
"""The versions there are dumps of, and how many events are in each."""
NOW = datetime(2026, 11, 12, 2, 0, tzinfo=UTC)
DATABASES = ("sqlite", "postgresql")


def written_by(version: int, database: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a ledger as that version left it."""
    dump = (DATA / f"version-{version}.sql").read_text(encoding="utf-8")
    if database == "sqlite":
        file = folder / f"{version}.sqlite"
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(dump)
        return f"sqlite:///{file}"
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new()
    without_triggers = re.sub(r"^CREATE TRIGGER .*?END;$", "", dump, flags=re.MULTILINE | re.DOTALL)
    sql(url, without_triggers.replace("seq INTEGER", "seq BIGINT"))
    return url


@pytest.fixture(params=[(version, database) for version in WRITTEN for database in DATABASES], ids=str)
def older(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    version, database = request.param
    return written_by(version, database, request, tmp_path)


def register_of(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    return {table.name: ledger.rows(table.name) for table in tables().projected()}


def chain_of(url: str) -> list[Any]:
    return sql(url, "SELECT seq, kind, endpoint, run, at, body, hash FROM events ORDER BY seq")


def test_an_older_ledger_opens_and_is_whole(older: str) -> None:
    chain, was = chain_of(older), sql(older, "SELECT max(version) FROM version")
    said: list[str] = []
    ledger = Ledger.open(older, tell=said.append)
    assert f"has schema version {was[0][0]} and becomes one of version {VERSION}" in said[0]
    assert chain_of(older) == chain
    assert ledger.verify()[0] == len(chain) == WRITTEN[was[0][0]]
    assert [row["version"] for row in ledger.rows("version")] == [was[0][0], VERSION]
    assert said[-1] == f"the register was made anew from {len(chain)} events"
    again: list[str] = []
    assert Ledger.open(older, tell=again.append).verify() == ledger.verify()
    assert again == []


def test_its_register_is_that_of_a_new_ledger_with_the_same_events(older: str) -> None:
    ledger = Ledger.open(older)
    new = Ledger.open("sqlite://")
    with ledger.reading() as source, new._writing() as target:
        migrations.copy_kept(source, target)
    new.rebuild()
    assert register_of(ledger) == register_of(new)
    record = ledger.register_record()
    assert (len(record["approvals"]), len(record["exceptions"])) == (1, 1)
    assert ("ACME-DC01", True) in [(row["endpoint"], row["healthy"]) for row in record["soak"]]
    assert record["failures"][0]["root_cause"]["code"] == "DISK"
    assert [(row["ticket"], row["sent_at"] is None) for row in ledger.rows("tickets")] == [(4711, False)]
    ledger.register()


def test_it_goes_on_as_one_of_today(older: str) -> None:
    ledger = Ledger.open(older)
    count = ledger.head()[0]
    ledger.append([Event("reminder.shown", "ACME-WS01", NOW, {})], run="next")
    assert ledger.append([Event("reminder.shown", "ACME-WS01", NOW, {})], run="next", batch="b-1") == 0, "replayed then"
    assert ledger.verify()[0] == count + 1
    with pytest.raises(Exception, match="append-only"):
        sql(older, "DELETE FROM events")


def test_its_tables_are_those_of_a_new_ledger(older: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Whoever changes one of the tables that are kept has written the step, too."""
    Ledger.open(older)
    on_postgresql = not older.startswith("sqlite")
    new = request.getfixturevalue("postgres").new() if on_postgresql else f"sqlite:///{tmp_path / 'new.sqlite'}"
    Ledger.open(new)
    names = [*KEPT, *(table.name for table in tables().projected())]
    assert shape(older, *names) == shape(new, *names)


def test_a_look_at_it_changes_nothing(older: str) -> None:
    before = shape(older, "events", "endpoints"), sql(older, "SELECT max(version) FROM version")
    look = Ledger.open(older, create=False)
    assert look.verify()[0] == len(chain_of(older))
    assert look.register_record()["failures"][0]["root_cause"]["code"] == "DISK"
    assert (shape(older, "events", "endpoints"), sql(older, "SELECT max(version) FROM version")) == before
    assert register_of(look) == register_of(Ledger.open(older))


def test_one_whose_events_make_no_register_names_the_first(older: str) -> None:
    change = "UPDATE events SET body = '{}' WHERE kind = 'scan.finished'"
    if older.startswith("sqlite"):
        tampered(older, change)
    else:
        sql(older, change)
    with pytest.raises(LedgerError, match=r"event \d of the ledger \(scan.finished, .* cannot be read.*KeyError"):
        Ledger.open(older)


def test_a_step_that_fails_leaves_the_ledger_as_it_was(older: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, before = chain_of(older), shape(older, "events", "endpoints")

    def stumble(_connection: Any) -> None:
        raise LedgerError("the power went")

    monkeypatch.setitem(STEPS, VERSION, stumble)
    with pytest.raises(LedgerError, match="the power went"):
        Ledger.open(older)
    monkeypatch.undo()
    assert (chain_of(older), shape(older, "events", "endpoints")) == (chain, before)
    assert Ledger.open(older).verify()[0] == len(chain)


@pytest.mark.slow
@pytest.mark.parametrize("database", DATABASES)
def test_of_processes_that_open_it_at_once_one_migrates(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    older = written_by(1, database, request, tmp_path)
    opening = PREAMBLE + 'ledger.append([reminder("ACME-WS01")], run=run)'
    processes = [subprocess.Popen([*PYTHON, opening, older, f"r{number}"], env=ENVIRONMENT) for number in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    ledger = Ledger.open(older)
    ledger.verify()
    assert len(ledger.rows("version")) == 2
    before = register_of(ledger)
    ledger.rebuild()
    assert register_of(ledger) == before
