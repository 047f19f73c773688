# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A technician's go for one cycle. Documentation: the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from ..plugin_utils.evidence.person import PersonAction, given
from ..plugin_utils.evidence.recorder import ready
from ..plugin_utils.flow import cycle_at
from ..plugin_utils.ledger import Event, Ledger, lanes, people


class ActionModule(PersonAction):
    """Puts the authorization on the ledger; it expires with its cycle (section 5)."""

    ARGUMENTS: ClassVar[Mapping[str, dict[str, Any]]] = {
        "endpoint": {"type": "str"},
        "client": {"type": "str"},
        "ring": {"type": "str"},
        "kind": {"type": "str"},
        "cycle": {"type": "str"},
        "reason": {"type": "str", "required": True},
    }

    def decide(self, ledger: Ledger, now: datetime, by: str, arguments: dict[str, Any]) -> list[Event]:
        scope = given(arguments, "endpoint", "client", "ring", "kind")
        self._inventory.refuse_unknown(scope)
        cycle = arguments["cycle"] or cycle_at(now)
        events = people.authorize(ledger, now, scope=scope, cycle=cycle, by=by, reason=arguments["reason"])
        doubt = lanes.doubtful_cycle(ledger, cycle, now, ready().policy.out_of_band_cycles()) if events else None
        if doubt is not None:
            self.warn(doubt)
        return events
