# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flaws on the register: each update that a search found on an endpoint, and how far its correction is proven.

A row an endpoint and update, kept for good, so that a report reads rows and never a month of searches. Pure as all
projections: called by those of the events, with the event and the rows.

=================  ====================================================================================================
`identified`       the first search that showed it there
`gone_at`          the first search that showed it no more, though no run had installed it: by hand, or replaced
`installed_at`     the install that took it; `boot_before` is the boot id before it
`reboot_needed`    1 where that install asked for a reboot, null where nobody saw its end
`boot_id`          of the first boot after it, with `boot_time` as Windows tells it and `booted_at`, when it was seen
`corrected_at`     the healthy validation after it, and after the boot where one was needed
`undone_at`        a search that showed it again after its install: Windows had rolled it back
`failed_at`        its last failed install, with the `hresult`
`earlier`          what the moments were before it came back, or was installed again: a list of these, each with
                   `until`, the instant from which they were so no more
=================  ====================================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from .event import Event, canonical, text_of
from .rows import Row, Rows

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

NOT_INSTALLED: Row = dict.fromkeys(
    ("installed_at", "boot_before", "reboot_needed", "boot_id", "boot_time", "booted_at", "corrected_at")
)
MOMENTS = ("gone_at", *NOT_INSTALLED, "undone_at")
"""What may be so for a while and then no more."""


def as_of(row: Row, at: str) -> Row:
    """The row as it was at an instant, that it was there by then taken for granted; without what came later."""
    spells: list[Row] = json.loads(row["earlier"] or "[]")
    then = next((one for one in spells if one["until"] > at), None)
    return row if then is None else row | dict.fromkeys(MOMENTS) | then


def _over(row: Row, at: str) -> Row:
    """Keeps what was so until now."""
    were = {name: row[name] for name in MOMENTS if row[name] is not None}
    if not were:
        return {}
    return {"earlier": canonical([*json.loads(row["earlier"] or "[]"), {**were, "until": at}])}


def open_ones(table: Table) -> list[ColumnElement[bool]]:
    """The rows of an endpoint that a search, a boot or a validation may change whatever it shows."""
    return [table.c.gone_at.is_(None), table.c.corrected_at.is_(None)]


def searched(event: Event, rows: Rows, found: Collection[str]) -> None:
    """A search shows what is on offer: new flaws, those that are back, and those that are gone."""
    table, at = rows.of.flaws, text_of(event.at)
    known = _known(event, rows)
    for update in found:
        key = {"endpoint": event.endpoint, "update": update}
        row = known.get(update) or rows.get(table, **key)
        if row is None:
            rows.insert(table, {**key, "identified": at})
        elif row["installed_at"] is not None:
            rows.change(table, key, undone_at=at, gone_at=None, **NOT_INSTALLED, **_over(row, at))
        elif row["gone_at"] is not None:
            rows.change(table, key, gone_at=None, **_over(row, at))
    for update, row in known.items():
        if update not in found and row["gone_at"] is None and row["installed_at"] is None:
            rows.change(table, {"endpoint": event.endpoint, "update": update}, gone_at=at)


def installed(event: Event, rows: Rows, updates: Iterable[str], *, reboot_needed: bool | None) -> None:
    """An install took the updates; one that no search had shown is known from now on."""
    table, at = rows.of.flaws, text_of(event.at)
    boot = rows.endpoint(event)["boot_id"]
    needed = None if reboot_needed is None else int(reboot_needed)
    for update in updates:
        key = {"endpoint": event.endpoint, "update": update}
        values = NOT_INSTALLED | {"installed_at": at, "boot_before": boot, "reboot_needed": needed, "gone_at": None}
        row = rows.get(table, **key)
        if row is None:
            rows.insert(table, {**key, "identified": at, **values})
        else:
            rows.change(table, key, **values, **_over(row, at))


def failed(event: Event, rows: Rows, update: str, hresult: str | None) -> None:
    """An install of the update failed."""
    table, at = rows.of.flaws, text_of(event.at)
    key = {"endpoint": event.endpoint, "update": update}
    if not rows.change(table, key, failed_at=at, hresult=hresult):
        rows.insert(table, {**key, "identified": at, "failed_at": at, "hresult": hresult})


def booted(event: Event, rows: Rows, *, confirmed: bool) -> None:
    """A boot was seen: the one that was asked for, or, by a look, one that somebody else did."""
    body = event.body
    values = {"boot_id": body["boot_id"], "boot_time": body["boot_time"], "booted_at": text_of(event.at)}
    for update, row in _known(event, rows).items():
        if _is_uncorrected(row) and row["booted_at"] is None and (confirmed or _differs(row, body["boot_id"])):
            rows.change(rows.of.flaws, {"endpoint": event.endpoint, "update": update}, **values)


def _differs(row: Row, boot_id: str) -> bool:
    """Whether the endpoint has booted since; not where nobody knows which boot it was."""
    return row["boot_before"] is not None and row["boot_before"] != boot_id


def validated(event: Event, rows: Rows) -> None:
    """The endpoint is healthy: what was installed, and booted where need be, is corrected."""
    at = text_of(event.at)
    for update, row in _known(event, rows).items():
        if _is_uncorrected(row) and (not row["reboot_needed"] or row["booted_at"] is not None):
            rows.change(rows.of.flaws, {"endpoint": event.endpoint, "update": update}, corrected_at=at)


def _known(event: Event, rows: Rows) -> dict[str, Row]:
    return {row["update"]: row for row in rows.rows_of(rows.of.flaws, event.endpoint, open_ones)}


def _is_uncorrected(row: Row) -> bool:
    return row["installed_at"] is not None and row["corrected_at"] is None
