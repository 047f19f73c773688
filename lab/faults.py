# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be made to go wrong, on purpose and a counted number of times.

A fault names a target (a machine, or `automate`, `psa`, `oncall` or `awx`) and a kind:

========================  ===========================================================================
kind                      what happens
========================  ===========================================================================
refuse                    the machine's port is closed; that counts nothing, so it ends with `seconds`
                          (an API's connection is reset before any answer)
reset                     the connection is accepted and reset; `at: command` resets a running command,
                          `at: answer` one that is done, whose answer so never arrives (`module` narrows)
hang                      the connection is accepted and never answered; `at: answer` a command that is done
                          seems to run on until the fault is cleared (`module` narrows)
unauthorized              401, whatever the credentials
throttle                  429 with Retry-After: `retry_after`
error                     500
cut                       the connection ends in the middle of the answer (APIs)
single_object             a list of one row is answered as that row, without the list (automate)
slow                      the answer comes after `seconds` of lab time
update_fails              installing `kb` (any, if not given) fails with `hresult`
no_result                 an install does not find `kb` (any, if not given) and ends well; a search does find it
rolled_back               `kb` is undone by the next boot
never_returns             the machine does not come back from its next reboot
service_stays_down        `service` does not start at the next boot
restart_pending           after the next boot Windows waits for another, and tells `reason` for it
========================  ===========================================================================

`times` is how often it strikes (null: until cleared), `path` narrows an API fault to a path prefix,
`module` narrows a lost answer to a module and, after a space each, arguments of it:
`ansible.windows.win_updates state=installed`.
`seconds` for refuse is how much lab time it lasts (0: until cleared).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

NETWORK_KINDS = ("refuse", "reset", "hang", "unauthorized", "throttle", "error", "slow", "cut", "single_object")
MACHINE_KINDS = (
    "update_fails",
    "no_result",
    "rolled_back",
    "never_returns",
    "service_stays_down",
    "restart_pending",
)
API_TARGETS = ("automate", "psa", "oncall", "awx")
KINDS = (*NETWORK_KINDS, *MACHINE_KINDS)
DEFAULT_HRESULT = "0x80070643"
PLACES = ("connection", "command", "answer")


class FaultError(ValueError):
    """A fault that the lab does not know how to cause."""


@dataclass
class Fault:
    target: str
    kind: str
    times: int | None = None
    at: str = "connection"
    kb: str = ""
    hresult: str = DEFAULT_HRESULT
    service: str = ""
    reason: str = "component based servicing"
    seconds: float = 0.0
    retry_after: int = 1
    path: str = ""
    module: str = ""
    id: int = 0

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Fault:
        known = set(cls.__dataclass_fields__) - {"id"}
        unknown = sorted(set(document) - known)
        if unknown:
            raise FaultError(f"fault {dict(document)!r}: unknown key {unknown[0]!r}; known: {sorted(known)}")
        if not document.get("target"):
            raise FaultError(f"fault {dict(document)!r}: target is missing: a machine, {', '.join(API_TARGETS)}")
        fault = cls(**{key: value for key, value in document.items() if value is not None})
        if fault.kind not in KINDS:
            raise FaultError(f"fault on {fault.target}: unknown kind {fault.kind!r}; known: {', '.join(KINDS)}")
        if fault.at not in PLACES:
            raise FaultError(f"fault on {fault.target}: at is {fault.at!r}; give one of {', '.join(PLACES)}")
        if fault.kind == "refuse" and fault.times is not None and fault.target not in API_TARGETS:
            raise FaultError(f"fault on {fault.target}: a closed port counts nothing: give refuse `seconds`")
        fault.kb = fault.kb.upper().removeprefix("KB")
        int(fault.hresult, 16)
        return fault

    def as_record(self) -> dict[str, Any]:
        return asdict(self)


class FaultBook:
    """The faults in force; `on_change` is told the target whose faults changed."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)
        self.on_change: Callable[[str], None] = lambda _target: None

    def add(self, document: Mapping[str, Any]) -> Fault:
        fault = Fault.parse(document)
        fault.id = next(self._ids)
        self._faults.append(fault)
        self.on_change(fault.target)
        return fault

    def all(self) -> list[Fault]:
        return list(self._faults)

    def clear(self) -> None:
        gone, self._faults = self._faults, []
        for target in {fault.target for fault in gone}:
            self.on_change(target)

    def remove(self, fault_id: int) -> bool:
        for fault in self._faults:
            if fault.id == fault_id:
                self._faults.remove(fault)
                self.on_change(fault.target)
                return True
        return False

    def take_answer(self, target: str, told: Mapping[str, Any]) -> bool:
        """Whether the answer of the command that the journal was `told` of is lost; uses up one of the times."""
        fault = self._of_answer(target, "reset", told)
        if fault is not None:
            self._use(fault)
        return fault is not None

    def holds_answer(self, target: str, told: Mapping[str, Any]) -> bool:
        """Whether that answer does not come yet."""
        return self._of_answer(target, "hang", told) is not None

    def _of_answer(self, target: str, kind: str, told: Mapping[str, Any]) -> Fault | None:
        arguments = told.get("args")
        known = {f"{key}={value}" for key, value in arguments.items()} if isinstance(arguments, Mapping) else set()
        for fault in self._faults:
            module, *words = fault.module.split(" ")
            of_it = module in ("", told.get("module")) and known.issuperset(words)
            if (fault.target, fault.kind, fault.at) == (target, kind, "answer") and of_it:
                return fault
        return None

    def peek(self, target: str, kind: str, *, path: str = "", kb: str = "", at: str = "") -> Fault | None:
        """The first fault that would strike, without using it up."""
        for fault in self._faults:
            if (
                fault.target == target
                and fault.kind == kind
                and path.startswith(fault.path)
                and (not fault.kb or fault.kb == kb)
                and (not at or fault.at == at)
            ):
                return fault
        return None

    def take(self, target: str, kind: str, *, path: str = "", kb: str = "", at: str = "") -> Fault | None:
        """Like peek; and one of its times is used up."""
        fault = self.peek(target, kind, path=path, kb=kb, at=at)
        if fault is not None:
            self._use(fault)
        return fault

    def _use(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.remove(fault.id)
