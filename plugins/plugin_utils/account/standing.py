# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each endpoint stands: by the proof of its closed tier, else by what was last decided for it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..flow import EndpointState
from ..flow.closure import PLACES, Standing, Tier, place
from ..ledger import down, instant
from . import then
from .model import TierResult
from .read import Read, Row

STATE = ("scanned_at", "reboot_pending_since", "reminded_at", "installed_at", "rebooted_at", "validated_at")


@dataclass(frozen=True, slots=True)
class Stand:
    """The one place of an endpoint and why; `now` is the place by its last decision, whatever a proof says of it."""

    tier: Tier | None
    stands: str
    reason: str
    proven: bool
    now: str


def stands(read: Read) -> dict[str, Stand]:
    """By endpoint of the scope. One that is in several closed tiers counts in the one that closed last."""
    proofs: dict[str, tuple[Tier, Mapping[str, str]]] = {}
    closed = [row for row in read.tiers if row["closed_at"] is not None]
    for row in sorted(closed, key=lambda row: str(row["closed_at"])):
        for line in row["proof"]:
            proofs[line["endpoint"]] = _tier(row), line
    failing = _failing(read)
    found = {}
    for name, row in read.endpoints.items():
        now, why = _place(read, name, row, failing.get(name))
        if name in proofs:
            tier, line = proofs[name]
            by_decision = line["stands"] if read.final else now
            found[name] = Stand(tier, line["stands"], line["reason"], proven=True, now=by_decision)
        else:
            found[name] = Stand(_own_tier(read, row), now, why, proven=False, now=now)
    return found


def tier_results(read: Read, standing: Mapping[str, Stand]) -> list[TierResult]:
    """The tiers of the scope; of an open one its endpoints are counted as they stand."""
    found = []
    now: dict[Tier | None, list[str]] = {}
    for stand in standing.values():
        if not stand.proven:
            now.setdefault(stand.tier, []).append(stand.stands)
    for row in read.tiers:
        tier, proof = _tier(row), tuple(row["proof"] or ())
        places = [line["stands"] for line in proof] or now.get(tier, [])
        counted = Counter(places)
        found.append(
            TierResult(
                **tier.as_record(),
                opened=instant(row["opened_at"]),
                closed=None if row["closed_at"] is None else instant(row["closed_at"]),
                endpoints=len(places),
                counts={each: counted[each] for each in PLACES},
                proof=proof,
            )
        )
    return found


def open_failures(read: Read, endpoint: str | None = None) -> list[Row]:
    """The failures that had no documented root cause at the account's instant, the first first."""
    rows = [row for row in read.failures if endpoint is None or row["endpoint"] == endpoint]
    return sorted((row for row in rows if is_open(row, read.at)), key=lambda row: (row["at"], row["id"]))


def is_open(row: Row, at: datetime) -> bool:
    cause = row["root_cause"]
    return instant(row["at"]) <= at and (cause is None or instant(cause["at"]) > at)


def _failing(read: Read) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in open_failures(read):
        found.setdefault(row["endpoint"], row["text"])
    return found


def _place(read: Read, name: str, row: Row, failure: str | None) -> tuple[str, str]:
    decided = read.decisions.get(name)
    last = decided[1] if decided else {"action": "wait", "node": "", "reason": "nothing was decided for it yet"}
    if read.final:  # what is under way now says nothing of then
        state = then.state(row, read.steps.get(name, ()), read.searches.get(name), read.start)
        standing = Standing(last["action"], last["node"], last["reason"], state=EndpointState(**state), failure=failure)
        return place(standing, read.start)
    if row["retired"] is not None:
        return "excluded", down.in_words(json.loads(row["retired"]))
    in_flight = None
    if row["job_kind"] is not None:
        in_flight = f"its {row['job_kind']} is under way since {_minute(row['job_started_at'])}"
    elif row["reboot_requested_at"] is not None:
        in_flight = f"its reboot is under way since {_minute(row['reboot_requested_at'])}"
    standing = Standing(
        last["action"],
        last["node"],
        last["reason"],
        state=EndpointState(**{key: _instant(row[key]) for key in STATE}),
        in_flight=in_flight,
        failure=failure,
        unreachable_since=_instant(row["unreachable_since"]),
    )
    return place(standing, read.start)


def _tier(row: Row) -> Tier:
    return Tier(row["cycle"], row["client"], row["ring"], row["kind"])


def _own_tier(read: Read, row: Row) -> Tier | None:
    if not (row["client"] and row["ring"] and row["kind"]):
        return None
    return Tier(read.scope.cycle, row["client"], row["ring"], row["kind"])


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


def _minute(text: str) -> str:
    return instant(text).isoformat(timespec="minutes")
