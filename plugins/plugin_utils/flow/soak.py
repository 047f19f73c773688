# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Soak, R5: when an update may leave the pilot. The node ``gate.soak`` asks here, update by update."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from . import times
from .fields import EARLIEST_YEAR, LATEST_YEAR
from .records import KINDS, Endpoint, Update, update_keys
from .register import Hold, Register, SoakRow
from .settings import Lane, Settings

_NOTHING = timedelta(0)
_EVER = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)
_NEVER = datetime(LATEST_YEAR, 1, 1, tzinfo=UTC)
_ALL = None


@dataclass(frozen=True, slots=True)
class Soak:
    """Whether an update is through, why, and the earliest instant it can be (None: nobody can know)."""

    passed: bool
    reason: str
    until: datetime | None = None
    taken: int = 0
    """How many pilot endpoints in scope took it, and how many of them are healthy."""
    healthy: int = 0
    failing: tuple[str, ...] = ()
    """On which pilot endpoints it has an open failure."""
    since: datetime | None = None
    """The first healthy install in the pilot."""
    full_at: datetime | None = None
    """When its time in the pilot is or was full, without the time that the pilot is held."""
    waits_for: str | None = None
    """What it lacks: ``pilot`` (nobody there took it), ``root_cause``, ``health`` or ``time``; None where it passed."""


class SoakBook:
    """What the register knows of the pilot, indexed once for one instant.

    ``fleet`` is the inventory, or what a run has of it, and knows better than the register's ``pilots``. Both name more
    pilot endpoints than have a row: a failure on one of them counts as one in the pilot. They also tell the kinds of
    those that have one: an update that fits both kinds is proven to servers by the pilot server alone, which goes
    before the rest (section 5), and to workstations by workstations.
    """

    def __init__(self, register: Register, now: datetime, fleet: Iterable[Endpoint] = ()) -> None:
        self._now = now
        self._rows: dict[str, list[SoakRow]] = {}
        self._kinds = {one.name: one.kind for one in register.pilots or ()}
        self._unknown = ("workstation",) if register.pilots is not None else KINDS
        known = {one.name: one for one in register.pilots or ()}
        for endpoint in fleet:
            known[endpoint.name] = endpoint
            self._kinds[endpoint.name] = endpoint.kind or self._kinds.get(endpoint.name)
        self._pilots = {one.name: one.client for one in known.values() if one.ring == "pilot"}
        for row in register.soak:
            if row.installed_at is None or row.installed_at <= now:
                self._rows.setdefault(row.update, []).append(row)
                self._pilots[row.endpoint] = row.client
        self._failing: dict[str, list[str]] = {}
        for failure in register.failures:
            if failure.update is not None and failure.endpoint in self._pilots and failure.is_open(now):
                self._failing.setdefault(failure.update, []).append(failure.endpoint)
        self._holds = [hold for hold in register.holds if hold.scope.get("ring", "pilot") == "pilot"]
        self._cache: dict[tuple[str, tuple[str, ...], str | None, str, timedelta, Settings], Soak] = {}

    def judge(self, update: Update, endpoint: Endpoint, settings: Settings, lane: Lane | None = None) -> Soak:
        """For the endpoint's kind and, where the policy says so, in its own client only; ``lane`` shortens it."""
        kind = endpoint.kind or "workstation"
        client = endpoint.client if settings.soak_scope[kind] == "client" else _ALL
        wanted = settings.soak if lane is None else lane.soak
        key = (update.id, update.kb, client, kind, wanted, settings)
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._judge(update, client, kind, wanted, settings)
        return found

    def _judge(self, update: Update, client: str | None, kind: str, wanted: timedelta, settings: Settings) -> Soak:
        keys = update_keys(update)
        rows = self._taken(keys, client, kind)
        whose = f"of {client}" if client is not None else "of any client"
        healthy = [row for row in rows.values() if self._is_healthy(row)]
        full_at = self._earliest(healthy, kind, wanted, settings.out_of_band)
        failing = [name for key in keys for name in self._failing.get(key, ()) if client in (_ALL, self._pilots[name])]
        why = lacks = None
        if not rows:
            lacks, why = "pilot", f"no pilot endpoint {whose} has taken {update.label}"
        elif failing:
            # of all clients: what is decided for one client's endpoint is written down, and told to that client
            where = f", on {failing[0]}" if client is not _ALL else ""
            lacks, why = "root_cause", f"{update.label} has an open failure in the pilot{where}"
        elif len(healthy) < max(settings.soak_minimum_endpoints, 1):
            count = f"{len(healthy)} of the {settings.soak_minimum_endpoints} pilot endpoints {whose}"
            lacks, why = "health", f"{update.label} is validated healthy on {count} that must have it"
        elif len(healthy) < round(settings.soak_minimum_healthy * len(rows), 6):  # 56 % of 25 would be more than 14
            share = f"{len(healthy)} of {len(rows)} pilot endpoints {whose}"
            lacks, why = (
                "health",
                f"{update.label} is healthy on {share} that took it, less than {settings.soak_minimum_healthy:.0%}",
            )
        elif full_at is None or full_at > self._now:
            when = f" (until {full_at.isoformat()} at the earliest)" if full_at is not None else ""
            lacks, why = "time", f"{update.label} has not soaked for {_days(wanted)} in the pilot {whose}{when}"
        return Soak(
            passed=why is None,
            reason=why or f"{update.label} has soaked for {_days(wanted)}",
            until=full_at if full_at is not None and full_at > self._now else None,
            taken=len(rows),
            healthy=len(healthy),
            failing=tuple(failing),
            since=min((at for row in healthy if (at := _taken_at(row)) is not None), default=None),
            full_at=full_at,
            waits_for=lacks,
        )

    def _taken(self, keys: Iterable[str], client: str | None, kind: str) -> Mapping[str, SoakRow]:
        """The latest row of each endpoint of the kind that took the update.

        One whose kind nobody knows counts for workstations; for servers only where nobody could know any (`pilots`).
        """
        latest: dict[str, SoakRow] = {}
        for key in keys:
            for row in self._rows.get(key, ()):
                known = latest.get(row.endpoint)
                newer = known is None or (row.installed_at or _EVER) >= (known.installed_at or _EVER)
                its = self._kinds.get(row.endpoint)
                counts = kind == its if its else kind in self._unknown
                if newer and counts and client in (_ALL, row.client):
                    latest[row.endpoint] = row
        return latest

    def _is_healthy(self, row: SoakRow) -> bool:
        return row.healthy is True and (row.validated_at is None or row.validated_at <= self._now)

    def _earliest(
        self, healthy: Iterable[SoakRow], kind: str, wanted: timedelta, lanes: Sequence[Lane]
    ) -> datetime | None:
        """The earliest instant at which the time of one client's pilot is full, as far as it can be known now."""
        first: dict[str, datetime] = {}
        for row in healthy:
            installed = _taken_at(row)
            if installed is not None:
                first[row.client] = min(installed, first.get(row.client, installed))
        return min((self._full(client, kind, since, wanted, lanes) for client, since in first.items()), default=None)

    def _full(self, client: str, kind: str, since: datetime, wanted: timedelta, lanes: Sequence[Lane]) -> datetime:
        """``wanted`` after ``since``, not counting the time the client's pilot was held."""
        full = since + wanted
        for start, end in sorted(self._held(client, kind, lanes)):
            begin = max(start, since)
            if begin < full and end > begin:
                full += end - begin
                since = end  # spans may overlap: what has been added is not added again
        return full

    def _held(self, client: str, kind: str, lanes: Sequence[Lane]) -> Iterable[tuple[datetime, datetime]]:
        """When this pilot was held; a hold still in force is taken to be released now."""
        for hold in self._holds:
            scope = hold.scope
            if scope.get("client", client) == client and scope.get("kind", kind) == kind:
                yield self._span(hold, lanes)

    def _span(self, hold: Hold, lanes: Sequence[Lane]) -> tuple[datetime, datetime]:
        start, end = hold.at or _EVER, self._now
        if hold.released is not None:
            end = min(end, hold.released.at or start)
        cycle = hold.scope.get("cycle")
        if cycle is not None:
            opening, closing = _span_of_cycle(cycle, lanes)
            start, end = max(start, opening), min(end, closing)
        return start, end


def _span_of_cycle(cycle: str, lanes: Sequence[Lane]) -> tuple[datetime, datetime]:
    """When a hold on the cycle holds anything; on one out of band that nobody has opened, never."""
    if not times.is_cycle(cycle):
        return _EVER, _NEVER
    if cycle.count("-") == 1:
        return times.cycle_span(cycle)
    return next(((lane.start, lane.end) for lane in lanes if lane.cycle == cycle), (_EVER, _EVER))


def _taken_at(row: SoakRow) -> datetime | None:
    return row.installed_at or row.validated_at


def _days(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"{days:g} day" if days == 1 else f"{days:g} days"


def waits(endpoint: Endpoint, settings: Settings) -> bool:
    """Whether the endpoint is in a ring that waits for the soak; a client's only server has no pilot (section 5)."""
    if is_single_server(endpoint):
        return False
    return endpoint.ring in settings.soak_rings.get(endpoint.kind or "", ())


def is_single_server(endpoint: Endpoint) -> bool:
    return endpoint.kind == "server" and endpoint.client_servers == 1


def coverage_gaps(
    wanted: Mapping[str, Iterable[Update]], fleet: Iterable[Endpoint], policy_settings: Mapping[str, Settings]
) -> dict[str, tuple[str, ...]]:
    """Updates that no pilot endpoint in scope could even take: by update id, the endpoints that wait for it (R5).

    ``wanted`` and ``policy_settings`` go by endpoint name; an update is one that applied at the last scan. A pilot
    endpoint stands for its kind alone, as in a `SoakBook`; one whose kind nobody knows counts for workstations.
    """
    endpoints = {endpoint.name: endpoint for endpoint in fleet}
    could: dict[str, set[tuple[str, str | None]]] = {}
    for name, updates in wanted.items():
        pilot = endpoints.get(name)
        if pilot is not None and pilot.ring == "pilot":
            kind = pilot.kind or "workstation"
            for update in updates:
                could.setdefault(update.id, set()).update(((kind, pilot.client), (kind, _ALL)))
    gaps: dict[str, list[str]] = {}
    for name, updates in wanted.items():
        endpoint = endpoints.get(name)
        if endpoint is None or endpoint.kind is None or not waits(endpoint, policy_settings[name]):
            continue
        scope = endpoint.client if policy_settings[name].soak_scope[endpoint.kind] == "client" else _ALL
        for update in updates:
            if (endpoint.kind, scope) not in could.get(update.id, ()):
                gaps.setdefault(update.id, []).append(name)
    return {update: tuple(sorted(names)) for update, names in gaps.items()}
