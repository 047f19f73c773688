# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Out-of-band cycles that a person opened by hand (R3): on the ledger, beside the lanes of the policy document.

An open one gives its updates a soak of its own. It approves nothing, and opens no window: what it names still has to be
approved, taken by the pilot, and installed where and when the flow lets it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from ..flow import cycle_at
from ..flow.records import update_key
from ..flow.settings import Lane
from ..flow.times import cycle_span
from . import shapes
from .event import Event, EventError, canonical, instant, text_of
from .people import DecisionError, known_in
from .store import Ledger

LASTS = timedelta(days=7)
"""How long one is open unless its end is given."""
LONGEST_SOAK = 365
Whose = tuple[str | None, Lane]
"""A lane and the client that it is for; None: all clients."""


def lanes(ledger: Ledger) -> list[Whose]:
    """The out-of-band cycles that were opened by hand, open still or not."""
    found = []
    for row in ledger.rows("cycles"):
        if row["lane"] is None:
            continue
        told = json.loads(row["lane"])
        lane = Lane(
            cycle=row["id"],
            start=instant(row["start"]),
            end=instant(row["end"]),
            updates=frozenset(told["updates"]),
            soak=timedelta(days=told["soak_days"]),
            by=row["by"],
            reason=row["reason"],
        )
        found.append((told["client"], lane))
    return found


def open_out_of_band(
    ledger: Ledger,
    now: datetime,
    *,
    updates: Sequence[str],
    soak_days: float,
    by: str,
    reason: str,
    cycle: str | None = None,
    start: str | None = None,
    end: str | None = None,
    client: str | None = None,
    others: Collection[str] = (),
) -> list[Event]:
    """Open an out-of-band cycle for `updates` (KB numbers or ids), whose soak is `soak_days`.

    `start` and `end` are instants: by default now, and seven days later. `cycle` is by default the month's, with the
    first suffix that is free; `others` are those that the policy document has. Gives no event where one that is open
    says the same, or where `cycle` stands as it is given.
    """
    keys = sorted({update_key(update) for update in updates if update.strip()})
    if not keys:
        raise DecisionError("an out-of-band cycle names its `updates`, as KB numbers or ids")
    if not 0 <= soak_days <= LONGEST_SOAK:
        raise DecisionError(f"soak_days is {soak_days:g}: days from 0 to {LONGEST_SOAK} are wanted")
    begins = now if start is None else _instant("start", start)
    ends = begins + LASTS if end is None else _instant("end", end)
    if ends <= max(begins, now):
        after = "the start" if begins >= now else "now"
        raise DecisionError(f"the end, {ends.isoformat()}, is not after {after}, {max(begins, now).isoformat()}")
    rows = {row["id"]: row for row in ledger.rows("cycles")}
    lane = canonical({"updates": keys, "soak_days": float(soak_days), "client": client})
    if cycle is None:
        if any(row["lane"] == lane and instant(row["end"]) > now for row in rows.values()):
            return []
        cycle = _free(cycle_at(begins), {*rows, *others})
    else:
        _check_cycle(cycle, others)
        if cycle in rows:
            if rows[cycle]["lane"] == lane and end in (None, rows[cycle]["end"]):
                return []
            raise DecisionError(
                f"the cycle {cycle} is on the ledger already, and another; leave `cycle` out for a new one"
            )
    spans = {"cycle": cycle, "start": text_of(begins), "end": text_of(ends)}
    what = {"updates": keys, "soak_days": float(soak_days), "client": client}
    return [Event("cycle.opened", None, now, {**spans, **what, "by": by, "reason": reason})]


def end_out_of_band(ledger: Ledger, now: datetime, *, cycle: str, by: str, reason: str) -> list[Event]:
    """End one before its time; none where it has ended."""
    rows = {row["id"]: row for row in ledger.rows("cycles") if row["lane"] is not None}
    if cycle not in rows:
        raise DecisionError(
            f"no out-of-band cycle {cycle!r} was opened by hand; there is: {known_in(rows)} "
            "(one of the policy document is ended there)"
        )
    if instant(rows[cycle]["end"]) <= now:
        return []
    return [Event("cycle.ended", None, now, {"cycle": cycle, "by": by, "reason": reason})]


def doubtful_cycle(ledger: Ledger, cycle: str, now: datetime, others: Collection[str] = ()) -> str | None:
    """Why a go for `cycle` may come to nothing: it is over, not open yet, or out of band and unknown. `others` are the
    out-of-band cycles of the policy document."""
    opens, over = cycle_span(cycle)
    row = next((row for row in ledger.rows("cycles") if row["id"] == cycle), None)
    if row is not None:
        over = min(over, instant(row["end"])) if row["lane"] is not None else over
    elif cycle.count("-") > 1 and cycle not in others:
        return f"no out-of-band cycle {cycle} is open or announced; the go stands for when it is"
    if over <= now:
        return f"the cycle {cycle} was over at {over.isoformat(timespec='minutes')}: nothing comes of a go for it now"
    if now < opens:
        return f"the cycle {cycle} opens at {opens.isoformat(timespec='minutes')}; the go counts from then on"
    return None


def _instant(name: str, value: str) -> datetime:
    try:
        return instant(value)
    except EventError as exc:
        raise DecisionError(f"{name}: {exc}") from exc


def _check_cycle(cycle: str, others: Collection[str]) -> None:
    wrong = shapes.cycle(cycle)
    if wrong or cycle.count("-") < 2:
        raise DecisionError(f"cycle is {cycle!r}: a month with a suffix is wanted, such as 2026-11-oob1")
    if cycle in others:
        raise DecisionError(f"the cycle {cycle} is one of the policy document; leave `cycle` out for a new one")


def _free(month: str, taken: Collection[str]) -> str:
    number = 1
    while f"{month}-oob{number}" in taken:
        number += 1
    return f"{month}-oob{number}"
