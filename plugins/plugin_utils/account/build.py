# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in: the ledger is read once, then everything is made of what was read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from ..flow import Endpoint, Policy, Update
from ..ledger import Ledger, instant
from ..ledger.lanes import lanes
from ..ledger.schema import tables
from ..requirements import sqlalchemy as sa
from . import people
from .flaws import FlawBook
from .model import Account, Boot, EndpointResult, FailureRow, Flaw, Install, MissedWindow, Scope, Validation
from .policies import in_force
from .read import AccountError, Read, Row, read
from .standing import Stand, stands, tier_results
from .tickets import Told, ticket_rows


def account_of(ledger: Ledger, policy: Policy, scope: Scope, now: datetime, until: int | None = None) -> Account:
    """The account of `scope` as the ledger stands; `now` is the instant that deadlines are held against, `until` the
    number of the last event whose policy may count.

    `now` is not before the ledger's last event: what stands on the register is not undone. `policy` counts where the
    ledger has none in force at the account's instant (`in_force`). Raises AccountError for a cycle, client or tier that
    the ledger does not have, LedgerError where it cannot be read.
    """
    found = read(ledger, scope, now)
    policy = in_force(ledger, policy, found.at, until).with_lanes(lanes(ledger))
    standing = stands(found)
    flaws = FlawBook(found, policy, standing, Told(found)).flaws()
    tickets = ticket_rows(found, found.endpoints)
    failures = people.failures(found, tickets)
    missed = people.missed_windows(found)
    return Account(
        scope=scope,
        start=found.start,
        end=found.end,
        at=found.at,
        final=found.final,
        opened_by=found.cycle["by"],
        opened_reason=found.cycle["reason"],
        events=found.events,
        head=found.head,
        endpoints=tuple(_endpoints(found, policy, standing, flaws, failures, missed)),
        flaws=tuple(flaws),
        tiers=tuple(tier_results(found, standing)),
        approvals=tuple(people.approvals(found, flaws)),
        exceptions=tuple(people.exceptions(found)),
        holds=tuple(people.holds(found)),
        failures=tuple(failures),
        authorizations=tuple(people.authorizations(found)),
        missed_windows=tuple(missed),
        tickets=tuple(tickets),
        runs=tuple(people.runs(found)),
        policies=tuple(people.policies(found)),
    )


def scope_of(ledger: Ledger, asked: Mapping[str, str | None]) -> Scope:
    """What a person asked for by cycle, client, ring and kind; of no cycle in particular, the month's that opened last:
    an emergency in it is asked for by its name. One that is a single client's is told of that client.

    Raises AccountError where the ledger knows no cycle.
    """
    cycles = {row["id"]: row for row in ledger.rows("cycles")}
    cycle = asked["cycle"]
    if not cycle:
        known = sorted((row["by"] is None, row["opened_at"], row["id"]) for row in cycles.values())
        if not known:
            raise AccountError("the ledger knows no cycle yet: no run has opened one")
        cycle = known[-1][2]
    wanted = {name: asked[name] or None for name in ("client", "ring", "kind")}
    lane = json.loads((cycles.get(cycle) or {}).get("lane") or "{}")
    return Scope(str(cycle), **wanted | {"client": wanted["client"] or lane.get("client")})


def last_instant(ledger: Ledger) -> datetime | None:
    """The instant of the ledger's last event, for an account that depends on nothing but the ledger; None where it is
    empty."""
    table = tables().events
    with ledger.reading() as connection:
        found = connection.execute(sa.select(table.c.at).order_by(table.c.seq.desc()).limit(1)).scalar()
    return None if found is None else instant(found)


def _endpoints(
    found: Read,
    policy: Policy,
    standing: dict[str, Stand],
    flaws: list[Flaw],
    failures: list[FailureRow],
    missed: list[MissedWindow],
) -> list[EndpointResult]:
    failing: dict[str, list[str]] = {}
    for failure in failures:
        failing.setdefault(failure.endpoint, []).append(failure.id)
    waited = Counter(name for window in missed for name in window.endpoints)
    boots: dict[str, dict[str, Boot]] = {}
    for flaw in flaws:
        if flaw.boot is not None:
            boots.setdefault(flaw.endpoint, {})[flaw.boot.boot_id] = flaw.boot
    return [
        _endpoint(found, policy, row, standing[name], boots.get(name, {}), tuple(failing.get(name, ())), waited[name])
        for name, row in found.endpoints.items()
    ]


def _endpoint(
    found: Read,
    policy: Policy,
    row: Row,
    stand: Stand,
    boots: dict[str, Boot],
    failures: tuple[str, ...],
    missed: int,
) -> EndpointResult:
    steps = found.steps.get(row["name"], [])
    seen = dict(boots)
    for event in steps:
        if event.kind == "reboot.confirmed":
            seen[event.body["boot_id"]] = Boot(event.body["boot_id"], instant(event.body["boot_time"]), event.at)
    decided = found.decisions.get(row["name"])
    known = {key: row[key] for key in ("name", "client", "location", "kind", "role", "criticality")}
    endpoint = Endpoint.parse(known)
    return EndpointResult(
        **known | {"criticality": policy.settings(endpoint).criticality_of(endpoint)},
        ring=stand.tier.ring if stand.tier else row["ring"],
        stands=stand.stands,
        reason=stand.reason,
        proven=stand.proven,
        node=decided[1]["node"] if decided else None,
        decided=decided[0] if decided else None,
        searched=found.searches.get(row["name"]),
        installs=tuple(_installs(found, row["name"])),
        boots=tuple(sorted(seen.values(), key=lambda boot: (boot.seen, boot.boot_id))),
        validations=tuple(
            Validation(event.at, event.body["healthy"], tuple(event.body["checks"]))
            for event in steps
            if event.kind == "validation.finished"
        ),
        failures=failures,
        missed_windows=missed,
        known_since=instant(row["known_since"]),
    )


def _installs(found: Read, name: str) -> list[Install]:
    installs = []
    for event in found.steps.get(name, []):
        if event.kind == "install.finished":
            for result in event.body["results"]:
                told = result["update"], _label(found, result["update"]), event.at, result["ok"], result["hresult"]
                installs.append(Install(*told, found=False))
        elif event.kind == "install.found":
            installs += [
                Install(update, _label(found, update), event.at, ok=True, hresult=None, found=True)
                for update in event.body["updates"]
            ]
    return installs


def _label(found: Read, update: str) -> str:
    return (found.updates.get(update) or Update(update)).label
