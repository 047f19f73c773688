# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next step of each endpoint: its calls, one after the other over one connection. Documentation: the module of the
same name; the steps: ``plugin_utils/planning/calls.py``.

A task of Ansible's for each endpoint would cost the control node more than the calls of most steps: a process that is
forked from all of Ansible, its queue, its variables, its callbacks, all of it in one main process. Here a few
processes, at most as many as Ansible would have at once (``forks``), share the endpoints of a pass, and what they see
is recorded while they go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..plugin_utils.connections import connect, variables_in
from ..plugin_utils.crew import Crew
from ..plugin_utils.errors import PatchingError
from ..plugin_utils.evidence.credentials import secrets_among
from ..plugin_utils.evidence.look import Look
from ..plugin_utils.evidence.recorder import Recorder, ready
from ..plugin_utils.evidence.witness import Witness
from ..plugin_utils.flow import Endpoint, who
from ..plugin_utils.ledger import LedgerError
from ..plugin_utils.planning.calls import STEPS, UNTAKEN, AnotherMachineError, Call, calls_of
from ..plugin_utils.planning.hosts import readable_endpoints
from ..plugin_utils.planning.options import read_option
from ..plugin_utils.planning.turns import CLAIMED, claim_on, turn_of_group
from ..plugin_utils.progress import heard

ARGUMENTS: dict[str, dict[str, Any]] = {"orders": {"type": "dict", "required": True}}
DIED = "the process that took its step has died, and nobody knows what it saw"
FEWER = "fewer processes take steps than forks allow, and it takes longer: {}; is there memory for so many forks?"


@dataclass
class Visit:
    """What one step saw: of each call the evidence that it is, its limit, whether the endpoint was unreachable and the
    raw result; and the credentials that may stand in the words of others."""

    seen: list[dict[str, Any]] = field(default_factory=list)
    changed: bool = False
    secrets: list[str] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        return not any(one["unreachable"] for one in self.seen)


class ActionModule(ActionBase):
    """Makes the calls, and records what each of them saw; a call that goes wrong is no failure of the task."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True  # no plan orders a step in it

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(ARGUMENTS)  # type: ignore[no-untyped-call]
        self._known = task_vars or {}
        orders: dict[str, dict[str, Any]] = arguments["orders"]
        names = [name for name, order in orders.items() if order["step"] in STEPS]
        try:
            return result | self._take(orders, names)
        except PatchingError as exc:
            raise AnsibleActionFail(str(exc)) from exc

    def _take(self, orders: Mapping[str, Mapping[str, Any]], names: list[str]) -> dict[str, Any]:
        recorder = ready()
        endpoints, _unreadable = readable_endpoints(self._known["hostvars"], names)
        witness, urgent = Witness(recorder), False
        visits: dict[str, Visit] = {}
        died: list[str] = []

        def work(name: str, problem: str | None) -> Visit:
            return self._visit(recorder, name, orders[name], problem)

        crew: Crew[str, Visit] = Crew(work, int(self._known.get("ansible_forks") or 1))
        for came in crew.results(names, lambda: recorder.problem):
            died += [name for name, visit in came if visit is None]
            lot = {name: visit or Visit([_untaken(orders[name], DIED, unreachable=True)]) for name, visit in came}
            recorder.redactor.learn(secret for visit in lot.values() for secret in visit.secrets)
            now = recorder.clock.now()
            looks = [_look(endpoints.get(name), name, one, now) for name, visit in lot.items() for one in visit.seen]
            urgent = witness.record(looks) or urgent
            heard.tell({name: visit.answered for name, visit in lot.items()})
            visits |= lot
        return {
            "changed": False,  # Ansible would count it for the first host; `outcome` tells of each
            "took": {name: orders[name]["step"] for name in visits},
            "unreachable_hosts": sorted(name for name, visit in visits.items() if not visit.answered),
            "changed_hosts": sorted(name for name, visit in visits.items() if visit.changed),
            "urgent": urgent,
            "trouble": asdict(recorder.trouble),
            "warnings": [
                *([f"{', '.join(died)}: {DIED}; is there memory for so many forks?"] if died else []),
                *([FEWER.format(crew.trouble)] if crew.trouble else []),
            ],
        }

    def _visit(self, recorder: Recorder, name: str, order: Mapping[str, Any], problem: str | None) -> Visit:
        """One endpoint's step, in a process that takes many: nothing is raised."""
        recorder.report_if(problem)
        visit = Visit()
        place = _Place(self, str(order.get("peer") or name))
        try:
            self._call(recorder, name, order, place, visit)
        except AnotherMachineError as exc:
            words = who.words(order["computer_name"], exc.called, place.address)
            visit.seen = [_untaken(order, words, unreachable=True)]
        except PatchingError as exc:
            visit.seen.append(_untaken(order, str(exc)))
        except Exception as exc:  # an option of the endpoint that is no good: it must not stop the others
            visit.seen.append(_untaken(order, f"{type(exc).__name__}: {exc}"))
        finally:
            place.close()
        if any(one["unreachable"] or "msg" in one["result"] for one in visit.seen):
            visit.secrets = place.secrets()
        return visit

    def _call(self, recorder: Recorder, name: str, order: Mapping[str, Any], place: _Place, visit: Visit) -> None:
        calls = calls_of(order, place.option)
        told: dict[str, Any] | None = None
        while True:
            try:
                call = next(calls) if told is None else calls.send(told)
            except StopIteration:
                return
            if call.changes and not (_in_time(recorder, order) and _may_go_on(recorder, name, order.get("group"))):
                return
            told = place.told(call)
            if call.asks_who:
                if told.get("boot_id"):
                    continue
                visit.seen.clear()
            of_it = {key: value for key, value in told.items() if not key.startswith("_ansible")}
            visit.seen.append(
                {
                    "evidence": call.evidence,
                    "limit": call.limit,
                    "unreachable": bool(told.get("unreachable")),
                    "result": {**of_it, **call.about},
                }
            )
            visit.changed = visit.changed or (call.changes and bool(told.get("changed") or "ansible_job_id" in told))


def _untaken(order: Mapping[str, Any], why: str, *, unreachable: bool = False) -> dict[str, Any]:
    """What is evidence of a step that was not taken, or that nobody has heard of any more."""
    result = {"failed": True, "msg": why, "peer": order.get("peer"), "asked": order.get("machines")}
    return {"evidence": UNTAKEN[order["step"]], "limit": 0, "unreachable": unreachable, "result": result}


def _look(endpoint: Endpoint | None, name: str, one: Mapping[str, Any], at: datetime) -> Look:
    # a result is recorded even of an endpoint that the inventory describes wrongly
    known = endpoint or Endpoint.parse({"name": name})
    return Look(one["evidence"], known, one["result"], at, unreachable=one["unreachable"], limit=one["limit"])


def _in_time(recorder: Recorder, order: Mapping[str, Any]) -> bool:
    """Whether it may still start in the window in which it was ordered: in a pass of many its turn may come late."""
    return "until" not in order or recorder.clock.now() <= datetime.fromisoformat(order["until"])


def _may_go_on(recorder: Recorder, endpoint: str, group: Sequence[str] | None) -> bool:
    """Whether what is done on the endpoint now would be recorded as it has to be, the endpoint is still this run's, and
    for a restart the turn of its redundancy `group` as well: the plan that gave it may be old, for a pass of many takes
    its time.

    What the step has seen so far is recorded only after it, so that the ledger is written to here.
    """
    if recorder.problem is not None:
        return False
    ledger, holder, until = recorder.ledger, recorder.holder, datetime.now(UTC) + CLAIMED
    try:
        if not ledger.lease(claim_on(endpoint), holder, until):
            return False
        of = None if group is None else (group[0], group[1])
        return of is None or bool(ledger.lease_turn(turn_of_group(of), of, endpoint, holder, until))
    except LedgerError:
        return False  # recording what was seen will tell


class _Place:
    """The host that a step's calls are made on: its variables, and one connection for all of them."""

    def __init__(self, action: ActionModule, name: str) -> None:
        self._action = action
        self._name = name
        self._connection: Any = None

    @cached_property
    def _variables(self) -> dict[str, Any]:
        return variables_in(self._action._task, self._action._known, self._name)

    @cached_property
    def _templar(self) -> Any:
        return self._action._templar.copy_with_new_env(available_variables=self._variables)

    def option(self, name: str) -> Any:
        set_to = self._variables.get(name)
        return read_option(name, None if set_to is None else self._templar.template(set_to))

    @property
    def address(self) -> str:
        """Where it is looked for."""
        with suppress(Exception):  # it has been connected to, so that it can be read; nothing is raised for a word
            return str(self._templar.template(self._variables.get("ansible_host")) or self._name)
        return self._name

    def secrets(self) -> list[str]:
        """The credentials among the host's variables."""
        with suppress(Exception):  # where its variables cannot be read, there is nothing to learn from them
            return secrets_among(self._variables, self._templar.template)
        return []

    def close(self) -> None:
        if self._connection is not None:
            with suppress(Exception):  # a connection that cannot be closed has been closed
                self._connection.close()

    def told(self, call: Call) -> dict[str, Any]:
        try:
            return self._made(call)
        except AnsibleConnectionFailure as exc:
            return {"unreachable": True, "msg": str(exc)}
        except Exception as exc:  # whatever a variable, a connection or a module raises, it is evidence
            return {**(getattr(exc, "result", None) or {}), "failed": True, "msg": f"{type(exc).__name__}: {exc}"}

    def _made(self, call: Call) -> dict[str, Any]:
        """The call's result, by the module's own action where it has one (win_updates, async_status)."""
        action = self._action
        task = action._task.copy(exclude_parent=True, exclude_tasks=True)
        task._parent = action._task._parent
        task.action, task.args = call.module, dict(call.arguments)
        task.async_val, task.poll = call.limit, 0
        if self._connection is None:
            self._connection = connect(task, action._play_context, self._variables, self._templar)
            self._connection.update_vars(self._variables)
        loader = action._shared_loader_obj.action_loader
        name = next(one for one in (call.module, "ansible.legacy.normal") if loader.has_plugin(one))
        made = loader.get(
            name,
            task=task,
            connection=self._connection,
            play_context=self._connection._play_context,
            loader=action._loader,
            templar=self._templar,
            shared_loader_obj=action._shared_loader_obj,
        )
        try:
            told: dict[str, Any] = made.run(task_vars=self._variables)
        finally:
            made.cleanup()
        return told
