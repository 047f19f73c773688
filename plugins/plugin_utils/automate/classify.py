# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Automate's records to endpoint records: who is a server, in which ring, in which zone.

For each key of the record, the first source that says something settles it:

1. the JMESPath expression of option ``fields``;
2. RMM groups (`groups`);
3. extra data fields: entered at the location, entered at the client, then their defaults (`places`);
4. for the time zone, ``time_zones_by_utc_offset``, then ``default_time_zone``.

A value that is there and is wrong never falls through to the next source. Node ``scope.unclassified`` holds an
endpoint because a key it needs is null; where another key is in doubt, the time zone is withheld to that end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .errors import OptionError
from .groups import Membership
from .instants import instant
from .names import client_slugs, host_names, location_groups
from .pages import Row, row_id
from .places import Places
from .rules import MAPS, Rules
from .said import NOTHING, Said
from .snapshot import Snapshot, referred
from .words import ONLY_KIND, POLICY_GROUPS, RECORD, WordError

_SEEN = ("kind", "os", "online", "asleep", "user_logged_on", "last_contact", "computer_name")
"""Keys told by the computer's own record."""
_TOLD = tuple(key for key in RECORD if key not in (*_SEEN, "id", "name", "client", "location", "client_servers"))
"""Keys told by groups and fields."""
_WINDOWS = ("windows", "hyper-v server", "azure stack", "azure local")
_SERVERS = ("server", "azure stack", "azure local")
_OTHERS = re.compile(
    r"linux|ubuntu|debian|raspbian|centos|red ?hat|fedora|suse|unix|bsd|solaris|android|proxmox|esxi?\b|vmware"
    r"|chrome ?os|mac ?os|\bos x\b|darwin"
)
"""What names of operating systems hold, in lower case: of Windows, of its servers, and of systems that are none."""

NAMED = 3
"""Of how many a warning gives the name."""


@dataclass(slots=True)
class Endpoint:
    """``record`` is the endpoint record of the interface; ``unclassified`` says by key why it is not whole."""

    record: dict[str, Any]
    unclassified: dict[str, str]
    computer: Row
    client_id: int | None
    location_id: int | None
    groups: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The endpoints to put in the inventory, the location groups by client group, and what was left out."""

    endpoints: list[Endpoint]
    locations: dict[str, str]
    computers: int
    not_windows: int
    warnings: list[str]


class Classifier:
    """Reads the computers of a snapshot by the rules. Raises `OptionError` and `VisibilityError`."""

    def __init__(self, snapshot: Snapshot, rules: Rules) -> None:
        self._snapshot = snapshot
        self._rules = rules
        self._membership = Membership(snapshot, rules)
        self._places = Places(snapshot, rules)
        # Silence of groups means no. Silence of a field that should be there is no answer; it stays null.
        self._false_unless_told = ["agent_disabled", "unattended_reboot"]
        if not {"location_disabled"} & {*rules.extra_fields, *rules.fields}:
            self._false_unless_told.append("location_disabled")

    def fleet(self) -> Fleet:
        windows = [row for row in self._snapshot.computers if _is_windows(row)]
        others = [row for row in self._snapshot.computers if not _is_windows(row)]
        endpoints = [self._endpoint(row) for row in windows]
        servers = Counter(one.client_id for one in endpoints if one.record["kind"] == "server")
        doubtful = {one.client_id for one in endpoints if one.record["kind"] is None}
        for one in endpoints:
            count = servers[one.client_id]
            # beside what may be a server one is not known to be its client's only one, which would have no pilot
            known = one.client_id is not None and not (one.client_id in doubtful and count < 2)
            one.record["client_servers"] = count if known else None
        locations = self._name(endpoints)
        wanted = self._wanted(endpoints)
        return Fleet(
            endpoints=wanted,
            locations=locations,
            computers=len(self._snapshot.computers),
            not_windows=len(others),
            warnings=[
                *self._places.unknown_titles(),
                *self._membership.unknown_names(),
                *_unknown_systems(others),
                *_unclassified_warning(wanted),
            ],
        )

    def raw(self, computer: Row) -> dict[str, Any]:
        """The raw record that expressions see; described with the inventory plugin's option ``fields``."""
        place = self._places.of(computer)
        groups = self._membership.of(row_id(computer, "Id"))
        return {
            "computer": computer,
            "client": place.client,
            "location": place.location,
            "client_fields": place.client_fields.by_title(),
            "location_fields": place.location_fields.by_title(),
            "groups": [group.name for group in groups],
            "patching": groups[-1].policies if groups else None,
        }

    def _endpoint(self, computer: Row) -> Endpoint:
        number = row_id(computer, "Id")
        place = self._places.of(computer)
        expressed = self._expressed(computer)
        record: dict[str, Any] = dict.fromkeys(RECORD)
        record["id"] = number
        record["name"] = expressed.values.get("name") or str(computer.get("ComputerName") or "")
        doubts = {key: why for key, why in place.said.doubts.items() if key in ("client", "location")}
        for key, name in (("client", _name_of(computer, "Client")), ("location", _name_of(computer, "Location"))):
            record[key] = name or _named(getattr(place, key))
            if record[key] is None:  # exceptions and freezes are for a client or a location by its name
                doubts.setdefault(key, f"its {key} has no name in Automate")
        _merge(record, doubts, _SEEN, (expressed, _observe(computer)))
        grouped = self._membership.says(number, record["kind"])
        sources = (expressed, grouped, place.said, self._zone_fallback(computer))
        _merge(record, doubts, _TOLD, sources)
        for flag in self._false_unless_told:
            if flag not in doubts:
                record[flag] = bool(record[flag])
        self._complain(record, doubts)
        return Endpoint(record, doubts, computer, referred(computer, "Client"), referred(computer, "Location"))

    def _expressed(self, computer: Row) -> Said:
        """What the option ``fields`` says; an expression that gives null says nothing."""
        if not self._rules.fields:
            return NOTHING
        raw = self.raw(computer)
        values: dict[str, Any] = {}
        doubts: dict[str, str] = {}
        for key, expression in self._rules.fields.items():
            value = expression.search(raw)
            if value is None:
                continue
            try:
                values[key] = self._rules.told(key, value)
            except WordError as exc:
                doubts[key] = f"option {expression.option}: {exc}"
        return Said(values, doubts)

    def _zone_fallback(self, computer: Row) -> Said:
        offset = str(computer.get("UTCOffset"))  # a number or its text, as ids are
        zone = self._rules.zones_by_offset.get(offset) or self._rules.default_zone
        return Said({"time_zone": zone}) if zone else NOTHING

    def _complain(self, record: dict[str, Any], doubts: dict[str, str]) -> None:
        """Adds to ``doubts`` what the endpoint lacks, and sees to it that an endpoint in doubt is held."""
        kind = record["kind"]
        for key, only in ONLY_KIND.items():
            if kind not in (only, None):
                record[key] = None
                doubts.pop(key, None)
        if kind and record["policy_group"] not in (*POLICY_GROUPS[kind], None):
            doubts["policy_group"] = f"{record['policy_group']} is not for a {kind}"
            record["policy_group"] = None
        needed = ["kind", "ring", "time_zone", "policy_group"]
        needed += [key for key, only in ONLY_KIND.items() if only == kind]
        for key in needed:
            if record[key] is None and key not in doubts:
                doubts[key] = self._silence(key)
        if doubts and all(record[key] is not None for key in needed):
            record["time_zone"] = None

    def _silence(self, key: str) -> str:
        """Which options could have told ``key`` and did not."""
        if key == "kind":
            return "neither Type nor OperatingSystemName tells a server from a workstation"
        told = []
        if key in MAPS:
            told.append(f"it is in no group of option {MAPS[key]}")
        if key in self._rules.extra_fields:
            told.append(f"extra data field {self._rules.extra_fields[key]!r} of its location and client is empty")
        if key in self._rules.fields:
            told.append(f"the expression of fields.{key} gives nothing")
        return " and ".join(told) or "no option tells it"

    def _name(self, endpoints: Iterable[Endpoint]) -> dict[str, str]:
        """Sets inventory names and groups; gives the client group of each location group.

        All clients and locations count, with computers or without, so that a name stays when machines come and go.
        """
        clients = {row_id(row, "Id"): str(row.get("Name") or "") for row in self._snapshot.clients}
        sites = {}
        for row in self._snapshot.locations:
            client_id = referred(row, "Client")
            if client_id is not None:
                sites[client_id, row_id(row, "Id")] = str(row.get("Name") or "")
        for one in endpoints:
            if one.client_id is not None:
                clients.setdefault(one.client_id, one.record["client"] or "")
                if one.location_id is not None:
                    sites.setdefault((one.client_id, one.location_id), one.record["location"] or "")
        slugs = client_slugs(clients)
        groups = location_groups({key: (slugs.get(key[0], str(key[0])), name) for key, name in sites.items()})
        parents = {}
        for one in endpoints:
            one.groups = _groups(one)
            if one.client_id is not None:
                group = f"client_{slugs[one.client_id]}"
                if one.location_id is not None:
                    site = groups[one.client_id, one.location_id]
                    parents[site] = group
                    group = site
                one.groups.append(group)
        names = host_names(
            ((one.record["id"], one.record["name"], slugs.get(one.client_id or 0, "no_client")) for one in endpoints),
            {*parents.values(), *(group for one in endpoints for group in one.groups)},
            always_qualified=self._rules.qualify_names,
        )
        for one in endpoints:
            one.record["name"] = names[one.record["id"]]
        return parents

    def _wanted(self, endpoints: list[Endpoint]) -> list[Endpoint]:
        """Those of option ``clients``; only now, since names and counts are those of the whole fleet."""
        if not self._rules.clients:
            return endpoints
        known = {str(row.get("Name")) for row in self._snapshot.clients}
        unknown = sorted(self._rules.clients - known)
        if unknown:
            raise OptionError("clients", f"Automate shows no client {' and no '.join(map(repr, unknown))}")
        return [one for one in endpoints if one.record["client"] in self._rules.clients]


def _merge(record: dict[str, Any], doubts: dict[str, str], keys: Iterable[str], sources: Iterable[Said]) -> None:
    """For each key what the first source says that says anything: a value, or why there is none."""
    order = tuple(sources)
    for key in keys:
        for said in order:
            if key in said.doubts:
                doubts[key] = said.doubts[key]
                break
            if key in said.values:
                record[key] = said.values[key]
                break


def _observe(computer: Row) -> Said:
    """What the computer's own record tells. Nothing in it tells a machine asleep from one switched off."""
    values: dict[str, Any] = {}
    doubts: dict[str, str] = {}
    called = str(computer.get("ComputerName") or "").strip()
    if called:
        values["computer_name"] = called
    os = computer.get("OperatingSystemName")
    if os:
        values["os"] = str(os)
    kind, doubt = _kind(str(computer.get("Type") or "").lower(), str(os or "").lower())
    if kind:
        values["kind"] = kind
    elif doubt:
        doubts["kind"] = doubt
    status = str(computer.get("Status") or "").lower()
    if status in ("online", "offline"):
        values["online"] = status == "online"
    if isinstance(computer.get("LoggedInUsers"), list):
        values["user_logged_on"] = bool(computer["LoggedInUsers"])
    contact = instant(computer.get("RemoteAgentLastContact"))
    if contact:
        values["last_contact"] = contact.isoformat()
    return Said(values, doubts)


def _kind(type_: str, os: str) -> tuple[str | None, str | None]:
    """By Type and by operating system; a machine on which they disagree is not patched on a guess."""
    by_type = {"server": "server", "workstation": "workstation", "laptop": "workstation"}.get(type_)
    by_os = ("server" if _holds(os, _SERVERS) else "workstation") if _holds(os, _WINDOWS) else None
    if by_type and by_os and by_type != by_os:
        return None, f"Type says {by_type} and OperatingSystemName says {by_os}"
    return by_type or by_os, None


def _is_windows(computer: Row) -> bool:
    """An agent that has not told its system yet counts, or it would be left out in silence."""
    os = _system(computer)
    return not os or _holds(os, _WINDOWS)


def _system(computer: Row) -> str:
    return str(computer.get("OperatingSystemName") or "").strip().lower()


def _holds(os: str, words: Iterable[str]) -> bool:
    return any(word in os for word in words)


def _name_of(computer: Row, kind: str) -> str | None:
    reference = computer.get(kind)
    return _named(reference) if isinstance(reference, dict) else None


def _named(row: Row) -> str | None:
    name = str(row.get("Name") or "")
    return name if name.strip() else None


def _groups(one: Endpoint) -> list[str]:
    """The inventory's groups of the endpoint, but for client and location."""
    prefixes = {"ring": "ring", "track": "track", "role": "role", "policy_group": "policy", "kind": "kind"}
    groups = [f"{prefix}_{one.record[key]}" for key, prefix in prefixes.items() if one.record[key]]
    return [*groups, "unclassified"] if one.unclassified else groups


def _unknown_systems(others: Iterable[Row]) -> list[str]:
    """A warning of those that are left out though nobody knows that they do not run Windows."""
    names: dict[str, list[str]] = {}
    for row in others:
        if not _OTHERS.search(_system(row)):
            names.setdefault(str(row["OperatingSystemName"]), []).append(str(row.get("ComputerName") or row.get("Id")))
    if not names:
        return []
    count = sum(len(some) for some in names.values())
    shown = ", ".join(f"{some[0]}{' and others' if some[1:] else ''} ({os!r})" for os, some in [*names.items()][:NAMED])
    text = (
        f"{count} computer(s) left out, neither patched nor counted, for their operating system is not known to be "
        f"Windows, nor to be another: {shown}{' and more' if len(names) > NAMED else ''}"
    )
    return [text]


def _unclassified_warning(endpoints: list[Endpoint]) -> list[str]:
    doubtful = [one for one in endpoints if one.unclassified]
    if not doubtful:
        return []
    counts = Counter(key for one in doubtful for key in one.unclassified)
    example = doubtful[0]
    key, why = next(iter(example.unclassified.items()))
    missing = ", ".join(f"{name}: {count}" for name, count in counts.most_common())
    text = (
        f"{len(doubtful)} of {len(endpoints)} endpoints are not fully classified and will be held, not patched "
        f"({missing}); for example {example.record['name']}, {key}: {why}. "
        "They are in the group unclassified, with the reasons in the variable automate_unclassified"
    )
    return [text]
