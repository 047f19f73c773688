# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run through the flow ended for an endpoint. Documentation: the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

ARGUMENTS: dict[str, dict[str, Any]] = {
    "changed": {"type": "bool", "required": True},
    "left": {"type": "bool", "required": True},
    "failed": {"type": "str"},
}


class ActionModule(ActionBase):
    """Asks nobody: it gives Ansible, for its count of hosts, what the plans have found."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        why = arguments["failed"]
        if why is None and not arguments["left"]:
            name = (task_vars or {})["inventory_hostname"]
            why = f"{name}: still in flight when the run ended; the next run takes it up where it stands"
        ended = {"changed": arguments["changed"]}
        return result | ended | ({"failed": True, "msg": why} if why else {})
