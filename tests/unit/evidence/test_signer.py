# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run's signing key: made once and said so, never made a second time, missed loudly; and its memory."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.errors import PatchingError
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.observer import Observer
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, LedgerError
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import SigningKey, SigningKeyError

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}", by="j.doe")


def run(settings: Settings) -> Recorder:
    """A run that has recorded something and is to be signed."""
    recorder = Recorder(settings)
    recorder.record([Event("reminder.shown", "WS01", NOW, {})])
    return recorder


def test_the_first_run_makes_the_key_and_says_so(settings: Settings) -> None:
    path = settings.signing_key_path()
    assert path.name == "ledger.sqlite.key"
    first = run(settings)
    assert first.signer.trouble(first.ledger) is None
    assert not path.exists(), "looking makes nothing"
    point = first.checkpoint()
    assert point is not None
    assert point.seq == 3
    (news,) = first.signer.news
    assert str(path) in news
    assert "COPY IT NOW" in news
    second = run(settings)
    assert second.checkpoint() is not None
    assert second.signer.news == []
    audit = second.ledger.audit([second.signer.key.public])
    assert (audit.checkpoints, audit.signed) == (2, second.ledger.signing()[1])


def test_a_key_that_is_gone_is_never_made_again(settings: Settings) -> None:
    run(settings).checkpoint()
    path = settings.signing_key_path()
    kept = path.rename(path.with_name("elsewhere"))
    without = run(settings)
    trouble = without.signer.trouble(without.ledger)
    assert trouble is not None
    assert f"the signing key {path} cannot be read: No such file or directory" in trouble
    assert "is recorded, and not signed until a run has the key" in trouble
    with pytest.raises(SigningKeyError, match=str(path)):
        without.checkpoint()
    assert not path.exists()
    kept.rename(path)
    again = run(settings)
    point = again.checkpoint()
    assert point is not None
    assert point.seq == again.ledger.head()[0] - 1, "it signs over what could not be signed"


def test_a_key_from_the_environment(settings: Settings) -> None:
    key = SigningKey.make()
    given = replace(settings, signing_key_data=key.secrets[1])
    assert key.secrets[1] not in repr(given)
    recorder = run(given)
    assert recorder.checkpoint() is not None
    assert not settings.signing_key_path().exists()
    other = run(replace(settings, signing_key_data=SigningKey.make().secrets[1]))
    trouble = other.signer.trouble(other.ledger)
    assert trouble is not None
    assert "MSP_PATCHING_SIGNING_KEY_DATA) is not this ledger's: the ledger is signed with" in trouble
    with pytest.raises(SigningKeyError, match="is not this ledger's"):
        other.checkpoint()
    broken = run(replace(settings, signing_key_data="hunter2"))
    with pytest.raises(SigningKeyError) as refused:
        broken.checkpoint()
    assert "is no Ed25519 private key" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_an_older_copy_of_the_ledger_is_noticed_and_not_signed(settings: Settings, tmp_path: Path) -> None:
    run(settings).checkpoint()
    ledger = tmp_path / "ledger.sqlite"
    shutil.copy(ledger, tmp_path / "copy")
    run(settings).checkpoint()
    for end in ("-wal", "-shm"):
        ledger.with_name(ledger.name + end).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy", ledger)
    older = run(settings)
    trouble = older.signer.trouble(older.ledger)
    assert trouble is not None
    assert "events were taken away, or this is an older copy" in trouble
    with pytest.raises(LedgerError, match="no longer has the checkpoint"):
        older.checkpoint()
    memory = settings.signing_key_path().with_name("ledger.sqlite.key.seen")
    assert str(memory) in trouble
    memory.unlink()
    assert older.checkpoint() is not None


def test_on_an_older_copy_nothing_is_planned(settings: Settings) -> None:
    run(settings).checkpoint()
    memory = settings.signing_key_path().with_name("ledger.sqlite.key.seen")
    memory.write_text(memory.read_text().replace('"seq": 3', '"seq": 30'))
    recorder = Recorder(settings)
    assert Observer(recorder).before_planning() == []
    assert recorder.problem is not None
    assert "nothing new is started on it" in recorder.problem


def test_a_clock_that_was_set_back_is_told(settings: Settings) -> None:
    recorder = Recorder(settings)
    recorder.record([Event("reminder.shown", "WS01", datetime.now(UTC) + timedelta(hours=2), {})])
    (words,) = Observer(recorder).before_planning()
    assert "one of the two clocks is wrong" in words
    assert recorder.problem is None, "a run that once had a clock of next year must not bar all the others"


def test_a_ledger_that_stands_in_the_place_of_another_is_told(settings: Settings, tmp_path: Path) -> None:
    run(settings).checkpoint()
    for file in tmp_path.glob("ledger.sqlite*"):
        if ".key" not in file.name:
            file.unlink()
    replaced = run(settings)
    assert replaced.checkpoint() is not None
    (news,) = replaced.signer.news
    assert "has signed another ledger" in news


def test_what_waits_in_the_spool_is_not_signed(settings: Settings) -> None:
    run(settings).checkpoint()
    recorder = Recorder(settings)
    recorder._spooling = True
    recorder.record([Event("reminder.shown", "WS01", NOW, {})])
    with pytest.raises(LedgerError, match="events of this run are not on it yet"):
        recorder.checkpoint()


def test_nothing_is_signed_in_check_mode(settings: Settings) -> None:
    assert Recorder(replace(settings, check_mode=True)).checkpoint() is None
    assert not settings.signing_key_path().exists()


def test_an_unreadable_memory_is_named(settings: Settings) -> None:
    run(settings).checkpoint()
    memory = settings.signing_key_path().with_name("ledger.sqlite.key.seen")
    memory.write_text("[]")
    with pytest.raises(PatchingError, match=f"{memory} cannot be read"):
        run(settings).checkpoint()
