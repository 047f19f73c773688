# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder: nothing in check mode, nothing lost, and no simulated time where the policy does not allow it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence import recorder as room
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.clock import StartedClock, clock_for
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.invocation import Invocation, read_settings
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import (
    Settings,
    SettingsError,
    TrackerTitles,
    ledger_url,
    loopback,
)
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, LedgerError, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.event import EventError

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}", by="j.doe", ring="pilot")


def reminder(name: str = "ACME-WS01") -> Event:
    return Event("reminder.shown", name, NOW, {})


@contextmanager
def refusing(settings: Settings) -> Iterator[None]:
    """The database takes no events meanwhile."""
    path = settings.ledger.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'disk on fire'); END"
        )
    connection.close()
    yield
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER broken")
    connection.close()


def told(settings: Settings) -> list[tuple[str, str | None]]:
    return [(event.kind, event.endpoint) for _seq, _run, event in Ledger.open(settings.ledger).events()]


def test_a_run_opens_with_its_first_event(settings: Settings) -> None:
    recorder = Recorder(settings)
    assert not recorder.opened()
    assert recorder.append(recorder.ledger, [reminder()]) == 2
    assert recorder.opened()
    (_seq, run, opened), _other = Ledger.open(settings.ledger).events()
    assert run == recorder.run
    assert (opened.kind, opened.body["by"], opened.body["ring"]) == ("run.opened", "j.doe", "pilot")
    assert opened.body["simulated"] is False


def test_nothing_in_check_mode_not_even_a_ledger(settings: Settings) -> None:
    recorder = Recorder(replace(settings, check_mode=True))
    assert recorder.append(recorder.ledger, [reminder()]) == 0
    recorder.record([reminder()])
    recorder.replay()
    assert not Path(settings.ledger.removeprefix("sqlite:///")).exists()


def test_what_the_ledger_does_not_take_waits_and_enters_in_order(settings: Settings) -> None:
    first = Recorder(settings)
    first.record([reminder("A")])
    with refusing(settings):
        first.record([reminder("B")])
        assert first.problem is not None
        assert "disk on fire" in first.problem
        assert str(settings.spool_path()) in first.problem
        with pytest.raises(LedgerError, match="disk on fire"):
            first.append(first.ledger, [reminder("X")])
    first.record([reminder("C")])  # the ledger would take it; after B it comes all the same
    assert told(settings)[1:] == [("reminder.shown", "A")]

    second = Recorder(settings)
    assert second.replay() == 2
    assert second.problem is None
    second.record([reminder("D")])
    assert [name for kind, name in told(settings) if kind == "reminder.shown"] == ["A", "B", "C", "D"]
    assert not settings.spool_path().exists()
    Ledger.open(settings.ledger).verify()


def test_a_spool_that_is_replayed_twice_enters_once(settings: Settings) -> None:
    first = Recorder(settings)
    first.record([reminder("A")])
    with refusing(settings):
        first.record([reminder("B")])
    kept = settings.spool_path().read_bytes()
    assert Recorder(settings).replay() == 1
    settings.spool_path().write_bytes(kept)  # as if the run had been killed before it could empty the spool
    assert Recorder(settings).replay() == 1
    assert told(settings).count(("reminder.shown", "B")) == 1


def test_while_the_spool_cannot_be_replayed_no_new_work_starts(settings: Settings) -> None:
    first = Recorder(settings)
    first.record([reminder("A")])
    with refusing(settings):
        first.record([reminder("B")])
        second = Recorder(settings)
        assert second.replay() == 0
        assert second.problem is not None
        assert "disk on fire" in second.problem
        assert settings.spool_path().exists()


def test_an_event_that_is_none_is_not_spooled_either(settings: Settings) -> None:
    """Who records hears of it as without a spool, and records the rest."""
    recorder = Recorder(settings)
    recorder.record([reminder("A")])
    unfit = Event("reminder.shown", None, NOW, {})
    with refusing(settings):
        recorder.record([reminder("B")])
        with pytest.raises(EventError, match="names its endpoint"):
            recorder.record([reminder("X"), unfit])
        recorder.record([reminder("C")])
    second = Recorder(settings)
    assert second.replay() == 2
    assert [name for kind, name in told(settings) if kind == "reminder.shown"] == ["A", "B", "C"]


def test_what_is_no_event_hides_not_that_the_ledger_is_away(settings: Settings) -> None:
    Path(settings.ledger.removeprefix("sqlite:///")).write_text("no database, whatever its name says")
    recorder = Recorder(settings)
    with pytest.raises(EventError, match="names its endpoint"):
        recorder.record([Event("reminder.shown", None, NOW, {})])
    recorder.record([reminder("A")])
    assert recorder.problem is not None
    assert "file is not a database" in recorder.problem
    assert settings.spool_path().exists()


def test_what_no_ledger_can_take_bars_nothing_that_waits_and_is_kept(settings: Settings) -> None:
    first = Recorder(settings)
    first.record([reminder("A")])
    with refusing(settings):
        first.record([reminder("B"), reminder("C")])
        first.record([reminder("D")])
    spool = settings.spool_path()
    lines = spool.read_text().splitlines()
    unfit = lines[0].replace('"endpoint":"B"', '"endpoint":null')
    spool.write_text("\n".join(["{half a li", unfit, *lines[1:]]) + "\n")
    second = Recorder(settings)
    assert second.replay() == 3
    assert second.problem is None, "the run goes on"
    assert [name for kind, name in told(settings) if kind == "reminder.shown"] == ["A", "C", "D"]
    assert not spool.exists()
    (words,) = second.set_aside()
    kept = spool.with_name(spool.name + ".unfit")
    assert f"2 line(s) in {kept}" in words
    half, whole = kept.read_text().splitlines()
    assert half == "{half a li"
    assert json.loads(whole)["events"] == [{"kind": "reminder.shown", "endpoint": None, "at": text_of(NOW), "body": {}}]
    assert Recorder(settings).set_aside() == [words], "until somebody has looked"


def test_what_is_set_aside_twice_is_there_once(settings: Settings) -> None:
    for dummy in range(2):  # as if the run had been killed before it could empty the spool
        settings.spool_path().parent.mkdir(parents=True, exist_ok=True)
        settings.spool_path().write_text("{half a li\n")
        Recorder(settings).replay()
    assert settings.spool_path().with_name(settings.spool_path().name + ".unfit").read_text() == "{half a li\n"


def test_a_spool_that_cannot_be_written_has_another(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    blocked = tmp_path / "file"
    blocked.write_text("")
    elsewhere = replace(settings, spool=blocked / "spool.jsonl")
    first = Recorder(elsewhere)
    first.record([reminder("A")])
    with refusing(settings):
        for name in "BC":
            first.record([reminder(name)])
    assert first.problem is not None
    state = elsewhere.spool_paths()[1]
    assert f"has to wait in {state} for the next run" in first.problem
    assert state.is_relative_to(tmp_path / "home")
    second = Recorder(elsewhere)
    assert second.replay() == 2
    assert [name for kind, name in told(settings) if kind == "reminder.shown"] == ["A", "B", "C"]


def test_neither_ledger_nor_spool_is_said_loudly(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("HOME", str(blocked))
    monkeypatch.setattr(tempfile, "tempdir", str(blocked))
    recorder = Recorder(replace(settings, spool=blocked / "spool.jsonl"))
    recorder.record([reminder("A")])
    assert recorder.set_aside() == []
    with refusing(settings):
        recorder.record([reminder("B")])
        recorder.record([reminder("C")])
    assert recorder.problem is not None
    assert "events were lost" in recorder.problem


def test_what_others_put_where_they_may_write_is_not_entered(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the folder for temporary files everybody may make a spool under the name that ours would have."""
    first = Recorder(settings)
    first.record([reminder("A")])
    with refusing(settings):
        first.record([reminder("B")])
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    shared = replace(settings, spool=folder / "spool.jsonl")
    settings.spool_path().rename(folder / "spool.jsonl")
    said: list[str] = []
    assert Recorder(shared, said.append).replay() == 0
    assert ("reminder.shown", "B") not in told(settings)
    assert str(folder / "spool.jsonl") in said[0]
    second = Recorder(shared)
    with refusing(settings):
        second.record([reminder("C")])
    assert second.problem is not None
    assert str(folder) not in second.problem, "nor is anything kept there, for others to change"
    folder.chmod(0o700)
    assert Recorder(shared).replay() == 2
    assert [name for kind, name in told(settings) if kind == "reminder.shown"] == ["A", "B", "C"]


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.unit.evidence.test_recorder import Recorder, Settings, reminder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recorder = Recorder(Settings(ledger=f"sqlite:///{sys.argv[1]}/ledger.sqlite"))
recorder.record([reminder("A")])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))  # no file may grow beyond: a disk that is full
seen = 0
while recorder.problem is None or "events were lost" not in recorder.problem:
    seen += 1
    recorder.record([reminder(f"WS{seen}-" + "x" * 500) for _ in range(20)])
print(seen - 1)
print(recorder.problem)
"""


@pytest.mark.slow
def test_a_disk_that_fills_up_takes_no_half_events(tmp_path: Path) -> None:
    """The ledger, then each spool, to the last byte; what was taken is there afterwards, whole and in order."""
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    environment["PYTHONPATH"] = f"{ROOT / '.ansible' / 'collections'}:{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    taken, problem = done.stdout.splitlines()
    assert "events were lost: neither the ledger nor a spool can be written" in problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path / "home"))
        patch.setattr(tempfile, "tempdir", str(tmp_path))
        recorder = Recorder(Settings(ledger=f"sqlite:///{tmp_path}/ledger.sqlite"))
        assert recorder.replay() > 0
        names = [event.endpoint for _seq, _run, event in recorder.ledger.events(kinds=["reminder.shown"])]
    assert [name.partition("-")[0] for name in names[1::20] if name] == [f"WS{n}" for n in range(1, int(taken) + 1)]
    recorder.ledger.verify()


def test_the_active_recorder_is_the_processs(settings: Settings) -> None:
    assert room.activate(settings) is room.active()


def policy_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [("soak: {day: 7}", "soak"), ("- a list", "polic"), ("soak: [", "cannot be read")],
)
def test_a_policy_that_is_not_right_is_the_runs_problem(
    settings: Settings, tmp_path: Path, text: str, words: str
) -> None:
    recorder = Recorder(replace(settings, policy=policy_file(tmp_path, text)))
    assert recorder.problem is not None
    assert words in recorder.problem


def test_a_policy_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    recorder = Recorder(replace(settings, policy=tmp_path / "nowhere.yml"))
    assert recorder.problem is not None
    assert "nowhere.yml cannot be read" in recorder.problem


def test_another_time_needs_a_policy_that_allows_it(settings: Settings, tmp_path: Path) -> None:
    as_of = datetime(2031, 1, 1, tzinfo=UTC)
    refused = Recorder(replace(settings, as_of=as_of)).problem
    assert refused is not None
    assert "2031-01-01T00:00:00+00:00" in refused
    assert str(datetime.now(UTC).year) in refused
    allowed = Recorder(replace(settings, as_of=as_of, policy=policy_file(tmp_path, "clock: simulated")))
    assert allowed.problem is None
    assert as_of <= allowed.clock.now() < as_of + timedelta(minutes=1)
    assert allowed.clock.speed == 1


def test_as_of_near_the_real_time_is_just_now() -> None:
    clock = clock_for(simulated=False, clock_url=None, as_of=datetime.now(UTC) - timedelta(seconds=30))
    assert not isinstance(clock, StartedClock)


def test_a_lab_clock_needs_the_policy_too() -> None:
    with pytest.raises(SettingsError, match="clock: simulated"):
        clock_for(simulated=False, clock_url="http://127.0.0.1:1/clock", as_of=None)


@pytest.mark.parametrize("url", ["http://10.0.0.1/clock", "https://127.0.0.1/clock", "file:///etc/passwd"])
def test_a_clock_is_on_this_machine(url: str) -> None:
    with pytest.raises(SettingsError, match="not on this machine"):
        loopback(url)


def call(**extra_vars: Any) -> Invocation:
    return Invocation(extra_vars, None, False, "ring.yml", "2.19.14", "root")  # noqa: FBT003 -- check mode: off


def options(**given: Any) -> Any:
    return ({"ledger": "/tmp/ledger.sqlite"} | given).get  # noqa: S108 -- never opened


PSA = {"psa_url": "u", **{f"psa_{n}": "x" for n in ("company", "public_key", "private_key", "client_id", "board")}}


def test_settings_of_a_plain_run() -> None:
    settings = read_settings(options(), call(ring="pilot", awx_job_id=7, awx_user_name="j.doe"))
    assert settings.problem is None
    assert (settings.by, settings.ring, settings.job, settings.psa) == ("j.doe", "pilot", "7", None)
    assert settings.ledger == "sqlite:////tmp/ledger.sqlite"


@pytest.mark.parametrize(
    ("extra_vars", "who"),
    [
        ({}, "root"),
        ({"awx_user_name": "j.doe", "awx_schedule_name": "nightly"}, "j.doe"),
        ({"awx_schedule_name": "nightly"}, "schedule nightly"),
        ({"tower_user_name": "old"}, "old"),
    ],
)
def test_who_runs_it(extra_vars: dict[str, str], who: str) -> None:
    assert read_settings(options(), call(**extra_vars)).by == who


@pytest.mark.parametrize(
    ("given", "extra_vars", "words"),
    [
        ({}, {"patching_ring": "pilot", "patching_id": 1}, "extra vars patching_id, patching_ring"),
        ({}, {"as_of": "yesterday"}, "as_of: 'yesterday' is no instant"),
        ({}, {"as_of": "2026-11-11T02:00:00"}, "has no offset"),
        ({"psa_url": "https://psa", "psa_company": "x"}, {}, "psa_public_key, psa_private_key, psa_client_id"),
        (
            {
                "psa_url": "u",
                **{f"psa_{n}": "x" for n in ("company", "public_key", "private_key", "client_id", "board")},
                "psa_priorities": ["High"],
            },
            {},
            "psa_priorities names 1",
        ),
        (
            {
                "psa_url": "u",
                **{f"psa_{n}": "x" for n in ("company", "public_key", "private_key", "client_id", "board")},
                "psa_companies": "/nowhere.yml",
            },
            {},
            "/nowhere.yml cannot be read",
        ),
        ({**PSA, "psa_layout": "/nowhere.yml"}, {}, "psa_layout: /nowhere.yml cannot be read"),
        ({**PSA, "psa_rate": 0}, {}, "psa_rate is 0"),
        ({"on_call_url": "https://events.example.net"}, {}, "on_call_key is not: PagerDuty needs the routing key"),
        ({"on_call_kind": "webhook", "on_call_key": "k"}, {}, "on_call_url is not: a webhook needs its address"),
        ({"on_call_kind": "webhook", "on_call_url": "http://example.net/C4n4ry"}, {}, "on_call_url is no https://"),
        ({"tracker_titles": ["Cycle"]}, {}, "tracker_titles names 1 titles; name three"),
    ],
)
def test_what_is_wrong_with_the_settings_is_named(
    given: dict[str, Any], extra_vars: dict[str, Any], words: str
) -> None:
    problem = read_settings(options(**given), call(**extra_vars)).problem
    assert problem is not None
    assert words in problem
    assert "C4n4ry" not in problem


def test_on_call_needs_no_more_than_a_routing_key() -> None:
    on_call = read_settings(options(on_call_key="C4n4ry"), call()).on_call
    assert on_call is not None
    assert (on_call.kind, on_call.url) == ("pagerduty", "https://events.pagerduty.com/v2/enqueue")
    assert "C4n4ry" not in repr(on_call)
    assert read_settings(options(), call()).on_call is None


def test_the_tracker_is_switched_off_by_naming_no_title() -> None:
    assert read_settings(options(tracker_titles=[]), call()).tracker is None
    assert read_settings(options(), call()).tracker == TrackerTitles()


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("/var/lib/l.sqlite", "sqlite:////var/lib/l.sqlite"),
        ("sqlite:////var/lib/l.sqlite", "sqlite:////var/lib/l.sqlite"),
        ("~/l.sqlite", f"sqlite:///{Path.home()}/l.sqlite"),
        ("sqlite:///~/l.sqlite", f"sqlite:///{Path.home()}/l.sqlite"),
    ],
)
def test_ledger_addresses(value: str, url: str) -> None:
    assert ledger_url(value) == url
