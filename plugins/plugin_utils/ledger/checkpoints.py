# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: the head of the chain, signed; and the keys that sign it, on the chain themselves.

A checkpoint.signed is the event after the head that it signs. Its statement names the ledger (by the hash of its first
event), the head's number and hash, the checkpoint before it, the key and the instant. So a checkpoint fits one place of
one ledger only, and none can be left out between two others. What comes after the last checkpoint is not signed yet;
that something is missing there shows only against a checkpoint that was kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..requirements import sqlalchemy as sa
from ..signing.keys import PublicKey, SigningKey, SigningKeyError
from .chain import COLUMNS, Chain, Link
from .errors import LedgerError, TamperedError
from .event import Event, canonical, text_of
from .keyring import key_statement
from .schema import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .rows import Rows

FORMAT = "msp.patching checkpoint 1"
STATED = ("ledger", "seq", "hash", "previous", "key")

Maker = Callable[["Connection", int, str], Sequence[Event]]
"""Makes events that follow from the head: it is asked under the write lock, with the head's number and hash."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed head: the event number `seq` of the ledger, and its hash; `previous` is the checkpoint's before it."""

    ledger: str
    seq: int
    hash: str
    previous: int
    key: str
    signature: str
    at: str

    @classmethod
    def of(cls, at: str, body: Mapping[str, Any]) -> Checkpoint:
        """Of a checkpoint.signed; raises KeyError where its body is none."""
        return cls(**{name: body[name] for name in (*STATED, "signature")}, at=at)

    def statement(self) -> bytes:
        """What the signature is made under."""
        return canonical({"format": FORMAT, "at": self.at, **{name: getattr(self, name) for name in STATED}}).encode()

    def fits(self, key: PublicKey) -> bool:
        return key.verifies(self.signature, self.statement())

    def in_words(self) -> str:
        """In one line that people can keep elsewhere, and `verify` understands."""
        return f"{self.seq}:{self.hash}"


def checkpointing(key: SigningKey, at: datetime) -> Maker:
    """Signs the head. Nothing where it is signed already; raises LedgerError where `key` is not the ledger's, and
    TamperedError where what was written since the last checkpoint is not as it was written: that is not signed."""

    def make(connection: Connection, seq: int, head: str) -> list[Event]:
        check_key(connection, key.public)
        last = last_checkpoint(connection)
        if last is not None and last.seq + 1 >= seq:
            return []
        _check_since(connection, last, seq, head)
        stated: dict[str, Any] = {
            "ledger": identity(connection),
            "seq": seq,
            "hash": head,
            "previous": 0 if last is None else last.seq,
            "key": key.public.id,
        }
        unsigned = Checkpoint(**stated, signature="", at=text_of(at))
        return [Event("checkpoint.signed", None, at, {**stated, "signature": key.sign(unsigned.statement())})]

    return make


def introducing(
    key: SigningKey, at: datetime, *, by: str, reason: str, old: SigningKey | None = None, lost: bool = False
) -> Maker:
    """Introduces `key`: the ledger's first (nothing where it has one), or the one after `old`, or, `lost`, after a key
    that nobody has any more."""

    def make(connection: Connection, seq: int, head: str) -> list[Event]:
        current = current_key(connection)
        if old is None and not lost and current is not None:
            return []
        if old is not None:
            check_key(connection, old.public)
        voucher = old or key
        body = {
            "ledger": identity(connection),
            "seq": seq,
            "hash": head,
            "key": key.public.id,
            "public": key.public.text,
            "replaces": current,
            "signed_by": voucher.public.id,
            "lost": lost,
            "by": by,
            "reason": reason,
        }
        signature = voucher.sign(key_statement(text_of(at), body))
        return [Event("key.introduced", None, at, {**body, "signature": signature})]

    return make


def current_key(connection: Connection) -> str | None:
    """The id of the key that signs this ledger; None while it has none."""
    keys = tables().keys
    found: str | None = connection.execute(sa.select(keys.c.id).order_by(keys.c.seq.desc()).limit(1)).scalar()
    return found


def check_key(connection: Connection, key: PublicKey) -> None:
    """Raises SigningKeyError where `key` is not the one that signs this ledger."""
    current = current_key(connection)
    if key.id == current:
        return
    keys = tables().keys
    if current is None:
        raise SigningKeyError("the ledger has no signing key yet")
    before = connection.execute(sa.select(keys.c.id).where(keys.c.id == key.id)).scalar()
    was = "was this ledger's and has been replaced" if before else "is not this ledger's"
    raise SigningKeyError(f"the signing key {key.id} {was}: it is signed with {current}; put that one in its place")


def last_checkpoint(connection: Connection) -> Checkpoint | None:
    points = tables().checkpoints
    row = connection.execute(sa.select(points).order_by(points.c.seq.desc()).limit(1)).mappings().first()
    return None if row is None else Checkpoint(**row)


def identity(connection: Connection) -> str:
    """What tells this ledger from every other: the hash of its first event."""
    events = tables().events
    found: str | None = connection.execute(sa.select(events.c.hash).where(events.c.seq == 1)).scalar()
    if found is None:
        raise LedgerError("an empty ledger has nothing to sign")
    return found


def _check_since(connection: Connection, last: Checkpoint | None, seq: int, head: str) -> None:
    events = tables().events
    chain = Chain() if last is None else Chain(last.seq, last.hash)
    query = sa.select(*(events.c[name] for name in COLUMNS)).where(events.c.seq > chain.seq).order_by(events.c.seq)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        chain.follow(Link.of_row(row))
    if (chain.seq, chain.head) != (seq, head):
        raise TamperedError(
            chain.seq + 1, f"the ledger ends at event {chain.seq}, its head says {seq}: it is not signed"
        )


def _checkpoint_signed(event: Event, rows: Rows) -> None:
    body = event.body
    rows.put(
        rows.of.checkpoints,
        {"seq": body["seq"]},
        **{name: body[name] for name in ("ledger", "hash", "previous", "key", "signature")},
        at=text_of(event.at),
    )


def _key_introduced(event: Event, rows: Rows) -> None:
    body = event.body
    rows.put(
        rows.of.keys,
        {"id": body["key"]},
        **{name: body[name] for name in ("seq", "public", "replaces", "signed_by", "by", "reason")},
        lost=int(body["lost"]),
        introduced_at=text_of(event.at),
    )


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "checkpoint.signed": _checkpoint_signed,
    "key.introduced": _key_introduced,
}
