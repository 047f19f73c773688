# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception register. Documentation: the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.recorder import reading
from ..plugin_utils.planning.register_table import register_of, register_table
from ..plugin_utils.visible import visible

ARGUMENTS: dict[str, dict[str, Any]] = {
    "client": {"type": "str"},
    "revoked": {"type": "bool", "default": False},
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
        try:
            found, now, warnings = register_of(
                reading(),
                known["hostvars"],
                known["ansible_play_hosts_all"],
                client=arguments["client"] or None,
                revoked=arguments["revoked"],
            )
            self._display.display(register_table(found, now))
        except PatchingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        warned = {"warnings": [visible(one) for one in warnings]} if warnings else {}
        return result | warned | {"changed": False, "register": [one.as_record() for one in found]}
