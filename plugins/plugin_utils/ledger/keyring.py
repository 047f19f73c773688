# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys a verifier has reason to trust: those he was given, and those that such a key has vouched for.

A ledger's keys come one after the other, each by an event key.introduced that bears the new public key and is signed:
the first by itself, every later one by the key it replaces. Where that one is lost, the new key can only sign for
itself, `lost`, and is trusted by who was given it and by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..signing.keys import PublicKey, SigningKeyError
from .event import canonical

FORMAT = "msp.patching key 1"
STATED = ("ledger", "seq", "hash", "key", "public", "replaces", "signed_by", "lost", "by", "reason")


def key_statement(at: str, body: Mapping[str, Any]) -> bytes:
    """What the signature of a key.introduced at the instant `at` is made under."""
    return canonical({"format": FORMAT, "at": at, **{name: body[name] for name in STATED}}).encode()


class KeyRing:
    """The keys of one ledger as their introductions are come to; `given` are those the verifier trusts by himself.

    Without any, the ledger's own first key is trusted: that shows whether the ledger was altered by somebody without
    its key, and nothing about whose ledger it is.
    """

    def __init__(self, given: Iterable[PublicKey] = ()) -> None:
        self._given = {key.id for key in given}
        self._known: dict[str, PublicKey] = {}
        self._trusted: set[str] = set()
        self.current: str | None = None

    def introduce(self, at: str, body: Mapping[str, Any]) -> None:
        """Take in the key of a key.introduced; raises SigningKeyError where that is not as it has to be."""
        new = PublicKey.parse(body["public"])
        if new.id != body["key"]:
            raise SigningKeyError(f"its public key is not {body['key']}, but {new.id}")
        if body["replaces"] != self.current:
            raise SigningKeyError(f"it replaces {body['replaces']}, and the ledger's key is {self.current}")
        by_itself = self.current is None or body["lost"]
        if body["signed_by"] != (new.id if by_itself else self.current):
            raise SigningKeyError(f"it is signed by {body['signed_by']}, which cannot vouch for it")
        voucher = new if by_itself else self._known[body["signed_by"]]
        if not voucher.verifies(body["signature"], key_statement(at, body)):
            raise SigningKeyError(f"the signature of {voucher.id} does not fit")
        first = self.current is None
        self._known[new.id] = new
        self.current = new.id
        if new.id in self._given or voucher.id in self._trusted or (first and not self._given):
            self._trusted.add(new.id)

    def key(self, key: object) -> PublicKey | None:
        """The key with this id, once it was introduced."""
        return self._known.get(key) if isinstance(key, str) else None

    def trusts(self, key: str | None) -> bool:
        return key in self._trusted

    def distrust(self, key: str | None) -> str:
        """Why signatures of `key` prove nothing to this verifier, as a sentence's end."""
        if not self._given:
            return (
                f"the key {key} was introduced when the one before it was lost, so nothing on the ledger vouches for it"
            )
        return (
            f"the key {key} is none of those given ({', '.join(sorted(self._given))}), nor vouched for by one of them"
        )
