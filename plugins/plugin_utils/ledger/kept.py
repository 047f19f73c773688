# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept with a ledger: the evidence packages that were written, and the policies that runs went by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..requirements import sqlalchemy as sa
from .event import Event, canonical, text_of
from .schema import tables

if TYPE_CHECKING:
    from .rows import Rows
    from .store import Ledger


def policy_digest(document: object) -> str:
    """The SHA-256, in hex, by which the ledger knows a policy document."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def policy_at(ledger: Ledger, at: datetime, until: int | None = None) -> tuple[int, Event] | None:
    """The policy.in_force that runs went by at the instant `at`, with its number; None where the ledger has none of
    then. With `until` it is one of the events up to that number."""
    found = None
    for seq, _run, event in ledger.events(kinds=["policy.in_force"]):
        if event.at <= at and (until is None or seq <= until):
            found = seq, event
    return found


def policy_events(ledger: Ledger, document: Mapping[str, Any], now: datetime) -> list[Event]:
    """The event of the policy that a run goes by, with all its defaults; none where the last run's was the same."""
    digest = policy_digest(document)
    table = tables().policies
    with ledger.reading() as connection:
        last = connection.execute(sa.select(table.c.sha256).order_by(table.c.since.desc()).limit(1)).scalar()
    return [] if last == digest else [Event("policy.in_force", None, now, {"sha256": digest, "document": document})]


def _policy_in_force(event: Event, rows: Rows) -> None:
    body = event.body
    rows.put(
        rows.of.policies,
        {"sha256": body["sha256"]},
        document=canonical(body["document"]),
        since=text_of(event.at),
    )


def _package_written(event: Event, rows: Rows) -> None:
    body = event.body
    rows.put(
        rows.of.packages,
        {"sha256": body["sha256"]},
        scope=canonical(body["scope"]),
        **{name: body[name] for name in ("name", "where", "size", "until", "retain_until")},
        written_at=text_of(event.at),
        deleted_at=None,
        deleted=None,
    )


def _package_deleted(event: Event, rows: Rows) -> None:
    deleted = {name: event.body[name] for name in ("by", "reason")}
    rows.change(
        rows.of.packages,
        {"sha256": event.body["sha256"]},
        deleted_at=text_of(event.at),
        deleted=canonical(deleted),
    )


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "policy.in_force": _policy_in_force,
    "package.written": _package_written,
    "package.deleted": _package_deleted,
}
