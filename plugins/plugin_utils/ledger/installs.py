# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What searches and installs do to the register: what applies, what was taken, what was begun and not seen to end.

Where an install wants a restart, that is noted here; ``boots`` has what becomes of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from . import away, flaws
from .descriptions import describe
from .event import Event, canonical, text_of
from .over import NO_ATTEMPT, NO_JOB, NO_RETRY, REACHED, retries_over, services_of
from .schema import RESTARTED, WANTED

if TYPE_CHECKING:
    from .rows import Row, Rows

DEFINITIONS = "Definition Updates"
UNDER_WAY = frozenset({"0x80240009", "0x80240016"})
"""With these Windows refuses to install while another install is under way, of which nobody sees the end."""


def _started(kind: str) -> Callable[[Event, Rows], None]:
    def project(event: Event, rows: Rows) -> None:
        row = rows.endpoint(event)
        before: Row = {}
        if kind == "install":
            before = {"services_before": services_of(row["posture"]), **_begun_unseen(event, row, rows)}
        rows.touch(
            event,
            job_kind=kind,
            job_id=event.body["job"],
            job_started_at=text_of(event.at),
            job_limit_seconds=event.body["limit_seconds"],
            job_updates=canonical(list(event.body.get("updates", []))),
            **before,
            **REACHED,
        )

    return project


def _scan_finished(event: Event, rows: Rows) -> None:
    describe(event, rows)
    found = dict.fromkeys(update["id"] for update in event.body["updates"])
    _applies(event, rows, found)
    flaws.searched(event, rows, found)
    unanswered = json.loads(rows.endpoint(event)["unanswered"] or "[]")
    # what has no result and is offered no more needs no other attempt
    over = NO_RETRY if unanswered and found.keys().isdisjoint(unanswered) else retries_over(rows.endpoint(event))
    values: Row = {"scanned_at": text_of(event.at), "unproven": None, "unanswered": None, **NO_ATTEMPT}
    rows.touch(event, **values, **NO_JOB, **over, **REACHED)


def _applies(event: Event, rows: Rows, found: Collection[str]) -> None:
    table = rows.of.applicable
    there = {row["update"] for row in rows.rows_of(table, event.endpoint)}
    for update in there.difference(found):
        rows.delete(table, endpoint=event.endpoint, update=update)
    for update in found:
        if update not in there:
            rows.insert(table, {"endpoint": event.endpoint, "update": update})


def _install_finished(event: Event, rows: Rows) -> None:
    """What was asked for and is not in the results was not there to be installed: what applies is not known."""
    at = text_of(event.at)
    row = rows.endpoint(event)
    done = [result["update"] for result in event.body["results"] if result["ok"]]
    unanswered = event.body.get("unanswered") or []
    values: Row = {**NO_JOB, **REACHED, "unanswered": canonical(unanswered) if unanswered else None}
    if len(done) == len(event.body["results"]) and not unanswered:
        values |= NO_RETRY
    if done:
        unproven = canonical(sorted({*json.loads(row["unproven"] or "[]"), *done}))
        values |= {"installed_at": at, "checking_since": None, "unproven": unproven, **away.NO_MISSED}
    if not {*json.loads(row["job_updates"] or "[]")} <= {result["update"] for result in event.body["results"]}:
        values["scanned_at"] = None
    values |= _restart_asked(event, row)
    values |= _attempted_still(event, row, rows)
    rows.touch(event, **values)
    flaws.installed(event, rows, done, reboot_needed=event.body["reboot_required"])
    for result in event.body["results"]:
        if not result["ok"]:
            flaws.failed(event, rows, result["update"], result["hresult"])
    _taken(event, rows, row, done)


def _attempted_still(event: Event, row: Row, rows: Rows) -> Row:
    """What was begun and not seen to end, by what this install says of it. An update that it may not install because
    another install is under way may be just what that one installs: it has been, where it is offered no more soon."""
    results = event.body["results"]
    answered = {result["update"] for result in results}
    left = [update for update in json.loads(row["attempted"] or "[]") if update not in answered]
    refused = _lasting([result["update"] for result in results if result["hresult"] in UNDER_WAY], rows)
    return {"attempted": canonical([*left, *refused]), **({"attempted_at": text_of(event.at)} if refused else {})}


def _restart_asked(event: Event, row: Row) -> Row:
    """What an install says of a restart. One that wants a restart before it installs anything has it once: that it asks
    again after that is a failure, for which nobody restarts the endpoint once more."""
    first = not event.body["results"]
    if not event.body["reboot_required"] or (first and row["restart_first"] == RESTARTED):
        return {"reboot_asked": None, "restart_first": None}
    since = row["reboot_pending_since"] or text_of(event.at)
    return {"reboot_pending_since": since, "reboot_asked": 1, "restart_first": WANTED if first else None}


def _install_found(event: Event, rows: Rows) -> None:
    """Installed by an install that nobody saw the end of; a search has shown it, so it is proven."""
    row = rows.endpoint(event)
    rows.touch(event, installed_at=text_of(event.at), checking_since=None, **NO_ATTEMPT, **away.NO_MISSED)
    flaws.installed(event, rows, event.body["updates"], reboot_needed=None)
    _taken(event, rows, row, event.body["updates"])


def _taken(event: Event, rows: Rows, row: Row, updates: list[str]) -> None:
    """The endpoint has taken the updates: they apply no more, and in the pilot their soak begins (R5)."""
    about = {**row, **event.body.get("about", {})}
    for update in updates:
        rows.delete(rows.of.applicable, endpoint=event.endpoint, update=update)
        if about["ring"] == "pilot":
            rows.put(
                rows.of.soak,
                {"update": update, "endpoint": event.endpoint},
                client=about["client"],
                kind=about["kind"],
                installed_at=text_of(event.at),
                healthy=None,
                validated_at=None,
            )


def _job_lost(event: Event, rows: Rows) -> None:
    """What became of the updates is unknown, so what applies is: the endpoint is scanned again."""
    row = rows.endpoint(event)
    unseen: Row = {}
    if row["job_kind"] == "install":
        lasting = _lasting(json.loads(row["job_updates"] or "[]"), rows)
        earlier = json.loads(row["attempted"] or "[]")
        unseen = {"attempted": canonical(list(dict.fromkeys([*earlier, *lasting])))}
        unseen["attempted_at"] = row["job_started_at"]
    rows.touch(event, scanned_at=None, **unseen, **NO_JOB)


def attempt(event: Event, row: Row, rows: Rows) -> Row:
    """The start of an install was sent, and nobody sees its end."""
    decision = json.loads(row["last_decision"] or "{}")
    if decision.get("action") != "install":
        return {}
    return {"attempted": canonical(_lasting(decision["updates"], rows)), "attempted_at": text_of(event.at)}


def _begun_unseen(event: Event, row: Row, rows: Rows) -> Row:
    """What another run had decided to install, where it never came to its end: it may have begun just that, and died
    before it could say so. What this run begins it sees the end of, or says that it does not."""
    if row["decided_run"] in (None, rows.run):
        return {}
    run = rows.get(rows.of.runs, id=row["decided_run"])
    return attempt(event, row, rows) if run is not None and run["closed_at"] is None else {}


def _lasting(updates: list[str], rows: Rows) -> list[str]:
    """Definition updates are left out: the next replaces them within hours, and what is offered no more was not
    therefore installed."""
    known = {found["id"]: json.loads(found["record"]) for found in rows.some(rows.of.updates, updates)}
    return [one for one in updates if DEFINITIONS not in (known.get(one, {}).get("categories") or ())]


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "scan.started": _started("scan"),
    "scan.finished": _scan_finished,
    "install.started": _started("install"),
    "install.finished": _install_finished,
    "install.found": _install_found,
    "job.lost": _job_lost,
}
