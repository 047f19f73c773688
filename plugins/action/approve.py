# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engineer's decision on updates. Documentation: the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from ..plugin_utils.evidence.person import PersonAction, given
from ..plugin_utils.ledger import Event, Ledger, people


class ActionModule(PersonAction):
    """Puts the decision on the ledger; it comes before every rule of the policy (section 4)."""

    ARGUMENTS: ClassVar[Mapping[str, dict[str, Any]]] = {
        "updates": {"type": "list", "elements": "str", "required": True},
        "decision": {"type": "str", "choices": ["approved", "declined", "deferred"], "default": "approved"},
        "client": {"type": "str"},
        "until": {"type": "str"},
        "promote": {"type": "bool", "default": False},
        "code": {"type": "str"},
        "reason": {"type": "str", "required": True},
    }

    def decide(self, ledger: Ledger, now: datetime, by: str, arguments: dict[str, Any]) -> list[Event]:
        people.check_code(self._policy.reason_codes.get("approve"), arguments["code"])
        self._inventory.refuse_unknown(given(arguments, "client"))
        for update in people.unseen(ledger, arguments["updates"]):
            self.warn(f"no scan has found the update {update} yet; the decision stands for when one does")
        return people.approve(ledger, now, by=by, **arguments)
