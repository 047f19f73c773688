# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab fleet is made of: frozen records, as the fleet file says them.

They hold the fleet as it stands when the lab starts. What changes while it runs (who is online, what is
installed, when a machine booted) is the machine's own and lives in the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

EdfValue = str | bool
"""The value of an extra data field (EDF) of the RMM: text and drop-downs are strings, checkboxes booleans."""


def slug(text: str) -> str:
    """``'Acme Dental, LLC'`` gives ``'acme_dental_llc'``."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """One Windows release: ``words`` is what the RMM's name for it holds; ``version`` as ``10.0.20348``."""

    words: str
    release: str
    version: str
    kind: str


# Newest release of a product first: the first whose words fit is taken where a computer names no release.
OPERATING_SYSTEMS = (
    OperatingSystem("Windows Server 2025", "24H2", "10.0.26100", "server"),
    OperatingSystem("Windows Server 2022", "21H2", "10.0.20348", "server"),
    OperatingSystem("Windows Server 2019", "1809", "10.0.17763", "server"),
    OperatingSystem("Windows 11", "24H2", "10.0.26100", "workstation"),
    OperatingSystem("Windows 11", "23H2", "10.0.22631", "workstation"),
    OperatingSystem("Windows 10", "22H2", "10.0.19045", "workstation"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueUpdate:
    """One update that Windows Update would offer.

    ``kb`` is digits only, or empty where the update has none (drivers). ``os`` holds patterns; the update
    fits a computer when all words of one pattern stand in the computer's OS name and release.
    ``reboot``: ``always``, ``never`` or ``can``. ``baseline`` updates are installed when the lab starts.
    """

    id: str
    kb: str
    title: str
    categories: tuple[str, ...]
    severity: str | None
    released: datetime
    os: tuple[str, ...]
    vendor: str = "Microsoft"
    optional: bool = False
    cvss: float | None = None
    cves: tuple[str, ...] = ()
    reboot: str = "can"
    download_mb: int = 50
    install_seconds: int = 300
    baseline: bool = False

    def fits(self, os: str) -> bool:
        """Whether it is for the operating system ``os``, as `Computer.os_full` gives it."""
        words = set(os.lower().split())
        return any(words.issuperset(pattern.lower().split()) for pattern in self.os)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A saved search of the RMM that tests one computer EDF; groups join by it."""

    id: int
    name: str
    edf: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RmmGroup:
    """A group of the RMM. With ``search`` it fills itself; with ``limited`` it also evicts everybody else."""

    id: int
    name: str  # dotted full name
    type: str = "Patching"
    priority: int = 0
    search: Search | None = None
    limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraField:
    """Definition of an EDF on one level: ``computer``, ``location`` or ``client``."""

    id: int
    name: str
    level: str
    type: str  # text, dropdown, checkbox
    options: tuple[str, ...] = ()
    section: str = "Patching"

    @property
    def default(self) -> EdfValue:
        return False if self.type == "checkbox" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    """One endpoint. ``key`` is its name in the world: ``name``, or ``name.client_slug`` where names collide.

    ``pending`` and ``installed`` hold update ids; ``services`` maps extra ones to ``running`` or ``stopped``; ``wakes``
    says whether it listens for Wake-on-LAN while it sleeps.
    """

    id: int
    name: str
    key: str
    kind: str
    os: str
    release: str
    os_version: str
    client: str
    location: str
    client_id: int
    location_id: int
    groups: tuple[str, ...] = ()
    edfs: Mapping[str, EdfValue] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    services: Mapping[str, str] = field(default_factory=dict)
    online: bool = True
    asleep: bool = False
    wakes: bool = True
    user_logged_on: bool = False
    boot_seconds: int = 40
    time_zone: str | None = None  # the location's EDF, else the client's

    @property
    def mac(self) -> str:
        return "-".join(["02", "1A", "B0", *(f"{self.id >> bits & 255:02X}" for bits in (16, 8, 0))])

    @property
    def os_full(self) -> str:
        return f"{self.os} {self.release}"

    @property
    def laptop(self) -> bool:
        return "-LT" in self.name.upper()

    def in_group(self, prefix: str) -> str | None:
        """What follows ``prefix`` in the first group that has it: ``in_group('Patching.Role.')``."""
        return next((name[len(prefix) :] for name in self.groups if name.startswith(prefix)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    id: int
    name: str
    edfs: Mapping[str, EdfValue] = field(default_factory=dict)
    computers: tuple[Computer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A customer; ``psa_identifier`` (at most 25 characters) names its company in the PSA."""

    id: int
    name: str
    psa_identifier: str
    edfs: Mapping[str, EdfValue] = field(default_factory=dict)
    locations: tuple[Location, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The whole fleet, and the clock it starts at. ``faults`` are the mappings of the file, as written."""

    seed: int
    start: datetime
    speed: float
    updates: tuple[CatalogueUpdate, ...]
    groups: tuple[RmmGroup, ...]
    extra_fields: tuple[ExtraField, ...]
    clients: tuple[Client, ...]
    faults: tuple[Mapping[str, object], ...] = ()

    def walk(self) -> Iterator[tuple[Client, Location, Computer]]:
        for client in self.clients:
            for location in client.locations:
                for computer in location.computers:
                    yield client, location, computer

    @cached_property
    def computers(self) -> dict[str, Computer]:
        """By `Computer.key`, in the order of the file."""
        return {computer.key: computer for _client, _location, computer in self.walk()}

    @cached_property
    def updates_by_id(self) -> dict[str, CatalogueUpdate]:
        return {update.id: update for update in self.updates}
