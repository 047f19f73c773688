# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Windows does not tell of an update and approval asks for: severity, CVSS, release. The RMM's patch data has it.

Asked for once per update and not per endpoint: of the endpoints that an unknown update applies to, as few are asked
about as cover them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..automate import AutomateClient, AutomateError, instant
from ..evidence.recorder import Recorder
from ..flow import Endpoint, Update
from ..flow.records import SEVERITIES
from ..ledger import Event, Ledger

Row = Mapping[str, Any]

MOST_ASKED = 50
"""How many computers' patch data one plan asks for."""
PATIENCE, RETRIES = 10.0, 1
"""Seconds without an answer, and further attempts: a plan can do without what the RMM knows, and endpoints wait."""
ASKED_AGAIN = timedelta(minutes=30)
"""After what time a run asks again, where it could not ask."""


def describe_unknown(ledger: Ledger, recorder: Recorder, endpoints: Mapping[str, Endpoint]) -> str | None:
    """Ask the RMM for the updates of `endpoints` that approval knows too little of, once a day for each update, and put
    what it told on the ledger. Gives what went wrong: the run goes on with the updates that are known, and whoever
    calls asks no more before `ASKED_AGAIN` is over."""
    settings = recorder.settings.automate
    if settings is None or recorder.check_mode:
        return None
    now = recorder.clock.now()
    applicable = ledger.applicable(endpoints)
    unknown = {one.id: one for some in applicable.values() for one in some or () if _unknown_to_approval(one)}
    wanted = ledger.undescribed(unknown, _stale_before(now)) if unknown else []
    if not wanted:
        return None
    offers = {name: [update.id for update in updates or ()] for name, updates in applicable.items()}
    asked = covering(wanted, offers, MOST_ASKED)
    numbers = [endpoints[name].id for name in asked]
    try:
        patience = replace(settings, timeout=min(PATIENCE, settings.timeout), retries=min(RETRIES, settings.retries))
        with AutomateClient(patience) as automate:
            rows = automate.microsoft_updates(number for number in numbers if number is not None)
    except AutomateError as exc:
        minutes = int(ASKED_AGAIN.total_seconds() / 60)
        return (
            f"the RMM could not be asked for {len(wanted)} updates, which await review; "
            f"this run asks again in {minutes} minutes at the soonest: {exc}"
        )
    covered = {update for name in asked for update in offers[name]}.intersection(wanted)
    told = described([unknown[update] for update in sorted(covered)], rows)
    silent = sorted(covered.difference(record["id"] for record in told))
    recorder.append(ledger, [Event("updates.described", None, now, {"updates": told, "unknown": silent})])
    return None


def covering(wanted: Collection[str], applicable: Mapping[str, Collection[str]], most: int) -> list[str]:
    """As few endpoints as cover the updates `wanted`, at most `most`: always the one that covers most of what is left.

    `applicable` gives the update ids of each endpoint. What is not covered by `most` endpoints is asked for next time.
    """
    left = set(wanted)
    chosen: list[str] = []
    offers = {name: set(ids) & left for name, ids in sorted(applicable.items())}
    while left and len(chosen) < most:
        best = max(offers, key=lambda name: len(offers[name] & left), default=None)
        if best is None or not offers[best] & left:
            break
        chosen.append(best)
        left -= offers.pop(best)
    return chosen


def described(updates: Iterable[Update], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The records of those of `updates` that the RMM's patch rows (``MicrosoftUpdates``) tell of, completed by them.

    Rows are matched by KB, among several of one KB by the title: updates of one KB differ by product.
    """
    by_kb: dict[str, list[Row]] = {}
    for row in rows:
        by_kb.setdefault(str(row.get("KnowledgeBaseId") or ""), []).append(row)
    found = []
    for update in updates:
        told = _row_of(update, [row for kb in update.kb or ("",) for row in by_kb.get(kb, [])])
        if told is not None:
            found.append(update.as_record() | _told(told))
    return found


def _row_of(update: Update, rows: Sequence[Row]) -> Row | None:
    same = [row for row in rows if str(row.get("Title", "")).casefold() == update.title.casefold()]
    if same:
        return same[0]
    return rows[0] if rows and update.kb else None


def _told(row: Row) -> dict[str, Any]:
    severity = str(row.get("Severity") or "").capitalize()
    released = instant(row.get("ReleaseDate"))
    return {
        "severity": severity if severity in SEVERITIES else None,
        "cvss": float(row["Cvss"]) if row.get("Cvss") else None,
        "released": released.isoformat() if released else None,
        # the list is Windows Update's own; third-party patches have another
        "vendor": "Microsoft",
    }


def _unknown_to_approval(update: Update) -> bool:
    """Whether the RMM may know more of it than Windows told."""
    return update.severity is None and update.released is None


def _stale_before(now: datetime) -> datetime:
    """What the RMM did not know is asked for again the next day."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
