# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store: what enters, what is refused, what is noticed, and several processes at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, LedgerError, Opening
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.claims import Holder
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.event import GENESIS, EventError
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.schema import VERSION

from .behind import sql, tampered

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


def reminder(endpoint: str = "ACME-WS01", at: datetime = NOW) -> Event:
    return Event("reminder.shown", endpoint, at, {})


def test_a_new_ledger_is_empty(ledger: Ledger) -> None:
    assert ledger.verify() == (0, GENESIS)
    assert ledger.register_record()["endpoints"] == {}
    assert ledger.applicable(["ACME-WS01"]) == {"ACME-WS01": None}
    assert ledger.progress(["ACME-WS01"])["ACME-WS01"].job is None


def test_events_come_back_in_order_with_their_run(ledger: Ledger) -> None:
    ledger.append([reminder("A"), reminder("B")], run="r1")
    ledger.append([reminder("C", NOW + timedelta(hours=5))], run="r2")
    assert [(seq, run, event.endpoint) for seq, run, event in ledger.events()] == [
        (1, "r1", "A"),
        (2, "r1", "B"),
        (3, "r2", "C"),
    ]
    assert [event.endpoint for _seq, _run, event in ledger.events(run="r2", kinds=["reminder.shown"])] == ["C"]
    assert [event.at for _seq, _run, event in ledger.events(after=2)] == [NOW + timedelta(hours=5)]


def test_the_opening_enters_once(ledger: Ledger) -> None:
    opening = Opening(NOW, {"by": "j.doe", "simulated": True})
    ledger.append([reminder()], run="r1", opening=opening)
    ledger.append([reminder()], run="r1", opening=opening)
    assert [event.kind for _seq, _run, event in ledger.events()] == ["run.opened", "reminder.shown", "reminder.shown"]
    assert ledger.has_run("r1")
    assert not ledger.has_run("r2")


def test_a_batch_enters_once(ledger: Ledger) -> None:
    assert ledger.append([reminder()], run="r1", batch="b1") == 1
    assert ledger.append([reminder()], run="r1", batch="b1") == 0
    assert ledger.verify()[0] == 1


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Event("reminder.show", "A", NOW, {}), "'reminder.show' is no kind of event; there are: alert.sent"),
        (Event("reminder.shown", None, NOW, {}), "names its endpoint"),
        (Event("reminder.shown", "A", NOW, {"colour": 1}), "'colour' is not a key (there are: about, text)"),
        (Event("reminder.shown", "A", NOW, {"about": {"rings": "pilot"}}), "'rings' is not a key"),
        (Event("retry.scheduled", "A", NOW, {"step": "scan", "attempt": 1}), "'at' is given"),
        (
            Event("retry.scheduled", "A", NOW, {"step": "scan", "attempt": True, "at": "2026-11-11T02:00:00Z"}),
            "'attempt' is a whole number (not True)",
        ),
        (
            Event("retry.scheduled", "A", NOW, {"step": "scan", "attempt": 1, "at": "2026-11-11T02:00:00"}),
            "'at' is an instant (ISO 8601 with an offset)",
        ),
        (Event("reminder.shown", "A", NOW.replace(tzinfo=None), {}), "has no time zone"),
        (
            Event("plan.decided", "A", NOW, {"decision": {"at": NOW}, "cycle": None}),
            "JSON types",
        ),
        (Event("reminder.shown", "A", NOW, {"text": "\ud800"}), "JSON types and Unicode"),
        (
            Event("hold.placed", None, NOW, {"id": "h", "scope": {"cycle": "November"}, "reason": "x"}),
            "a cycle such as 2026-11",
        ),
    ],
)
def test_what_is_not_of_its_kind_is_refused_whole(ledger: Ledger, event: Event, words: str) -> None:
    with pytest.raises(EventError) as refused:
        ledger.append([reminder(), event], run="r1")
    assert words in str(refused.value)
    assert ledger.verify()[0] == 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            'UPDATE events SET body = \'{"text":"nothing happened"}\' WHERE seq = 2',
            r"^event 2 \(reminder.shown, 2026-11-11T02",
        ),
        ("UPDATE events SET at = '2026-11-11T03:00:00.000000+00:00' WHERE seq = 1", "^event 1 "),
        ("UPDATE events SET run = 'another' WHERE seq = 3", "^event 3 "),
        ("DELETE FROM events WHERE seq = 2", "^event 2 is missing: 3 follows 1"),
        (
            "DELETE FROM events WHERE seq = 3",
            "ends at event 2 .* its head says 3 .* event 3 and what followed is missing",
        ),
    ],
)
def test_a_changed_ledger_is_noticed(url: str, ledger: Ledger, statement: str, words: str) -> None:
    ledger.append([reminder("A"), reminder("B"), reminder("C")], run="r1")
    ledger.verify()
    tampered(url, statement)
    with pytest.raises(LedgerError, match=words):
        ledger.verify()


@pytest.mark.parametrize("statement", ["UPDATE events SET body = '{}'", "DELETE FROM events"])
def test_the_database_itself_refuses_a_change(url: str, ledger: Ledger, statement: str) -> None:
    ledger.append([reminder()], run="r1")
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        sql(url, statement)
    assert ledger.verify()[0] == 1


@pytest.mark.usefixtures("ledger")
def test_a_newer_ledger_is_refused(url: str) -> None:
    ledger = Ledger.open(url)
    sql(url, "INSERT INTO version VALUES (99, '2031-01-01')")
    words = f"schema version 99, this collection knows up to {VERSION}: install the collection's newer version"
    with pytest.raises(LedgerError, match=words):
        Ledger.open(url)
    with pytest.raises(LedgerError, match=words):  # it was migrated while this process had it open
        ledger.append([reminder()], run="r1")


def test_a_table_of_somebody_elses_is_named_and_nothing_is_made(url: str) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir()
    sql(url, "CREATE TABLE flaws (seq INTEGER)")
    with pytest.raises(LedgerError, match="somebody else's table flaws: a ledger wants a database of its own"):
        Ledger.open(url)
    with pytest.raises(sa.exc.DBAPIError, match="version"):
        sql(url, "SELECT * FROM version")


def test_a_ledger_that_is_not_there_reads_as_empty_and_is_not_made(url: str) -> None:
    ledger = Ledger.open(url, create=False)
    assert ledger.verify() == (0, GENESIS)
    if url.startswith("sqlite"):
        assert not Path(url.removeprefix("sqlite:///")).exists()
    else:
        assert sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()") == []


def test_an_error_names_the_ledger_and_no_password() -> None:
    with pytest.raises(LedgerError) as failed:
        Ledger.open("sqlite:////proc/nothing/here.sqlite")
    assert "/proc/nothing/here.sqlite" in str(failed.value)
    with pytest.raises(LedgerError) as failed:
        Ledger.open("postgresql+nodriver://user:hunter2@db/ledger")
    assert "hunter2" not in str(failed.value)


def test_a_lease_has_one_holder_until_it_ends(ledger: Ledger) -> None:
    later = datetime.now(UTC) + timedelta(minutes=5)
    assert ledger.lease("outbox", "r1", later)
    assert ledger.lease("outbox", "r1", later)
    assert not ledger.lease("outbox", "r2", later)
    ledger.give_back("outbox", "r1")
    assert ledger.lease("outbox", "r2", datetime.now(UTC) - timedelta(seconds=1))
    assert ledger.lease("outbox", "r3", later)


def test_the_lease_of_a_process_that_was_killed_is_over(ledger: Ledger) -> None:
    later = datetime.now(UTC) + timedelta(minutes=5)
    mine = Holder.of_this_process("r1")
    child = subprocess.Popen(["sleep", "60"])
    theirs = Holder.of_process("r2", child.pid)
    try:
        assert ledger.lease("outbox", theirs, later)
        assert not ledger.lease("outbox", mine, later)
    finally:
        child.kill()
        child.wait()
    assert ledger.lease("outbox", mine, later)
    assert not ledger.lease("outbox", theirs, later)
    ledger.give_back("outbox", mine)
    assert ledger.lease("outbox", "r3", later)


def test_nothing_is_appended_where_the_guard_says_so(ledger: Ledger) -> None:
    assert ledger.append([reminder()], run="r1", unless=lambda _connection: True) == 0
    assert ledger.verify()[0] == 0


ROOT = Path(__file__).resolve().parents[3]
PYTHON = [sys.executable, "-c"]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / '.ansible' / 'collections'}:{ROOT}"}
PREAMBLE = """
import sys
from datetime import UTC, datetime, timedelta
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
ledger, run = Ledger.open(sys.argv[1]), sys.argv[2]
def reminder(endpoint):
    return Event("reminder.shown", endpoint, datetime.now(UTC), {})
"""
SIDE_BY_SIDE = """
for number in range(25):
    ledger.append([reminder(f"{run}-{number}")] * 2, run=run)
"""
WITHOUT_END = """
while True:
    ledger.append([reminder("ACME-WS01")] * 5, run=run)
    print("appended", flush=True)
"""


@pytest.mark.slow
def test_processes_side_by_side_never_fork_the_chain(url: str) -> None:
    """From the very first moment: they make the ledger together as well."""
    runs = [f"r{number}" for number in range(4)]
    writers = [subprocess.Popen([*PYTHON, PREAMBLE + SIDE_BY_SIDE, url, run], env=ENVIRONMENT) for run in runs]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    ledger = Ledger.open(url)
    assert ledger.verify()[0] == 200
    for run in runs:
        endpoints = [event.endpoint for _seq, _run, event in ledger.events(run=run)]
        assert endpoints == [f"{run}-{number}" for number in range(25) for dummy in range(2)]


@pytest.mark.slow
def test_a_writer_killed_in_the_middle_leaves_a_valid_chain(url: str, ledger: Ledger) -> None:
    for kill_after in (1, 3, 8):
        writer = subprocess.Popen(
            [*PYTHON, PREAMBLE + WITHOUT_END, url, "killed"], stdout=subprocess.PIPE, env=ENVIRONMENT
        )
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline() for dummy in range(kill_after)]
        assert all(acknowledged)
        before = ledger.head()[0]
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        count, dummy = ledger.verify()
        assert count >= before
        assert count % 5 == 0
        assert ledger.append([reminder()] * 5, run="next") == 5
    ledger.verify()


CLAIMING = """
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.claims import Holder
taken = ledger.claim([f"endpoint E{number}" for number in range(300)], Holder.of_this_process(run), timedelta(hours=1))
print(300 - len(taken), flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_of_processes_side_by_side_one_gets_the_claim(url: str, ledger: Ledger) -> None:
    """All of them live on until all have asked."""
    command = [*PYTHON, PREAMBLE + CLAIMING, url]
    processes = [
        subprocess.Popen(
            [*command, f"r{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        for number in range(3)
    ]
    got = [process.stdout.readline() for process in processes if process.stdout is not None]
    for process in processes:
        process.communicate()
    assert sorted(map(int, got)) == [0, 0, 300]
    assert len({row["holder"] for row in ledger.rows("leases")}) == 1


def test_what_a_program_put_out_is_kept_whatever_it_was(ledger: Ledger) -> None:
    """NUL, which PostgreSQL's texts do not hold, and more than one of its index entries takes."""
    body = {
        "id": "f1",
        "step": "install",
        "text": "exit\0code \U0001f4a5",
        "class": "unknown",
        **dict.fromkeys(("update", "hresult", "name", "next_window", "cycle")),
    }
    long = " ".join(str(uuid.uuid4()) for dummy in range(300))
    cause = {"failure": "f1", "by": "j.doe", "code": "X\0", "text": long}
    ledger.append([Event("failure.opened", "A", NOW, body), Event("failure.root_cause", "A", NOW, cause)], run="r1")
    assert ledger.rows("failures")[0]["text"] == "exit\ufffdcode \U0001f4a5"
    assert [event.body["text"] for _seq, _run, event in ledger.events()] == ["exit\0code \U0001f4a5", long]
    ledger.verify()
    with pytest.raises(EventError, match="holds a NUL"):
        ledger.append([reminder("A\0")], run="r1")


def test_a_read_sees_one_state(url: str, ledger: Ledger) -> None:
    ledger.append([reminder("A")], run="r1")
    with ledger.reading() as connection:
        count = sa.text("SELECT count(*) FROM events")
        assert connection.execute(count).scalar() == 1
        Ledger.open(url).append([reminder("B")], run="r2")
        assert connection.execute(count).scalar() == 1
    assert ledger.head()[0] == 2
