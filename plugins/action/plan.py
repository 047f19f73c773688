# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planning action: one call for all hosts of a play's batch. Documentation: the module of the same name."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..plugin_utils.connections import variables_in
from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.recorder import ready
from ..plugin_utils.planning.hosts import of_batch
from ..plugin_utils.planning.options import OptionCheck
from ..plugin_utils.planning.session import Session
from ..plugin_utils.planning.state import State
from ..plugin_utils.planning.steps import ACTING
from ..plugin_utils.visible import visible

ARGUMENTS: dict[str, dict[str, Any]] = {
    "phase": {"type": "str", "choices": ["open", "next"], "required": True},
    "ring": {"type": "str"},
    "actions": {"type": "list", "elements": "str", "choices": [*ACTING], "default": [*ACTING]},
    "state": {"type": "dict", "default": {}},
    "changed": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    """Reads the hosts' variables once, plans for all, and gives each host its next step."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        self._known = task_vars or {}
        phase: Callable[..., dict[str, Any]] = self._open if arguments["phase"] == "open" else self._next
        try:
            return result | {"changed": False} | phase(arguments)
        except PatchingError as exc:
            raise AnsibleActionFail(str(exc)) from exc

    def _session(
        self, hosts: Collection[str], arguments: dict[str, Any], rmm_failed: datetime | None = None
    ) -> Session:
        known = self._known
        pilots, everybody = (known["groups"].get(name, []) for name in ("ring_pilot", "all"))
        own = known["hostvars"].raw_get(known["inventory_hostname"])
        options = OptionCheck(arguments["actions"], partial(variables_in, self._task, known))
        options.refuse_play(known, own)
        actions, hostvars = arguments["actions"], known["hostvars"]
        play = known["ansible_play_hosts_all"]
        return Session(ready(), hostvars, hosts, pilots, actions, everybody, play, options, rmm_failed)

    def _open(self, arguments: dict[str, Any]) -> dict[str, Any]:
        session = self._session(of_batch(self._known), arguments)
        plan, words = session.open(arguments["ring"])
        self._display.display(visible(words))
        counts = Counter(decision.action for decision in plan.decisions.values())
        tiers = sorted({(one.client, one.ring, one.kind) for one in plan.endpoints.values() if one.ring and one.kind})
        return _troubled(session) | {
            # those that cannot be read fail in the next play, by name
            "due": [] if self._task.check_mode else [*plan.due(), *session.unreadable(arguments["ring"])],
            "counts": dict(counts),
            "tiers": [list(tier) for tier in tiers],
            "state": State(rmm_failed=session.rmm_failed).as_record(),
        }

    def _next(self, arguments: dict[str, Any]) -> dict[str, Any]:
        state = State.parse(arguments["state"])
        hosts = [name for name in self._known["ansible_play_batch"] if name not in state.left]
        if self._task.check_mode:
            state, hosts = replace(state, left=state.left.union(hosts)), []
        if not hosts:
            return {"steps": {}, "state": state.as_record(), "over": True}
        session = self._session(hosts, arguments, state.rmm_failed)
        plan = session.again(state, time.sleep)
        after = replace(state.after(plan, arguments["changed"]), rmm_failed=session.rmm_failed)
        return _troubled(session) | {
            "steps": plan.orders(),
            "state": after.as_record(),
            "over": after.left.issuperset(hosts),
        }


def _troubled(session: Session) -> dict[str, Any]:
    return {"warnings": [visible(trouble) for trouble in session.troubles]} if session.troubles else {}
