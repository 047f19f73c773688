# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release of holds. Documentation: the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from ..plugin_utils.evidence.person import PersonAction, given
from ..plugin_utils.ledger import Event, Ledger, people


class ActionModule(PersonAction):
    """Puts the release on the ledger; a hold is released by a named person with a reason (section 8)."""

    ARGUMENTS: ClassVar[Mapping[str, dict[str, Any]]] = {
        "hold": {"type": "str"},
        "endpoint": {"type": "str"},
        "client": {"type": "str"},
        "ring": {"type": "str"},
        "kind": {"type": "str"},
        "cycle": {"type": "str"},
        "reason": {"type": "str", "required": True},
    }

    def decide(self, ledger: Ledger, now: datetime, by: str, arguments: dict[str, Any]) -> list[Event]:
        return people.release(
            ledger,
            now,
            by=by,
            reason=arguments["reason"],
            scope=given(arguments, "client", "ring", "kind", "cycle"),
            **given(arguments, "hold", "endpoint"),
        )
