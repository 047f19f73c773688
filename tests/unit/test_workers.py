# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What workers have from the process that they are forked from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import CacheStats

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import make_plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING
from ansible_collections.msp.patching.plugins.plugin_utils.workers import warm_up

NOW = datetime(2026, 11, 11, 7, tzinfo=UTC)
ENDPOINTS = {name: Endpoint.parse({"name": name}) for name in ("ACME-WS01", "ACME-WS02")}


def compiled_for_a_plan(ledger: Ledger) -> int:
    """How many statements had to be compiled for it."""
    compiled: list[bool] = []

    def executed(
        _connection: object, _cursor: object, _text: str, _values: object, context: object, _many: bool
    ) -> None:
        hit = getattr(context, "cache_hit", CacheStats.CACHE_MISS)
        compiled.append(hit is CacheStats.CACHE_MISS)

    sa.event.listen(ledger._engine, "before_cursor_execute", executed)
    make_plan(ledger, load_policy({}), ENDPOINTS, NOW, run="r", actions=ACTING)
    sa.event.remove(ledger._engine, "before_cursor_execute", executed)
    return sum(compiled)


def test_the_statements_of_a_plan_are_compiled_before_any_is_forked(tmp_path: Path) -> None:
    first, second = (Ledger.open(f"sqlite:///{tmp_path / name}") for name in ("a.sqlite", "b.sqlite"))
    assert compiled_for_a_plan(first) > 5, "this test sees what is compiled"
    warm_up((), second)
    assert compiled_for_a_plan(second) == 0
