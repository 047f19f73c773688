# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many endpoints are a few statements, as a database at the other end of a network needs it: they are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, register, rows, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.planned import last_runs, planned_event
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.schema import tables
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import decided_events, make_plan
from tests.bench.ledgers import fleet, ledger_of

pytestmark = pytest.mark.slow

CHUNK = 50
NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
ABOUT = {"client": "Acme", "ring": "pilot", "kind": "server"}
FOUND = [{"id": f"u-{number}", "kb": [str(number)]} for number in range(5)]
POSTURE = {"boot_id": "1", "boot_time": text_of(NOW), "now": text_of(NOW), "reboot_pending": False}
RESULTS = [{"update": update["id"], "ok": True, "hresult": None} for update in FOUND]
DECISION = {"action": "install", "node": "deploy.install", "updates": ["u-1"], "left_out": [], "reason": "due"}
BODIES: dict[str, dict[str, Any]] = {
    "scan.finished": {"updates": FOUND},
    "plan.decided": {"decision": DECISION, "cycle": "2026-11"},
    "posture.observed": POSTURE,
    "install.started": {"job": "j", "limit_seconds": 60, "updates": ["u-1"]},
    "install.finished": {"results": RESULTS, "reboot_required": True},
    "reboot.started": {"boot_id": "1"},
    "reboot.confirmed": {"boot_id": "2", "boot_time": text_of(NOW)},
    "validation.finished": {"healthy": True, "checks": []},
}
"""A night, from the search to the validation."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (register, rows):
        monkeypatch.setattr(module, "CHUNK", CHUNK)


@contextmanager
def heard(ledger: Ledger) -> Iterator[list[str]]:
    """The statements that the ledger sends; one with many rows is one."""
    said: list[str] = []

    def hear(*told: Any) -> None:
        said.append(told[2])

    sa.event.listen(ledger._engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        sa.event.remove(ledger._engine, "before_cursor_execute", hear)


def names(count: int) -> list[str]:
    return [f"E{number:05}" for number in range(count)]


def night(kind: str, count: int) -> list[Event]:
    return [Event(kind, name, NOW + timedelta(seconds=1), BODIES[kind] | {"about": ABOUT}) for name in names(count)]


def test_an_append_of_many_events_is_a_few_statements(ledger: Ledger) -> None:
    """Per chunk of rows one for each table that is read, and for all of them one for each kind of change."""
    chunks = 3
    for kind in BODIES:
        with heard(ledger) as statements:
            ledger.append(night(kind, chunks * CHUNK), run="r")
        assert len(statements) <= 12 + (4 + len(FOUND)) * chunks, kind
    rows = ledger.rows("endpoints")
    assert len(rows) == chunks * CHUNK
    assert {row["validated_at"] for row in rows} == {text_of(NOW + timedelta(seconds=1))}
    assert len(ledger.rows("flaws")) == len(ledger.rows("soak")) == len(FOUND) * chunks * CHUNK
    before = {name: ledger.rows(name) for name in ("endpoints", "flaws", "soak", "applicable", "updates")}
    ledger.rebuild()
    assert {name: ledger.rows(name) for name in before} == before


def test_what_stays_as_it_is_is_not_written(ledger: Ledger) -> None:
    ledger.append(night("scan.finished", 100), run="r")
    again = [Event(one.kind, one.endpoint, one.at + timedelta(days=1), one.body) for one in night("scan.finished", 100)]
    with heard(ledger) as statements:
        ledger.append(again, run="r")
    changes = [found[0] for one in statements if (found := re.match(r"(INSERT INTO|UPDATE|DELETE FROM) \w+", one))]
    assert sorted(changes) == ["INSERT INTO events", "UPDATE endpoints", "UPDATE head"]


def test_one_event_is_a_handful_of_statements(ledger: Ledger) -> None:
    for kind in BODIES:
        ledger.append(night(kind, 1), run="r")
    for kind in BODIES:
        with heard(ledger) as statements:
            ledger.append(night(kind, 1), run="r")
        assert len(statements) <= 14, kind


def test_a_plan_is_read_in_a_few_statements_and_recorded_in_a_few(ledger: Ledger) -> None:
    chunks = 3
    endpoints = {
        name: Endpoint.parse({"name": name, "client": "Acme", "kind": "server", "ring": "regular", "role": "utility"})
        for name in names(chunks * CHUNK)
    }
    ledger.append(night("scan.finished", len(endpoints)), run="r")
    with heard(ledger) as statements:
        plan = make_plan(ledger, load_policy({}), endpoints, NOW, run="r", actions=["install"])
        read = len(statements)
        events = decided_events(plan)
        ledger.append(events, run="r")
        written = len(statements) - read
    assert len(events) == len(endpoints)
    assert read <= 15 + 7 * chunks
    assert written <= 10 + 2 * chunks


def test_for_whom_a_run_plans_is_recorded_and_asked_in_a_few_statements(ledger: Ledger) -> None:
    chunks = 3
    clients = [f"C{number:05}" for number in range(chunks * CHUNK)]
    endpoints = [Endpoint.parse({"name": client, "client": client, "ring": "pilot"}) for client in clients]
    for run in ("r1", "r2"):
        opened = Event("run.opened", None, NOW, {"by": "x", "simulated": False, "playbook": "cycle.yml"})
        with heard(ledger) as statements:
            ledger.append([opened, planned_event(endpoints, NOW)], run=run)
        assert len(statements) <= 12 + chunks
    with heard(ledger) as statements:
        assert last_runs(ledger, endpoints) == dict.fromkeys(clients, NOW)
    assert len(statements) <= 4


def test_the_chain_is_read_from_where_it_is_asked_for(ledger: Ledger) -> None:
    """Not from its beginning: a database that is given two lower bounds may take the wrong one."""
    ledger.append(night("plan.decided", 10), run="r")
    with heard(ledger) as asked:
        assert [seq for seq, _run, _event in ledger.events(after=7)] == [8, 9, 10]
        with ledger.reading() as connection:
            assert [link.seq for link in ledger.links(connection, 7)] == [8, 9, 10]
    assert {statement.count("seq >") for statement in asked if "FROM events" in statement} == {1}


def test_a_name_that_no_database_holds_as_it_is_stays_one_row(ledger: Ledger) -> None:
    """What is read ahead is asked for as it is stored: a NUL becomes U+FFFD."""
    body = {
        "window": "servers",
        "zone": "Etc/UTC",
        "start": text_of(NOW),
        "end": text_of(NOW + timedelta(hours=2)),
        "endpoints": ["a\0b", "b"],
    }
    ledger.append([Event("window.missed", None, NOW, body)], run="r")
    made = ledger.rows("endpoints")
    assert [row["name"] for row in made] == ["a\ufffdb", "b"]
    ledger.rebuild()
    assert ledger.rows("endpoints") == made


def test_a_ledger_made_for_the_benchmark_is_as_if_it_had_been_written_event_by_event(tmp_path: Path) -> None:
    made = ledger_of(f"sqlite:///{tmp_path / 'long.sqlite'}", fleet(6), 700)
    assert made.verify()[0] >= 700
    events = [(run, event) for _seq, run, event in made.events()]
    singly = Ledger.open("sqlite://")
    for run, event in events:
        singly.append([event], run=run)
    for table in tables().projected():
        assert made.rows(table.name) == singly.rows(table.name), table.name


def test_what_is_open_is_found_without_a_look_at_what_is_closed(ledger: Ledger) -> None:
    """By an index of it alone, also once the register was made anew."""
    of_sqlite = "SELECT sql FROM sqlite_master WHERE type = 'index' AND name LIKE '%_open'"
    of_postgresql = "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND indexname LIKE '%_open'"
    ledger.rebuild()
    with ledger.reading() as connection:
        ask = of_sqlite if connection.dialect.name == "sqlite" else of_postgresql
        found = sorted(connection.execute(sa.text(ask)).scalars())
    assert ["failures" in one and "root_cause IS NULL" in one for one in found] == [True, False]
    assert ["flaws" in one and "corrected_at IS NULL" in one for one in found] == [False, True]
