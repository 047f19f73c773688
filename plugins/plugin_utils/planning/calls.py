# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step asks of an endpoint: calls of modules, one after the other, each with what it is evidence of.

Pure: a step is a generator that yields a `Call` and is sent its raw result; whoever runs it makes the calls (the action
``step``, over one connection for all calls of a step).

What a call saw is recorded (``evidence/witness.py``) and judged by the next plan, which knows about retries and lost
connections: no result makes a step fail.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..errors import PatchingError
from ..flow import restart, who

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A module and its arguments; `evidence` is one of `evidence.outcomes.TAGS`. With a `limit` it is started as a job
    that ends after so many seconds, and not waited for. `changes`: a machine is another one after it. `about` completes
    its result. `asks_who`: it is made to see who answers. Where that is seen it is evidence of nothing itself; where it
    is not, neither is what was seen before it in its step."""

    module: str
    arguments: Mapping[str, Any]
    evidence: str
    limit: int = 0
    changes: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
    asks_who: bool = False


Calls = Generator[Call, Result, None]
Option = Callable[[str], Any]
"""Gives an option of `options.OPTIONS` as the endpoint has it. Raises RoleOptionError."""


class AnotherMachineError(PatchingError):
    """What answers is not the endpoint: what it said is not the endpoint's, and nothing is done on it. It is `called`
    so; for the words see `flow.who`."""

    def __init__(self, wanted: str, called: str) -> None:
        super().__init__(who.words(wanted, called))
        self.called = called


def calls_of(order: Mapping[str, Any], option: Option) -> Calls:
    """The calls of the step that a plan has ordered (`Plan.orders`). Raises AnotherMachineError where a result shows
    that it is not the endpoint that answers."""
    step = STEPS.get(str(order["step"]))
    return _of_the_endpoint(step(order, option), order.get("computer_name")) if step is not None else _nothing()


def _of_the_endpoint(calls: Calls, wanted: str | None) -> Calls:
    told: Result | None = None
    while True:
        try:
            call = next(calls) if told is None else calls.send(told)
        except StopIteration:
            return
        told = yield call
        if wanted and who.is_another(wanted, told.get("computer_name")):
            raise AnotherMachineError(wanted, told["computer_name"])


def _nothing() -> Calls:
    """A retry is not due yet, or another endpoint of the redundancy group is down (R6)."""
    yield from ()


def _posture(order: Mapping[str, Any], evidence: str) -> Call:
    return Call("msp.patching.win_posture", {"agent_service": order["agent_service"]}, evidence)


def _who(order: Mapping[str, Any], evidence: str) -> Generator[Call, Result, bool]:
    """Whether a step may go on that looks at nothing else first: not where nobody can be asked who is there."""
    if not order.get("computer_name"):
        return True
    seen = yield Call("msp.patching.win_posture", {}, evidence, asks_who=True)
    return bool(seen.get("boot_id"))


def _scan(order: Mapping[str, Any], option: Option) -> Calls:
    """scan.due. A search changes nothing on the machine: it may run at any hour."""
    if not (yield from _who(order, "scan.started")):
        return
    arguments = {"state": "searched", "category_names": ["*"], "server_selection": option("deploy_server_selection")}
    yield Call("ansible.windows.win_updates", arguments, "scan.started", limit=order["time_limit"])


def _install(order: Mapping[str, Any], option: Option) -> Calls:
    """deploy.install: exactly the approved and soaked updates, and no reboot. With reboot the module hides the true
    HRESULT of a failure behind an "update loop" error, and holds a fork for as long as the slowest machine takes."""
    seen = yield _posture(order, "posture")
    if not seen.get("boot_id"):
        return
    arguments = {
        "state": "installed",
        "category_names": ["*"],
        "accept_list": order["accept_list"],
        "skip_optional": False,
        "reboot": False,
        "server_selection": option("deploy_server_selection"),
    }
    yield Call(
        "ansible.windows.win_updates", arguments, "install.started", limit=order["time_limit"], changes=True
    )  # fmt: skip


def _look(order: Mapping[str, Any], _option: Option) -> Calls:
    """A search or an install is under way. A job that a boot has killed is never done and never says so, hence the
    look at the boot where one is due. Another machine does not know the job: who knows it is the endpoint."""
    seen = yield Call("ansible.builtin.async_status", {"jid": order["job"]}, "job")
    if order["see"] and "ansible_job_id" in seen and not seen.get("finished", True):
        yield _posture(order, "posture")
    elif "ansible_job_id" in seen and "updates" not in seen and seen.get("finished", True):
        yield from _who(order, "job")


def _reboot(order: Mapping[str, Any], option: Option) -> Calls:
    """reboot.*: an unattended reboot is due and nobody of its redundancy group is down (R6). It is started and not
    waited for: win_reboot would hold a fork for the whole downtime."""
    seen = yield _posture(order, "posture")
    if not restart.is_wanted({"reboot_pending": False, **seen}, asked=order["asked"]):
        return  # a machine that somebody rebooted meanwhile is not rebooted again; nor one that says nothing
    words = f'shutdown.exe /r /t {option("reboot_delay")} /d p:2:17 /c "{option("reboot_message")}"'
    yield Call("ansible.windows.win_command", {"_raw_params": words}, "reboot.started", changes=True)


def _confirm(order: Mapping[str, Any], _option: Option) -> Calls:
    """A reboot is under way. The boot is confirmed by its id, which changes with every boot; until then the endpoint
    may well be unreachable."""
    yield _posture(order, "reboot.confirm")


def _see(order: Mapping[str, Any], _option: Option) -> Calls:
    """A reboot is pending that others do (reboot.technician, reboot.user and the like), and may have done."""
    yield _posture(order, "posture")


def _validate(order: Mapping[str, Any], _option: Option) -> Calls:
    """validate.due (section 7): every check that applies, in two calls."""
    if order["checks"]:
        yield Call("msp.patching.win_check", {"checks": order["checks"]}, "probes")
    yield _posture(order, "validation")


def _remind(order: Mapping[str, Any], option: Option) -> Calls:
    """reboot.reminder: a message box for whoever is logged on.

    No notification: Windows shows it to the account that sends it, which is the connection's and sits at no desk, and
    win_toast calls it sent all the same. The box is not waited for.
    """
    if not (yield from _who(order, "reminder.shown")):
        return
    told = {
        "title": option("remind_title"),
        "text": option("remind_text").replace("{when}", order["restart_at"]),
        "seconds": option("remind_message_seconds"),
    }
    yield Call("msp.patching.win_tell", told, "reminder.shown", changes=True)


def _wake(order: Mapping[str, Any], _option: Option) -> Calls:
    """One endpoint has the task for all machines of its location that sleep; the peer that sends carries it out."""
    if order.get("machines"):
        about = {"peer": order["peer"], "asked": order["machines"]}
        yield Call("msp.patching.win_wake", {"machines": order["machines"]}, "wake.sent", about=about)


STEPS: Mapping[str, Callable[[Mapping[str, Any], Option], Calls]] = MappingProxyType(
    {
        "scan": _scan,
        "install": _install,
        "look": _look,
        "reboot": _reboot,
        "confirm": _confirm,
        "see": _see,
        "validate": _validate,
        "remind": _remind,
        "wake": _wake,
    }
)
"""What a connection is made for; `wait` makes none, and `leave` and `fail` end an endpoint's run."""

UNTAKEN: Mapping[str, str] = MappingProxyType(
    {
        "scan": "scan.started",
        "install": "posture",
        "look": "job",
        "reboot": "posture",
        "confirm": "reboot.confirm",
        "see": "posture",
        "validate": "validation",
        "remind": "reminder.shown",
        "wake": "wake.sent",
    }
)
"""What it is evidence of that a step could not even be begun: of what would have been seen first. (Of a validation, the
look that is judged together with its probes.)"""
