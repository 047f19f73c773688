# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the package of a cycle, of a client in it, or of one tier: from the ledger, the policy and the key alone."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..account import Account, Scope, account_of, in_force
from ..ledger.checkpoints import Checkpoint
from ..ledger.event import instant
from ..ledger.kept import policy_at
from ..signing.keys import SigningKey
from .members import MEMBERS, Making, Member
from .seal import CHUNK, Content, PackageError, write_package
from .segment import CHAIN, CHECKPOINTS, EVENTS, KEYS, checkpoint_lines, key_lines, segment_of
from .sight import Sight

if TYPE_CHECKING:
    from ..flow import Policy
    from ..ledger import Ledger


@dataclass(frozen=True, slots=True)
class Made:
    """A package in the file `path`, until the file is given up. `name` is what it is kept as."""

    scope: Scope
    path: Path
    name: str
    sha256: str
    size: int
    checkpoint: Checkpoint


@contextmanager
def making(
    ledger: Ledger, policy: Policy, scope: Scope, key: SigningKey, members: Sequence[Member] = MEMBERS
) -> Iterator[Made]:
    """The package of `scope`, in a file of its own for as long as the context lasts.

    It ends with the first checkpoint behind the last thing that happened in its scope, and is held by the policy that
    was in force then; `policy` counts where the ledger has none on record. The same ledger, policy, key and
    members give the same bytes. Raises PackageError where nothing of it is signed, AccountError for a scope that the
    ledger does not know.
    """
    with tempfile.TemporaryDirectory(prefix="msp.patching.") as folder:
        yield _make(ledger, policy, scope, key, members, Path(folder))


def _make(
    ledger: Ledger, policy: Policy, scope: Scope, key: SigningKey, members: Sequence[Member], folder: Path
) -> Made:
    last = ledger.signing()[1]
    if last is None:
        raise PackageError("the ledger has no checkpoint yet: a run signs at its end, where it has its key")
    names = [endpoint.name for endpoint in account_of(ledger, policy, scope, instant(last.at)).endpoints]
    sight = Sight(ledger, scope, names)
    checkpoint = sight.checkpoint()
    account = _as_of(account_of(ledger, policy, scope, instant(checkpoint.at), checkpoint.seq), checkpoint)
    policy = in_force(ledger, policy, account.at, checkpoint.seq)
    recorded = policy_at(ledger, account.at, checkpoint.seq)
    also = () if recorded is None else (recorded[0],)
    segment = segment_of(ledger, sight.shows, sight.numbers(checkpoint.seq), checkpoint, also)
    contents: dict[str, Content] = {}
    what = Making(scope, account, policy, checkpoint, contents)
    for member in members:
        contents.update(member(what))
    with (folder / EVENTS).open("wb") as events, (folder / CHAIN).open("wb") as chain:
        segment.write(events, chain)
    contents |= {
        EVENTS: _pieces(folder / EVENTS),
        CHAIN: _pieces(folder / CHAIN),
        CHECKPOINTS: checkpoint_lines(ledger, segment.blocks[0][0], checkpoint.seq),
        KEYS: key_lines(ledger),
    }
    about = {
        "ledger": checkpoint.ledger,
        "scope": {name: value for name, value in scope.as_record().items() if value is not None},
        "checkpoint": {"seq": checkpoint.seq, "hash": checkpoint.hash, "at": checkpoint.at},
    }
    path = folder / "package.zip"
    digest = write_package(path, contents, about, key)
    return Made(scope, path, name_of(scope, digest), digest, path.stat().st_size, checkpoint)


def _as_of(account: Account, checkpoint: Checkpoint) -> Account:
    """What is told of the ledger itself is told of the checkpoint, and not of what came after it."""
    at: datetime = instant(checkpoint.at)
    runs = tuple(run for run in account.runs if run.opened <= at)
    runs = tuple(replace(run, closed=run.closed if run.closed and run.closed <= at else None) for run in runs)
    return replace(account, events=checkpoint.seq, head=checkpoint.hash, runs=runs)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def name_of(scope: Scope, sha256: str) -> str:
    """Where the package is kept: a folder for each cycle; the beginning of its hash tells one state from the next."""
    words = [scope.client or "all-clients", scope.ring, scope.kind]
    name = "_".join(_plain(word) for word in words if word)
    return f"{scope.cycle}/{name}_{sha256[:12]}.zip"


def _plain(word: str) -> str:
    return re.sub(r"[^\w-]+", "-", word)[:60].strip("-") or "unnamed"
