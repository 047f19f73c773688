# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run's way to its signing key, and to the checkpoint at its end.

A ledger has one key at a time. It is made on first use, and never again behind anybody's back: where the ledger knows a
key and it is not there, the run says so, records all the same (an unsigned record is worth more than none), ends red,
and the next run that has the key signs over all that was recorded meanwhile.

Beside a key in a file lies its memory, ``.seen``: the last checkpoint of each ledger that it has signed. A ledger that
no longer has it was cut short, or is an older copy; nobody signs over that, and no new work rests on it: holds,
exceptions and what was declined may be among what is missing.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from ..errors import PatchingError
from ..ledger import Ledger, LedgerError
from ..ledger.checkpoints import Checkpoint, Maker, checkpointing, introducing
from ..signing.keys import SigningKey, SigningKeyError, public_file, read_signing_key
from .settings import Settings

FROM_DATA = "signing_key_data, MSP_PATCHING_SIGNING_KEY_DATA"
UNSIGNED = "what this run does is recorded, and not signed until a run has the key"


class Signer:
    """Signs the ledger of one run's settings. `news` are sentences about a key that was made."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.news: list[str] = []

    @property
    def path(self) -> Path | None:
        """The key's file; None where the key comes from the environment."""
        return None if self._settings.signing_key_data else self._settings.signing_key_path()

    def trouble(self, ledger: Ledger) -> str | None:
        """Why a run could not sign `ledger` now, as a sentence with what to do; None where it can. Makes nothing."""
        try:
            current, dummy = ledger.signing()
            if current is None and self.path is not None and not self.path.exists():
                return None
            self._check(ledger, self.key, current)
        except PatchingError as exc:
            return f"{exc}; {UNSIGNED}"
        return None

    def check(self, ledger: Ledger) -> None:
        """Raises PatchingError where `ledger` cannot be signed with the key that is there."""
        self._check(ledger, self.key, ledger.signing()[0])

    def sign(self, ledger: Ledger, run: str, at: datetime, by: str) -> Checkpoint | None:
        """The checkpoint over all that is on the ledger; None where that is nothing. Raises PatchingError."""
        current, _last = ledger.signing()
        if current is None and self.path is not None and not self.path.exists():
            self._make(self.path)
        self._check(ledger, self.key, current)
        makers: list[Maker] = [
            introducing(self.key, at, by=by, reason="first use of the ledger's signing key"),
            checkpointing(self.key, at),
        ]
        if not ledger.head()[0]:
            return None
        if current is None:
            self._tell_of_others(ledger)
        ledger.append_made(makers, run=run)
        _current, last = ledger.signing()
        if last is not None:
            self._remember(last)
        return last

    def use(self, key: SigningKey) -> None:
        """Sign with `key` from now on: it has just taken the place of the old one."""
        self.__dict__["key"] = key

    @cached_property
    def key(self) -> SigningKey:
        """The key that is there. Raises SigningKeyError."""
        data = self._settings.signing_key_data
        if data:
            return SigningKey.parse(data, f"the signing key in {FROM_DATA}")
        return read_signing_key(self._settings.signing_key_path())

    def _make(self, path: Path) -> None:
        try:
            made = SigningKey.make()
            made.write(path)
        except SigningKeyError:
            if not path.exists():
                raise
            return  # another run was faster
        self.news.append(
            f"a signing key was made: {path} (key {made.public.id}). COPY IT NOW to a safe place apart from the "
            "ledger: "
            "without it no run can sign this ledger on, and whoever has it can sign in your name. "
            f"Hand {public_file(path)} to whoever is to check your evidence."
        )

    def _check(self, ledger: Ledger, key: SigningKey, current: str | None) -> None:
        if current is not None and key.public.id != current:
            was = any(row["id"] == key.public.id for row in ledger.rows("keys"))
            what = "has been replaced" if was else "is not this ledger's"
            where = self.path or FROM_DATA
            raise SigningKeyError(
                f"the signing key {key.public.id} ({where}) {what}: the ledger is signed with {current}, "
                "which has to be put there"
            )
        self._check_memory(ledger)

    def _check_memory(self, ledger: Ledger) -> None:
        lacks = self.lacks(ledger)
        if lacks:
            raise LedgerError(lacks)

    def lacks(self, ledger: Ledger) -> str | None:
        """Which checkpoint `ledger` no longer has, as a sentence with what to do; None where that is not known.

        Raises PatchingError where the memory or the ledger cannot be read.
        """
        for seq, digest in self.remembered(ledger):
            if ledger.hash_at(seq) != digest:
                return (
                    f"the ledger no longer has the checkpoint {seq}:{digest}, which this key has signed: events were "
                    "taken away, or this is an older copy of it; it is not signed, and nothing new is started on it. "
                    f"Find out what is missing; if the older copy is meant, delete {self._memory_file}"
                )
        return None

    def remembered(self, ledger: Ledger) -> list[tuple[int, str]]:
        """Number and hash of the last checkpoint of `ledger` that the key beside it has signed; none where that is not
        known."""
        mark = self._memory().get(ledger.hash_at(1) or "")
        return [] if mark is None else [(mark.seq, mark.hash)]

    def _tell_of_others(self, ledger: Ledger) -> None:
        """A ledger without a key, and a key with ledgers: a new ledger, or one that stands in the place of the old."""
        others = sorted(set(self._memory()) - {ledger.hash_at(1)})
        if others:
            self.news.append(
                f"the key {self.key.public.id} has signed another ledger ({others[0][:12]}…), and begins to sign this "
                "one. Right for a second ledger; otherwise somebody has replaced the first."
            )

    @property
    def _memory_file(self) -> Path | None:
        return None if self.path is None else self.path.with_name(self.path.name + ".seen")

    def _memory(self) -> dict[str, Mark]:
        if self._memory_file is None:
            return {}
        try:
            found = json.loads(self._memory_file.read_text(encoding="utf-8"))
            return {ledger: Mark(int(row["seq"]), str(row["hash"])) for ledger, row in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise SigningKeyError(f"{self._memory_file} cannot be read: {exc}; if it was damaged, delete it") from exc

    def _remember(self, last: Checkpoint) -> None:
        """Best effort: a key in a read-only place has no memory."""
        path = self._memory_file
        if path is None:
            return
        seen = self._memory()
        there = seen.get(last.ledger)
        if there is not None and there.seq >= last.seq:
            return
        seen[last.ledger] = Mark(last.seq, last.hash)
        rows = {ledger: {"seq": mark.seq, "hash": mark.hash} for ledger, mark in sorted(seen.items())}
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        with suppress(OSError):
            temporary.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
            temporary.replace(path)


@dataclass(frozen=True, slots=True)
class Mark:
    """The head that a checkpoint has signed."""

    seq: int
    hash: str
