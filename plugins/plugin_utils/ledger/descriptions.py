# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of updates: a search tells of them, and the RMM when it is asked; more comes to be known with time.

A month that is over was told of by what was known then, so that what counts for deadlines is kept as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..flow import Update
from .event import Event, canonical, text_of

if TYPE_CHECKING:
    from .rows import Row, Rows

COUNTED = ("severity", "cvss", "cves", "released")
"""Not the title nor the categories: each machine tells these in its own language."""


def describe(event: Event, rows: Rows) -> None:
    """What is told of an update is added to what was known of it: null never replaces a value."""
    told: dict[str, Row] = {}
    for update in event.body["updates"]:
        told[update["id"]] = _richer(told.get(update["id"], {}), update)
    known = {row["id"]: row for row in rows.some(rows.of.updates, told)}
    for key, update in told.items():
        row = known.get(key)
        if row is None:
            record = canonical(_richer({}, update))
            rows.insert(rows.of.updates, {"id": key, "record": record, "first_seen": text_of(event.at)})
            continue
        before = json.loads(row["record"])
        merged = _richer(before, update)
        if merged != before:
            rows.change(
                rows.of.updates, {"id": key}, record=canonical(merged), earlier=_kept(row, before, merged, event)
            )


def as_of(row: Mapping[str, Any], at: str) -> Update:
    """The update of a row of the register, with what counted of it at an instant."""
    spells: list[Row] = json.loads(row["earlier"] or "[]")
    then = next((one for one in spells if one["until"] > at), {})
    return Update.parse(json.loads(row["record"]) | {name: then[name] for name in COUNTED if then})


def _kept(row: Mapping[str, Any], before: Row, merged: Row, event: Event) -> str | None:
    """What counted so far, each with the instant until which it did."""
    counted, now = ({name: record.get(name) for name in COUNTED} for record in (before, merged))
    earlier: str | None = row["earlier"]
    if counted == now:
        return earlier
    return canonical([*json.loads(earlier or "[]"), {**counted, "until": text_of(event.at)}])


def _richer(known: Row, told: Mapping[str, Any]) -> Row:
    return known | {name: value for name, value in told.items() if value is not None or name not in known}


def _described(event: Event, rows: Rows) -> None:
    """What the RMM was asked for: what it told, and that it does not know the others."""
    describe(event, rows)
    asked = [update["id"] for update in event.body["updates"]] + list(event.body.get("unknown", []))
    for key in dict.fromkeys(asked):
        rows.change(rows.of.updates, {"id": key}, described_at=text_of(event.at))


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {"updates.described": _described}
