# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages a run keeps: written once their scope closes, found again, let go when the policy's time has passed."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Scope
from ansible_collections.msp.patching.plugins.plugin_utils.evidence import archive as room
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.packages.check import check_package
from ansible_collections.msp.patching.plugins.plugin_utils.packages.retention import due
from ansible_collections.msp.patching.plugins.plugin_utils.packages.store import LocalFolder, RetainedError
from tests.unit.account.story import CYCLE, DAY, ENDS
from tests.unit.packages.ledgers import ACME, ALL, KEY, SECRET_OF_BETA, TIER, sign, told

BETA = Scope(CYCLE, "Beta", "pilot", "server")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A ledger on which Acme's only tier has closed."""
    story = told()
    path = tmp_path / "ledger.sqlite"
    with story.ledger.reading() as connection, sqlite3.connect(path) as copy:
        connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
    copy.close()
    policy = tmp_path / "policy.yml"
    policy.write_text("clock: simulated\nevidence: {keep: 6y}\n")
    return Settings(
        ledger=f"sqlite:///{path}",
        policy=policy,
        signing_key_data=KEY.secrets[1],
        packages=str(tmp_path / "packages"),
        as_of=ENDS - DAY,
        by="j.doe",
    )


def archive(settings: Settings, at: datetime | None = None) -> room.Archive:
    return room.Archive(Recorder(replace(settings, as_of=at or settings.as_of)))


def kept(settings: Settings) -> list[dict[str, Any]]:
    return Recorder(settings).ledger.rows("packages")


def test_what_has_closed_is_kept_once(settings: Settings, tmp_path: Path) -> None:
    first = archive(settings)
    assert first.look_after()
    assert first.trouble == []
    folder = tmp_path / "packages" / CYCLE
    assert sorted(path.name[: path.name.rindex("_")] for path in folder.iterdir()) == ["Acme", "Acme_pilot_workstation"]
    rows = kept(settings)
    assert sorted(row["where"] for row in rows) == sorted(first.written)
    for row in rows:
        content = Path(row["where"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (row["sha256"], row["size"])
        check_package(Path(row["where"]), [KEY.public])
    second = archive(settings)
    assert not second.look_after()
    assert second.written == []


@pytest.mark.slow
def test_that_of_all_clients_follows_when_the_cycle_is_over(settings: Settings) -> None:
    archive(settings).look_after()
    recorder = Recorder(settings)
    story = told()
    story.ledger = recorder.ledger
    story.close(20 * DAY, {SECRET_OF_BETA: ("failed", "0x80070643")}, client="Beta", kind="server")
    sign(story, 20 * DAY)
    assert due(recorder.ledger, ENDS - DAY) == [BETA, Scope(CYCLE, "Beta")]
    assert due(recorder.ledger, ENDS) == [BETA, Scope(CYCLE, "Beta"), ALL]
    assert archive(settings, ENDS).look_after()
    assert {row["scope"] for row in kept(settings)} >= {f'{{"cycle":"{CYCLE}"}}'}


def test_one_that_could_not_be_written_is_due_again(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "packages").write_text("in the way")
    first = archive(settings)
    assert not first.look_after()
    assert f"the evidence package of {TIER} is not written: the package" in first.trouble[0]
    assert kept(settings) == []
    (tmp_path / "packages").unlink()
    assert archive(settings).look_after()
    assert len(kept(settings)) == 2


def test_no_room_to_make_them_in_is_told_and_no_end_of_the_run(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    one = archive(settings)
    assert not one.look_after()
    assert f"the evidence package of {TIER} is not written" in one.trouble[0]
    monkeypatch.undo()
    assert archive(settings).look_after()


def test_one_that_is_asked_for_again_is_the_same(settings: Settings) -> None:
    one = archive(settings)
    where, sha256, new = one.write(ACME)
    assert new
    assert archive(settings).write(ACME) == (where, sha256, False)


def test_a_package_is_deleted_when_its_time_has_passed_and_events_never_are(settings: Settings) -> None:
    archive(settings).look_after()
    events = Recorder(settings).ledger.head()[0]
    until = ENDS - DAY + timedelta(days=6 * 365)
    assert not archive(settings, until - DAY).look_after()
    later = archive(settings, until + DAY)
    assert later.look_after()
    assert later.trouble == []
    rows = kept(settings)
    assert [Path(row["where"]).exists() for row in rows] == [False, False]
    assert all(row["deleted_at"] for row in rows)
    ledger = Recorder(settings).ledger
    gone = [event for _seq, _run, event in ledger.events(kinds=["package.deleted"])]
    assert [event.body["by"] for event in gone] == ["j.doe", "j.doe"]
    assert gone[0].body["reason"] == f"kept until {until.date()}, as the policy said when it was written"
    assert ledger.verify()[0] > events
    assert not archive(settings, until + 2 * DAY).look_after(), "deleted once, and never written again"


class Locked(LocalFolder):
    """A store that holds what it has, as one with object lock does."""

    def delete(self, where: str) -> None:
        raise RetainedError(f"the package {where} is locked until 2040-01-01")


def test_what_the_store_holds_longer_is_not_deleted(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(settings).look_after()
    monkeypatch.setattr(room, "store_for", lambda _place: Locked(tmp_path / "packages"))
    assert not archive(settings, ENDS + timedelta(days=9999)).look_after()
    assert [row["deleted_at"] for row in kept(settings)] == [None, None]


def test_for_ever_is_for_ever(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text("clock: simulated\nevidence: {keep: forever}\n")
    archive(settings).look_after()
    assert [row["retain_until"] for row in kept(settings)] == [None, None]
    assert not archive(settings, ENDS + timedelta(days=9999)).look_after()
