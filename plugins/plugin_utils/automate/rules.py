# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the inventory source that say what the RMM's groups and fields mean; checked and compiled once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..requirements import jmespath
from .errors import OptionError
from .words import RECORD, WordError, parse

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

MAPS = {
    "ring": "rings",
    "track": "tracks",
    "policy_group": "policy_groups",
    "role": "roles",
    "criticality": "criticalities",
}
"""Record keys that a map of RMM groups gives, and the option that holds the map."""
FLAG_GROUPS = {"agent_disabled": "agent_disabled_groups", "unattended_reboot": "unattended_reboot_groups"}
"""Flags that are true for the members of the RMM groups which the option names."""
FROM_AUTOMATE = ("id", "client", "location", "client_servers")
"""Keys that are Automate's own to tell: no option changes them."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A JMESPath expression over the raw record of a computer."""

    option: str
    text: str
    compiled: ParsedResult

    def search(self, raw: Mapping[str, Any]) -> Any:
        try:
            return self.compiled.search(raw)
        except jmespath.exceptions.JMESPathError as exc:
            computer = raw["computer"]
            raise OptionError(
                self.option,
                f"{self.text!r} fails for the computer {computer.get('ComputerName')!r} ({computer.get('Id')}): {exc}",
            ) from exc


@dataclass(frozen=True, slots=True)
class GroupName:
    """The full ``name`` of RMM groups, as an ``option`` writes it, and the ``value`` that it gives their members.

    ``*`` stands for anything, as in ``Clients.*.[VIP] No Patching``; every other character for itself.
    """

    option: str
    name: str
    value: Any
    folded: str
    pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, option: str, name: object, value: Any) -> GroupName:
        folded = str(name).casefold()
        parts = map(re.escape, folded.split("*"))
        pattern = re.compile(".*".join(parts), re.DOTALL) if "*" in folded else None
        return cls(option, str(name), value, folded, pattern)

    @property
    def bars(self) -> bool:
        """Whether its members are kept from being patched. Without a group of that name they would be patched."""
        return self.option == FLAG_GROUPS["agent_disabled"] or self.value == "do_not_patch"

    def fits(self, full_name: str) -> bool:
        """Whether a group is called so, its name given in folded case."""
        return self.pattern.fullmatch(full_name) is not None if self.pattern else full_name == self.folded


@dataclass(frozen=True, slots=True)
class Rules:
    """What the options say. ``groups`` maps a record key to names in the option's order; ``given`` are the options that
    the source sets itself."""

    groups: Mapping[str, tuple[GroupName, ...]]
    redundancy_prefix: str
    extra_fields: Mapping[str, str]
    fields: Mapping[str, Expression]
    zone_aliases: Mapping[str, str]
    zones_by_offset: Mapping[str, str]
    default_zone: str | None
    clients: frozenset[str]
    qualify_names: bool
    given: frozenset[str]

    @classmethod
    def parse(cls, options: Mapping[str, Any], given: Iterable[str] = ()) -> Rules:
        """From the plugin's options, by their names. Raises `OptionError`."""
        default_zone = options["default_time_zone"]
        prefix = options["redundancy_group_prefix"] or ""
        return cls(
            groups={
                **{key: _group_map(key, option, options[option] or {}) for key, option in MAPS.items()},
                **{
                    flag: tuple(GroupName.of(option, name, value=True) for name in options[option] or ())
                    for flag, option in FLAG_GROUPS.items()
                },
            },
            redundancy_prefix=str(prefix).casefold(),
            extra_fields=_extra_fields(options["extra_fields"] or {}),
            fields=_expressions(options["fields"] or {}),
            zone_aliases={
                str(name).strip().casefold(): _zone(f"time_zone_aliases[{name!r}]", zone)
                for name, zone in (options["time_zone_aliases"] or {}).items()
            },
            zones_by_offset=_offsets(options["time_zones_by_utc_offset"] or {}),
            default_zone=_zone("default_time_zone", default_zone) if default_zone else None,
            clients=frozenset(str(name) for name in options["clients"] or ()),
            qualify_names=options["qualify_names"] == "always",
            given=frozenset(given),
        )

    def told(self, key: str, value: object) -> Any:
        """``value`` from the RMM as the record's ``key`` holds it. Raises `WordError`."""
        if key != "time_zone":
            return parse(key, value)
        alias = self.zone_aliases.get(str(value).strip().casefold())
        try:
            return alias or parse(key, value)
        except WordError as exc:
            raise WordError(f"{exc}; option time_zone_aliases may say which one it stands for") from exc

    @property
    def use_groups(self) -> bool:
        return bool(self.redundancy_prefix or any(self.groups.values()))

    def meaning(self, full_name: str) -> dict[str, Any]:
        """What membership in the RMM group ``full_name`` says, by record key. Names are compared in any case."""
        name = full_name.casefold()
        found: dict[str, Any] = {}
        for key, rows in self.groups.items():
            fitting = next((row for row in rows if row.fits(name)), None)
            if fitting is not None:
                found[key] = fitting.value
        if self._is_redundancy(name):
            found["redundancy_group"] = full_name[len(self.redundancy_prefix) :]
        return found

    def without_group(self, full_names: Collection[str]) -> list[GroupName]:
        """The names that none of the RMM's groups has, of whatever option."""
        folded = [name.casefold() for name in full_names]
        rows = [row for some in self.groups.values() for row in some]
        lost = [row for row in rows if not any(row.fits(name) for name in folded)]
        if self.redundancy_prefix and not any(map(self._is_redundancy, folded)):
            lost.append(GroupName.of("redundancy_group_prefix", self.redundancy_prefix, None))
        return lost

    def _is_redundancy(self, name: str) -> bool:
        prefix = self.redundancy_prefix
        return bool(prefix) and name.startswith(prefix) and name != prefix


def _group_map(key: str, option: str, groups: Mapping[Any, Any]) -> tuple[GroupName, ...]:
    rows = []
    for name, value in groups.items():
        try:
            rows.append(GroupName.of(option, name, parse(key, value)))
        except WordError as exc:
            raise OptionError(f"{option}[{str(name)!r}]", str(exc)) from exc
    return tuple(rows)


def _check_key(option: str, key: str) -> None:
    if key not in RECORD or key in FROM_AUTOMATE:
        allowed = ", ".join(name for name in RECORD if name not in FROM_AUTOMATE)
        raise OptionError(option, f"{key!r} is no key of the endpoint record that can be set; those are {allowed}")


DEFAULT_EXTRA_FIELDS = {"time_zone": "Time Zone", "location_disabled": "Patching Disabled"}


def _extra_fields(titles: Mapping[Any, Any]) -> dict[str, str]:
    """What the option says is put over the defaults; null takes a default away."""
    for key, title in titles.items():
        _check_key("extra_fields", str(key))
        if title is not None and (not isinstance(title, str) or not title.strip()):
            raise OptionError(f"extra_fields.{key}", f"{title!r} is no title of an extra data field; null for none")
    merged = {**DEFAULT_EXTRA_FIELDS, **{str(key): title for key, title in titles.items()}}
    return {key: str(title) for key, title in merged.items() if title is not None}


def _expressions(texts: Mapping[Any, Any]) -> dict[str, Expression]:
    compiled = {}
    for key, text in texts.items():
        _check_key("fields", str(key))
        option = f"fields.{key}"
        try:
            compiled[str(key)] = Expression(option, str(text), jmespath.compile(str(text)))
        except jmespath.exceptions.JMESPathError as exc:
            reason = " ".join(str(exc).split())
            raise OptionError(option, f"{str(text)!r} is no JMESPath expression: {reason}") from exc
    return compiled


def _zone(option: str, zone: object) -> str:
    try:
        return str(parse("time_zone", zone))
    except WordError as exc:
        raise OptionError(option, str(exc)) from exc


def _offsets(zones: Mapping[Any, Any]) -> dict[str, str]:
    """By offset as text, which is how ``-420`` and ``'-420'`` are the same."""
    found = {}
    for offset, zone in zones.items():
        option = f"time_zones_by_utc_offset[{offset!r}]"
        try:
            number = int(offset)
        except (TypeError, ValueError) as exc:
            raise OptionError(option, "is no whole number, as Automate's UTCOffset is") from exc
        found[str(number)] = _zone(option, zone)
    return found
