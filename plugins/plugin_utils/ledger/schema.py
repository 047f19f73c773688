# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the ledger, the same on SQLite and PostgreSQL.

`events`, `head`, `spooled`, `leases`, `blobs` and `version` are the ledger itself (`KEPT`); the others are the register
and can be rebuilt. Instants are ISO 8601 texts in UTC (they sort as time), records are canonical JSON texts, and texts
are compared by their bytes: so a rebuilt row is identical to the one it replaces, and rows come in one order, on any
database.

Who adds to the register or changes it counts `VERSION` up, and is done: the register of an older ledger is made anew
from its events. Who changes one of the `KEPT` counts it up too, and writes the step in ``migrations``.

Triggers refuse to change or delete an event, on either database. On PostgreSQL the account that runs Ansible needs no
more than ``SELECT`` and ``INSERT`` on `events` and ``SELECT`` on `version`, and full rights on the rows of the other
tables; the tables' owner makes and migrates them.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import TYPE_CHECKING

from ..requirements import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table

VERSION = 13
"""Of the tables below. `store` refuses a ledger that is newer; the register of one that is older is made anew."""
WANTED, RESTARTED = 1, 2
"""Of an endpoint's `restart_first`: an install wants a restart before it installs anything; and has had one."""
KEPT = ("version", "events", "head", "spooled", "leases", "blobs")
"""The tables that hold what cannot be made again."""


class Tables(SimpleNamespace):
    """The tables by name, and `metadata`."""

    metadata: MetaData
    version: Table
    events: Table
    head: Table
    spooled: Table
    leases: Table
    endpoints: Table
    updates: Table
    applicable: Table
    flaws: Table
    approvals: Table
    exceptions: Table
    failures: Table
    holds: Table
    soak: Table
    promotions: Table
    gaps: Table
    authorizations: Table
    runs: Table
    planned: Table
    cycles: Table
    tiers: Table
    tickets: Table
    deliveries: Table
    blobs: Table
    keys: Table
    checkpoints: Table
    packages: Table
    policies: Table

    def projected(self) -> list[Table]:
        """The tables of the register, which `rebuild` empties and fills again."""
        return [table for table in self.metadata.sorted_tables if table.name not in KEPT]


@functools.cache
def tables() -> Tables:
    """The tables, built on first use (SQLAlchemy may be missing until then)."""
    meta = sa.MetaData()

    def text(name: str, *, key: bool = False, index: bool = False, null: bool = True) -> sa.Column[str]:
        bytewise = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
        return sa.Column(name, bytewise, primary_key=key, index=index, nullable=null and not key)

    def whole(name: str) -> sa.Column[int]:
        return sa.Column(name, sa.BigInteger)

    def number(name: str, *, key: bool = False) -> sa.Column[int]:
        kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
        return sa.Column(name, kind, primary_key=key, autoincrement=False)

    def texts(names: str) -> list[sa.Column[str]]:
        return [text(name) for name in names.split()]

    found = {
        "version": sa.Table(
            "version", meta, sa.Column("version", sa.Integer, primary_key=True), text("since", null=False)
        ),
        "events": sa.Table(
            "events",
            meta,
            number("seq", key=True),
            text("kind", index=True, null=False),
            text("endpoint", index=True),
            text("run", index=True, null=False),
            text("at", index=True, null=False),
            text("body", null=False),
            text("salt"),
            text("hash", null=False),
        ),
        "head": sa.Table(
            "head",
            meta,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("seq", sa.BigInteger),
            text("hash"),
        ),
        "spooled": sa.Table("spooled", meta, text("batch", key=True)),
        "leases": sa.Table("leases", meta, text("name", key=True), *texts("holder until")),
        "endpoints": sa.Table(
            "endpoints",
            meta,
            text("name", key=True),
            text("client", index=True),
            *texts("location ring kind role criticality redundancy_group"),
            *texts("scanned_at reboot_pending_since reminded_at installed_at rebooted_at validated_at"),
            *texts("job_kind job_id job_started_at job_updates unproven unanswered attempted attempted_at"),
            whole("job_limit_seconds"),
            text("reboot_requested_at", index=True),
            *texts("reboot_boot_id boot_id services_before posture posture_at checking_since"),
            *texts("retry_step retry_at unreachable_since last_decision decided_at last_cycle known_since retired"),
            *texts("missed_since missed_start missed_end missed_why woken_at wake_peer wake_tried"),
            whole("id"),
            whole("missed_windows"),
            whole("attempts"),
            whole("unreachable_count"),
            *texts(
                "failed_run failed_failure failed_text unreachable_run unreachable_during unreachable_at decided_run"
                " planned_run"
            ),
            whole("reboot_asked"),
            whole("restart_first"),
        ),
        "updates": sa.Table("updates", meta, text("id", key=True), *texts("record first_seen described_at earlier")),
        "applicable": sa.Table("applicable", meta, text("endpoint", key=True), text("update", key=True, index=True)),
        "flaws": sa.Table(
            "flaws",
            meta,
            text("endpoint", key=True),
            text("update", key=True),
            *texts("identified gone_at installed_at boot_before boot_id boot_time booted_at corrected_at undone_at"),
            *texts("failed_at hresult earlier"),
            whole("reboot_needed"),
        ),
        "approvals": sa.Table(
            "approvals",
            meta,
            text("update", key=True),
            text("scope", key=True),
            *texts("decision by at reason client until code"),
            whole("promote"),
        ),
        "exceptions": sa.Table(
            "exceptions",
            meta,
            text("id", key=True),
            *texts("scope reason code granted_by granted_at expires signed_by signed_at revoked_at revoked follows"),
        ),
        "failures": sa.Table(
            "failures",
            meta,
            text("id", key=True),
            text("endpoint", index=True),
            whole("endpoint_id"),
            *texts(
                "client ring kind step update hresult name class text at next_window cycle held_in told_at cured_at"
            ),
            text("root_cause"),
        ),
        "holds": sa.Table(
            "holds",
            meta,
            text("id", key=True),
            *texts("scope reason at by failure"),
            text("released"),
        ),
        "soak": sa.Table(
            "soak",
            meta,
            text("update", key=True),
            text("endpoint", key=True, index=True),
            *texts("client kind installed_at validated_at"),
            whole("healthy"),
        ),
        "promotions": sa.Table(
            "promotions",
            meta,
            *(text(name, key=True) for name in ("update", "kind", "scope")),
            *texts("client at since reason"),
        ),
        "gaps": sa.Table("gaps", meta, text("id", key=True), *texts("aspect value kind client since")),
        "authorizations": sa.Table(
            "authorizations", meta, text("scope", key=True), text("cycle", key=True), *texts("by at reason")
        ),
        "runs": sa.Table(
            "runs",
            meta,
            text("id", key=True),
            text("opened_at", index=True),
            *texts("closed_at opening closing"),
            whole("planned"),
        ),
        "planned": sa.Table("planned", meta, text("client", key=True), text("ring", key=True), text("run")),
        "cycles": sa.Table("cycles", meta, text("id", key=True), *texts("start end opened_at by reason lane")),
        "tiers": sa.Table(
            "tiers",
            meta,
            *(text(name, key=True) for name in ("cycle", "client", "ring", "kind")),
            *texts("opened_at closed_at proof"),
        ),
        "tickets": sa.Table(
            "tickets",
            meta,
            text("id", key=True),
            text("xref", index=True),
            text("parent", index=True),
            *texts("endpoint wanted_at body"),
            text("sent_at", index=True),
            whole("ticket"),
            sa.Column("number", sa.Integer, index=True),
        ),
        "deliveries": sa.Table(
            "deliveries",
            meta,
            text("channel", key=True),
            text("id", key=True),
            text("subject", index=True),
            *texts("endpoint wanted_at body answer"),
            text("sent_at", index=True),
            sa.Column("number", sa.Integer, index=True),
        ),
        "blobs": sa.Table("blobs", meta, text("sha256", key=True), sa.Column("content", sa.LargeBinary)),
        "keys": sa.Table(
            "keys",
            meta,
            text("id", key=True),
            whole("seq"),
            *texts("public replaces signed_by by reason introduced_at"),
            whole("lost"),
        ),
        "checkpoints": sa.Table(
            "checkpoints",
            meta,
            number("seq", key=True),
            *texts("ledger hash"),
            whole("previous"),
            *texts("key signature at"),
        ),
        "packages": sa.Table(
            "packages",
            meta,
            text("sha256", key=True),
            text("scope", index=True),
            *texts("name where written_at retain_until deleted_at deleted"),
            *(whole(name) for name in ("size", "until")),
        ),
        "policies": sa.Table("policies", meta, text("sha256", key=True), *texts("document since")),
    }
    # the databases' own words: as options of `sa.Index` they would have every run on SQLite load PostgreSQL's dialect
    for name, table, column, condition in (
        ("flaws_open", "flaws", "endpoint", "gone_at IS NULL AND corrected_at IS NULL"),
        ("failures_open", "failures", "id", "root_cause IS NULL"),
    ):
        statement = sa.DDL(f"CREATE INDEX {name} ON {table} ({column}) WHERE {condition}")  # type: ignore[no-untyped-call]
        sa.event.listen(found[table], "after_create", statement)
    return Tables(metadata=meta, **found)


def guards(dialect: str) -> list[str]:
    """The statements that make `events` append-only; those of a repeated call change nothing."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS events_no_{what.lower()} BEFORE {what} ON events "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            for what in ("UPDATE", "DELETE")
        ]
    function = (
        "CREATE OR REPLACE FUNCTION events_no_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    trigger = (
        "CREATE OR REPLACE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_no_change()"
    )
    return [function, trigger]
