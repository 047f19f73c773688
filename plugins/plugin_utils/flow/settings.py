# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the policy as one endpoint sees them, compiled once so that a decision only reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from ..errors import PatchingError
from . import fields, freezes, times
from .approval import Rule, rule_of
from .deadlines import Deadlines
from .durations import duration
from .freezes import Freeze
from .records import Endpoint, Update, update_key, update_keys

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class PolicyError(PatchingError):
    """The policy document is not right; the text names the path, such as ``soak.days``, and the value."""


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """A window by wall time; ``days`` are weekdays, Monday being 0. It opens on these, and ends later."""

    name: str
    start: time
    end: time
    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class Lane:
    """An authorised out-of-band cycle: its updates have a soak of their own while it is open (R3)."""

    cycle: str
    start: datetime
    end: datetime
    updates: frozenset[str]
    soak: timedelta
    by: str
    reason: str

    def holds(self, update: Update) -> bool:
        return not self.updates.isdisjoint(update_keys(update))


@dataclass(frozen=True, slots=True)
class Check:
    """A probe after a reboot, and the endpoints it is for: empty conditions mean all."""

    probe: Mapping[str, Any]
    kinds: frozenset[str]
    roles: frozenset[str]
    clients: frozenset[str]
    only_if_installed: bool

    def applies(self, endpoint: Endpoint) -> bool:
        return (
            (not self.kinds or endpoint.kind in self.kinds)
            and (not self.roles or (endpoint.kind == "server" and endpoint.role in self.roles))
            and (not self.clients or endpoint.client in self.clients)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """Every figure, named after its key of the policy document. Equal only to itself, so that it can be a key."""

    overnight: WindowSpec
    daytime: WindowSpec
    forced_reboot: WindowSpec
    server: WindowSpec
    business_hours: WindowSpec
    minimum_remaining: timedelta
    scan_max_age: timedelta
    reminder_at: time
    reminder_tracks: frozenset[str]
    force_reboot_after: timedelta
    approval: tuple[Rule, ...]
    soak: timedelta
    soak_minimum_endpoints: int
    soak_minimum_healthy: float
    soak_scope: Mapping[str, str]
    soak_rings: Mapping[str, frozenset[str]]
    authorization_criticality: frozenset[str]
    authorization_rings: frozenset[str]
    authorization_single_server: bool
    freezes: tuple[Freeze, ...]
    criticality: Mapping[str, str]
    validation_deadline: timedelta
    agent_service: str
    ignore_services: frozenset[str]
    checks: tuple[Check, ...]
    retries: int
    retry_after: timedelta
    retry_after_at_most: timedelta
    unreachable_tolerated: int
    unreachable_retry_after: timedelta
    priority: Mapping[str, int]
    queue: Mapping[str, str]
    on_call_kinds: frozenset[str]
    renewal_ahead: timedelta
    coverage_gap_after: timedelta
    coverage: frozenset[str]
    notice_priority: int
    out_of_band: tuple[Lane, ...]
    deadlines: Deadlines
    provider: str
    security_plan: str | None
    installs_at_once: int | None
    installs_per_minute: int | None
    scan_time_limit: timedelta
    install_time_limit: timedelta
    reboot_time_limit: timedelta
    wake: bool
    wake_time_limit: timedelta

    def criticality_of(self, endpoint: Endpoint) -> str | None:
        """The endpoint's own, else its role's; None for a workstation without one."""
        return endpoint.criticality or (self.criticality.get(endpoint.role) if endpoint.role else None)


def compile_settings(figures: Mapping[str, Any], base_dir: Path | None, path: str = "") -> Settings:
    """The figures of a merged and checked document; raises :class:`PolicyError` for what the schema cannot see."""
    windows, soak, validation, failure = (figures[key] for key in ("windows", "soak", "validation", "failure"))
    hours, notices = figures["business_hours"], figures["notices"]
    daytime = windows["workstation_daytime"]
    healthy = float(soak["minimum_healthy"])
    return Settings(
        overnight=_window("workstation_overnight", windows["workstation_overnight"]),
        daytime=_window("workstation_daytime", hours if isinstance(daytime, str) else {**hours, **daytime}),
        forced_reboot=_window("workstation_forced_reboot", windows["workstation_forced_reboot"]),
        server=_window("server", windows["server"]),
        business_hours=_window("business_hours", hours),
        minimum_remaining=duration(figures["minimum_remaining"]),
        scan_max_age=duration(figures["scan_max_age"]),
        reminder_at=time.fromisoformat(figures["reminder"]["at"]),
        reminder_tracks=frozenset(figures["reminder"]["tracks"]),
        force_reboot_after=duration(figures["force_reboot_after"]),
        approval=tuple(_rule(row, f"{path}approval[{n}]") for n, row in enumerate(figures["approval"])),
        soak=timedelta(days=soak["days"]),
        soak_minimum_endpoints=soak["minimum_endpoints"],
        soak_minimum_healthy=healthy if healthy <= 1 else healthy / 100,
        soak_scope=soak["scope"],
        soak_rings={kind: frozenset(rings) for kind, rings in soak["rings"].items()},
        authorization_criticality=frozenset(figures["authorization"]["criticality"]),
        authorization_rings=frozenset(figures["authorization"]["rings"]),
        authorization_single_server=figures["authorization"]["single_server"],
        freezes=tuple(_freeze(row, base_dir, f"{path}freezes[{n}]") for n, row in enumerate(figures["freezes"])),
        criticality=figures["criticality"],
        validation_deadline=duration(validation["deadline"]),
        agent_service=validation["agent_service"],
        ignore_services=frozenset(name.casefold() for name in validation["ignore_services"]),
        checks=tuple(_check(name, row) for name, row in validation["checks"].items() if row is not None),
        retries=failure["retries"],
        retry_after=duration(failure["retry_after"]),
        retry_after_at_most=duration(failure["retry_after_at_most"]),
        unreachable_tolerated=failure["unreachable_tolerated"],
        unreachable_retry_after=duration(failure["unreachable_retry_after"]),
        priority=failure["priority"],
        queue=failure["queue"],
        on_call_kinds=frozenset(figures["on_call"]["kinds"]),
        renewal_ahead=duration(notices["renewal_ahead"]),
        coverage_gap_after=duration(notices["coverage_gap_after"]),
        coverage=frozenset(notices["coverage"]),
        notice_priority=notices["priority"],
        out_of_band=tuple(_lane(row, f"{path}out_of_band[{n}]") for n, row in enumerate(figures["out_of_band"])),
        deadlines=Deadlines.of(figures["deadlines"]),
        provider=figures["assessment"]["provider"],
        security_plan=figures["assessment"]["security_plan"],
        installs_at_once=figures["installs"]["at_once"],
        installs_per_minute=figures["installs"]["per_minute"],
        scan_time_limit=duration(figures["scan_time_limit"]),
        install_time_limit=duration(figures["install_time_limit"]),
        reboot_time_limit=duration(figures["reboot_time_limit"]),
        wake=figures["wake"],
        wake_time_limit=duration(figures["wake_time_limit"]),
    )


def _window(name: str, row: Mapping[str, Any]) -> WindowSpec:
    days = frozenset(DAYS.index(day) for day in row.get("days", DAYS))
    return WindowSpec(name, time.fromisoformat(row["start"]), time.fromisoformat(row["end"]), days)


def _rule(row: Mapping[str, Any], path: str) -> Rule:
    within = row.get("within")
    try:
        return rule_of(row, None if within is None else duration(within))
    except re.error as exc:
        raise PolicyError(f"{path}.match.title is {row['match']['title']!r}: no regular expression ({exc})") from exc


def _freeze(row: Mapping[str, Any], base_dir: Path | None, path: str) -> Freeze:
    whom = {key: row.get(key) for key in ("client", "location", "role")}
    if "ics" in row:
        return Freeze(row["name"], **whom, calendar=_calendar(row["ics"], base_dir, f"{path}.ics"))
    ends = []
    for key in ("start", "end"):
        try:
            ends.append(freezes.moment(row[key]))
        except fields.UnfitError as exc:
            raise PolicyError(f"{path}.{key} is {row[key]!r}: {exc}") from None
    start, end = ends[0], freezes.closing(ends[1])
    if not freezes.is_before(start, end):
        raise PolicyError(f"{path}.end is {row['end']!r}: it is not after the start, {row['start']}")
    return Freeze(row["name"], **whom, span=(start, end))


def _calendar(ics: str, base_dir: Path | None, path: str) -> Any:
    if ics.lstrip().startswith("BEGIN:"):
        text, named = ics, "the text"
    else:
        file = Path(ics)
        if not file.is_absolute():
            if base_dir is None:
                raise PolicyError(
                    f"{path} is {ics!r}: relative to no file here; an absolute path or the text is wanted"
                )
            file = base_dir / file
        named = str(file)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as exc:
            raise PolicyError(f"{path} is {ics!r}: {file} cannot be read ({exc})") from exc
    try:
        return freezes.calendar_of(text)
    except PatchingError:
        raise
    except Exception as exc:  # the libraries raise many kinds for a text that is no calendar
        raise PolicyError(f"{path}: {named} is no iCalendar that can be used ({exc})") from exc


def _lane(row: Mapping[str, Any], path: str) -> Lane:
    spans = {}
    for key in ("start", "end"):
        try:
            spans[key] = fields.instant(row[key])
        except fields.UnfitError as exc:
            raise PolicyError(f"{path}.{key} is {row[key]!r}: {exc}") from None
    if spans["end"] <= spans["start"]:
        raise PolicyError(f"{path}.end is {row['end']!r}: it is not after the start, {row['start']}")
    if not times.is_cycle(row["cycle"]):
        raise PolicyError(f"{path}.cycle is {row['cycle']!r}: a cycle such as 2026-11-oob1 is wanted")
    return Lane(
        cycle=row["cycle"],
        updates=frozenset(update_key(update) for update in row["updates"]),
        soak=timedelta(days=row["soak_days"]),
        by=row["by"],
        reason=row["reason"],
        **spans,
    )


_WHOM = ("kinds", "roles", "clients", "only_if_installed")
"""What a check says of whom it is for and how it counts. Whatever else it says is its probe's, for ``win_check``."""


def _check(name: str, row: Mapping[str, Any]) -> Check:
    return Check(
        probe={"name": name, **{key: value for key, value in row.items() if key not in _WHOM}},
        kinds=frozenset(row.get("kinds", ())),
        roles=frozenset(row.get("roles", ())),
        clients=frozenset(row.get("clients", ())),
        only_if_installed=row.get("only_if_installed", False),
    )
