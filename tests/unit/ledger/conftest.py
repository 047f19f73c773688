# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``url``: an empty database for a ledger, on SQLite and on PostgreSQL; ``ledger``: the one in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.postgres import Postgres

if TYPE_CHECKING:
    from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'ledger.sqlite'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new()


@pytest.fixture
def ledger(url: str) -> Ledger:
    from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger  # not importable any earlier

    return Ledger.open(url)
