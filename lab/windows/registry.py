# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a module's name leads to the Python that answers for it.

A handler is a coroutine in a file of its own in this folder, or in one of yours (``--handlers``, see docs/lab.md)::

    @module("ansible.windows.win_ping", options={"data": Option("str", default="pong")})
    async def win_ping(run: Run) -> Result:
        return {"changed": False, "ping": run.args["data"]}

It gets its arguments coerced and checked as the real module would, and raises `ModuleFailed` to fail.
Durations are waited for on the lab clock (`await run.machine.clock.sleep(seconds)`). What a module does
to a machine it does through `run.machine`; nothing else in the lab is its business.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import Option, coerce

if TYPE_CHECKING:
    from lab.machine import Machine
    from lab.winrm.payload import Call

Result = dict[str, Any]
UNSIMULATED = "LAB-UNSIMULATED"


class HandlersError(ValueError):
    """A file of handlers that cannot be used; the message says which and why."""


class ModuleFailed(Exception):  # noqa: N818 - it is what the module says, not an error of the lab
    """The module fails: `msg`, and further keys of its result."""

    def __init__(self, msg: str, **result: Any) -> None:
        super().__init__(msg)
        self.result: Result = {"changed": False, **result, "failed": True, "msg": msg}


class Unsimulated(Exception):  # noqa: N818
    """Something the lab has no answer for; it fails, loudly, and is listed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{UNSIMULATED}: the lab does not simulate {what}")
        self.what = what


@dataclass
class Run:
    """One run of a module on a machine: `args` are coerced, with defaults for what was not given."""

    machine: Machine
    call: Call
    args: Mapping[str, Any]

    @property
    def check_mode(self) -> bool:
        return self.call.check_mode


Handler = Callable[[Run], Awaitable[Result]]


@dataclass(frozen=True)
class Module:
    name: str
    options: Mapping[str, Option]
    handler: Handler
    exclusive: tuple[tuple[str, ...], ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    any_option: bool = False


MODULES: dict[str, Module] = {}


def module(
    name: str,
    *,
    options: Mapping[str, Option],
    exclusive: Iterable[tuple[str, ...]] = (),
    one_of: Iterable[tuple[str, ...]] = (),
    any_option: bool = False,
) -> Callable[[Handler], Handler]:
    """Registers a handler. `exclusive`: at most one of each; `one_of`: at least one; `any_option`: takes all."""

    def register(handler: Handler) -> Handler:
        MODULES[name] = Module(name, options, handler, tuple(exclusive), tuple(one_of), any_option)
        return handler

    return register


def load_handlers(places: Iterable[Path] = ()) -> dict[str, Module]:
    """The lab's own, and those in `places`: files, or folders of files. One for a module that the lab has replaces it.
    Raises `HandlersError`.
    """
    package = __name__.rpartition(".")[0]
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{found.name}")
    for place in places:
        if not place.exists():
            raise HandlersError(f"no handlers in {place}: there is no such file or folder")
        files = sorted(place.glob("*.py")) if place.is_dir() else [place]
        if not files:
            raise HandlersError(f"no handlers in {place}: it holds no file that ends in .py")
        for file in files:
            _load(file)
    return MODULES


def _load(file: Path) -> None:
    before = dict(MODULES)
    spec = importlib.util.spec_from_file_location(f"lab_handlers_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise HandlersError(f"no handlers in {file}: it is no Python file")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # dataclasses look there for the names in their annotations
    try:
        spec.loader.exec_module(loaded)
    except Exception as error:
        raise HandlersError(f"the handlers in {file} cannot be loaded: {type(error).__name__}: {error}") from error
    if before == MODULES:
        raise HandlersError(f'no handler in {file}: one is a coroutine under @module("namespace.collection.module", …)')


async def run_module(machine: Machine, call: Call) -> Result:
    """The module's result; failures are results as well. Raises `Unsimulated` for a module nobody wrote."""
    found = MODULES.get(call.name)
    if found is None:
        raise Unsimulated(f"the module {call.name}: docs/lab.md tells how to write a handler for it (--handlers)")
    try:
        args = coerce(found, call)
        result = await found.handler(Run(machine, call, args))
    except ModuleFailed as failure:
        result = failure.result
    if call.args.get("_ansible_inject_invocation", True) and not call.no_log:
        shown = {key: value for key, value in call.user_args().items() if not _is_secret(found, key)}
        result.setdefault("invocation", {"module_args": shown})
    return result


def _is_secret(found: Module, key: str) -> bool:
    return key in found.options and found.options[key].no_log
