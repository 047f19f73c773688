# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is called otherwise now: clients, locations and endpoints that the RMM has another name for than before.

Exceptions, holds, updates that a client declined or deferred, and the policy go by the RMM's names. Renamed there, it
would be patched against what was said of it. An endpoint is known again by the RMM's number for it, a client or a
location by its endpoints. `Names` compares where they were when a run last saw them with the inventory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from ..flow import Endpoint
from ..flow.records import is_same, unqualified
from ..ledger import Event
from ..ledger.kinds import about
from ..ledger.overview import Place

Scope = Mapping[str, str]
Key = tuple[str, ...]
"""A client, or a client and its location."""
PLACE = ("client", "location")


class Names:
    """`before` is where each endpoint was when a run last saw it, `fleet` the whole inventory by name, or a slice."""

    def __init__(self, before: Mapping[str, Place], fleet: Mapping[str, Endpoint]) -> None:
        # of one that a missed window names and no more, nothing is known: no run has seen it
        self._before = {name: place for name, place in before.items() if place.client or place.id is not None}
        self._fleet = fleet
        self._there = {key for one in fleet.values() for key in _keys(one.client, one.location)}

    def clients(self) -> list[tuple[str, str]]:
        """The clients of which the inventory has nobody any more, each with what it most likely is called now."""
        gone = sorted({key for key in self._members if len(key) == 1} - self._there)
        found = ((old, scope) for (old,) in gone for scope in self.now({"client": old}))
        return [(old, scope["client"]) for old, scope in found if "client" in scope]

    def now(self, scope: Scope) -> list[dict[str, str]]:
        """What `scope`, which covers nobody of the inventory by its names, most likely is now; empty where nobody can
        tell, or nothing has changed. Endpoints that are where others were before them are named each."""
        if "endpoint" in scope:
            name = scope["endpoint"]
            return [{"endpoint": one.name} for one in self._now(name) or self._again(name) if one.name != name]
        if "client" not in scope:
            return []
        key = _place(scope)
        return [] if key in self._there else list(self._gone(key))

    def called(self, name: str) -> str | None:
        """What the endpoint that was seen by this name is called now, where that is something else and one."""
        found = self.now({"endpoint": name})
        return found[0]["endpoint"] if len(found) == 1 else None

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of the inventory that is called so."""
        return self._fleet[name]

    def moved(self, former: Scope, scope: Scope) -> list[Endpoint]:
        """The endpoints of the client or the location `former` that are at `scope` now."""
        old, new = _place(former), _place(scope)
        there = (one for name in self._members.get(old, ()) for one in self._now(name))
        return [one for one in there if _key(one, len(new)) == new]

    def _gone(self, key: Key) -> Iterator[dict[str, str]]:
        its = {name: self._now(name) for name in self._members.get(key, ())}
        there = [one for some in its.values() for one in some]
        is_whole = all(some or self._is_no_more(name) for name, some in its.items())
        places = Counter(_key(one, len(key)) for one in there)
        for place, _number in places.most_common():
            if not place[0]:
                continue
            others = [name for name in self._members.get(place, ()) if name not in its]
            if all(place) and not any(self._stays(name, place) for name in others):
                yield dict(zip(PLACE, place, strict=False))
            elif is_whole:  # of a slice some may have moved, and the others are where they were
                yield from ({"endpoint": one.name} for one in there if _key(one, len(key)) == place)

    def _stays(self, name: str, place: Key) -> bool:
        """Whether one that was seen at `place` is there still, as far as this inventory tells."""
        there = self._now(name)
        return any(_key(one, len(place)) == place for one in there) if there else not self._is_no_more(name)

    def _is_no_more(self, name: str) -> bool:
        """Of one that is not there: whether it would be, this being the inventory of its ring."""
        return self._before[name].ring in self._rings

    @cached_property
    def _members(self) -> Mapping[Key, list[str]]:
        """By client, and by client and location, who was there."""
        found: dict[Key, list[str]] = {}
        for name, place in self._before.items():
            for key in _keys(place.client, place.location):
                found.setdefault(key, []).append(name)
        return found

    @cached_property
    def _rings(self) -> frozenset[str | None]:
        """Of whom this is the inventory: of one that is sliced, each slice has those of some rings."""
        return frozenset(one.ring for one in self._fleet.values())

    @cached_property
    def _numbered(self) -> Mapping[int, list[Endpoint]]:
        """All endpoints by the RMM's number."""
        found: dict[int, list[Endpoint]] = {}
        for one in self._fleet.values():
            if one.id is not None:
                found.setdefault(one.id, []).append(one)
        return found

    @cached_property
    def _new(self) -> tuple[Mapping[int, list[Endpoint]], Mapping[Key, list[Endpoint]]]:
        """The endpoints by whose names nobody was known, or another: by the RMM's number; those by whose names nobody
        was known: by client and unqualified name."""
        by_id: dict[int, list[Endpoint]] = {}
        by_name: dict[Key, list[Endpoint]] = {}
        for name, one in sorted(self._fleet.items()):
            was = self._before.get(name)
            if was is None:
                by_name.setdefault((one.client, unqualified(name)), []).append(one)
            if one.id is not None and (was is None or was.id not in (None, one.id)):
                by_id.setdefault(one.id, []).append(one)
        return by_id, by_name

    def _now(self, name: str) -> list[Endpoint]:
        """The endpoint that was seen by this name; several where its number is not known and it may be any of them."""
        was, one = self._before.get(name), self._fleet.get(name)
        if was is None:
            return []
        if one is not None and (was.id is None or one.id is None or was.id == one.id):
            return [one]
        by_id, by_name = self._new
        if was.id is not None:
            return self._same(name, was, by_id.get(was.id, ()))
        # what the inventory calls an endpoint depends on whether another client has the name too
        return by_name.get((was.client, unqualified(name)), []) if one is None else []

    def _again(self, name: str) -> list[Endpoint]:
        """The endpoint that was seen by this name, where it has gone back to one by which it had been seen before."""
        was = self._before.get(name)
        if was is None or was.id is None or name in self._fleet:
            return []
        return self._same(name, was, self._numbered.get(was.id, ()))

    @staticmethod
    def _same(name: str, was: Place, found: Iterable[Endpoint]) -> list[Endpoint]:
        """The one of `found`, which have its number, that was seen by `name`."""
        same = [one for one in found if is_same(one, name, was.client, was.id)]
        return same if len(same) == 1 else []


def seen_events(
    endpoints: Mapping[str, Endpoint], before: Mapping[str, Place], told: Collection[str | None], now: datetime
) -> Iterator[Event]:
    """An event for each endpoint that is elsewhere than it was `before`, or has another number or ring, and of which
    nothing else is `told`: a decision that stands is not recorded again, and its endpoint is to be known again."""
    for name, one in endpoints.items():
        place = Place(one.client or "", one.location or "", one.id or None, one.ring)
        if one.client and name in before and name not in told and before[name] != place:
            yield Event("endpoint.seen", name, now, about(one))


def _place(scope: Scope) -> Key:
    return tuple(scope[part] for part in PLACE if part in scope)


def _keys(client: str, location: str) -> list[Key]:
    return [(client,), (client, location)]


def _key(endpoint: Endpoint, parts: int) -> Key:
    return (endpoint.client, endpoint.location)[:parts]
