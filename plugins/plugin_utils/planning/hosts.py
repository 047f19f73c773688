# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoint records out of Ansible's host variables, for many hosts at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import PatchingError
from ..flow import Endpoint, RecordError
from ..flow.records import RINGS
from .prose import NAMED

PREFIX = "patching_"
KEYS = frozenset(Endpoint().as_record())
MAC = "automate_mac"


class ScopeError(PatchingError):
    """There is nobody to patch, or the inventory says something of an endpoint that cannot be."""


class HostVars(Protocol):
    """The part of Ansible's ``hostvars`` that is used here."""

    def raw_get(self, host_name: str) -> Mapping[str, Any]:
        """The variables of a host, not templated."""

    def __getitem__(self, key: str) -> Mapping[str, Any]:
        """The variables of a host, templated on access."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An endpoint whose record cannot be, and why; `client`, `ring` and `kind` are None where they are not told or are
    what cannot be."""

    why: str
    client: str | None
    ring: str | None
    kind: str | None

    @classmethod
    def of(cls, name: str, record: Mapping[str, Any], why: RecordError) -> Unreadable:
        place = {}
        for key in ("client", "ring", "kind"):
            try:
                place[key] = getattr(Endpoint.parse({key: record.get(key)}), key) or None
            except RecordError:
                place[key] = None
        return cls(f"{name}: {why}", **place)

    def may_be_of(self, ring: str | None) -> bool:
        """Whether a run of `ring` (None: of all) is one of it, as far as anybody knows."""
        return ring in (None, *RINGS) and (ring is None or self.ring in (None, ring))

    def may_be_in(self, client: str, ring: str, kind: str) -> bool:
        """Whether it may be of such a tier."""
        mine, theirs = (self.client, self.ring, self.kind), (client, ring, kind)
        return all(one is None or one == other for one, other in zip(mine, theirs, strict=True))


See = Callable[[str, Mapping[str, Any]], None]
"""Is told the variables of each host that is read, not templated: they are the dear part of reading."""


def unseen(_name: str, _variables: Mapping[str, Any]) -> None:
    """Where nobody wants to know."""


def of_batch(known: Mapping[str, Any]) -> list[str]:
    """The hosts of a play that a task acts on, by its variables `known`: those of its batch (``serial``; without it,
    all), and those that the play has lost, which Ansible counts to no batch."""
    left, batch = set(known["ansible_play_hosts"]), set(known["ansible_play_batch"])
    return [name for name in known["ansible_play_hosts_all"] if name in batch or name not in left]


def endpoint_records(
    hostvars: HostVars, names: Iterable[str], keys: frozenset[str], see: See = unseen
) -> dict[str, dict[str, Any]]:
    """The endpoint record of each host in `names`: its variables ``patching_<key>`` for each of `keys`, without
    the prefix, as plain JSON types. A value that is a template is templated; that is rare, so that the
    others are read raw (templating every variable of every host takes minutes for thousands of them)."""
    wanted = [(key, PREFIX + key) for key in sorted(keys)]
    records = {}
    for name in names:
        raw = hostvars.raw_get(name)
        see(name, raw)
        record = {key: raw[variable] for key, variable in wanted if raw.get(variable) is not None}
        for key, value in record.items():
            if isinstance(value, str) and "{{" in value:
                record[key] = hostvars[name][PREFIX + key]
        record.setdefault("name", name)
        records[name] = record
    # Ansible's values carry tags (where they come from, whether they are trusted); a round trip leaves plain ones, and
    # the text of an instant that YAML has read as one
    plain: dict[str, dict[str, Any]] = json.loads(json.dumps(records, default=str))
    return plain


def read_endpoints(hostvars: HostVars, names: Iterable[str]) -> tuple[dict[str, Endpoint], list[str]]:
    """The endpoints by name that can be read, and a warning of the others; ScopeError where none can."""
    found, wrong = readable_endpoints(hostvars, names)
    if wrong and not found:
        raise ScopeError(unreadable_in_words(wrong))
    return found, [f"{unreadable_in_words(wrong)}; the others are told of without"] if wrong else []


def readable_endpoints(
    hostvars: HostVars, names: Iterable[str], see: See = unseen
) -> tuple[dict[str, Endpoint], dict[str, Unreadable]]:
    """The endpoints by name, and those that cannot be read."""
    found, wrong = {}, {}
    for name, record in endpoint_records(hostvars, names, KEYS, see).items():
        try:
            found[name] = Endpoint.parse(record)
        except RecordError as exc:
            wrong[name] = Unreadable.of(name, record, exc)
    return found, wrong


def unreadable_in_words(wrong: Mapping[str, Unreadable]) -> str:
    """How many cannot be read, and what is wrong with the first of them."""
    whys = [one.why for one in wrong.values()]
    return f"{len(wrong)} endpoint(s) of the inventory cannot be read: " + "; ".join(whys[:NAMED])


def mac_addresses(hostvars: HostVars, names: Iterable[str]) -> dict[str, str]:
    """The MAC addresses that the inventory tells, by name: the host variable ``automate_mac``."""
    found = {}
    for name in names:
        told = hostvars.raw_get(name).get(MAC)
        if isinstance(told, str) and "{{" in told:
            told = hostvars[name][MAC]
        if told:
            found[name] = str(told)
    return found


def nobody(ring: str | None, endpoints: Mapping[str, Endpoint]) -> str:
    """Why no endpoint of `ring` (None: of any) is among the `endpoints`: what to say instead of a plan."""
    if ring is not None and ring not in RINGS:
        return f"there is no ring {ring!r}: a ring is one of {', '.join(RINGS)}"
    rings = Counter(endpoint.ring or "no ring" for endpoint in endpoints.values())
    there = ", ".join(f"{count} in {name}" for name, count in sorted(rings.items())) or "no host at all"
    whom = f"ring {ring}" if ring else "any ring"
    return f"no endpoint of {whom} is in the inventory within the limit; there is: {there}"
