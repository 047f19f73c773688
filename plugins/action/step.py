# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint's next step: its calls, one after the other over one connection. Documentation: the module of the same
name; the steps: ``plugin_utils/planning/calls.py``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..plugin_utils.evidence.recorder import active
from ..plugin_utils.ledger import LedgerError
from ..plugin_utils.planning.calls import VARIABLES, Call, calls_of
from ..plugin_utils.planning.turns import CLAIMED, claim_on

ARGUMENTS: dict[str, dict[str, Any]] = {"order": {"type": "dict", "required": True}}


def _recordable(endpoint: str) -> bool:
    """Whether what is done on the endpoint now would be recorded as it has to be, and the endpoint is still this run's.

    This process was forked from the one that records, so that it knows of every earlier result; what the step has seen
    so far is recorded only after it, so that the ledger is written to here.
    """
    recorder = active()
    if recorder is None:
        return True
    if recorder.problem is not None:
        return False
    try:
        until = datetime.now(UTC) + CLAIMED
        return bool(recorder.ledger.lease(claim_on(endpoint), recorder.holder, until))
    except LedgerError:
        return False  # recording what was seen will tell


class ActionModule(ActionBase):
    """Makes the calls, and gives what each of them saw; a call that goes wrong is no failure of the task."""

    _supports_check_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        order = arguments["order"]
        if order["step"] == "fail":  # on the ledger already; here the run turns red and says so
            return result | {"failed": True, "msg": order["why"]}
        seen: list[dict[str, Any]] = []
        changed = False
        calls = calls_of(order, lambda name: self._option(name, task_vars or {}))
        told: dict[str, Any] | None = None
        while True:
            try:
                call = next(calls) if told is None else calls.send(told)
            except StopIteration:
                break
            if call.changes and not _recordable(str((task_vars or {})["inventory_hostname"])):
                break
            told = self._told(call, task_vars or {})
            unreachable = bool(told.get("unreachable"))
            of_it = {name: value for name, value in told.items() if not name.startswith("_ansible")}
            seen.append(
                {
                    "evidence": call.evidence,
                    "limit": call.limit,
                    "unreachable": unreachable,
                    "result": {**of_it, **call.about},
                }
            )
            changed = changed or (call.changes and bool(told.get("changed") or "ansible_job_id" in told))
        return result | {"changed": changed, "step": order["step"], "seen": seen}

    def _option(self, name: str, task_vars: dict[str, Any]) -> Any:
        return self._templar.template(task_vars[name]) if name in task_vars else VARIABLES[name]

    def _told(self, call: Call, task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._made(call, task_vars)
        except AnsibleConnectionFailure as exc:
            return {"unreachable": True, "msg": str(exc)}
        except Exception as exc:  # whatever a connection or a module raises, it is evidence
            return {**(getattr(exc, "result", None) or {}), "failed": True, "msg": f"{type(exc).__name__}: {exc}"}

    def _made(self, call: Call, task_vars: dict[str, Any]) -> dict[str, Any]:
        """The call's result, by the module's own action where it has one (win_updates, async_status)."""
        task = self._task.copy(exclude_parent=True, exclude_tasks=True)
        task._parent = self._task._parent
        task.action, task.args = call.module, dict(call.arguments)
        task.async_val, task.poll = call.limit, 0
        names = [call.module, "ansible.legacy.normal"]
        name = next(one for one in names if self._shared_loader_obj.action_loader.has_plugin(one))
        action = self._shared_loader_obj.action_loader.get(
            name,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        try:
            told: dict[str, Any] = action.run(task_vars=task_vars)
        finally:
            action.cleanup()
        return told
