# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replacement of the ledger's signing key. Documentation: the module of the same name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.recorder import ready
from ..plugin_utils.evidence.rotation import Rotation

ARGUMENTS: dict[str, dict[str, Any]] = {
    "new_key": {"type": "path"},
    "lost": {"type": "bool", "default": False},
    "reason": {"type": "str", "required": True},
    "by": {"type": "str"},
}


class ActionModule(ActionBase):
    """Introduces the new key on the ledger, signed by the old one, and puts it in its place."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        try:
            recorder = ready()
            given = Path(arguments["new_key"]) if arguments["new_key"] else None
            by = arguments["by"] or recorder.settings.by
            told = recorder.rotate_key(Rotation(given, arguments["lost"], by, arguments["reason"]))
        except PatchingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        self._display.display(told)
        return result | {"changed": not self._task.check_mode, "rotated": told}
