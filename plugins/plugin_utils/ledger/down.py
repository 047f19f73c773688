# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is down, so that no other of its redundancy group is rebooted (R6), and whom nobody waits for any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint, redundancy_key
from ..flow.fields import suggestion
from ..flow.records import is_same
from ..requirements import sqlalchemy as sa
from .event import Event, canonical, text_of
from .people import DecisionError, failures_of, known_in
from .schema import Tables

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, RowMapping

    from .rows import Rows
    from .store import Ledger


FACTS = ("name", "client", "kind", "role", "redundancy_group")
SIGNS = ("known_since", "posture_at", "reboot_requested_at", "rebooted_at", "unreachable_at")
"""When an endpoint was last heard of by a name, or asked for."""
COLUMNS = (*FACTS, *SIGNS, "id", "validated_at", "retired")


def down(connection: Connection, of: Tables) -> dict[str, tuple[str, str]]:
    """The redundancy group of each endpoint that is rebooting, or rebooted and not yet validated (R6).

    One whose reboot failed is down, too, until it is validated: it may not have come back. So is one that a reboot
    is due on and that does not answer: the answer to our request may have been lost. One that is retired is not. Where
    the RMM calls it something else since, it is down by that name, until it is validated by that.
    """
    table, failed_at = of.endpoints.c, _failed_at(of)
    query = sa.select(*(table[name] for name in COLUMNS), failed_at.label("failed_at")).where(_is_down(of))
    others = _by_other_names(connection, of)
    found = {}
    for row in connection.execute(query).mappings():
        heard = max(_heard(row), row["failed_at"] or "")
        later = [other for other in others.get(row["name"], ()) if _heard(other) > heard]
        now = max(later, key=_heard, default=row)
        group = redundancy_key(Endpoint.parse({key: now[key] for key in FACTS}))
        validated = any((other["validated_at"] or "") > heard for other in later)
        if group is not None and not validated and now["retired"] is None:
            found[now["name"]] = group
    return found


def _heard(row: RowMapping) -> str:
    return max(row[name] or "" for name in SIGNS)


def _failed_at(of: Tables) -> ColumnElement[str | None]:
    """When a restart of the endpoint failed last."""
    failures = of.failures.c
    failed = sa.select(sa.func.max(failures.at))
    return failed.where(failures.endpoint == of.endpoints.c.name, failures.step == "reboot").scalar_subquery()


def _is_down(of: Tables) -> ColumnElement[bool]:
    table, failed_at = of.endpoints, _failed_at(of)
    failed = failed_at.is_not(None) & sa.or_(table.c.validated_at.is_(None), table.c.validated_at < failed_at)
    unvalidated = sa.or_(table.c.validated_at.is_(None), table.c.validated_at < table.c.rebooted_at)
    rebooted = sa.and_(table.c.rebooted_at.is_not(None), unvalidated)
    silent = sa.and_(table.c.reboot_pending_since.is_not(None), table.c.unreachable_since.is_not(None))
    counts = sa.or_(table.c.reboot_requested_at.is_not(None), rebooted, failed, silent)
    return sa.and_(counts, table.c.retired.is_(None))


def _by_other_names(connection: Connection, of: Tables) -> dict[str, list[RowMapping]]:
    """By the name of each that is down, what the ledger has of it by other names."""
    table, other = of.endpoints, of.endpoints.alias("other")
    query = (
        sa.select(*(other.c[name] for name in COLUMNS))
        .add_columns(table.c.name.label("was"), table.c.client.label("was_of"))
        .join(table, other.c.id == table.c.id)
        .where(other.c.name != table.c.name, _is_down(of))
    )
    found: dict[str, list[RowMapping]] = {}
    for row in connection.execute(query).mappings():
        endpoint = Endpoint(row["name"], row["client"] or "", id=row["id"])
        if is_same(endpoint, row["was"], row["was_of"], row["id"]):
            found.setdefault(row["was"], []).append(row)
    return found


def retire(ledger: Ledger, now: datetime, *, endpoint: str, by: str, code: str, text: str) -> list[Event]:
    """That an endpoint never comes back: the root cause of its failures that have none, also by what it was called
    before, and that nobody waits for it. What is heard of it by that name later takes it back."""
    known = {row["name"]: row for row in ledger.rows("endpoints", "name", "known_since", "retired")}
    if endpoint not in known:
        hint = suggestion(endpoint, known)
        raise DecisionError(f"the ledger knows no endpoint {endpoint!r}{hint}; it knows: {known_in(known)}")
    said, since = {"by": by, "code": code, "text": text}, known[endpoint]["known_since"]
    # not by what it is called since: it goes on by that
    events = [
        Event("failure.root_cause", row["endpoint"], now, {"failure": row["id"], **said})
        for row in failures_of(ledger, endpoint)
        if row["root_cause"] is None and (row["endpoint"] == endpoint or known[row["endpoint"]]["known_since"] < since)
    ]
    return [*events, Event("endpoint.retired", endpoint, now, said)] if known[endpoint]["retired"] is None else events


def in_words(retired: Mapping[str, Any]) -> str:
    """Who said so, and why."""
    return f"it is retired, says {retired['by']}: {retired['text']}"


def _endpoint_retired(event: Event, rows: Rows) -> None:
    said = {key: event.body[key] for key in ("by", "code", "text")} | {"at": text_of(event.at)}
    rows.touch(event, retired=canonical(said))


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {"endpoint.retired": _endpoint_retired}
