# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a package with nothing but the file and public keys: no network, no ledger, no settings.

Everything is recomputed: the seal over the whole file, the manifest and its signature, each member's hash, and from the
members the keys, the checkpoints and every block of the chain. What is wrong first is named: a member, or an event.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import PatchingError
from ..ledger.chain import Chain, Link
from ..ledger.checkpoints import Checkpoint
from ..ledger.errors import TamperedError
from ..ledger.event import GENESIS, canonical
from ..ledger.kept import policy_digest
from ..ledger.keyring import KeyRing
from ..signing.keys import PublicKey, SigningKeyError
from ..visible import one_line
from .seal import FORMAT, MANIFEST, SIGNATURE, Members, PackageError, opened, read_seal
from .segment import CHAIN, CHECKPOINTS, EVENTS, KEPT, KEYS

POLICY = "policy.json"
LONGEST, LONGEST_NAME = 1_000, 200
"""Characters of what is told of a package, and of whose it is: of its own texts each may be as long as it likes."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A package that is as it was made. `events` are shown in it, `hidden` are not; `files` are its members."""

    scope: dict[str, str]
    ledger: str
    key: str
    seq: int
    hash: str
    at: str
    events: int
    hidden: int
    files: int
    sha256: str
    lost: tuple[str, ...] = ()
    policy: int | None = None
    """The number of the event that has the policy which it is held by; None where none that is shown has."""

    def in_words(self) -> str:
        what = ", ".join(str(self.scope[name]) for name in ("client", "ring", "kind", "cycle") if name in self.scope)
        policy = f"as event {self.policy} has it" if self.policy else "in no event that is shown"
        return one_line(
            f"package of {one_line(what, LONGEST_NAME)}: whole and unaltered, {self.files} files, {self.events} events "
            f"shown and {self.hidden} by their hash, as of {self.at[:16]} UTC (event {self.seq}), signed with the key "
            f"{self.key}; {POLICY} is {policy}",
            LONGEST,
        )


def check_package(path: Path, keys: Collection[PublicKey], expected: Collection[tuple[int, str]] = ()) -> Checked:
    """Raises PackageError, which names the package and the first thing in it that is not as it was made.

    `expected` are checkpoints that were kept elsewhere, by the number and the hash of their event: those that it
    reaches over it has to have, and one of them at least. So an older package is known from a newer one.
    """
    if not keys:
        raise PackageError("a package is checked with a public key, and none is given")
    try:
        seal = read_seal(path)
        with path.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise PackageError(f"the package {path} cannot be read: {exc.strerror or exc}") from exc
    try:
        with opened(path) as members:
            found = _Check(members, keys).run(whole, expected)
    except PatchingError as exc:
        raise PackageError(f"the package {path} is not as it was made: {_words(exc)}") from exc
    if seal is None:
        raise PackageError(f"the package {path} has no seal at its end: it was cut short, or something was added to it")
    sealer = found[1].key(seal.key)
    if sealer is None or seal.key != found[0].key or not seal.fits(sealer):
        raise PackageError(f"the package {path} was altered between its files: its seal does not fit")
    return found[0]


def _words(exc: PatchingError) -> str:
    """What is wrong, with texts of a package that may be anybody's."""
    return one_line(str(exc).removeprefix("the package "), LONGEST)


class _Check:
    """The members of one package, checked one after the other."""

    def __init__(self, members: Members, keys: Collection[PublicKey]) -> None:
        self._members = members
        self._given = keys
        self._ring = KeyRing(keys)
        self._lost: list[str] = []
        self._policies: dict[str, int] = {}
        """The policies among the events shown, by their hash, with the number of the last event that has it."""

    def run(self, whole: str, expected: Collection[tuple[int, str]]) -> tuple[Checked, KeyRing]:
        manifest, text, signature = self._manifest()
        self._keys(manifest["ledger"])
        self._signed(manifest, text, signature)
        self._files(manifest)
        heads = self._checkpoints(manifest)
        events, hidden = self._chain(heads)
        _check_kept(heads, expected)
        end = manifest["checkpoint"]
        checked = Checked(
            scope=manifest["scope"],
            ledger=manifest["ledger"],
            key=manifest["key"],
            seq=end["seq"],
            hash=end["hash"],
            at=end["at"],
            events=events,
            hidden=hidden,
            files=len(manifest["members"]),
            sha256=whole,
            lost=tuple(self._lost),
            policy=self._policy(),
        )
        return checked, self._ring

    def _manifest(self) -> tuple[dict[str, Any], bytes, str]:
        for name in (MANIFEST, SIGNATURE):
            if name not in self._members.names:
                raise PackageError(f"{name} is missing")
        text, signature = self._members.read(MANIFEST), self._members.read(SIGNATURE)
        try:
            manifest = json.loads(text)
            wanted = {"format", "key", "ledger", "scope", "checkpoint", "members"}
            if set(manifest) != wanted or manifest["format"] != FORMAT:
                raise PackageError(f"{MANIFEST} is none of the format {FORMAT}")
            return manifest, text, signature.decode().removesuffix("\n")
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            raise PackageError(f"{MANIFEST} or {SIGNATURE} was altered: {exc}") from exc

    def _files(self, manifest: dict[str, Any]) -> None:
        try:
            listed = {row["name"]: (row["sha256"], row["size"]) for row in manifest["members"]}
            self._members.expect({name: int(row[1]) for name, row in listed.items()})
        except (TypeError, KeyError, ValueError) as exc:
            raise PackageError(f"{MANIFEST} was altered: its list of files cannot be read ({exc})") from exc
        there = [name for name in self._members.names if name not in (MANIFEST, SIGNATURE)]
        for name in sorted(set(listed) - set(there)):
            raise PackageError(f"{name} is missing")
        for name in sorted(set(there) - set(listed)):
            raise PackageError(f"{name} was added: the manifest does not have it")
        for name, (sha256, size) in sorted(listed.items()):
            digest, length = hashlib.sha256(), 0
            for piece in self._members.pieces(name):
                digest.update(piece)
                length += len(piece)
            if (digest.hexdigest(), length) != (sha256, size):
                raise PackageError(f"{name} was altered{self._first_bad(name)}: its SHA-256 is {digest.hexdigest()}")
        for name in (EVENTS, CHAIN, CHECKPOINTS, KEYS):
            if name not in listed:
                raise PackageError(f"{name} is missing")

    def _first_bad(self, name: str) -> str:
        """Where the events were altered, the first that is not right, as words for a message."""
        if name != EVENTS:
            return ""
        try:
            self._keys(None)
            self._chain(self._headers())
        except TamperedError as exc:
            return f", {exc}"
        except PackageError as exc:
            return f" ({exc})"
        except (SigningKeyError, ValueError, KeyError, TypeError):
            return ""
        return ""

    def _keys(self, ledger: str | None) -> None:
        self._ring, self._lost = KeyRing(self._given), []
        for number, row in enumerate(self._rows(KEYS), start=1):
            try:
                if ledger is not None and row["body"]["ledger"] != ledger:
                    raise PackageError(f"line {number} of {KEYS} is of the ledger {row['body']['ledger']}")
                self._ring.introduce(row["at"], row["body"])
                if row["body"]["lost"]:
                    self._lost.append(row["body"]["key"])
            except (KeyError, TypeError, SigningKeyError) as exc:
                raise PackageError(f"line {number} of {KEYS} is not right: {exc}") from exc

    def _signed(self, manifest: dict[str, Any], text: bytes, signature: str) -> None:
        key = self._ring.key(manifest["key"])
        if key is None or not self._ring.trusts(key.id):
            raise PackageError(f"its signature proves nothing: {self._ring.distrust(manifest['key'])}")
        if not key.verifies(signature, text):
            raise PackageError(f"{MANIFEST} or {SIGNATURE} was altered: the signature of {key.id} does not fit")

    def _headers(self) -> list[Checkpoint]:
        try:
            return [Checkpoint(**row) for row in self._rows(CHECKPOINTS)]
        except TypeError as exc:
            raise PackageError(f"{CHECKPOINTS} cannot be read: {exc}") from exc

    def _checkpoints(self, manifest: dict[str, Any]) -> list[Checkpoint]:
        """They follow each other, are signed, and end with the manifest's."""
        points = self._headers()
        before = None
        for point in points:
            key = self._ring.key(point.key)
            if point.ledger != manifest["ledger"] or (before is not None and point.previous != before.seq):
                raise PackageError(
                    f"the checkpoint of event {point.seq} does not follow the one before it in {CHECKPOINTS}"
                )
            if key is None or not point.fits(key):
                raise PackageError(f"the checkpoint of event {point.seq} is not right: its signature does not fit")
            before = point
        end = manifest["checkpoint"]
        if before is None or (before.seq, before.hash, before.at) != (end["seq"], end["hash"], end["at"]):
            raise PackageError(f"{CHECKPOINTS} does not end with the checkpoint of event {end['seq']}")
        if not self._ring.trusts(before.key):
            raise PackageError(f"its last checkpoint proves nothing: {self._ring.distrust(before.key)}")
        return points

    def _chain(self, points: list[Checkpoint]) -> tuple[int, int]:
        """Follow each block from one checkpoint to the next; gives how many events are shown, and how many hidden."""
        heads = {point.seq: point.hash for point in points} | {0: GENESIS}
        shown = self._rows(EVENTS)
        chain = Chain()
        counts = [0, 0]
        signed = True
        for line in self._members.lines(CHAIN):
            seq, dummy, what = line.partition(" ")
            if seq == "@":
                if not signed:
                    raise TamperedError(chain.seq, f"after event {chain.seq} the chain breaks off before a checkpoint")
                chain = self._jump(chain, what, heads)
                continue
            number = int(seq) if seq.isdecimal() else -1
            chain.follow(self._link(number, what, shown))
            counts[0 if what.startswith("-") else 1] += 1
            signed = chain.seq in heads
            if signed and heads[chain.seq] != chain.head:
                raise TamperedError(
                    chain.seq, f"event {chain.seq} or one before it was altered: its checkpoint does not fit"
                )
        if next(shown, None) is not None:
            raise PackageError(f"{EVENTS} has an event that {CHAIN} does not have")
        if not signed or chain.seq != points[-1].seq:
            raise TamperedError(
                chain.seq + 1, f"event {chain.seq + 1} is missing: the chain ends before its checkpoint"
            )
        return counts[0], counts[1]

    def _policy(self) -> int | None:
        """The number of the last event shown that has the policy of the package."""
        if POLICY not in self._members.names:
            return None
        try:
            return self._policies.get(policy_digest(json.loads(self._members.read(POLICY))))
        except (ValueError, RecursionError, PatchingError):
            return None

    def _jump(self, chain: Chain, what: str, heads: dict[int, str]) -> Chain:
        seq = int(what) if what.isdecimal() else -1
        if seq < chain.seq or seq not in heads:
            raise TamperedError(
                chain.seq + 1, f"event {chain.seq + 1} is missing: the chain goes on after event {what}"
            )
        return Chain(seq, heads[seq])

    def _link(self, seq: int, what: str, shown: Iterator[dict[str, Any]]) -> Link:
        mark, dummy, recorded = what.partition(" ")
        if mark != "-":
            return Link(seq, content=what) if mark != "!" else _Taken(seq, hash=recorded)
        event = next(shown, None)
        if event is None or set(event) != {*KEPT, "seq", "salt"} or event["seq"] != seq:
            raise TamperedError(seq, f"event {seq} is missing from {EVENTS}")
        if event["kind"] == "policy.in_force":
            self._policies[policy_digest(event["body"].get("document"))] = seq
        return Link(seq, canonical({name: event[name] for name in KEPT}), event["salt"], None, recorded)

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(self._members.lines(name), start=1):
            try:
                row = json.loads(line)
                if not isinstance(row, dict) or canonical(row) != line:
                    raise PackageError(f"line {number} of {name} was altered")
            except (ValueError, RecursionError) as exc:
                raise PackageError(f"line {number} of {name} was altered: {exc}") from exc
            yield row


def _check_kept(points: list[Checkpoint], expected: Collection[tuple[int, str]]) -> None:
    heads = {point.seq: point.hash for point in points}
    for seq, wanted in expected:
        if heads.get(seq, wanted) != wanted:
            raise PackageError(
                f"its checkpoint of event {seq} is {heads[seq]}, and the one that was kept is {wanted}: it is of "
                "another ledger, or of one that was made anew"
            )
    if expected and not any(one[0] in heads for one in expected):
        raise PackageError(
            f"it cannot be held against a checkpoint that was kept: it begins with that of event {points[0].seq} and "
            f"ends with the checkpoint of event {points[-1].seq} ({points[-1].at[:16]} UTC), and has none of event "
            + ", ".join(str(one[0]) for one in expected)
        )


class _Taken(Link):
    """An event from before contents had hashes, of somebody else: its hash is taken as it is given."""

    def after(self, previous: str) -> str:  # noqa: ARG002
        return self.hash or ""
