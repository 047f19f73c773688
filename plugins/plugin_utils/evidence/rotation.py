# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces the key of a ledger: on the ledger first, then on the disk; killed in between, the next call goes on.

The new key is written beside the old one before anything is on the ledger, so that no key is ever on the ledger that
nobody has.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import PatchingError
from ..ledger import Ledger, Opening
from ..ledger.checkpoints import checkpointing, introducing
from ..signing.keys import SigningKey, SigningKeyError, public_file, read_signing_key
from .signer import Signer


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a person wants: the file of the new key (None: made beside the old), whether the old is `lost`, by whom and
    why."""

    new_key: Path | None
    lost: bool
    by: str
    reason: str


def rotate(signer: Signer, ledger: Ledger, run: str, opening: Opening, wanted: Rotation, *, dry: bool = False) -> str:
    """Replace the key of `ledger`, at the instant of the run's `opening`; gives what people are told.

    Raises SigningKeyError where the old key is not there, though it is not lost, or the new one cannot be had.
    """
    current, dummy = ledger.signing()
    if current is None:
        raise SigningKeyError("the ledger has no signing key yet: the next run makes one, and there is none to replace")
    place = signer.path
    if place is None and wanted.new_key is None:
        raise SigningKeyError("the key comes from the environment, so name the file of the new one: new_key")
    beside = wanted.new_key or Path(f"{place}.new")
    if beside.exists() and read_signing_key(beside).public.id == current:
        return _placed(beside, place, f"key {current} is the ledger's already; ")
    old = _old(signer, ledger, current, wanted)
    if dry:
        return f"key {current} would be replaced by that in {beside}"
    if not beside.exists():
        SigningKey.make().write(beside)
    new = read_signing_key(beside)
    made = introducing(new, opening.at, by=wanted.by, reason=wanted.reason, old=old, lost=wanted.lost)
    ledger.append_made([made, checkpointing(new, opening.at)], run=run, opening=opening)
    signer.use(new)
    return _placed(beside, place, f"key {current} is replaced by {new.public.id}; ")


def _placed(beside: Path, place: Path | None, words: str) -> str:
    if place is None:
        return words + f"from the next run on, set MSP_PATCHING_SIGNING_KEY_DATA to what {beside} holds"
    _put(beside, place)
    return words + f"copy {place} to a safe place now, and hand out {public_file(place)}"


def _old(signer: Signer, ledger: Ledger, current: str, wanted: Rotation) -> SigningKey | None:
    if not wanted.lost:
        signer.check(ledger)
        return signer.key
    with suppress(SigningKeyError):
        if signer.key.public.id == current:
            raise _NotLostError(f"the key {current} is not lost: it is there, and can vouch for the new one")
    return None


class _NotLostError(PatchingError):
    """The old key is there."""


def _put(beside: Path, place: Path) -> None:
    """The new key in its place, the old one kept beside it; every public key in one file, the newest first."""
    try:
        public, before = public_file(place), ""
        if place.exists():
            old = read_signing_key(place).public.id
            before = public.read_text(encoding="utf-8") if public.exists() else ""
            place.rename(place.with_name(f"{place.name}.{old[:12]}.old"))
        new = public_file(beside).read_text(encoding="utf-8")
        beside.rename(place)
        public.write_text(new + before, encoding="utf-8")
        public_file(beside).unlink()
    except OSError as exc:
        raise SigningKeyError(
            f"the ledger has the new key, and it could not be put in its place: move {beside} to {place} ({exc})"
        ) from exc
