# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a failure happened. Documentation: the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from ..plugin_utils.evidence.person import PersonAction, given
from ..plugin_utils.ledger import Event, Ledger, down, people


class ActionModule(PersonAction):
    """Puts the root cause on the ledger, which lets the endpoint be patched again (section 8)."""

    ARGUMENTS: ClassVar[Mapping[str, dict[str, Any]]] = {
        "failure": {"type": "str"},
        "endpoint": {"type": "str"},
        "update": {"type": "str"},
        "code": {"type": "str", "required": True},
        "text": {"type": "str", "required": True},
        "retired": {"type": "bool", "default": False},
    }

    def decide(self, ledger: Ledger, now: datetime, by: str, arguments: dict[str, Any]) -> list[Event]:
        people.check_code(self._policy.reason_codes.get("root_cause"), arguments["code"])
        which = given(arguments, "failure", "endpoint", "update")
        said = {"by": by, "code": arguments["code"], "text": arguments["text"]}
        if not arguments["retired"]:
            return people.root_cause(ledger, now, **said, **which)
        if which.keys() != {"endpoint"}:
            raise people.DecisionError("only an `endpoint` can be `retired`, without `failure` and `update`")
        return down.retire(ledger, now, **said, **which)
