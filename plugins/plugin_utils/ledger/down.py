# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is down, so that no other of its redundancy group is rebooted (R6), and whom nobody waits for any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..flow import Endpoint, redundancy_key
from ..flow.fields import suggestion
from ..flow.records import is_same
from ..requirements import sqlalchemy as sa
from .event import Event, canonical, instant, text_of
from .people import DecisionError, known_in, root_cause
from .schema import Tables

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from .rows import Rows
    from .store import Ledger


STILL_TO_RESTART = timedelta(hours=1)
"""For how long one that was asked to restart may answer and be about to."""


def down(connection: Connection, of: Tables) -> dict[str, tuple[str, str]]:
    """The redundancy group of each endpoint that is rebooting, or rebooted and not yet validated (R6).

    One whose reboot failed is down, too, until it is validated: it may not have come back. So is one that a reboot
    is due on and that does not answer: the answer to our request may have been lost. One that is retired is not, nor
    one that answers by another name now: by this one nobody will validate it.
    """
    table = of.endpoints
    columns = (table.c[name] for name in ("name", "client", "kind", "role", "redundancy_group"))
    renamed = set(_answering_by_other_names(connection, of))
    found = {}
    for row in connection.execute(sa.select(*columns).where(_is_down(of))).mappings():
        group = redundancy_key(Endpoint.parse(row))
        if group is not None and row["name"] not in renamed:
            found[row["name"]] = group
    return found


def _is_down(of: Tables) -> ColumnElement[bool]:
    table = of.endpoints
    failures = of.failures
    failed = sa.exists().where(
        failures.c.endpoint == table.c.name,
        failures.c.step == "reboot",
        sa.or_(table.c.validated_at.is_(None), table.c.validated_at < failures.c.at),
    )
    unvalidated = sa.or_(table.c.validated_at.is_(None), table.c.validated_at < table.c.rebooted_at)
    rebooted = sa.and_(table.c.rebooted_at.is_not(None), unvalidated)
    silent = sa.and_(table.c.reboot_pending_since.is_not(None), table.c.unreachable_since.is_not(None))
    counts = sa.or_(table.c.reboot_requested_at.is_not(None), rebooted, failed, silent)
    return sa.and_(counts, table.c.retired.is_(None))


def _answering_by_other_names(connection: Connection, of: Tables) -> Iterator[str]:
    """Those that are down, and were looked at by another name after all that made them so."""
    table, now = of.endpoints, of.endpoints.alias("now")
    seen = now.c.posture_at
    earlier = [
        sa.or_(table.c[name].is_(None), table.c[name] < seen)
        for name in ("posture_at", "rebooted_at", "unreachable_at")
    ]
    failures = of.failures.c
    later = sa.exists().where(failures.endpoint == table.c.name, failures.step == "reboot", failures.at >= seen)
    query = (
        sa.select(now.c.name, now.c.client, now.c.id, seen.label("seen"))
        .add_columns(table.c.name.label("was"), table.c.client.label("was_of"), table.c.reboot_requested_at)
        .join(now, now.c.id == table.c.id)
        .where(now.c.name != table.c.name, now.c.unreachable_since.is_(None), *earlier, ~later, _is_down(of))
    )
    for row in connection.execute(query).mappings():
        endpoint = Endpoint(row["name"], row["client"] or "", id=row["id"])
        asked = row["reboot_requested_at"]
        has_restarted = asked is None or instant(row["seen"]) - instant(asked) > STILL_TO_RESTART
        if has_restarted and is_same(endpoint, row["was"], row["was_of"], row["id"]):
            yield row["was"]


def retire(ledger: Ledger, now: datetime, *, endpoint: str, by: str, code: str, text: str) -> list[Event]:
    """That an endpoint never comes back: the root cause of its failures that have none, and that nobody waits for it.

    It is taken back by whatever is heard of the endpoint later.
    """
    known = {row["name"]: row["retired"] for row in ledger.rows("endpoints", "name", "retired")}
    if endpoint not in known:
        hint = suggestion(endpoint, known)
        raise DecisionError(f"the ledger knows no endpoint {endpoint!r}{hint}; it knows: {known_in(known)}")
    said = {"by": by, "code": code, "text": text}
    failed = [row["id"] for row in ledger.rows("failures") if row["endpoint"] == endpoint]
    events = [event for failure in failed for event in root_cause(ledger, now, failure=failure, **said)]
    return [*events, Event("endpoint.retired", endpoint, now, said)] if known[endpoint] is None else events


def in_words(retired: Mapping[str, Any]) -> str:
    """Who said so, and why."""
    return f"it is retired, says {retired['by']}: {retired['text']}"


def _endpoint_retired(event: Event, rows: Rows) -> None:
    said = {key: event.body[key] for key in ("by", "code", "text")} | {"at": text_of(event.at)}
    rows.touch(event, retired=canonical(said))


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {"endpoint.retired": _endpoint_retired}
