# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large fleets from a few numbers: the ``generate`` section of a fleet file.

Keys: ``clients``, ``endpoints`` (counts, over all clients), ``servers_share``, ``daytime_share``,
``unclassified_share``, ``disabled_share``, ``offline_share`` (0 to 1), ``rings`` (weights by ring),
``track`` (all workstations on this one), ``time_zones`` (IANA names, taken in turn by client),
``prefix_names`` (false: plain DC01, SQL01 … in every client, so that names collide between clients).

The same section and seed give the same fleet. Clients are of unequal size, the large ones first.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import accumulate

from .fleet_defaults import RINGS, TRACKS
from .fleet_read import Place

_NAMES = ("Acme", "Bluebird", "Cascade", "Dunmore", "Evergreen", "Fairview", "Granite", "Harbor", "Ironwood")
_TRADES = ("Dental", "Machining", "Logistics", "Law", "Aerospace", "Foods", "Optics", "Freight", "Clinics")
_ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix")
_RING_WEIGHTS = {"Pilot": 0.05, "MostTest": 0.10, "Regular": 0.60, "Production": 0.25}
_SITES = ("Main Office", "Plant", "Warehouse", "Branch")

# role, host name stem, share of all servers
_ROLES = (
    ("Domain Controller", "DC", 20),
    ("SQL Server", "SQL", 12),
    ("App Server", "APP", 18),
    ("File Server", "FS", 12),
    ("Web Server", "WEB", 10),
    ("Utility", "UTIL", 6),
    ("Infrastructure", "INF", 5),
    ("Backup", "BKP", 7),
    ("Disaster Recovery", "DR", 3),
    ("Virtualization Host", "HV", 4),
    ("Exchange", "EX", 2),
    ("SMTP", "SMTP", 1),
)
_SERVER_SYSTEMS = (
    ("Microsoft Windows Server 2019 Standard x64", "1809", 25),
    ("Microsoft Windows Server 2022 Standard x64", "21H2", 50),
    ("Microsoft Windows Server 2025 Standard x64", "24H2", 25),
)
_WORKSTATION_SYSTEMS = (
    ("Microsoft Windows 10 Pro x64", "22H2", 15),
    ("Microsoft Windows 11 Pro x64", "23H2", 30),
    ("Microsoft Windows 11 Enterprise x64", "24H2", 55),
)
_SERVER_POLICIES = (
    ("Auto Install Auto Reboot", 55),
    ("Auto Install Manual Reboot", 35),
    ("Manual", 7),
    ("Do Not Patch", 3),
)


def generate_clients(place: Place, seed: int, skip: int, last_id: Callable[[], int]) -> Iterator[Place]:
    """Client mappings in the form the file would have, each as the `Place` a complaint would name."""
    spec = _Spec(place)
    place.done()
    rng = random.Random(f"fleet/{seed}")
    next_id = last_id() + 1
    for index, size in enumerate(_sizes(spec.clients, spec.endpoints)):
        client = _client(spec, rng, index + skip, size, next_id)
        next_id += size
        yield Place(place.file, f"generate.clients[{index}]", client)


class _Spec:
    def __init__(self, place: Place) -> None:
        self.endpoints = place.whole("endpoints", low=1, high=100_000)
        self.clients = place.whole("clients", 10, low=1, high=min(5_000, self.endpoints))
        self.servers_share = place.number("servers_share", 0.2, high=1)
        self.daytime_share = place.number("daytime_share", 0.4, high=1)
        self.unclassified_share = place.number("unclassified_share", 0.01, high=1)
        self.disabled_share = place.number("disabled_share", 0.01, high=1)
        self.offline_share = place.number("offline_share", 0.03, high=1)
        self.zones = place.texts("time_zones") or _ZONES
        self.track = place.optional_text("track", one_of=TRACKS)
        self.prefix_names = place.flag("prefix_names", default=False)
        rings = place.place("rings")
        self.rings = {name: rings.number(name, 0, high=1e6) for name in RINGS}
        rings.done()
        if not any(self.rings.values()):
            self.rings = _RING_WEIGHTS


def _sizes(clients: int, endpoints: int) -> list[int]:
    """Unequal sizes that add up to ``endpoints``, at least one each."""
    weights = [1 / (rank + 2) for rank in range(clients)]
    total, spare = sum(weights), endpoints - clients
    bounds = [round(spare * part / total) for part in accumulate(weights)]
    return [1 + high - low for low, high in zip([0, *bounds], bounds, strict=False)]


def _client(spec: _Spec, rng: random.Random, index: int, size: int, first_id: int) -> dict[str, object]:
    turn, rest = divmod(index, len(_NAMES) * len(_TRADES))
    name = f"{_NAMES[rest % len(_NAMES)]} {_TRADES[(rest // len(_NAMES) + rest) % len(_TRADES)]}"
    if turn:
        name = f"{name} {turn + 1}"
    initials = "".join(word[0] for word in name.split()) + f"{index:02d}"
    servers = round(size * spec.servers_share)
    used: dict[str, int] = {}
    computers: list[dict[str, object]] = []
    for number in range(size):
        build = _server if number < servers else _workstation
        computer = build(spec, rng, used, initials if spec.prefix_names else "")
        computers.append({"id": first_id + number, **computer})
    sites = _SITES[: max(1, min(len(_SITES), size // 40))]
    locations: list[dict[str, object]] = [
        {"name": site, "computers": computers[offset :: len(sites)]} for offset, site in enumerate(sites)
    ]
    if len(sites) > 1 and rng.random() < spec.disabled_share * 2:
        locations[-1]["edfs"] = {"Patching Disabled": True}
    return {
        "name": name,
        "psa": {"identifier": f"{name.replace(' ', '')[:20]}{index:03d}"},
        "edfs": {"Time Zone": spec.zones[index % len(spec.zones)]},
        "locations": locations,
    }


def _pick(rng: random.Random, rows: tuple[tuple[str, str, int], ...]) -> tuple[str, str, int]:
    return rng.choices(rows, weights=[row[2] for row in rows])[0]


def _numbered(used: dict[str, int], prefix: str, stem: str, width: int) -> str:
    used[stem] = used.get(stem, 0) + 1
    return f"{prefix}-{stem}{used[stem]:0{width}d}" if prefix else f"{stem}{used[stem]:0{width}d}"


def _classified(spec: _Spec, rng: random.Random, groups: list[str]) -> list[str]:
    """Most computers bear their groups; a few bear none, a few are switched off for patching."""
    if rng.random() < spec.unclassified_share:
        return [groups[-1]]
    return [*groups, "Patching.Disabled"] if rng.random() < spec.disabled_share else groups


def _ring(spec: _Spec, rng: random.Random) -> str:
    return "Patching.Ring." + rng.choices(list(spec.rings), weights=list(spec.rings.values()))[0]


def _server(spec: _Spec, rng: random.Random, used: dict[str, int], prefix: str) -> dict[str, object]:
    role, stem, _share = _pick(rng, _ROLES)
    os, release, _share = _pick(rng, _SERVER_SYSTEMS)
    policy, _share = rng.choices(_SERVER_POLICIES, weights=[row[1] for row in _SERVER_POLICIES])[0]
    groups = [_ring(spec, rng), f"Patching.Role.{role}", f"Patching.Policy.{policy}"]
    if policy == "Auto Install Auto Reboot" and rng.random() < 0.8:
        groups.insert(0, "Patching.Unattended Reboot")
    return {
        "name": _numbered(used, prefix, stem, 2),
        "os": os,
        "release": release,
        "groups": _classified(spec, rng, groups),
        "online": rng.random() >= spec.offline_share / 3,
        "boot_seconds": rng.randint(45, 180),
    }


def _workstation(spec: _Spec, rng: random.Random, used: dict[str, int], prefix: str) -> dict[str, object]:
    os, release, _share = _pick(rng, _WORKSTATION_SYSTEMS)
    track = spec.track or ("Daytime" if rng.random() < spec.daytime_share else "Overnight")
    groups = [_ring(spec, rng), f"Patching.Track.{track}", "Patching.Policy.Auto"]
    return {
        "name": _numbered(used, prefix, "LT" if rng.random() < 0.35 else "WS", 3),
        "os": os,
        "release": release,
        "groups": _classified(spec, rng, groups),
        "online": rng.random() >= spec.offline_share,
        "user_logged_on": track == "Daytime" and rng.random() < 0.7,
        "boot_seconds": rng.randint(20, 70),
    }
