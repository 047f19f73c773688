# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``decide`` answers: one action for one endpoint, with the whole path that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import fields

ACTIONS = ("skip", "hold", "wait", "manual", "scan", "install", "reboot", "remind", "validate", "none")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An update that is not installed now: which node left it out, why, and until when (None: not known)."""

    update: str
    node: str
    reason: str
    until: datetime | None = None

    def as_record(self) -> dict[str, Any]:
        return {
            "update": self.update,
            "node": self.node,
            "reason": self.reason,
            "until": fields.plain(self.until),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """One of :data:`ACTIONS`, the node that settled it, a sentence, and until when (None: not known).

    ``path`` holds each node walked with the answer it got; ``updates`` the ids to install, which are never
    in ``left_out``.
    """

    action: str
    node: str
    reason: str
    until: datetime | None
    path: tuple[tuple[str, str], ...]
    updates: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def as_record(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "node": self.node,
            "reason": self.reason,
            "until": fields.plain(self.until),
            "path": [{"node": node, "answer": answer} for node, answer in self.path],
            "updates": list(self.updates),
            "left_out": [row.as_record() for row in self.left_out],
        }
