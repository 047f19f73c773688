# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register: what is known from earlier runs. Rows are parsed here and looked up through an index.

A row dated after the instant of a decision is not known yet, so that a look back at an earlier instant gives
what was known then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from . import fields, times
from .fields import RecordError
from .records import KINDS, RINGS, ROLES, Endpoint, is_same, update_key

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Approval:
    """An engineer's recorded decision for an update; ``client`` None means all clients."""

    update: str
    decision: str
    by: str | None = None
    at: datetime | None = None
    reason: str | None = None
    client: str | None = None
    until: datetime | None = None
    promote: bool = False

    @classmethod
    def parse(cls, record: object) -> Approval:
        return cls(
            **fields.read("register approval", record, _APPROVAL, required=("update", "decision"), named="update")
        )

    def as_record(self) -> dict[str, Any]:
        return {key: fields.plain(getattr(self, key)) for key in _APPROVAL}


_APPROVAL: fields.Fields = {
    "update": update_key,
    "decision": fields.one_of("approved", "declined", "deferred"),
    "by": fields.text,
    "at": fields.instant,
    "reason": fields.any_text,
    "client": fields.text,
    "until": fields.instant,
    "promote": fields.flag,
}


def _cycle(value: object) -> str:
    cycle = fields.text(value)
    if not times.is_cycle(cycle):
        raise fields.UnfitError("a cycle such as 2026-11, or one with a suffix such as 2026-11-oob1, is wanted")
    return cycle


def _scope(converters: Mapping[str, fields.Converter]) -> Callable[[object], dict[str, str]]:
    def convert(value: object) -> dict[str, str]:
        try:
            return fields.read("scope", value, converters)
        except RecordError as exc:
            raise fields.UnfitError(str(exc)) from None

    return convert


_EXCEPTION_KEYS = _scope(
    {"client": fields.text, "location": fields.text, "endpoint": fields.text, "role": fields.one_of(*ROLES)}
)


def _exception_scope(value: object) -> dict[str, str]:
    scope = _EXCEPTION_KEYS(value)
    if set(scope) not in ({"client"}, {"endpoint"}, {"role"}, {"client", "location"}):
        raise fields.UnfitError("one of client, endpoint, role, or a location with its client is wanted")
    return scope


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A row of the exception register: what it covers, and whether it counts (R2)."""

    scope: Mapping[str, str]
    reason: str | None = None
    signed_by: str | None = None
    signed_at: datetime | None = None
    expires: datetime | None = None

    @classmethod
    def parse(cls, record: object) -> Exclusion:
        return cls(**fields.read("register exception", record, _EXCLUSION, required=("scope",), named="reason"))

    def as_record(self) -> dict[str, Any]:
        return {**{key: fields.plain(getattr(self, key)) for key in _EXCLUSION}, "scope": dict(self.scope)}


_EXCLUSION: fields.Fields = {
    "scope": _exception_scope,
    "reason": fields.any_text,
    "signed_by": fields.any_text,
    "signed_at": fields.instant,
    "expires": fields.instant,
}


@dataclass(frozen=True, slots=True)
class RootCause:
    """Why an earlier failure happened; once documented, the endpoint may be tried again."""

    by: str
    code: str | None = None
    text: str | None = None
    at: datetime | None = None

    def is_documented(self, now: datetime) -> bool:
        """By whom, a code and a text (section 8)."""
        told = all(text and text.strip() for text in (self.by, self.code, self.text))
        return told and (self.at is None or self.at <= now)

    @classmethod
    def parse(cls, record: object) -> RootCause:
        return cls(**fields.read("root cause", record, _ROOT_CAUSE, required=("by",), named="code"))

    def as_record(self) -> dict[str, Any]:
        return {key: fields.plain(getattr(self, key)) for key in _ROOT_CAUSE}


_ROOT_CAUSE: fields.Fields = {
    "by": fields.text,
    "code": fields.any_text,
    "text": fields.any_text,
    "at": fields.instant,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed deployment, reboot or validation; ``update`` None where no single update is at fault. ``client`` and
    ``endpoint_id``, the RMM's number, are those of the endpoint when it failed."""

    endpoint: str
    update: str | None = None
    at: datetime | None = None
    root_cause: RootCause | None = None
    client: str | None = None
    endpoint_id: int | None = None

    @classmethod
    def parse(cls, record: object) -> Failure:
        return cls(**fields.read("register failure", record, _FAILURE, required=("endpoint",), named="endpoint"))

    def as_record(self) -> dict[str, Any]:
        return {key: fields.plain(getattr(self, key)) for key in _FAILURE}

    def is_of(self, endpoint: Endpoint) -> bool:
        """By its name, or by the one that it had when it failed."""
        return endpoint.name == self.endpoint or is_same(endpoint, self.endpoint, self.client, self.endpoint_id)

    def is_open(self, now: datetime) -> bool:
        if self.at is not None and self.at > now:
            return False
        return self.root_cause is None or not self.root_cause.is_documented(now)


def _row(parse: Callable[[object], Row]) -> Callable[[object], Row]:
    def convert(value: object) -> Row:
        try:
            return parse(value)
        except RecordError as exc:
            raise fields.UnfitError(str(exc)) from None

    return convert


_FAILURE: fields.Fields = {
    "endpoint": fields.text,
    "update": update_key,
    "at": fields.instant,
    "root_cause": _row(RootCause.parse),
    "client": fields.any_text,
    "endpoint_id": fields.whole,
}


@dataclass(frozen=True, slots=True)
class Release:
    """Who released a hold, when, and why."""

    by: str
    at: datetime | None = None
    reason: str | None = None

    @classmethod
    def parse(cls, record: object) -> Release:
        return cls(**fields.read("release", record, _RELEASE, required=("by",), named="by"))

    def as_record(self) -> dict[str, Any]:
        return {key: fields.plain(getattr(self, key)) for key in _RELEASE}


_RELEASE: fields.Fields = {"by": fields.text, "at": fields.instant, "reason": fields.any_text}


@dataclass(frozen=True, slots=True)
class Hold:
    """A stop on everything its scope covers; an empty scope covers all."""

    scope: Mapping[str, str]
    reason: str | None = None
    at: datetime | None = None
    released: Release | None = None

    @classmethod
    def parse(cls, record: object) -> Hold:
        return cls(**fields.read("register hold", record, _HOLD, required=("scope",), named="reason"))

    def as_record(self) -> dict[str, Any]:
        return {**{key: fields.plain(getattr(self, key)) for key in _HOLD}, "scope": dict(self.scope)}

    def in_force(self, now: datetime) -> bool:
        if self.at is not None and self.at > now:
            return False
        released = self.released
        return released is None or (released.at is not None and released.at > now)


_HOLD: fields.Fields = {
    "scope": _scope(
        {
            "client": fields.text,
            "ring": fields.one_of(*RINGS),
            "kind": fields.one_of(*KINDS),
            "cycle": _cycle,
        }
    ),
    "reason": fields.any_text,
    "at": fields.instant,
    "released": _row(Release.parse),
}


@dataclass(frozen=True, slots=True)
class SoakRow:
    """One update taken by one pilot endpoint; ``healthy`` None until it is validated."""

    update: str
    endpoint: str
    client: str = ""
    installed_at: datetime | None = None
    healthy: bool | None = None
    validated_at: datetime | None = None

    @classmethod
    def parse(cls, record: object) -> SoakRow:
        return cls(**fields.read("register soak", record, _SOAK, required=("update", "endpoint"), named="endpoint"))

    def as_record(self) -> dict[str, Any]:
        return {key: fields.plain(getattr(self, key)) for key in _SOAK}


_SOAK: fields.Fields = {
    "update": update_key,
    "endpoint": fields.text,
    "client": fields.text,
    "installed_at": fields.instant,
    "healthy": fields.flag,
    "validated_at": fields.instant,
}

_AUTHORIZATION_KEYS = _scope(
    {
        "endpoint": fields.text,
        "client": fields.text,
        "ring": fields.one_of(*RINGS),
        "kind": fields.one_of(*KINDS),
    }
)


def _authorization_scope(value: object) -> dict[str, str]:
    scope = _AUTHORIZATION_KEYS(value)
    if set(scope) not in ({"endpoint"}, {"client", "ring", "kind"}):
        raise fields.UnfitError("an endpoint, or client, ring and kind together are wanted")
    return scope


@dataclass(frozen=True, slots=True)
class Authorization:
    """A technician's go, for an endpoint or a tier, in one cycle."""

    scope: Mapping[str, str]
    cycle: str
    by: str | None = None
    at: datetime | None = None

    @classmethod
    def parse(cls, record: object) -> Authorization:
        return cls(
            **fields.read("register authorization", record, _AUTHORIZATION, required=("scope", "cycle"), named="by")
        )

    def as_record(self) -> dict[str, Any]:
        return {
            **{key: fields.plain(getattr(self, key)) for key in _AUTHORIZATION},
            "scope": dict(self.scope),
        }


_AUTHORIZATION: fields.Fields = {
    "scope": _authorization_scope,
    "cycle": _cycle,
    "by": fields.text,
    "at": fields.instant,
}


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What the ledger knows of one endpoint's last scan, install, reboot and validation."""

    scanned_at: datetime | None = None
    reboot_pending_since: datetime | None = None
    reminded_at: datetime | None = None
    installed_at: datetime | None = None
    rebooted_at: datetime | None = None
    validated_at: datetime | None = None

    @classmethod
    def parse(cls, record: object, name: str = "") -> EndpointState:
        return cls(**fields.read(f"register endpoint {name}".rstrip(), record, _STATE))

    def as_record(self) -> dict[str, Any]:
        return {key: fields.plain(getattr(self, key)) for key in _STATE}


_STATE: fields.Fields = dict.fromkeys(
    ("scanned_at", "reboot_pending_since", "reminded_at", "installed_at", "rebooted_at", "validated_at"),
    fields.instant,
)


def _rows(parse: Callable[[object], Row]) -> Callable[[object], tuple[Row, ...]]:
    def convert(value: object) -> tuple[Row, ...]:
        if not isinstance(value, list | tuple):
            raise fields.UnfitError("a list of rows is wanted")
        return tuple(parse(row) for row in value)

    return convert


def _states(value: object) -> dict[str, EndpointState]:
    if not isinstance(value, Mapping):
        raise fields.UnfitError("a mapping by endpoint name is wanted")
    return {fields.text(name): EndpointState.parse(state, name) for name, state in value.items() if state is not None}


@dataclass(frozen=True, slots=True)
class Register:
    """What is known from earlier runs.

    `pilots` are not of the record: where a ledger tells, who took the updates of `soak` and who else is in the pilot,
    each with its kind; None where nobody can.
    """

    approvals: tuple[Approval, ...] = ()
    exceptions: tuple[Exclusion, ...] = ()
    failures: tuple[Failure, ...] = ()
    holds: tuple[Hold, ...] = ()
    soak: tuple[SoakRow, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    endpoints: Mapping[str, EndpointState] = field(default_factory=dict)
    pilots: tuple[Endpoint, ...] | None = None

    @classmethod
    def parse(cls, record: object) -> Register:
        return cls(**fields.read("register", record, _REGISTER))

    def as_record(self) -> dict[str, Any]:
        rows = {key: fields.plain(getattr(self, key)) for key in _REGISTER}
        rows["endpoints"] = {name: state.as_record() for name, state in self.endpoints.items()}
        return rows


_REGISTER: fields.Fields = {
    "approvals": _rows(Approval.parse),
    "exceptions": _rows(Exclusion.parse),
    "failures": _rows(Failure.parse),
    "holds": _rows(Hold.parse),
    "soak": _rows(SoakRow.parse),
    "authorizations": _rows(Authorization.parse),
    "endpoints": _states,
}
