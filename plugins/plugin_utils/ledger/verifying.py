# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a live ledger against its signatures, against what was kept elsewhere, and its register against its events.

The register is what decisions rest on, and it is only a projection: here it is made anew from the events, in memory,
and compared row by row.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..requirements import sqlalchemy as sa
from .audit import Audit
from .errors import LedgerError, TamperedError
from .keyring import KeyRing
from .schema import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ..signing.keys import PublicKey
    from .store import Ledger

KEPT = re.compile(r"\s*([0-9]+):([0-9a-f]{64})\s*")


@dataclass(frozen=True, slots=True)
class Verified:
    """A ledger that is in order. `unsigned` events come after its last checkpoint."""

    audit: Audit
    unsigned: int
    given: int

    def in_words(self) -> str:
        """The summary, in one line."""
        audit, point = self.audit, self.audit.signed
        if point is None:
            return f"ledger: {audit.seq} events in order; none is signed yet"
        by = "" if self.given else ", whose public key is the ledger's own word: give the one you keep"
        words = (
            f"ledger: {audit.seq} events in order, {audit.checkpoints} checkpoints, signed as far as event {point.seq} "
            f"({point.at[:16]} UTC) with the key {point.key}{by}; checkpoint {point.in_words()}"
        )
        if self.unsigned:
            words += f"; {self.unsigned} event(s) after it wait for the next run to sign them"
        return words


def verify_ledger(
    ledger: Ledger, given: Collection[PublicKey], expected: Collection[tuple[int, str]] = (), *, register: bool = True
) -> Verified:
    """Check all of `ledger`. `given` are the public keys to trust, `expected` checkpoints that were kept elsewhere.

    Raises TamperedError, which names the first event that is not right, or LedgerError; so where there is no event, for
    a mistyped place must not pass.
    """
    damage = ledger.damage()
    try:
        with ledger.reading() as seen:  # one state from the first event to the last row: runs go on writing meanwhile
            audit = ledger.audited(seen, given, expected)
            if damage is None:
                _check_signed(audit, given)
                if register:
                    _check_register(ledger, seen)
    except LedgerError as exc:
        if damage is None or isinstance(exc, TamperedError):
            raise
        raise LedgerError(f"{exc} (the database says: {damage})") from exc
    if damage is not None:
        raise LedgerError(f"the ledger's database is damaged: {damage}")
    signed = 0 if audit.signed is None else audit.signed.seq + 1  # the checkpoint itself is the event after its head
    return Verified(audit, audit.seq - signed, len(given))


def parse_checkpoint(text: str) -> tuple[int, str]:
    """A checkpoint as a run prints it, ``NUMBER:HASH``; raises LedgerError for anything else."""
    found = KEPT.fullmatch(text)
    if found is None:
        raise LedgerError(f"the checkpoint {text!r} is none: write it as a run has printed it, NUMBER:HASH")
    return int(found[1]), found[2]


def _check_signed(audit: Audit, given: Collection[PublicKey]) -> None:
    if not audit.seq:
        raise LedgerError(
            "there is no ledger, or nothing on it, so nothing was checked; the option ledger of the callback "
            "msp.patching.evidence (MSP_PATCHING_LEDGER) says where it is"
        )
    if audit.signed is None and (given or audit.key is not None):
        ring = KeyRing(given)
        why = ring.distrust(audit.key) if audit.key else "it has no key and no checkpoint"
        raise TamperedError(1, f"nothing on the ledger is signed by a key that you trust: {why}")
    if audit.lost and audit.signed is not None and audit.signed.key != audit.key:
        raise TamperedError(
            audit.signed.seq + 2,
            f"after event {audit.signed.seq + 1} the ledger is signed with the key {audit.key}, which was introduced "
            "when the one before it was lost: nothing vouches for it; give its public key if you know that it is right",
        )


def _check_register(ledger: Ledger, seen: Connection) -> None:
    """Every row of the register that `seen` sees follows from the events that it sees. Raises LedgerError that names
    the first that does not."""
    anew = ledger.replayed(seen)
    for table in tables().projected():
        keys = [column.name for column in table.primary_key.columns]
        found = _by_key(ledger.rows_in(seen, table.name), keys)
        wanted = _by_key(anew.rows(table.name), keys)
        for key in sorted({*found, *wanted}, key=str):
            if found.get(key) != wanted.get(key):
                raise LedgerError(
                    _differs(table.name, dict(zip(keys, key, strict=True)), found.get(key), wanted.get(key))
                )


def _by_key(rows: list[dict[str, Any]], keys: list[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row[name] for name in keys): row for row in rows}


def _differs(table: str, key: dict[str, Any], found: dict[str, Any] | None, wanted: dict[str, Any] | None) -> str:
    where = f"the register's table {table}, {', '.join(f'{name} {value}' for name, value in key.items())}"
    if found is None:
        return f"{where}: the row is missing; the events are in order, and say that it is there"
    if wanted is None:
        return f"{where}: no event says so; the row was put there behind the ledger's back"
    column = next(name for name in wanted if found.get(name) != wanted[name])
    return (
        f"{where}: {column} is {found.get(column)!r:.80}, and after the events it is {wanted[column]!r:.80}; it was "
        "changed behind the ledger's back"
    )


def damage_of(connection: Any) -> str | None:
    """What SQLite itself finds wrong with its file; None where nothing is, and on other databases."""
    if connection.dialect.name != "sqlite":
        return None
    found = list(connection.execute(sa.text("PRAGMA integrity_check(3)")).scalars())
    return None if found == ["ok"] else "; ".join(str(line) for line in found)
