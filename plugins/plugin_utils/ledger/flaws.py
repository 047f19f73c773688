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
=================  ====================================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable

from ..requirements import sqlalchemy as sa
from .event import Event, text_of
from .rows import Row, Rows

NOT_INSTALLED: Row = dict.fromkeys(
    ("installed_at", "boot_before", "reboot_needed", "boot_id", "boot_time", "booted_at", "corrected_at")
)


def searched(event: Event, rows: Rows, found: Iterable[str]) -> None:
    """A search shows what is on offer: new flaws, those that are back, and those that are gone."""
    table, at, shown = rows.of.flaws, text_of(event.at), list(dict.fromkeys(found))
    still = sa.and_(table.c.gone_at.is_(None), table.c.installed_at.is_(None))
    known = {
        row["update"]: row
        for row in rows.where(table, table.c.endpoint == event.endpoint, sa.or_(table.c.update.in_(shown), still))
    }
    fresh = [update for update in shown if update not in known]
    rows.insert(table, [{"endpoint": event.endpoint, "update": update, "identified": at} for update in fresh])
    offered = set(shown)
    for update, row in known.items():
        key = {"endpoint": event.endpoint, "update": update}
        if update not in offered:
            rows.change(table, key, gone_at=at)
        elif row["installed_at"] is not None:
            rows.change(table, key, undone_at=at, gone_at=None, **NOT_INSTALLED)
        elif row["gone_at"] is not None:
            rows.change(table, key, gone_at=None)


def installed(event: Event, rows: Rows, updates: Iterable[str], *, reboot_needed: bool | None) -> None:
    """An install took the updates; one that no search had shown is known from now on."""
    table, at = rows.of.flaws, text_of(event.at)
    boot = rows.endpoint(event)["boot_id"]
    needed = None if reboot_needed is None else int(reboot_needed)
    for update in updates:
        key = {"endpoint": event.endpoint, "update": update}
        values = NOT_INSTALLED | {"installed_at": at, "boot_before": boot, "reboot_needed": needed, "gone_at": None}
        if not rows.change(table, key, **values):
            rows.insert(table, [{**key, "identified": at, **values}])


def failed(event: Event, rows: Rows, update: str, hresult: str | None) -> None:
    """An install of the update failed."""
    table, at = rows.of.flaws, text_of(event.at)
    key = {"endpoint": event.endpoint, "update": update}
    if not rows.change(table, key, failed_at=at, hresult=hresult):
        rows.insert(table, [{**key, "identified": at, "failed_at": at, "hresult": hresult}])


def booted(event: Event, rows: Rows, *, confirmed: bool) -> None:
    """A boot was seen: the one that was asked for, or, by a look, one that somebody else did."""
    table, body = rows.of.flaws, event.body
    since = [
        table.c.endpoint == event.endpoint,
        table.c.installed_at.is_not(None),
        table.c.corrected_at.is_(None),
        table.c.booted_at.is_(None),
    ]
    if not confirmed:
        since.append(table.c.boot_before != body["boot_id"])
    rows.change_where(table, since, boot_id=body["boot_id"], boot_time=body["boot_time"], booted_at=text_of(event.at))


def validated(event: Event, rows: Rows) -> None:
    """The endpoint is healthy: what was installed, and booted where need be, is corrected."""
    table = rows.of.flaws
    proven = [
        table.c.endpoint == event.endpoint,
        table.c.installed_at.is_not(None),
        table.c.corrected_at.is_(None),
        sa.or_(table.c.reboot_needed.is_(None), table.c.reboot_needed == 0, table.c.booted_at.is_not(None)),
    ]
    rows.change_where(table, proven, corrected_at=text_of(event.at))
