# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence package of a cycle, a client or a tier. Documentation: the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.account import scope_of
from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.archive import Archive
from ..plugin_utils.evidence.recorder import ready
from ..plugin_utils.visible import visible

ARGUMENTS: dict[str, dict[str, Any]] = {name: {"type": "str"} for name in ("cycle", "client", "ring", "kind")}


class ActionModule(ActionBase):
    """Signs the ledger, makes the package and keeps it; one that is kept already is named again."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        if self._task.check_mode:
            return result | {"changed": False, "skipped": True, "msg": "a package is written, so not in check mode"}
        try:
            recorder = ready()
            scope = scope_of(recorder.ledger, arguments)
            recorder.checkpoint()
            where, sha256, new = Archive(recorder).write(scope)
        except PatchingError as exc:
            raise AnsibleActionFail(f"the evidence package is not written: {exc}") from exc
        words = f"evidence package of {scope}: {where} (SHA-256 {sha256}){'' if new else ', kept already'}"
        self._display.display(visible(words))
        return result | {"changed": new, "package": where, "sha256": sha256, "summary": words}
