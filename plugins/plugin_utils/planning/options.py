# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' options that steps read: their defaults, what values they may have, and which endpoints have others.

A value that is no good is somebody's slip and no failure of a machine: it is told before the first step that it is for,
and neither opens a failure nor holds a tier.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..errors import PatchingError
from .prose import names_of

SERVERS = ("default", "managed_server", "windows_update")
MOST_COMMENT = 512
"""What shutdown.exe takes, in characters."""
JUDGED = (str, int, float, list, dict)
"""Types that are judged before a step; a vaulted value is of another."""


class RoleOptionError(PatchingError):
    """A role's option has a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class RoleOption:
    """`read` gives the value as steps want it, of the one that somebody set, or raises ValueError; `wanted` says what
    would be right."""

    default: Any
    read: Callable[[Any], Any]
    wanted: str


def _server(value: Any) -> str:
    if value not in SERVERS:
        raise ValueError
    return str(value)


def _seconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or int(value) < 0:
        raise ValueError
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - one error for all that is not wanted
    return value


def _comment(value: Any) -> str:
    """It stands between double quotes in a command line."""
    text = _text(value)
    if '"' in text or text.endswith("\\") or len(text) > MOST_COMMENT:
        raise ValueError
    return text


SECONDS, TEXT = "a whole number of seconds, 0 or more", "a text"

OPTIONS: Mapping[str, RoleOption] = MappingProxyType(
    {
        "deploy_server_selection": RoleOption("default", _server, f"one of {', '.join(SERVERS)}"),
        "reboot_delay": RoleOption(5, _seconds, SECONDS),
        "reboot_message": RoleOption(
            "Restarting to finish installing Windows updates.",
            _comment,
            f"a text of at most {MOST_COMMENT} characters, with no double quote in it and no backslash at its end",
        ),
        "remind_title": RoleOption("Restart needed", _text, TEXT),
        "remind_text": RoleOption(
            "Windows updates are installed, and this computer has to restart to finish them. Please save your work and "
            "restart it soon. If you do not, it restarts by itself at {when} or shortly after.",
            _text,
            TEXT,
        ),
        "remind_message_seconds": RoleOption(3600, _seconds, SECONDS),
    }
)
VARIABLES: Mapping[str, Any] = MappingProxyType({name: option.default for name, option in OPTIONS.items()})
"""Their defaults."""

READ: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"deploy": ("scan", "install"), "reboot": ("reboot",), "remind": ("remind",)}
)
"""By role, the actions that read its options."""
BARRED: Mapping[str, tuple[str, ...]] = MappingProxyType({**READ, "reboot": ("install", "reboot")})
"""By role, the steps that are not taken where one of its options is no good; nothing is installed that could not be
finished."""


def role_of(name: str) -> str:
    """The role that the option is of."""
    return name.partition("_")[0]


def read_option(name: str, value: Any) -> Any:
    """What a step is given where the option has been set to `value`; None is as if it had not been. Raises
    RoleOptionError."""
    if value is None:
        return VARIABLES[name]
    why = _trouble(name, value)
    if why is not None:
        raise RoleOptionError(why)
    return OPTIONS[name].read(value)


def _trouble(name: str, value: Any) -> str | None:
    try:
        OPTIONS[name].read(value)
    except ValueError:
        return f"{name} is {value!r}; wanted is {OPTIONS[name].wanted}"
    return None


def _trouble_before(name: str, value: Any) -> str | None:
    """Of a value as it stands in the variables. What a template gives is known only where the step is taken: to
    template it for each endpoint would take a run of many minutes."""
    if not isinstance(value, JUDGED) or (isinstance(value, str) and ("{{" in value or "{%" in value)):
        return None
    return _trouble(name, value)


class OptionCheck:
    """The endpoints whose variables have an option that is no good, of those that a run with these `actions` needs.

    `in_task` gives the variables of an endpoint as a step has them, not templated: a play may set right what an
    inventory has wrong. It is asked for such endpoints alone, for it takes as long as reading them does.
    """

    def __init__(self, actions: Collection[str], in_task: Callable[[str], Mapping[str, Any]] | None = None) -> None:
        self._in_task = in_task
        self._names = [name for name in OPTIONS if not set(actions).isdisjoint(READ[role_of(name)])]
        self._found: dict[str, dict[str, str]] = {}

    def see(self, endpoint: str, variables: Mapping[str, Any]) -> None:
        """Look at the variables of one more, not templated, as the inventory has them."""
        whys = self._troubles(variables)
        if whys and self._in_task is not None:
            whys = self._troubles(self._in_task(endpoint))
        if whys:
            self._found[endpoint] = whys

    def _troubles(self, variables: Mapping[str, Any]) -> dict[str, str]:
        whys = {name: _trouble_before(name, variables[name]) for name in self._names if name in variables}
        return {name: why for name, why in whys.items() if why is not None}

    def refuse_play(self, variables: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        """Raises RoleOptionError where a play, and so every endpoint, has one: `variables` are those of a task on a
        host, `own` those of the host itself."""
        for name in self._names:
            if name in variables and variables[name] != own.get(name):
                why = _trouble_before(name, variables[name])
                if why is not None:
                    raise RoleOptionError(why)

    def bad(self, among: Collection[str]) -> list[str]:
        """Those of the endpoints that have one."""
        return [name for name in among if name in self._found]

    def why_not(self, endpoint: str, step: str) -> str | None:
        """Why the endpoint may not take this step: a sentence, or None."""
        whys = [why for name, why in self._found.get(endpoint, {}).items() if step in BARRED[role_of(name)]]
        return "; ".join(whys) or None

    def in_words(self, endpoints: Collection[str]) -> str:
        """What is wrong, each once, with the endpoints that it is wrong with."""
        of: dict[str, list[str]] = {}
        for endpoint in endpoints:
            for why in self._found.get(endpoint, {}).values():
                of.setdefault(why, []).append(endpoint)
        return "; ".join(f"{names_of(names)}: {why}" for why, names in of.items())
