# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the ledger that a package holds: its events, and the chain they stand in.

The ledger is cut into blocks, each from the event after one checkpoint's head to the head of the next. A package has
every block in which anything of its scope happened: `events.jsonl` the events that are of the scope (one line each,
with the salt of its content), `chain.txt` a line for every event of these blocks in order, and `checkpoints.jsonl` all
checkpoints from the first of these blocks to the end, each of which names the one before. So whoever has the package
can recompute every hash: nothing can be altered, moved, added or left out in a block, and no block in between.

A line of `chain.txt` begins with the event's number, and then has

====== ==============================================================================================================
``-``   and a hash: the event is in `events.jsonl`; the chain's hash there, which names the first event that was altered
hash    the hash of its content: it is another client's, and not shown
``!``   and a hash: the same, of an event from before contents had hashes; that hash is the chain's, taken on the
        signature of the block's checkpoint
====== ==============================================================================================================

A block that does not follow the one before it begins with ``@`` and the head's number that it follows.
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ..ledger.chain import Link
from ..ledger.checkpoints import Checkpoint
from ..ledger.event import canonical, content_hash
from .seal import PackageError

if TYPE_CHECKING:
    from ..ledger import Ledger

EVENTS, CHAIN, CHECKPOINTS, KEYS = "events.jsonl", "chain.txt", "checkpoints.jsonl", "keys.jsonl"
KEPT = ("at", "body", "endpoint", "kind", "run")

Shown = Callable[[dict[str, Any]], bool]
"""Whether an event (its five keys) may be shown in the package."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The blocks of a ledger that a package needs, each after the head of one number to the head of another."""

    ledger: Ledger
    shown: Shown
    blocks: tuple[tuple[int, int], ...]

    def write(self, events: IO[bytes], chain: IO[bytes]) -> None:
        """Write the lines of `events.jsonl` and of `chain.txt`. Raises TamperedError where a block's are not as they
        were signed."""
        last = None
        with self.ledger.reading() as connection:
            for after, until in self.blocks:
                if after != last:
                    chain.write(f"@ {after}\n".encode())
                for link in self.ledger.links(connection, after, until):
                    event = link.event
                    if self.shown(event):
                        line = {**{name: event[name] for name in KEPT}, "seq": link.seq, "salt": link.salt}
                        events.write(canonical(line).encode() + b"\n")
                        chain.write(f"{link.seq} - {link.hash}\n".encode())
                    else:
                        chain.write(f"{link.seq} {_hidden(link)}\n".encode())
                last = until


def _hidden(link: Link) -> str:
    return f"! {link.hash}" if link.salt is None else content_hash(link.salt, link.text or "")


def segment_of(
    ledger: Ledger, shown: Shown, wanted: Collection[int], until: Checkpoint, also: Collection[int] = ()
) -> Segment:
    """The segment with the blocks in which the events `wanted`, by number, are, and `also` these, as far as the
    checkpoint `until`; its block is the last one, whatever is in it: the chain ends with the checkpoint.

    Raises PackageError where none of those wanted is signed.
    """
    if all(seq > until.seq for seq in wanted):
        raise PackageError("nothing of this is signed yet, so there is nothing to make a package of")
    heads = [row["seq"] for row in ledger.rows("checkpoints") if row["seq"] <= until.seq]
    blocks: dict[tuple[int, int], None] = {}
    for seq in sorted({*wanted, *also, until.seq}):
        place = bisect.bisect_left(heads, seq)
        if place < len(heads):
            blocks[heads[place - 1] if place else 0, heads[place]] = None
    return Segment(ledger, shown, tuple(blocks))


def checkpoint_lines(ledger: Ledger, first: int, until: int) -> bytes:
    """The lines of `checkpoints.jsonl`: from the checkpoint of the head `first` on, to that of `until`."""
    rows = [row for row in ledger.rows("checkpoints") if first <= row["seq"] <= until]
    return b"".join(canonical(row).encode() + b"\n" for row in rows)


def key_lines(ledger: Ledger) -> bytes:
    """The lines of `keys.jsonl`: how each key of the ledger was introduced."""
    events = ledger.events(kinds=["key.introduced"])
    lines = [
        {"seq": seq, "at": json.loads(event.canonical(run))["at"], "body": event.body} for seq, run, event in events
    ]
    return b"".join(canonical(line).encode() + b"\n" for line in lines)
