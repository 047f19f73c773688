# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planning action: one call for all hosts of a play. Documentation: the module of the same name."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.recorder import ready
from ..plugin_utils.planning.session import Session
from ..plugin_utils.planning.steps import ACTING

ARGUMENTS: dict[str, dict[str, Any]] = {
    "phase": {"type": "str", "choices": ["open", "next"], "required": True},
    "ring": {"type": "str"},
    "actions": {"type": "list", "elements": "str", "choices": [*ACTING], "default": [*ACTING]},
    "passes": {"type": "int", "default": 320},
    "passed": {"type": "int", "default": 0},
    "started": {"type": "str"},
}


class ActionModule(ActionBase):
    """Reads the hosts' variables once, plans for all, and gives each host its next step."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        known = task_vars or {}
        phase: Callable[..., dict[str, Any]] = self._open if arguments["phase"] == "open" else self._next
        hosts = known["ansible_play_hosts_all" if arguments["phase"] == "open" else "ansible_play_hosts"]
        try:
            pilots = known["groups"].get("ring_pilot", [])
            everybody = known["groups"].get("all", [])
            session = Session(ready(), known["hostvars"], hosts, pilots, arguments["actions"], everybody)
            planned = {"changed": False} | phase(session, arguments)
        except PatchingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        if session.troubles:
            planned["warnings"] = session.troubles
        return result | planned

    def _open(self, session: Session, arguments: dict[str, Any]) -> dict[str, Any]:
        plan, words = session.open(arguments["ring"])
        self._display.display(words)
        counts = Counter(decision.action for decision in plan.decisions.values())
        tiers = sorted({(one.client, one.ring, one.kind) for one in plan.endpoints.values() if one.ring and one.kind})
        return {
            "due": [] if self._task.check_mode else plan.due(),
            "counts": dict(counts),
            "tiers": [list(tier) for tier in tiers],
        }

    def _next(self, session: Session, arguments: dict[str, Any]) -> dict[str, Any]:
        started = datetime.fromisoformat(arguments["started"]) if arguments["started"] else None
        plan = session.again(arguments["passed"], arguments["passes"], started, time.sleep)
        return {
            "steps": plan.orders(),
            "passed": arguments["passed"] + 1,
            "started": (started or plan.now).isoformat(),
        }
