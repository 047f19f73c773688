# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the register's rows: as the records of the public interface, and as what is in flight.

All reads take the endpoints' names in chunks, so that ten thousand endpoints are a few dozen statements.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint, Update
from ..flow.records import is_same
from ..requirements import sqlalchemy as sa
from .away import Missed, Try, tries
from .event import instant, text_of
from .schema import RESTARTED, Tables

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping, Table

CHUNK = 500
"""How many names one statement asks for: below the variable limit of every database."""

INSTANTS = (
    "scanned_at",
    "reboot_pending_since",
    "reminded_at",
    "installed_at",
    "rebooted_at",
    "validated_at",
)


@dataclass(frozen=True, slots=True)
class Job:
    """An asynchronous scan or install that was started and whose result is not in yet."""

    kind: str
    jid: str
    started_at: datetime
    limit_seconds: int
    updates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reboot:
    """A reboot that was asked for and is not confirmed; `boot_id` is the one before it, None if not known."""

    requested_at: datetime
    boot_id: str | None


@dataclass(frozen=True, slots=True)
class OpenFailure:
    """A failure that is not over; `endpoint` and `client` are what the RMM called them when it was found, `told_at` is
    when its ticket was last given something, `held_in` the cycle whose tier it holds."""

    id: str
    endpoint: str
    client: str
    step: str
    update: str | None
    told_at: datetime
    held_in: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where one endpoint stands between two decisions; every field empty where nothing is known.

    `unreachable_count` and `failed_in_run` are those of the run that asks; `unreachable_since` and `unreachable_at` are
    the first and the last time that it did not answer, `unreachable_during` is the step in which it fell silent.
    `unproven` are the updates that were installed and that no search since has shown to be gone, `attempted` those
    whose install was about to start at `attempted_at` and that have no result yet, `unanswered` those that an install
    was ordered to take and ended well without a result for, and that no search since has settled. `reboot_asked`: an
    install has asked for a restart since the last boot; `restarted_first`: the last one wanted a restart before it
    installed anything, and has had one. `documented` are the failures that have a root cause and of which nothing has
    shown yet that they are over.
    """

    job: Job | None = None
    reboot: Reboot | None = None
    boot_id: str | None = None
    services_before: list[str] | None = None
    unproven: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    attempted: tuple[str, ...] = ()
    attempted_at: datetime | None = None
    posture_at: datetime | None = None
    reboot_asked: bool = False
    restarted_first: bool = False
    installed_at: datetime | None = None
    retry_step: str | None = None
    retry_at: datetime | None = None
    attempts: int = 0
    unreachable_since: datetime | None = None
    unreachable_at: datetime | None = None
    unreachable_count: int = 0
    unreachable_during: str | None = None
    failed_in_run: tuple[str, str] | None = None
    failures: tuple[OpenFailure, ...] = field(default=())
    documented: tuple[OpenFailure, ...] = field(default=())
    last_decision: dict[str, Any] | None = None
    cycle: str | None = None
    checking_since: datetime | None = None
    retired: Mapping[str, Any] | None = None
    missed: Missed | None = None
    woken_at: datetime | None = None
    wake_peer: str | None = None
    wake_tried: tuple[Try, ...] = ()


def register_record(connection: Connection, of: Tables, endpoints: Iterable[str] | None) -> dict[str, Any]:
    """The register in the shape of the public interface.

    With `endpoints`: their rows, the soak of the updates that apply to them, every failure without a root
    cause and theirs with one; approvals, exceptions, holds and authorizations are whole in any case.
    """
    names = None if endpoints is None else list(dict.fromkeys(endpoints))
    return {
        "approvals": [_approval(row) for row in _rows(connection, of.approvals)],
        "exceptions": [
            _loaded(row, "scope", keys=("reason", "signed_by", "signed_at", "expires"))
            for row in _rows(connection, of.exceptions)
            if row["revoked_at"] is None
        ],
        "failures": [
            _loaded(row, "root_cause", keys=("endpoint", "update", "at", "client", "endpoint_id"))
            for row in _failures(connection, of, names)
        ],
        "holds": [_loaded(row, "scope", "released", keys=("reason", "at")) for row in _rows(connection, of.holds)],
        "soak": [soak_record(row) for row in _soaks(connection, of, names)],
        "authorizations": [
            _loaded(row, "scope", keys=("cycle", "by", "at")) for row in _rows(connection, of.authorizations)
        ],
        "endpoints": {
            row["name"]: {name: row[name] for name in INSTANTS}
            for row in _rows(connection, of.endpoints, "name", names, ("name", *INSTANTS))
        },
    }


def pilots(connection: Connection, of: Tables) -> tuple[Endpoint, ...]:
    """Who is in the pilot and who took an update there, as a run last saw them, each with its client, ring and kind;
    whatever the inventory of this run has of them."""
    table = of.endpoints
    took = table.c.name.in_(sa.select(of.soak.c.endpoint))
    then = sa.select(sa.func.max(of.soak.c.kind)).where(of.soak.c.endpoint == table.c.name).scalar_subquery()
    columns = (
        *(table.c[name] for name in ("name", "client", "ring")),
        sa.func.coalesce(table.c.kind, then).label("kind"),
    )
    query = sa.select(*columns).where(sa.or_(table.c.ring == "pilot", took)).order_by(table.c.name)
    found = connection.execute(query).mappings()
    return tuple(Endpoint(row["name"], client=row["client"] or "", ring=row["ring"], kind=row["kind"]) for row in found)


def applicable(connection: Connection, of: Tables, endpoints: Iterable[str]) -> dict[str, list[Update] | None]:
    """The updates that apply to each endpoint since its last scan; None where that is not known. Endpoints with the
    same update share it."""
    names = list(dict.fromkeys(endpoints))
    found: dict[str, list[Update] | None] = dict.fromkeys(names)
    for row in _rows(connection, of.endpoints, "name", names, ("name", "scanned_at")):
        if row["scanned_at"] is not None:
            found[row["name"]] = []
    pairs = [(row["endpoint"], row["update"]) for row in _rows(connection, of.applicable, "endpoint", names)]
    known = updates(connection, of, (update for dummy, update in pairs))
    for endpoint, update in pairs:
        applies = found.get(endpoint)
        if applies is not None:
            applies.append(known[update])
    return found


def updates(connection: Connection, of: Tables, ids: Iterable[str]) -> dict[str, Update]:
    """The updates with these ids, by id, as far as the register has them."""
    wanted = list(dict.fromkeys(ids))
    return {row["id"]: Update.parse(json.loads(row["record"])) for row in _rows(connection, of.updates, "id", wanted)}


def progress(
    connection: Connection, of: Tables, endpoints: Iterable[str], run: str | None, fleet: Mapping[str, Endpoint]
) -> dict[str, Progress]:
    """Where each endpoint stands; one that the ledger has never seen has an empty Progress, but for what failed on it
    by another name. Of those in `fleet` the RMM's number is the one there: the ledger's may be of a former bearer of
    the name."""
    names = list(dict.fromkeys(endpoints))
    # what an endpoint told of itself is most of its row, and nothing of this
    columns = [column.name for column in of.endpoints.c if column.name != "posture"]
    rows = {row["name"]: dict(row) for row in _rows(connection, of.endpoints, "name", names, columns)}
    seen = {name: Endpoint(name, row["client"] or "", id=row["id"]) for name, row in rows.items()}
    failures: dict[str, list[OpenFailure]] = {}
    documented: dict[str, list[OpenFailure]] = {}
    by_name = ((row["endpoint"], row) for row in _rows(connection, of.failures, "endpoint", names))
    for name, row in chain(_former_failures(connection, of, {**seen, **fleet}), by_name):
        known = _open_failure(row)
        if row["root_cause"] is None:
            failures.setdefault(name, []).append(known)
        elif row["cured_at"] is None:
            documented.setdefault(name, []).append(known)
    found = {name: _progress(rows[name], run) if name in rows else Progress() for name in names}
    for name in found.keys() & (failures.keys() | documented.keys()):
        its = tuple(failures.get(name, ())), tuple(documented.get(name, ()))
        found[name] = replace(found[name], failures=its[0], documented=its[1])
    return found


def _former_failures(
    connection: Connection, of: Tables, endpoints: Mapping[str, Endpoint]
) -> Iterator[tuple[str, RowMapping]]:
    """What failed on an endpoint while the RMM called it something else and is not over, by its name now. They are few:
    of all endpoints in one statement."""
    numbered: dict[int, list[Endpoint]] = {}
    for endpoint in endpoints.values():
        if endpoint.id is not None:
            numbered.setdefault(endpoint.id, []).append(endpoint)
    table = of.failures.c
    query = (
        sa.select(of.failures)
        .where(sa.or_(table.root_cause.is_(None), table.cured_at.is_(None)), table.endpoint_id.is_not(None))
        .order_by(table.at, table.id)
    )
    for row in connection.execute(query).mappings():
        for endpoint in numbered.get(row["endpoint_id"], ()):
            if endpoint.name != row["endpoint"] and is_same(endpoint, row["endpoint"], row["client"], endpoint.id):
                yield endpoint.name, row


def _open_failure(row: RowMapping) -> OpenFailure:
    told_at = instant(row["told_at"] or row["at"])
    whose = row["endpoint"], row["client"] or ""
    return OpenFailure(row["id"], *whose, row["step"], row["update"], told_at, row["held_in"])


def undescribed(connection: Connection, of: Tables, ids: Iterable[str], before: datetime) -> list[str]:
    """Those of the updates, by id, that the RMM was not asked for since `before`."""
    asked = text_of(before)
    found = _rows(connection, of.updates, "id", list(dict.fromkeys(ids)), ("id", "described_at"))
    return [row["id"] for row in found if row["described_at"] is None or row["described_at"] < asked]


def labels(connection: Connection, of: Tables, ids: Iterable[str]) -> dict[str, str]:
    """How people call each update: its KB numbers, else its title."""
    return {key: update.label for key, update in updates(connection, of, ids).items()}


def installing(connection: Connection, of: Tables, now: datetime) -> dict[str, tuple[tuple[str, str], datetime]]:
    """Client and location of each endpoint on which an install runs, and since when; without those whose time limit is
    over, for nobody may ever look at them again."""
    table = of.endpoints
    columns = (table.c[name] for name in ("name", "client", "location", "job_started_at", "job_limit_seconds"))
    query = sa.select(*columns).where(table.c.job_kind == "install", table.c.job_started_at.is_not(None))
    found = {}
    for row in connection.execute(query).mappings():
        since = instant(row["job_started_at"])
        if now - since < timedelta(seconds=row["job_limit_seconds"] or 0):
            found[row["name"]] = ((row["client"] or "", row["location"] or ""), since)
    return found


def _progress(row: dict[str, Any], run: str | None) -> Progress:
    job = reboot = None
    if row["job_kind"] is not None:
        updates = tuple(json.loads(row["job_updates"]))
        started = instant(row["job_started_at"])
        job = Job(row["job_kind"], row["job_id"], started, row["job_limit_seconds"], updates)
    if row["reboot_requested_at"] is not None:
        reboot = Reboot(instant(row["reboot_requested_at"]), row["reboot_boot_id"])
    failed = run is not None and row["failed_run"] == run
    return Progress(
        job=job,
        reboot=reboot,
        boot_id=row["boot_id"],
        services_before=_json(row["services_before"]),
        unproven=tuple(_json(row["unproven"]) or ()),
        reboot_asked=bool(row["reboot_asked"]),
        restarted_first=row["restart_first"] == RESTARTED,
        unanswered=tuple(_json(row["unanswered"]) or ()),
        attempted=tuple(_json(row["attempted"]) or ()),
        attempted_at=_instant(row["attempted_at"]),
        posture_at=_instant(row["posture_at"]),
        installed_at=_instant(row["installed_at"]),
        retry_step=row["retry_step"],
        retry_at=_instant(row["retry_at"]),
        attempts=row["attempts"] or 0,
        unreachable_since=_instant(row["unreachable_since"]),
        unreachable_at=_instant(row["unreachable_at"]),
        unreachable_count=row["unreachable_count"] if run is not None and row["unreachable_run"] == run else 0,
        unreachable_during=row["unreachable_during"],
        failed_in_run=(row["failed_failure"], row["failed_text"]) if failed else None,
        last_decision=_json(row["last_decision"]),
        cycle=row["last_cycle"],
        checking_since=_instant(row["checking_since"]),
        retired=_json(row["retired"]),
        missed=Missed.of(row),
        woken_at=_instant(row["woken_at"]),
        wake_peer=row["wake_peer"],
        wake_tried=tries(row),
    )


def _rows(
    connection: Connection,
    table: Table,
    column: str = "",
    values: list[str] | None = None,
    wanted: Iterable[str] = (),
) -> Iterator[RowMapping]:
    """The rows, by key: those whose `column` is one of `values` where these are given, the columns `wanted` of them."""
    query = sa.select(*(table.c[name] for name in wanted or table.c.keys())).order_by(*table.primary_key.columns)
    if values is None:
        yield from connection.execute(query).mappings()
        return
    for start in range(0, len(values), CHUNK):
        chunk = query.where(table.c[column].in_(values[start : start + CHUNK]))
        yield from connection.execute(chunk).mappings()


def _failures(connection: Connection, of: Tables, names: list[str] | None) -> Iterator[RowMapping]:
    """By time. The open ones of others count too: a failure in the pilot keeps its update from leaving (R5)."""
    if names is None:
        return iter(sorted(_rows(connection, of.failures), key=_by_time))
    still = connection.execute(sa.select(of.failures).where(of.failures.c.root_cause.is_(None))).mappings()
    found = {row["id"]: row for row in still}
    found |= {row["id"]: row for row in _rows(connection, of.failures, "endpoint", names)}
    return iter(sorted(found.values(), key=_by_time))


def _by_time(row: RowMapping) -> tuple[str, str]:
    return row["at"], row["id"]


def _soaks(connection: Connection, of: Tables, names: list[str] | None) -> Iterator[RowMapping]:
    if names is None:
        return _rows(connection, of.soak)
    query = sa.select(of.applicable.c.update).distinct()
    wanted: dict[str, None] = {}
    for start in range(0, len(names), CHUNK):
        chunk = query.where(of.applicable.c.endpoint.in_(names[start : start + CHUNK]))
        wanted.update(dict.fromkeys(connection.execute(chunk).scalars()))
    return _rows(connection, of.soak, "update", sorted(wanted))


def _approval(row: RowMapping) -> dict[str, Any]:
    keys = ("update", "decision", "by", "at", "reason", "client", "until")
    return {name: row[name] for name in keys} | {"promote": bool(row["promote"])}


def soak_record(row: RowMapping) -> dict[str, Any]:
    """A row of the soak as the public interface has it."""
    healthy = None if row["healthy"] is None else bool(row["healthy"])
    keys = ("update", "endpoint", "client", "installed_at", "validated_at")
    return {name: row[name] for name in keys} | {"healthy": healthy}


def _loaded(row: RowMapping, *documents: str, keys: tuple[str, ...]) -> dict[str, Any]:
    return {name: _json(row[name]) for name in documents} | {name: row[name] for name in keys}


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)
