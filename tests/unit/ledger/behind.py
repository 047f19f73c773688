# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements on a ledger's database behind its back, and what its tables look like there."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ansible_collections.msp.patching.plugins.plugin_utils.ledger.database import place_of


def sql(url: str, *statements: str) -> list[Any]:
    """The rows of the last of the statements; each stands by itself."""
    engine = sa.create_engine(place_of(url), poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    rows: list[Any] = []
    with engine.connect() as connection:
        for statement in statements:
            found = connection.exec_driver_sql(statement)
            rows = [tuple(row) for row in found] if found.returns_rows else []
    return rows


def tampered(url: str, statement: str) -> None:
    """Change the events, the triggers that refuse it taken off first."""
    if url.startswith("sqlite"):
        sql(url, "DROP TRIGGER events_no_update", "DROP TRIGGER events_no_delete", statement)
    else:
        sql(url, "DROP TRIGGER events_no_change ON events", statement)


def shape(url: str, *names: str) -> dict[str, Any]:
    """Columns, keys and indexes of the tables."""
    engine = sa.create_engine(place_of(url), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        look = sa.inspect(connection)
        return {
            name: (
                sorted(
                    (one["name"], str(one["type"]), one["nullable"], getattr(one["type"], "collation", None) or "")
                    for one in look.get_columns(name)
                ),
                look.get_pk_constraint(name)["constrained_columns"],
                sorted((str(one["name"]), tuple(one["column_names"])) for one in look.get_indexes(name)),
            )
            for name in names
        }
