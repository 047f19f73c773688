# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins of people's decisions have in common: one call for all hosts, named, checked, recorded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..deliveries.followups import follow_ups
from ..errors import PatchingError
from ..flow.fields import suggestion
from ..ledger import Event, Ledger
from ..ledger.people import DecisionError, known_in
from ..notices.answers import answers
from .recorder import ready

PREFIX = "patching_"


class Inventory:
    """What the inventory of the run knows by name; one host of each group is looked at, never all of them."""

    def __init__(self, task_vars: Mapping[str, Any]) -> None:
        self._groups: Mapping[str, list[str]] = task_vars["groups"]
        self._hostvars: Any = task_vars["hostvars"]

    @property
    def endpoints(self) -> list[str]:
        return [name for name in self._groups["all"] if name != "localhost"]

    def clients(self) -> set[str]:
        """The clients by name; empty where the inventory is not that of the RMM."""
        return {found["client"] for found in self._one_of_each("client_") if found.get("client")}

    def locations(self, client: str) -> set[str]:
        """The locations of a client by name."""
        there = self._one_of_each("location_")
        return {found["location"] for found in there if found.get("client") == client and found.get("location")}

    def _one_of_each(self, prefix: str) -> Iterable[dict[str, Any]]:
        for group, hosts in self._groups.items():
            if group.startswith(prefix) and hosts:
                known = self._hostvars.raw_get(hosts[0])
                yield {name: known.get(PREFIX + name) for name in ("client", "location")}

    def refuse_unknown(self, scope: Mapping[str, str]) -> None:
        """Raises DecisionError for a client, location or endpoint that the inventory does not have."""
        client, location, endpoint = (scope.get(name) for name in ("client", "location", "endpoint"))
        clients = self.clients()
        if client is not None and clients and client not in clients:
            hint = suggestion(client, clients)
            raise DecisionError(f"there is no client {client!r} in the inventory{hint}; there is: {known_in(clients)}")
        if client is not None and location is not None and clients:
            locations = self.locations(client)
            if location not in locations:
                hint = suggestion(location, locations)
                raise DecisionError(f"{client} has no location {location!r}{hint}; it has: {known_in(locations)}")
        if endpoint is not None and self.endpoints and endpoint not in self.endpoints:
            hint = suggestion(endpoint, self.endpoints)
            raise DecisionError(
                f"there is no endpoint {endpoint!r} in the inventory{hint}; there is: {known_in(self.endpoints)}"
            )


class PersonAction(ActionBase):
    """Records one decision of a person. A subclass has its arguments, and `decide` makes the events."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    ARGUMENTS: ClassVar[Mapping[str, dict[str, Any]]] = {}
    TOGETHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Arguments that are only right together."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        specification = {name: dict(spec) for name, spec in self.ARGUMENTS.items()}
        dummy, arguments = ActionBase.validate_argument_spec(
            self, specification | {"by": {"type": "str"}}, required_together=self.TOGETHER
        )
        try:
            recorder = ready()
            by = arguments.pop("by") or recorder.settings.by
            self._inventory = Inventory(task_vars or {})
            self._policy = recorder.policy
            self._result = result
            now = recorder.clock.now()
            events = self.decide(recorder.ledger, now, by, arguments)
            if not self._task.check_mode:
                ledger = recorder.ledger
                notes = [*follow_ups(ledger, events, now), *answers(ledger, events, now)]
                recorder.append(ledger, [*events, *notes])
        except PatchingError as exc:
            raise AnsibleActionFail(str(exc)) from exc
        recorded = [{"kind": event.kind, **event.body} for event in events]
        if self._task.diff:
            result["diff"] = [_diff(event) for event in events]
        return result | {"changed": bool(events), "recorded": recorded}

    @abstractmethod
    def decide(self, ledger: Ledger, now: datetime, by: str, arguments: dict[str, Any]) -> list[Event]:
        """The events of the decision; none where it stands already. `arguments` are the task's, without `by`."""

    def warn(self, warning: str) -> None:
        self._result.setdefault("warnings", []).append(warning)


def _diff(event: Event) -> dict[str, str]:
    """What ``--diff`` shows: of a ledger that is only added to, the lines that come."""
    lines = [f"{key}: {value}" for key, value in event.body.items() if value is not None]
    return {"before": "", "after": "\n".join([event.kind, *lines, ""]), "after_header": "the ledger"}


def given(arguments: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Those of the arguments that were given: the scope of a decision."""
    return {name: str(arguments[name]) for name in names if arguments[name] not in (None, "")}
