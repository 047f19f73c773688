# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a ledger on SQLite has to get right: its file is switched to a write-ahead log by whoever comes first."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger, LedgerError, database


@pytest.fixture
def amid_the_switch(tmp_path: Path) -> sqlite3.Connection:
    """Another process where it is while it switches a new file: the write lock is its own, the file not yet in WAL."""
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_who_comes_second_waits_for_the_switch(tmp_path: Path, amid_the_switch: sqlite3.Connection) -> None:
    """SQLite itself does not wait there, whatever its timeout."""
    done = threading.Timer(0.3, amid_the_switch.rollback)
    done.start()
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    done.join()
    assert ledger.verify()[0] == 0
    assert amid_the_switch.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_it_does_not_wait_without_end(
    tmp_path: Path, amid_the_switch: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite cannot be read: database is locked"):
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    amid_the_switch.close()
