# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records a decision is made from: one endpoint, one update (the register has a room of its own).

Each has ``parse(mapping)``, which refuses unknown keys and bad values with a :class:`RecordError`, and
``as_record()``, which gives the mapping of JSON types back with every key of the public interface.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..visible import one_line
from . import fields
from .fields import RecordError

KINDS = ("server", "workstation")
RINGS = ("pilot", "mosttest", "regular", "production")
TRACKS = ("overnight", "daytime")
CRITICALITIES = ("P1", "P2", "P3")
SEVERITIES = ("Critical", "Important", "Moderate", "Low")
SERVER_POLICY_GROUPS = ("do_not_patch", "manual", "auto_install_manual_reboot", "auto_install_auto_reboot")
WORKSTATION_POLICY_GROUPS = ("do_not_patch", "auto")
ROLES = (
    "domain_controller",
    "sql_server",
    "app_server",
    "file_server",
    "web_server",
    "utility",
    "infrastructure",
    "backup",
    "disaster_recovery",
    "virtualization_host",
    "exchange",
    "smtp",
    "management",
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One managed Windows machine; None (an empty text for the names) means unknown."""

    name: str = ""
    client: str = ""
    location: str = ""
    id: int | None = None
    kind: str | None = None
    os: str | None = None
    time_zone: str | None = None
    policy_group: str | None = None
    ring: str | None = None
    track: str | None = None
    role: str | None = None
    criticality: str | None = None
    redundancy_group: str | None = None
    location_disabled: bool | None = None
    agent_disabled: bool | None = None
    unattended_reboot: bool | None = None
    online: bool | None = None
    asleep: bool | None = None
    user_logged_on: bool | None = None
    last_contact: datetime | None = None
    client_servers: int | None = None
    computer_name: str | None = None
    """What Windows calls itself; where it is known, nothing is done on a machine that answers by another name."""

    @classmethod
    def parse(cls, record: object) -> Endpoint:
        return cls(**fields.read("endpoint", record, _ENDPOINT))

    def as_record(self) -> dict[str, Any]:
        record = {key: fields.plain(getattr(self, key)) for key in _ENDPOINT}
        return {key: None if value == "" else value for key, value in record.items()}


_ENDPOINT: fields.Fields = {
    "id": fields.whole,
    "name": fields.text,
    "client": fields.text,
    "location": fields.text,
    "kind": fields.one_of(*KINDS),
    "os": fields.any_text,
    "time_zone": fields.time_zone,
    "policy_group": fields.one_of(*dict.fromkeys(SERVER_POLICY_GROUPS + WORKSTATION_POLICY_GROUPS)),
    "ring": fields.one_of(*RINGS),
    "track": fields.one_of(*TRACKS),
    "role": fields.one_of(*ROLES),
    "criticality": fields.one_of(*CRITICALITIES),
    "redundancy_group": fields.text,
    "location_disabled": fields.flag,
    "agent_disabled": fields.flag,
    "unattended_reboot": fields.flag,
    "online": fields.flag,
    "asleep": fields.flag,
    "user_logged_on": fields.flag,
    "last_contact": fields.instant,
    "client_servers": fields.whole,
    "computer_name": fields.text,
}


def is_same(endpoint: Endpoint, name: str, client: str | None, number: int | None) -> bool:
    """Whether `endpoint` was called `name` once, being of `client` and having the RMM's `number`. Two RMMs may have the
    same number, so the client or the unqualified name has to be the same too."""
    if number is None or endpoint.id != number:
        return False
    return endpoint.client == client or unqualified(endpoint.name) == unqualified(name)


def unqualified(name: str) -> str:
    """Without what the inventory adds where several clients have an endpoint of the name."""
    return name.partition(".")[0].casefold()


def redundancy_key(endpoint: Endpoint) -> tuple[str, str] | None:
    """Endpoints with the same key are never rebooted at once (R6): client and group, else client and role."""
    if endpoint.redundancy_group is not None:
        return endpoint.client, f"group {endpoint.redundancy_group}"
    if endpoint.kind == "server" and endpoint.role is not None:
        return endpoint.client, f"role {endpoint.role}"
    return None


@dataclass(frozen=True, slots=True)
class Update:
    """One Windows Update that applies to an endpoint."""

    id: str
    kb: tuple[str, ...] = ()
    title: str = ""
    categories: tuple[str, ...] = ()
    severity: str | None = None
    vendor: str | None = None
    optional: bool | None = None
    released: datetime | None = None
    cves: tuple[str, ...] = ()
    cvss: float | None = None

    @classmethod
    def parse(cls, record: object) -> Update:
        return cls(**fields.read("update", record, _UPDATE, required=("id",), named="id"))

    def as_record(self) -> dict[str, Any]:
        return {key: fields.plain(getattr(self, key)) for key in _UPDATE}

    @property
    def label(self) -> str:
        """How a sentence names it: its KB numbers, else its title, else its id."""
        return " ".join(f"KB{kb}" for kb in self.kb) or self.called

    @property
    def called(self) -> str:
        """Its title for people, else its id. Both are what an endpoint says, kept as they are to choose it by."""
        return one_line(self.title) or one_line(self.id)

    @property
    def described(self) -> tuple[str, ...]:
        """Its categories for people."""
        return tuple(one_line(category) for category in self.categories)


def _kb(value: object) -> tuple[str, ...]:
    numbers = fields.texts(value)
    for item in numbers:
        if not (item.isascii() and item.isdigit()):
            raise fields.UnfitError("a list of KB numbers is wanted, digits only, such as ['5046613']")
    return numbers


_UPDATE: fields.Fields = {
    "id": fields.text,
    "kb": _kb,
    "title": fields.any_text,
    "categories": fields.texts,
    "severity": fields.one_of(*SEVERITIES),
    "vendor": fields.any_text,
    "optional": fields.flag,
    "released": fields.instant,
    "cves": fields.texts,
    "cvss": fields.number,
}

_KB = re.compile(r"(?:KB)?(\d+)", re.IGNORECASE | re.ASCII)


def update_key(value: object) -> str:
    """The one spelling of a reference to an update: a KB's digits, or an id in lower case."""
    reference = fields.text(value)
    found = _KB.fullmatch(reference)
    return found[1] if found else reference.lower()


def update_keys(update: Update) -> tuple[str, ...]:
    """Every key by which a register row may refer to this update: its id, and each KB."""
    return (update_key(update.id), *update.kb)


__all__ = [
    "CRITICALITIES",
    "KINDS",
    "RINGS",
    "ROLES",
    "SERVER_POLICY_GROUPS",
    "SEVERITIES",
    "TRACKS",
    "WORKSTATION_POLICY_GROUPS",
    "Endpoint",
    "RecordError",
    "Update",
    "redundancy_key",
    "update_key",
    "update_keys",
]
