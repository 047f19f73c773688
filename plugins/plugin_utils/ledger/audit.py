# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a ledger, event by event: its chain, its checkpoints, its keys. Names the first event that is not right.

The same for a live ledger and for the part of one that a package holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..signing.keys import PublicKey, SigningKeyError
from .chain import Chain, Link
from .checkpoints import Checkpoint
from .errors import TamperedError
from .keyring import KeyRing


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in order: the ledger by its first event's hash, its last event, and how far it is signed.

    `signed` is the last checkpoint by a key that is trusted, None where there is none. `lost` are the keys that were
    introduced because the one before was lost.
    """

    ledger: str | None
    seq: int
    head: str
    checkpoints: int
    signed: Checkpoint | None
    key: str | None
    lost: tuple[str, ...]


class Auditor:
    """Takes the links of a ledger in order. `given` are the public keys the verifier trusts (`KeyRing`)."""

    def __init__(self, given: Iterable[PublicKey] = (), expected: Iterable[tuple[int, str]] = ()) -> None:
        """`expected` are the numbers and hashes of heads that were seen before, and have to be in it."""
        self.ring = KeyRing(given)
        self.chain = Chain()
        self.ledger: str | None = None
        self.last: Checkpoint | None = None
        self.signed: Checkpoint | None = None
        self.checkpoints = 0
        self._expected = dict(expected)
        self._lost: list[str] = []

    def take(self, link: Link) -> None:
        """Go on to the next link; raises TamperedError."""
        before = (self.chain.seq, self.chain.head)
        self.chain.follow(link)
        wanted = self._expected.get(link.seq)
        if wanted is not None and wanted != self.chain.head:
            raise TamperedError(
                link.seq,
                f"event {link.seq} or one before it was altered: its hash was {wanted}, and is {self.chain.head}",
            )
        if link.seq == 1:
            self.ledger = self.chain.head
        event = link.event if link.text is not None and _of_integrity(link.text) else {}
        if event.get("kind") == "key.introduced":
            self.introduce(link.seq, event, before)
        elif event.get("kind") == "checkpoint.signed":
            self.checkpoint(link.seq, event, before)

    def introduce(self, seq: int, event: dict[str, Any], before: tuple[int, str] | None) -> None:
        """Take in a key; `before` is the head that it has to name, None where that is not known."""
        try:
            self._check_place(seq, event, before)
            self.ring.introduce(event["at"], event["body"])
        except (KeyError, TypeError, SigningKeyError) as exc:
            raise TamperedError(seq, f"event {seq} introduces a key and is not right: {_words(exc)}") from exc
        if event["body"]["lost"]:
            self._lost.append(event["body"]["key"])

    def checkpoint(self, seq: int, event: dict[str, Any], before: tuple[int, str] | None) -> None:
        """Check a checkpoint, likewise."""
        try:
            self._check_place(seq, event, before)
            self._check_signature(Checkpoint.of(event["at"], event["body"]))
        except (KeyError, TypeError, SigningKeyError) as exc:
            raise TamperedError(seq, f"event {seq} is a checkpoint and is not right: {_words(exc)}") from exc

    def _check_place(self, seq: int, event: dict[str, Any], before: tuple[int, str] | None) -> None:
        body = event["body"]
        if before is not None and (body["seq"], body["hash"]) != before:
            raise SigningKeyError(
                f"it is for event {body['seq']} ({body['hash']}), and stands after {before[0]} ({before[1]})"
            )
        if body["seq"] != seq - 1:
            raise SigningKeyError(f"it is for event {body['seq']}")
        self.ledger = self.ledger or body["ledger"]
        if body["ledger"] != self.ledger:
            raise SigningKeyError(f"it is for the ledger {body['ledger']}, this is {self.ledger}")

    def _check_signature(self, point: Checkpoint) -> None:
        previous = 0 if self.last is None else self.last.seq
        if self.chain_is_whole and point.previous != previous:
            raise SigningKeyError(f"the checkpoint before it is {point.previous}, found was {previous}")
        key = self.ring.key(point.key)
        if key is None or point.key != self.ring.current:
            raise SigningKeyError(f"it is signed with the key {point.key}, and the ledger's is {self.ring.current}")
        if not point.fits(key):
            raise SigningKeyError(f"the signature of {point.key} does not fit")
        self.last = point
        self.checkpoints += 1
        if self.ring.trusts(point.key):
            self.signed = point

    chain_is_whole = True
    """Whether every checkpoint is come to; a package begins with some later one."""

    def end(self, seq: int, head: str) -> Audit:
        """The chain ends here, and has to be `seq` and `head`; raises TamperedError."""
        found = self.chain
        if (found.seq, found.head) != (seq, head):
            raise TamperedError(
                found.seq + 1,
                f"the ledger ends at event {found.seq} ({found.head}), its head says {seq} ({head}): event "
                f"{found.seq + 1} and what followed is missing, or the head was altered",
            )
        for wanted in sorted(self._expected):
            if wanted > found.seq:
                raise TamperedError(
                    found.seq + 1,
                    f"the ledger ends at event {found.seq}, and once had {wanted}: the later ones are missing",
                )
        return Audit(
            self.ledger, found.seq, found.head, self.checkpoints, self.signed, self.ring.current, tuple(self._lost)
        )


def _of_integrity(text: str) -> bool:
    """A quick look, so that only few events are parsed."""
    return '"kind":"checkpoint.signed"' in text or '"kind":"key.introduced"' in text


def _words(exc: Exception) -> str:
    return str(exc) if isinstance(exc, SigningKeyError) else f"{exc} is missing or not as it has to be"
