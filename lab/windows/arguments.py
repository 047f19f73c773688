# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments as Ansible.Basic coerces and refuses them, so that a misspelt option fails here as on Windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.machine_parts import normal_path

if TYPE_CHECKING:
    from lab.winrm.payload import Call

    from .registry import Module

TRUE_WORDS = ("y", "yes", "on", "1", "true", "t", "1.0")
FALSE_WORDS = ("n", "no", "off", "0", "false", "f", "0.0")


@dataclass(frozen=True)
class Option:
    """One option of a module's `$spec`. `newer`: only where the module's own source has it."""

    type: str = "str"
    default: Any = None
    choices: tuple[str, ...] = ()
    required: bool = False
    aliases: tuple[str, ...] = ()
    elements: str = ""
    no_log: bool = False
    newer: bool = False


def _bool(value: Any) -> bool:
    word = str(value).lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError("not a valid boolean")


def _str(value: Any) -> str:
    return "True" if value is True else "False" if value is False else str(value)


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    return list(value) if isinstance(value, list) else [value]


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("not a dictionary")  # noqa: TRY004 - callers translate ValueError alone
    return dict(value)


COERCE: dict[str, Callable[[Any], Any]] = {
    "str": _str,
    "path": lambda value: normal_path(_str(value)) if not str(value).endswith(("\\", "/")) else _str(value),
    "int": lambda value: int(str(value)),
    "float": lambda value: float(str(value)),
    "bool": _bool,
    "list": _list,
    "dict": _dict,
    "raw": lambda value: value,
}


def coerce(module: Module, call: Call) -> dict[str, Any]:
    """All options of the module by their main name. Raises `ModuleFailed` as the real one would."""
    from .registry import ModuleFailed

    options = {name: option for name, option in module.options.items() if not option.newer or name in call.source}
    names = {alias: name for name, option in options.items() for alias in (name, *option.aliases)}
    given: dict[str, Any] = {}
    unknown = []
    for key, value in call.user_args().items():
        if key.lower() in names:
            given[names[key.lower()]] = value
        elif module.any_option:
            given[key] = value
        else:
            unknown.append(key)
    if unknown:
        supported = ", ".join(sorted(name for name in options if not name.startswith("_")))
        name = call.args.get("_ansible_module_name", module.name)
        raise ModuleFailed(
            f"Unsupported parameters for ({name}) module: {', '.join(sorted(unknown))}. "
            f"Supported parameters include: {supported}"
        )
    for group in module.exclusive:
        if sum(given.get(name) is not None for name in group) > 1:
            raise ModuleFailed(f"parameters are mutually exclusive: {', '.join(group)}")
    for group in module.one_of:
        if all(given.get(name) is None for name in group):
            raise ModuleFailed(f"one of the following is required: {', '.join(group)}")
    missing = sorted(name for name, option in options.items() if option.required and given.get(name) is None)
    if missing:
        raise ModuleFailed(f"missing required arguments: {', '.join(missing)}")
    return given | {name: _value(name, option, given.get(name)) for name, option in options.items()}


def _value(name: str, option: Option, value: Any) -> Any:
    from .registry import ModuleFailed

    if value is None:
        return option.default
    try:
        value = COERCE[option.type](value)
        if option.elements:
            value = [COERCE[option.elements](item) for item in value]
    except (ValueError, TypeError) as error:
        shown = "VALUE" if option.no_log else value
        raise ModuleFailed(
            f"argument for {name} is of type {type(value).__name__} and we were unable to convert to "
            f"{option.type}: {shown!r} {error}"
        ) from error
    allowed = {choice.lower(): choice for choice in option.choices}
    if allowed and str(value).lower() not in allowed:
        raise ModuleFailed(f"value of {name} must be one of: {', '.join(option.choices)}. Got no match for: {value}")
    return allowed[str(value).lower()] if allowed else value
