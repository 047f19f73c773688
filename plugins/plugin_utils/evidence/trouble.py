# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has gone wrong with recording in one process of a run, as it is told to the others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """`problem` is why the run must not start new work, a sentence; `spooling`, whether events wait beside the ledger,
    so that the later ones have to follow them there."""

    problem: str | None = None
    spooling: bool = False

    def then(self, other: Trouble) -> Trouble:
        """With another one after it: a run keeps its first problem, and spools once anybody does."""
        return Trouble(self.problem or other.problem, self.spooling or other.spooling)
