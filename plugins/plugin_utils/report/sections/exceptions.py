# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exceptions and when they lapse (R2), the updates that were declined or deferred, and the holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ...account import Account, EndpointResult
from .. import words
from ..view import Cell, Column, Section, Table, cut
from . import cells

TONES = {"signed": "excluded", "unsigned": "failed", "expired": "failed", "revoked": None}
NEVER = datetime.max.replace(tzinfo=UTC).timestamp()
"""What an exception without an end is sorted by; JSON has no infinity."""


def section(account: Account) -> Section:
    signed = sum(one.state == "signed" for one in account.exceptions)
    lead = (
        f"{words.count(len(account.exceptions), 'exception')} on record, of which {signed:,} signed by the client and "
        "not expired: only these count. Any other holds its endpoints until it is signed, renewed or ended."
    )
    flagged = [one for one in account.endpoints if one.stands == "excluded" and one.node != "scope.excluded"]
    if flagged:
        are = "is" if len(flagged) == 1 else "are"
        lead += f" {words.count(len(flagged), 'endpoint')} {are} kept from patching in the RMM, without a signature."
    tables = (_exceptions(account), _by_the_rmm(flagged), _decisions(account), _holds(account))
    return Section("exceptions", "Exceptions, decisions and holds", lead, (), tables)


def _exceptions(account: Account) -> Table:
    rows = [
        (
            Cell(words.scope(one.scope)),
            Cell(one.state, tone=TONES[one.state]),
            Cell(f"{one.reason}{f' ({one.code})' if one.code else ''}"),
            Cell(f"{one.granted_by}, {words.day(one.granted)}"),
            Cell(f"{one.signed_by}, {words.day(one.signed)}" if one.signed_by else words.NOTHING),
            cells.at(one.expires),
            Cell(
                words.left(one.expires, account.at) if one.revoked is None else "ended",
                key=(one.expires.timestamp() if one.expires else NEVER) if one.revoked is None else -1,
            ),
        )
        for one in account.exceptions
    ]
    columns = (
        Column("covers"),
        Column("state", "state"),
        Column("reason", wide=True),
        Column("granted by"),
        Column("signed by"),
        Column("expires", "time"),
        Column("lapses", "number"),
    )
    shown, total = cut(rows)
    return Table(
        "exceptions-all",
        "Exceptions, the first to lapse first",
        columns,
        shown,
        total,
        filtered=total > 8,
        empty="No exception is on record.",
    )


def _by_the_rmm(flagged: Sequence[EndpointResult]) -> Table:
    """Do Not Patch, and the flags of agents and locations: on the register, and signed by nobody."""
    rows = [(Cell(one.name), cells.text(one.client), Cell(one.reason), cells.at(one.decided)) for one in flagged]
    columns = (Column("endpoint", "name"), Column("client"), Column("why", wide=True), Column("decided", "time"))
    shown, total = cut(rows)
    return Table(
        "by-the-rmm",
        "Kept from patching in the RMM",
        columns,
        shown,
        total,
        beside="endpoints",
        filtered=total > 8,
        folded=total > 20,
        empty="No endpoint is.",
    )


def _decisions(account: Account) -> Table:
    rows = [
        (
            cells.text(one.label),
            Cell(f"{one.decision}{', promoted past the soak' if one.promote else ''}"),
            cells.text(one.client or "all clients"),
            Cell(one.by),
            cells.at(one.at),
            Cell(f"{one.reason}{f' ({one.code})' if one.code else ''}"),
            cells.at(one.until),
        )
        for one in account.approvals
    ]
    columns = (
        Column("update"),
        Column("decision"),
        Column("for"),
        Column("by"),
        Column("when", "time"),
        Column("reason", wide=True),
        Column("until", "time"),
    )
    empty = "No engineer has decided about an update: the rules of the policy did."
    return Table("decisions", "Engineers' decisions about updates", columns, tuple(rows), len(rows), empty=empty)


def _holds(account: Account) -> Table:
    rows = [
        (
            Cell(words.scope(one.scope)),
            Cell("released" if one.released else "in force", tone=None if one.released else "held"),
            cells.at(one.placed),
            Cell(one.reason),
            cells.at(one.released),
            Cell(f"{one.released_by}: {one.released_reason}" if one.released else words.NOTHING),
        )
        for one in account.holds
    ]
    columns = (
        Column("holds"),
        Column("state", "state"),
        Column("placed", "time"),
        Column("reason", wide=True),
        Column("released", "time"),
        Column("by, and why"),
    )
    shown, total = cut(rows)
    return Table("holds", "Holds", columns, shown, total, filtered=total > 8, empty="Nothing was held.")
