# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that the ledger would not take, kept in a file of JSON lines until it does.

A line is one append: ``batch`` (unique; the ledger takes a batch once), ``run``, ``opening``, ``events``.
Writers and the replay lock a file beside it, so that runs side by side lose nothing.

What waits in a spool is signed by the run that replays it. So below the folder for temporary files, where everybody may
write, a spool counts only in a folder that is ours alone.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..ledger import Event, Ledger, Opening, instant, text_of
from ..ledger.event import canonical
from ..ledger.kinds import check_event
from ..ledger.replay import UNFIT


class Spool:
    """The spool at `path`; the file is there only while something waits in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_ours(self) -> bool:
        """Whether nobody else could have put it there."""
        folder = self.path.parent
        if not folder.absolute().is_relative_to(Path(tempfile.gettempdir()).absolute()):
            return True
        try:
            found = folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022

    def keep(self, events: Sequence[Event], run: str, opening: Opening, batch: str) -> None:
        """Write one append, the `batch`, to the disk: all of it, or, with an OSError, nothing."""
        line = canonical(
            {
                "batch": batch,
                "run": run,
                "opening": {"at": text_of(opening.at), "body": opening.body},
                "events": [
                    {
                        "kind": event.kind,
                        "endpoint": event.endpoint,
                        "at": text_of(event.at),
                        "body": event.body,
                    }
                    for event in events
                ],
            }
        )
        with self._locked():
            _put(self.path, line.encode())

    def replay(self, ledger: Ledger) -> int:
        """Append what waits to `ledger`, in order, and empty the spool; gives how many batches there were.

        What no ledger can take is set aside and bars nothing of the rest (`aside`). Raises LedgerError where the ledger
        still does not take them; then all stays.
        """
        if not self.path.exists():
            return 0
        with self._locked():
            if not self.path.exists():
                return 0
            lines = self.path.read_bytes().splitlines()
            for line in lines:
                self._append(ledger, line)
            self.path.unlink()
        return len(lines)

    def _append(self, ledger: Ledger, line: bytes) -> None:
        try:
            kept: dict[str, Any] = json.loads(line)
            fit, unfit = _sorted(kept["events"])
            if unfit:
                self._set_aside(canonical({**kept, "events": unfit}).encode())
            opening = Opening(instant(kept["opening"]["at"]), kept["opening"]["body"])
            ledger.append(fit, run=kept["run"], opening=opening, batch=kept["batch"])
        except UNFIT:
            self._set_aside(line)

    @property
    def aside(self) -> Path:
        """Beside the spool, in the same form: what was in it and is nothing that a ledger can take, until somebody has
        looked; there only while there is something."""
        return self.path.with_name(f"{self.path.name}.unfit")

    def set_aside(self) -> int:
        """How many lines `aside` has."""
        try:
            return len(self.aside.read_bytes().splitlines()) if self.is_ours else 0
        except OSError:  # there is none, or no folder for one
            return 0

    def _set_aside(self, line: bytes) -> None:
        if self.aside.exists() and line in self.aside.read_bytes().splitlines():
            return  # by a run that ended before it could empty the spool
        _put(self.aside, line)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.is_ours:
            raise PermissionError(errno.EPERM, "its folder is one where others may write")
        handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _sorted(records: list[dict[str, Any]]) -> tuple[list[Event], list[dict[str, Any]]]:
    """The events, and those records that are none."""
    fit, unfit = [], []
    for record in records:
        try:
            event = Event(record["kind"], record["endpoint"], instant(record["at"]), record["body"])
            check_event(event)
        except UNFIT:
            unfit.append(record)
        else:
            fit.append(event)
    return fit, unfit


def _put(path: Path, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        _write(handle, line + b"\n")
    finally:
        os.close(handle)


def _write(handle: int, line: bytes) -> None:
    """On a disk that is filling up, a write may take a part and say nothing; half a line would bar the whole spool."""
    before = os.fstat(handle).st_size
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, before)
        raise
