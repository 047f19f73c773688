# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps evidence packages for a run: writes those that are due, lets those go whose time has passed.

A bounded amount of work: what is left is done by the next run. Nothing is on the ledger before it is in the store, and
what is in the store and not yet on the ledger is found there again by its name, which has its hash in it.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from ..account import Scope
from ..errors import PatchingError
from ..packages.retention import deleted_event, due, expired, keep_until, written_event
from ..packages.store import PackageStore, RetainedError, store_for
from .clock import real

if TYPE_CHECKING:
    from .recorder import Recorder

SECONDS = 120.0
"""How long the end of one run may go on with it."""
LEASE = timedelta(minutes=30)
AT_ONCE = 100
"""How many packages one run lets go."""


class Archive:
    """The packages of the ledger of `recorder`, which has to be signed before."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.written: list[str] = []
        """Where packages were written to, by this run."""
        self.trouble: list[str] = []
        """Why something could not be kept or deleted; the next run tries again."""

    def look_after(self) -> bool:
        """Write what is due, delete what may go; gives whether anything is on the ledger of it. Never raises."""
        recorder = self._recorder
        try:
            now = recorder.clock.now()
            wanted, old = due(recorder.ledger, now), expired(recorder.ledger, now)
            if not wanted and not old:
                return False
            if not recorder.ledger.lease("packages", recorder.holder, real() + LEASE):
                return False
            try:
                return self._write(due(recorder.ledger, now)) + self._delete() > 0
            finally:
                recorder.ledger.give_back("packages", recorder.holder)
        except (PatchingError, OSError) as exc:
            self.trouble.append(f"the evidence packages could not be looked after: {exc}")
            return False

    def write(self, scope: Scope) -> tuple[str, str, bool]:
        """Make the package of `scope` and keep it; gives where it is, its SHA-256, and whether it is a new one.

        Raises PatchingError.
        """
        from ..packages.make import making  # loads what reports are made of, which most runs have no use for

        recorder = self._recorder
        now = recorder.clock.now()
        with making(recorder.ledger, recorder.policy, scope, recorder.signer.key) as package:
            for row in recorder.ledger.rows("packages"):
                if row["sha256"] == package.sha256 and row["deleted_at"] is None:
                    return row["where"], package.sha256, False
            until = keep_until(recorder.policy.document["evidence"]["keep"], now)
            where = self._store().put(package.name, package.path, package.sha256, until)
            recorder.append(recorder.ledger, [written_event(package, where, until, now)])
            return where, package.sha256, True

    def _write(self, wanted: list[Scope]) -> int:
        end, count = time.monotonic() + SECONDS, 0
        for number, scope in enumerate(wanted):
            if time.monotonic() > end:
                self.trouble.append(f"{len(wanted) - number} evidence package(s) are left to the next run")
                break
            try:
                where, _sha256, new = self.write(scope)
            except (PatchingError, OSError) as exc:  # it is made in a temporary folder, which may be full
                self.trouble.append(f"the evidence package of {scope} is not written: {exc}")
                continue
            count += new
            self.written.append(where)
        return count

    def _delete(self) -> int:
        """Those whose time by the policy of their day has passed, and that no lock of their store holds."""
        recorder, count = self._recorder, 0
        now = recorder.clock.now()
        for row in expired(recorder.ledger, now)[:AT_ONCE]:
            try:
                self._store().delete(row["where"])
            except RetainedError:
                continue  # the store holds it longer: it goes when that is over
            except PatchingError as exc:
                self.trouble.append(f"an evidence package whose time has passed is not deleted: {exc}")
                continue
            reason = f"kept until {row['retain_until'][:10]}, as the policy said when it was written"
            recorder.append(recorder.ledger, [deleted_event(row, recorder.settings.by, reason, now)])
            count += 1
        return count

    def _store(self) -> PackageStore:
        return store_for(self._recorder.settings.packages_place())
