# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads a fleet file (YAML) into the frozen records of `lab.fleet_model`.

Keys of the document:

- ``seed`` (int): all ids and all randomness of the fleet come from it.
- ``clock``: ``start`` (instant), ``speed`` (lab seconds per real second).
- ``updates``: a list of updates, or the path of a catalogue file beside this one that holds such a list.
- ``groups``, ``extra_fields``: added to the defaults of `lab.fleet_defaults` (same name: replaced).
- ``clients``: ``name``, ``psa: {identifier}``, ``edfs``, ``locations``: ``name``, ``edfs``, ``computers``:
  ``name``, ``id``, ``os`` (required), ``release``, ``kind`` (from the OS unless given), ``groups``, ``edfs``,
  ``pending`` and ``installed`` (KBs, ids or titles; default: all that fit the OS), ``services``, ``online``,
  ``asleep``, ``wakes`` (by Wake-on-LAN, as a rule), ``user_logged_on``, ``boot_seconds``.
- ``generate``: a large fleet in a few lines; see `lab.fleet_generate`.
- ``faults``: mappings with ``target`` (a computer's key, ``automate`` or ``psa``) and ``kind``.

Joining a group that fills itself by a search on an EDF means bearing that EDF: the loader sets it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID, uuid5

from .fleet_defaults import EXTRA_FIELDS, GROUPS
from .fleet_generate import generate_clients
from .fleet_model import (
    OPERATING_SYSTEMS,
    CatalogueUpdate,
    Client,
    Computer,
    EdfValue,
    ExtraField,
    Fleet,
    Location,
    OperatingSystem,
    RmmGroup,
    Search,
    slug,
)
from .fleet_read import FleetError, Place, read_document

__all__ = ["CatalogueUpdate", "Client", "Computer", "Fleet", "FleetError", "Location", "load_fleet"]

_NAMESPACE = UUID("6f1c5b0e-27a5-5d0c-9f54-0d6f5b6c1e11")
_DEFAULT_START = datetime(2026, 11, 11, 8, 5, tzinfo=UTC)


def load_fleet(path: Path | str) -> Fleet:
    """The fleet that ``path`` describes. Raises `FleetError` naming file, path, value and what is right."""
    document = read_document(Path(path))
    seed = document.whole("seed", 0)
    clock = document.place("clock")
    start = clock.instant("start", _DEFAULT_START)
    speed = clock.number("speed", 1, low=0, high=1_000_000)
    clock.done()
    updates = tuple(_updates(document, seed))
    groups = _groups(document)
    extra_fields = _extra_fields(document)
    loader = _ClientLoader(updates, groups, extra_fields)
    clients = [loader.client(place) for place in document.places("clients")]
    if document.has("generate"):
        for place in generate_clients(document.place("generate"), seed, len(clients), loader.last_id):
            clients.append(loader.client(place))  # noqa: PERF401 - the loader counts ids as it goes
    if not clients:
        document.complain("clients", None, "a list of at least one client, or give a generate section")
    fleet = Fleet(
        seed=seed,
        start=start,
        speed=speed,
        updates=updates,
        groups=groups,
        extra_fields=extra_fields,
        clients=tuple(_with_keys(clients)),
    )
    faults = tuple(_faults(document, fleet))
    document.done()
    return replace(fleet, faults=faults)


def _updates(document: Place, seed: int) -> Iterator[CatalogueUpdate]:
    source, key = document, "updates"
    if isinstance(document.raw("updates"), str):
        source = read_document(document.file.parent / document.text("updates"))
    seen: set[str] = set()
    for place in source.places(key):
        update = _update(place, seed)
        if update.id in seen:
            place.complain("id", update.id, "unique: give two updates of one KB different titles")
        seen.add(update.id)
        yield update
    if source is not document:
        source.done()


def _update(place: Place, seed: int) -> CatalogueUpdate:
    kb = place.text("kb", "", empty=True)
    if kb and not kb.isdigit():
        place.complain("kb", kb, "digits only, such as '5091201', or empty")
    title = place.text("title")
    update = CatalogueUpdate(
        id=place.text("id", str(uuid5(_NAMESPACE, f"{seed}/{kb}/{title}"))),
        kb=kb,
        title=title,
        categories=place.texts("categories"),
        severity=place.optional_text("severity", one_of=("Critical", "Important", "Moderate", "Low")),
        released=place.instant("released"),
        os=place.texts("os"),
        vendor=place.text("vendor", "Microsoft"),
        optional=place.flag("optional", default=False),
        cvss=place.number("cvss", low=0, high=10) if place.has("cvss") else None,
        cves=place.texts("cves"),
        reboot=place.text("reboot", "can", one_of=("always", "never", "can")),
        download_mb=place.whole("download_mb", 50),
        install_seconds=place.whole("install_seconds", 300),
        baseline=place.flag("baseline", default=False),
    )
    if not update.os:
        place.complain("os", None, "a list of words of OS names, such as ['Windows Server 2022']")
    place.done()
    return update


def _groups(document: Place) -> tuple[RmmGroup, ...]:
    """The defaults and the file's own; group ids from 101 up, search ids from 501 up."""
    rows: dict[str, tuple[str, int, tuple[str, str] | None, bool]] = {
        name: ("Patching", index, join, join is not None) for index, (name, join) in enumerate(GROUPS.items(), start=1)
    }
    for place in document.places("groups"):
        join = place.place("join")
        search = (join.text("edf"), join.text("value")) if place.has("join") else None
        join.done()
        rows[place.text("name")] = (
            place.text("type", "Patching"),
            place.whole("priority", len(rows) + 1),
            search,
            place.flag("limited", default=search is not None),
        )
        place.done()
    return tuple(
        RmmGroup(
            id=100 + index,
            name=name,
            type=kind,
            priority=priority,
            limited=limited,
            search=Search(id=500 + index, name=f"{name} members", edf=search[0], value=search[1]) if search else None,
        )
        for index, (name, (kind, priority, search, limited)) in enumerate(rows.items(), start=1)
    )


def _extra_fields(document: Place) -> tuple[ExtraField, ...]:
    rows = {(row["level"], row["name"]): row for row in EXTRA_FIELDS}
    fields = [ExtraField(id=index, **row) for index, row in enumerate(rows.values(), start=1)]
    for place in document.places("extra_fields"):
        added = ExtraField(
            id=len(fields) + 1,
            name=place.text("name"),
            level=place.text("level", one_of=("computer", "location", "client")),
            type=place.text("type", "text", one_of=("text", "dropdown", "checkbox")),
            options=place.texts("options"),
            section=place.text("section", "Patching"),
        )
        place.done()
        same = next((row for row in fields if (row.level, row.name) == (added.level, added.name)), None)
        kept = [row for row in fields if row is not same]
        fields = [*kept, replace(added, id=same.id) if same else added]
    return tuple(fields)


def _faults(document: Place, fleet: Fleet) -> Iterator[Mapping[str, object]]:
    for place in document.places("faults"):
        target = place.text("target")
        if target not in {"automate", "psa", "*"} and target not in fleet.computers:
            place.complain("target", target, "automate, psa or the key of a computer of this fleet")
        place.text("kind")
        yield dict(place.data)


def _with_keys(clients: list[Client]) -> Iterator[Client]:
    """Names that several clients use get the client's slug behind them, so that each key is unique."""
    counts = Counter(c.name for client in clients for loc in client.locations for c in loc.computers)
    for client in clients:
        locations = tuple(
            replace(
                location,
                computers=tuple(
                    replace(c, key=f"{c.name}.{slug(client.name)}") if counts[c.name] > 1 else c
                    for c in location.computers
                ),
            )
            for location in client.locations
        )
        yield replace(client, locations=locations)


class _ClientLoader:
    """Reads clients one after the other and hands out ids where the file gives none."""

    def __init__(
        self,
        updates: tuple[CatalogueUpdate, ...],
        groups: tuple[RmmGroup, ...],
        extra_fields: tuple[ExtraField, ...],
    ) -> None:
        self._updates = updates
        self._groups = {group.name: group for group in groups}
        self._fields = {(row.level, row.name): row for row in extra_fields}
        self._client_id = 0
        self._location_id = 0
        self._used: set[int] = set()
        self._next = 1
        self._fitting = lru_cache(maxsize=None)(self._fitting_updates)

    def last_id(self) -> int:
        return max(self._used, default=0)

    def client(self, place: Place) -> Client:
        self._client_id += 1
        name = place.text("name")
        client_id = self._client_id
        psa = place.place("psa")
        identifier = psa.text("identifier", slug(name).replace("_", "").upper()[:25])
        psa.done()
        if len(identifier) > 25:
            psa.complain("identifier", identifier, "at most 25 characters")
        edfs = self._edfs(place, "client")
        locations = tuple(self._location(row, name, client_id, edfs) for row in place.places("locations"))
        place.done()
        names = [computer.name for location in locations for computer in location.computers]
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice:
            place.complain("locations", twice, "a computer name only once in a client")
        return Client(id=client_id, name=name, psa_identifier=identifier, edfs=edfs, locations=locations)

    def _location(self, place: Place, client: str, client_id: int, inherited: Mapping[str, EdfValue]) -> Location:
        self._location_id += 1
        location_id, name, edfs = self._location_id, place.text("name"), self._edfs(place, "location")
        zone = edfs.get("Time Zone") or inherited.get("Time Zone")
        computers = tuple(
            self._computer(row, client, client_id, name, location_id, str(zone) if zone else None)
            for row in place.places("computers")
        )
        place.done()
        return Location(id=location_id, name=name, edfs=edfs, computers=computers)

    def _computer(
        self, place: Place, client: str, client_id: int, location: str, location_id: int, zone: str | None
    ) -> Computer:
        name, os = place.text("name"), place.text("os")
        system = self._operating_system(place, os)
        full = f"{os} {system.release}"
        groups = self._memberships(place)
        computer = Computer(
            id=self._id(place),
            name=name,
            key=name,
            kind=place.text("kind", system.kind, one_of=("server", "workstation")),
            os=os,
            release=system.release,
            os_version=system.version,
            client=client,
            location=location,
            client_id=client_id,
            location_id=location_id,
            groups=groups,
            edfs=self._edfs(place, "computer", groups),
            pending=self._named(place, "pending") if place.has("pending") else self._fitting(full, "pending"),
            installed=self._named(place, "installed") if place.has("installed") else self._fitting(full, "installed"),
            services=self._services(place),
            online=place.flag("online", default=True),
            asleep=place.flag("asleep", default=False),
            wakes=place.flag("wakes", default=True),
            user_logged_on=place.flag("user_logged_on", default=False),
            boot_seconds=place.whole("boot_seconds", 40),
            time_zone=zone,
        )
        place.done()
        return computer

    def _id(self, place: Place) -> int:
        if place.has("id"):
            chosen = place.whole("id", low=1)
        else:
            while self._next in self._used:
                self._next += 1
            chosen = self._next
        if chosen in self._used:
            place.complain("id", chosen, "unique in the fleet")
        self._used.add(chosen)
        return chosen

    @staticmethod
    def _operating_system(place: Place, os: str) -> OperatingSystem:
        release = place.optional_text("release")
        fitting = (row for row in OPERATING_SYSTEMS if row.words.lower() in os.lower())
        system = next((row for row in fitting if release in (None, row.release)), None)
        if system is None:
            known = ", ".join(f"{row.words} ({row.release})" for row in OPERATING_SYSTEMS)
            place.complain("os", f"{os} {release or ''}".strip(), f"a name that contains one of: {known}")
        return system

    def _memberships(self, place: Place) -> tuple[str, ...]:
        groups = place.texts("groups")
        for name in groups:
            if name not in self._groups and not name.startswith("Patching.Redundancy."):
                place.complain("groups", name, f"one of {', '.join(self._groups)}, or declared under groups")
        return groups

    def _edfs(self, place: Place, level: str, groups: tuple[str, ...] = ()) -> dict[str, EdfValue]:
        edfs: dict[str, EdfValue] = {}
        for name in groups:
            search = self._groups[name].search if name in self._groups else None
            if search:
                edfs[search.edf] = search.value
        for name, value in place.mapping("edfs").items():
            field = self._fields.get((level, name))
            if field is None:
                known = ", ".join(row for of, row in self._fields if of == level)
                place.complain(f"edfs.{name}", value, f"an EDF of a {level}: {known}; or added in extra_fields")
            checkbox = field.type == "checkbox"
            if not isinstance(value, bool if checkbox else str):
                place.complain(f"edfs.{name}", value, "true or false" if checkbox else "a text")
            if field.options and value not in field.options:
                place.complain(f"edfs.{name}", value, f"one of {', '.join(field.options)}")
            edfs[name] = value
        return edfs

    def _named(self, place: Place, key: str) -> tuple[str, ...]:
        """Update ids for KBs, titles or ids; a KB stands for all updates that bear it."""
        ids: list[str] = []
        for name in place.texts(key):
            found = [update.id for update in self._updates if name in (update.kb, update.id, update.title)]
            if not found:
                place.complain(key, name, "the KB, id or title of an update of the catalogue")
            ids.extend(found)
        return tuple(ids)

    def _fitting_updates(self, os: str, state: str) -> tuple[str, ...]:
        return tuple(u.id for u in self._updates if u.baseline is (state == "installed") and u.fits(os))

    @staticmethod
    def _services(place: Place) -> dict[str, str]:
        services = place.mapping("services")
        for name, state in services.items():
            if state not in ("running", "stopped"):
                place.complain(f"services.{name}", state, "running or stopped")
        return {name: str(state) for name, state in services.items()}
