# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the collection: they parse, ask the flow, and give plain records back.

Each is documented in the file of its name beside this one.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from ansible.errors import AnsibleFilterError

from ..plugin_utils import flow
from ..plugin_utils.awx.schedules import ScheduleError, awx_rule
from ..plugin_utils.errors import PatchingError
from ..plugin_utils.flow import approval, fields
from ..plugin_utils.flow import policy as policies

P = ParamSpec("P")
R = TypeVar("R")


def _plugin(name: str, ask: Callable[P, R]) -> Callable[P, R]:
    """The one place where the flow's errors become Ansible's."""

    @functools.wraps(ask)
    def answer(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return ask(*args, **kwargs)
        except PatchingError as exc:
            raise AnsibleFilterError(f"msp.patching.{name}: {exc}") from exc

    return answer


@functools.lru_cache(maxsize=64)
def _loaded(document: str) -> flow.Policy:
    return flow.load_policy(json.loads(document))


def _policy(document: Any) -> flow.Policy:
    """Loaded once for all uses of the same document: a filter is called for every host."""
    return _loaded(json.dumps(policies.plain_document({} if document is None else document), sort_keys=True))


def _now(value: Any) -> datetime:
    try:
        return fields.instant(value)
    except fields.UnfitError as exc:
        raise flow.RecordError(f"now is {value!r}: {exc}") from None


def _register(record: Any) -> flow.Register:
    return flow.Register.parse({} if record is None else record)


def _updates(records: Any) -> list[flow.Update]:
    if not isinstance(records, list | tuple):
        raise flow.RecordError(f"updates are {records!r}: a list of update records is wanted")
    return [flow.Update.parse(record) for record in records]


def patch_tuesday(month: Any) -> str:
    if not isinstance(month, str):
        raise flow.CalendarError(f"month {month!r}: a text of year and month such as '2026-11' is wanted")
    return flow.patch_tuesday(str(month)).isoformat()


def window(endpoint: Any, now: Any, policy: Any = None) -> dict[str, Any]:
    found = flow.windows.install_window(flow.Endpoint.parse(endpoint), _policy(policy), _now(now))
    return found.as_record()


def reboot_window(endpoint: Any, now: Any, policy: Any = None) -> dict[str, Any] | None:
    found = flow.windows.reboot_window(flow.Endpoint.parse(endpoint), _policy(policy), _now(now))
    return None if found is None else found.as_record()


def approvals(
    updates: Any, now: Any, register: Any = None, policy: Any = None, client: Any = None
) -> list[dict[str, Any]]:
    whose = None if client is None else str(client)
    rules = _policy(policy).settings(flow.Endpoint(client=whose or "")).approval
    outcomes = approval.judge_all(_updates(updates), rules, _register(register).approvals, whose, _now(now))
    return [outcome.as_record() for outcome in outcomes]


def accept_list(updates: Any) -> list[str]:
    return flow.accept_list(_updates(updates))


def decide(endpoint: Any, updates: Any, now: Any, register: Any = None, policy: Any = None) -> dict[str, Any]:
    decision = flow.decide(
        flow.Endpoint.parse(endpoint),
        None if updates is None else _updates(updates),
        _register(register),
        _policy(policy),
        _now(now),
    )
    return decision.as_record()


def awx_schedule(times: Any, time_zone: Any) -> str:
    if not isinstance(times, Mapping):
        raise ScheduleError(f"the times are {times!r}: a mapping such as {{'every_minutes': 20}} is wanted")
    return awx_rule(times, str(time_zone))


class FilterModule:
    """The filters, by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        asked = (patch_tuesday, window, reboot_window, approvals, accept_list, decide, awx_schedule)
        return {ask.__name__: _plugin(ask.__name__, ask) for ask in asked}
