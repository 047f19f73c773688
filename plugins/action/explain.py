# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why endpoints will or will not be patched. Documentation: the module of the same name."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.recorder import reading
from ..plugin_utils.planning.look import Look
from ..plugin_utils.visible import visible

ARGUMENTS: dict[str, dict[str, Any]] = {
    "ring": {"type": "str"},
    "client": {"type": "str"},
    "detail": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """One call for all hosts of the play; reads and prints."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        known = task_vars or {}
        scope = {name: arguments[name] or None for name in ("ring", "client")}
        hosts, everybody = known["ansible_play_hosts_all"], known["groups"].get("all", [])
        try:
            look = Look(reading(), known["hostvars"], hosts, everybody, **scope)
            self._display.display(visible(look.words(detail=arguments["detail"])))
            one = len(look.plan.endpoints) == 1 or arguments["detail"]
            told = {each.endpoint: each.as_record() for each in look.explanations()} if one else {}
        except PatchingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        counts = Counter(decision.action for decision in look.plan.decisions.values())
        warned = {"warnings": [visible(one) for one in look.warnings]} if look.warnings else {}
        return result | warned | {"changed": False, "counts": dict(counts), "explanations": told}
