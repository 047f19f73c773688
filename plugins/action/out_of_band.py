# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An out-of-band cycle by hand. Documentation: the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from ..plugin_utils.evidence.person import PersonAction, given
from ..plugin_utils.evidence.recorder import ready
from ..plugin_utils.ledger import Event, Ledger, lanes, people
from ..plugin_utils.ledger.people import DecisionError


class ActionModule(PersonAction):
    """Opens an out-of-band cycle on the ledger, or ends one (R3)."""

    ARGUMENTS: ClassVar[Mapping[str, dict[str, Any]]] = {
        "state": {"type": "str", "choices": ["open", "ended"], "default": "open"},
        "cycle": {"type": "str"},
        "updates": {"type": "list", "elements": "str"},
        "soak_days": {"type": "float"},
        "start": {"type": "str"},
        "end": {"type": "str"},
        "client": {"type": "str"},
        "reason": {"type": "str", "required": True},
    }

    def decide(self, ledger: Ledger, now: datetime, by: str, arguments: dict[str, Any]) -> list[Event]:
        wanted = {key: value for key, value in arguments.items() if value not in (None, "")}
        if wanted.pop("state") == "ended":
            return self._end(ledger, now, by, wanted)
        missing = [key for key in ("updates", "soak_days") if key not in wanted]
        if missing:
            raise DecisionError(
                f"an out-of-band cycle needs {' and '.join(missing)}: what it is for, and how long it soaks"
            )
        self._inventory.refuse_unknown(given(arguments, "client"))
        for update in people.unseen(ledger, wanted["updates"]):
            self.warn(f"no scan has found the update {update} yet; the cycle is for when one does")
        others = ready().policy.out_of_band_cycles()
        return lanes.open_out_of_band(ledger, now, by=by, others=others, **wanted)

    def _end(self, ledger: Ledger, now: datetime, by: str, wanted: dict[str, Any]) -> list[Event]:
        odd = sorted(set(wanted) - {"cycle", "reason"})
        if odd or "cycle" not in wanted:
            raise DecisionError(f"state=ended takes the `cycle` and a reason{f', and no {odd[0]}' if odd else ''}")
        return lanes.end_out_of_band(ledger, now, by=by, **wanted)
