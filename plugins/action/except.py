# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exception from patching. Documentation: the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from ..plugin_utils.evidence.person import PersonAction, given
from ..plugin_utils.ledger import Event, Ledger, people
from ..plugin_utils.ledger.people import DecisionError


class ActionModule(PersonAction):
    """Puts the exception on the ledger, its signature, or its end (R2)."""

    ARGUMENTS: ClassVar[Mapping[str, dict[str, Any]]] = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "client": {"type": "str"},
        "location": {"type": "str"},
        "endpoint": {"type": "str"},
        "role": {"type": "str"},
        "reason": {"type": "str", "required": True},
        "code": {"type": "str"},
        "expires": {"type": "str"},
        "signed_by": {"type": "str"},
        "signed_at": {"type": "str"},
    }
    TOGETHER = (("signed_by", "signed_at"),)

    def decide(self, ledger: Ledger, now: datetime, by: str, arguments: dict[str, Any]) -> list[Event]:
        people.check_code(self._policy.reason_codes.get("except"), arguments["code"])
        scope = given(arguments, "client", "location", "endpoint", "role")
        people.check_exception_scope(scope)
        if arguments["state"] == "present" or not people.is_excepted(ledger, scope):
            self._inventory.refuse_unknown(scope)  # the exception of what is no more can be ended
        reason = arguments["reason"]
        if arguments["state"] == "absent":
            return people.revoke(ledger, now, scope=scope, by=by, reason=reason)
        details = given(arguments, "code", "expires", "signed_by", "signed_at")
        if "code" not in details:
            raise DecisionError("an exception needs a reason `code` beside the reason in words")
        if "signed_by" not in details:
            self.warn("without the client's signature the exception does not count: what it covers is held")
        return people.except_from(ledger, now, scope=scope, by=by, reason=reason, **details)
