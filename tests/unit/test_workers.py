# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What workers have from the process that they are forked from."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.workers import warm_up


def read(ledger: Ledger) -> int:
    """Reads what a plan reads; gives how many statements had to be compiled for it."""
    compiled: list[bool] = []

    def executed(
        _connection: object, _cursor: object, _text: str, _values: object, context: object, _many: bool
    ) -> None:
        hit = getattr(context, "cache_hit", sa.engine.interfaces.CacheStats.CACHE_MISS)
        compiled.append(hit is sa.engine.interfaces.CacheStats.CACHE_MISS)

    sa.event.listen(ledger._engine, "before_cursor_execute", executed)
    for one in (ledger.register_record, ledger.progress, ledger.applicable, ledger.updates):
        one(["ACME-WS01", "ACME-WS02"])
    ledger.down()
    sa.event.remove(ledger._engine, "before_cursor_execute", executed)
    return sum(compiled)


def test_the_statements_of_a_plan_are_compiled_before_any_is_forked(tmp_path: Path) -> None:
    first, second = (Ledger.open(f"sqlite:///{tmp_path / name}") for name in ("a.sqlite", "b.sqlite"))
    assert read(first) > 5, "this test sees what is compiled"
    warm_up((), second)
    assert read(second) == 0
