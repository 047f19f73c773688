# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of event does to the register's rows: one small function a kind.

A function reads and writes rows through `Rows`, inside the transaction that appends the event, and looks at
nothing else (no clock, no settings): so that replaying the events gives identical rows. ``ahead`` fetches what those of
many events will ask for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from ..flow import restart
from . import away, checkpoints, cycles, deliveries, flaws, kept, overview, people
from .event import Event, canonical, instant, text_of
from .rows import Row, Rows
from .schema import RESTARTED, WANTED

DEFINITIONS = "Definition Updates"
NO_ATTEMPT: Row = {"attempted": None, "attempted_at": None}
NO_JOB: Row = dict.fromkeys(("job_kind", "job_id", "job_started_at", "job_updates", "job_limit_seconds"))
NO_RETRY: Row = {"retry_step": None, "retry_at": None, "attempts": 0}
ANSWERED: Row = {"unreachable_since": None}
REACHED: Row = {
    **ANSWERED,
    "unreachable_at": None,
    "unreachable_count": 0,
    "unreachable_run": None,
    "unreachable_during": None,
}
NO_REBOOT: Row = {"reboot_requested_at": None, "reboot_boot_id": None}
RESTART_OVER: Row = {**NO_REBOOT, "unreachable_during": None}
"""It failed: nobody waits for that restart any more."""


def _run_opened(event: Event, rows: Rows) -> None:
    rows.put(rows.of.runs, {"id": rows.run}, opened_at=text_of(event.at), opening=canonical(event.body))


def _run_closed(event: Event, rows: Rows) -> None:
    rows.put(rows.of.runs, {"id": rows.run}, closed_at=text_of(event.at), closing=canonical(event.body))


def _plan_decided(event: Event, rows: Rows) -> None:
    rows.touch(
        event,
        last_decision=canonical(event.body["decision"]),
        decided_run=rows.run,
        decided_at=text_of(event.at),
        last_cycle=event.body["cycle"],
        **away.settled_by(event.body["decision"]),
    )


def _started(kind: str) -> Callable[[Event, Rows], None]:
    def project(event: Event, rows: Rows) -> None:
        row = rows.endpoint(event)
        before: Row = {}
        if kind == "install":
            before = {"services_before": _services(row["posture"]), **_begun_unseen(event, row, rows)}
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


def _services(posture: str | None) -> str | None:
    return None if posture is None else canonical(json.loads(posture).get("services_running"))


def _scan_finished(event: Event, rows: Rows) -> None:
    _describe(event, rows)
    found = dict.fromkeys(update["id"] for update in event.body["updates"])
    _applies(event, rows, found)
    flaws.searched(event, rows, found)
    unanswered = json.loads(rows.endpoint(event)["unanswered"] or "[]")
    # what has no result and is offered no more needs no other attempt
    over = NO_RETRY if unanswered and found.keys().isdisjoint(unanswered) else _settled(event, rows)
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


def _settled(event: Event, rows: Rows) -> Row:
    """Something went well, so its retries are over; those of an install are counted until it went well itself."""
    return {} if rows.endpoint(event)["retry_step"] == "install" else NO_RETRY


def _describe(event: Event, rows: Rows) -> None:
    """What is told of an update is added to what was known of it: null never replaces a value."""
    told: dict[str, Row] = {}
    for update in event.body["updates"]:
        told[update["id"]] = _richer(told.get(update["id"], {}), update)
    known = {row["id"]: json.loads(row["record"]) for row in rows.some(rows.of.updates, told)}
    for key, update in told.items():
        merged = _richer(known.get(key, {}), update)
        if key not in known:
            rows.insert(rows.of.updates, {"id": key, "record": canonical(merged), "first_seen": text_of(event.at)})
        elif merged != known[key]:
            rows.change(rows.of.updates, {"id": key}, record=canonical(merged))


def _described(event: Event, rows: Rows) -> None:
    """What the RMM was asked for: what it told, and that it does not know the others."""
    _describe(event, rows)
    asked = [update["id"] for update in event.body["updates"]] + list(event.body.get("unknown", []))
    for key in dict.fromkeys(asked):
        rows.change(rows.of.updates, {"id": key}, described_at=text_of(event.at))


def _richer(known: Row, told: Mapping[str, Any]) -> Row:
    return known | {name: value for name, value in told.items() if value is not None or name not in known}


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
    answered = {result["update"] for result in event.body["results"]}
    values["attempted"] = canonical(
        [update for update in json.loads(row["attempted"] or "[]") if update not in answered]
    )
    rows.touch(event, **values)
    flaws.installed(event, rows, done, reboot_needed=event.body["reboot_required"])
    for result in event.body["results"]:
        if not result["ok"]:
            flaws.failed(event, rows, result["update"], result["hresult"])
    _taken(event, rows, row, done)


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


def _unreachable(event: Event, rows: Rows) -> None:
    row = rows.endpoint(event)
    rows.touch(
        event,
        unreachable_since=row["unreachable_since"] or text_of(event.at),
        unreachable_at=text_of(event.at),
        unreachable_count=1 + (row["unreachable_count"] if row["unreachable_run"] == rows.run else 0),
        unreachable_run=rows.run,
        unreachable_during=row["unreachable_during"] if row["unreachable_since"] else event.body["during"],
        **(_attempt(event, row, rows) if event.body["during"] == "install" else {}),
    )


def _posture_observed(event: Event, rows: Rows) -> None:
    """Shows a reboot that somebody else did, too: a new boot id while a reboot was due.

    One that is still pending after a boot is no reason for the next: whether the endpoint is well is for its validation
    to say, and the next after that for whoever documents why it is not (section 8, 5). Else it would be rebooted until
    its window closes, and be validated never.
    """
    row = rows.endpoint(event)
    at = text_of(event.at)
    posture = {key: value for key, value in event.body.items() if key != "about"}
    values: Row = {"posture": canonical(posture), "posture_at": at, "boot_id": posture["boot_id"]}
    due = row["reboot_pending_since"] or row["reboot_requested_at"]
    other = _is_other_boot(event, row)
    if other:
        values |= _booted(row)
    if due and other:
        values |= {"rebooted_at": at, "checking_since": None, **NO_REBOOT, **REACHED}
    since = row["reboot_pending_since"] if "rebooted_at" not in values else None
    if not restart.is_wanted(posture, asked=bool((row | values)["reboot_asked"])):
        since = None
    elif since is None and not _is_booted_and_not_validated(event, row | values):
        since = at
    values["reboot_pending_since"] = since
    rows.touch(event, **{**(ANSWERED if _has_still_to_start(row) else REACHED), **values})
    if other:
        flaws.booted(event, rows, confirmed=False)


def _is_other_boot(event: Event, row: Row) -> bool:
    """Whether the endpoint has booted since it was last looked at."""
    if row["boot_id"] in (None, event.body["boot_id"]):
        return False
    return row["posture_at"] is None or _booted_at(event) > instant(row["posture_at"]) - restart.CLOCK_STEP


def _booted_at(event: Event) -> datetime:
    """When the endpoint booted, by our clock: its own may be wrong."""
    return instant(event.body["boot_time"]) + (event.at - instant(event.body["now"]))


def _booted(row: Row) -> Row:
    return {"reboot_asked": None, **({"restart_first": RESTARTED} if row["restart_first"] == WANTED else {})}


def _is_booted_and_not_validated(event: Event, row: Row) -> bool:
    """Whether it has booted since the last install, and waits for its validation; so does one that was rebooted and
    where nothing was ever installed."""
    changed = [at for at in (row["installed_at"], row["rebooted_at"]) if at is not None]
    if not changed or (row["validated_at"] is not None and row["validated_at"] >= max(changed)):
        return False
    return row["installed_at"] is None or _booted_at(event) >= instant(row["installed_at"])


def _has_still_to_start(row: Row) -> bool:
    """Whether the connection broke in the very start of an install or a restart. A look goes before each, and that
    this is answered says nothing of what comes after it: the breaks go on being counted until one has started."""
    return row["unreachable_during"] in ("install", "reboot") and row["job_id"] is None


def _attempt(event: Event, row: Row, rows: Rows) -> Row:
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
    return _attempt(event, row, rows) if run is not None and run["closed_at"] is None else {}


def _lasting(updates: list[str], rows: Rows) -> list[str]:
    """Definition updates are left out: the next replaces them within hours, and what is offered no more was not
    therefore installed."""
    known = {found["id"]: json.loads(found["record"]) for found in rows.some(rows.of.updates, updates)}
    return [one for one in updates if DEFINITIONS not in (known.get(one, {}).get("categories") or ())]


def _reboot_started(event: Event, rows: Rows) -> None:
    row = rows.endpoint(event)
    boot_id = event.body["boot_id"] or row["boot_id"]
    before = row["services_before"] or _services(row["posture"])
    rows.touch(
        event,
        reboot_requested_at=text_of(event.at),
        reboot_boot_id=boot_id,
        boot_id=boot_id,
        services_before=before,
        **REACHED,
    )


def _reboot_confirmed(event: Event, rows: Rows) -> None:
    rows.touch(
        event,
        boot_id=event.body["boot_id"],
        rebooted_at=text_of(event.at),
        reboot_pending_since=None,
        checking_since=None,
        **NO_REBOOT,
        **_booted(rows.endpoint(event)),
        **_settled(event, rows),
        **away.NO_MISSED,
        **REACHED,
    )
    flaws.booted(event, rows, confirmed=True)


def _validation_checking(event: Event, rows: Rows) -> None:
    rows.touch(event, checking_since=text_of(event.at), **REACHED)


def _validation_finished(event: Event, rows: Rows) -> None:
    """Settles the soak rows too: an endpoint is, or is not, healthy now on all that it took (R5), save what is offered
    to it again: that it has not got, until it is installed anew.

    A healthy one is searched again where something was installed: what a boot rolled back is offered again.
    """
    at, healthy = text_of(event.at), event.body["healthy"]
    verdict: Row = {"validated_at": at, "services_before": None} if healthy else {}
    if healthy and rows.endpoint(event)["unproven"]:
        verdict["scanned_at"] = None
    rows.touch(event, checking_since=None, **verdict, **REACHED)
    if healthy:
        flaws.validated(event, rows)
    lacking = {row["update"] for row in rows.rows_of(rows.of.applicable, event.endpoint)} if healthy else ()
    for row in rows.rows_of(rows.of.soak, event.endpoint):
        if row["healthy"] != int(healthy) and row["update"] not in lacking:
            key = {"endpoint": event.endpoint, "update": row["update"]}
            rows.change(rows.of.soak, key, healthy=int(healthy), validated_at=at)


def _step_failed(event: Event, rows: Rows) -> None:
    sent = event.body["step"] == "install"
    rows.touch(event, **(_attempt(event, rows.endpoint(event), rows) if sent else {}))


def _retry_scheduled(event: Event, rows: Rows) -> None:
    rows.touch(
        event,
        retry_step=event.body["step"],
        retry_at=event.body["at"],
        attempts=event.body["attempt"],
        **NO_JOB,
    )


def _failure_opened(event: Event, rows: Rows) -> None:
    body = event.body
    about = {**rows.endpoint(event), **body.get("about", {})}
    rows.put(
        rows.of.failures,
        {"id": body["id"]},
        endpoint=event.endpoint,
        at=text_of(event.at),
        held_in=body["cycle"],
        **{name: about[name] for name in ("client", "ring", "kind")},
        **{name: body[name] for name in ("step", "update", "hresult", "name", "class", "text", "next_window", "cycle")},
    )
    if body["update"]:
        rows.change(rows.of.soak, {"endpoint": event.endpoint, "update": body["update"]}, healthy=0)
    reboot = RESTART_OVER if body["step"] == "reboot" else {}
    rows.touch(
        event,
        **_failed_in_run(event, rows, body["id"]),
        checking_since=None,
        **reboot,
        **NO_JOB,
        **NO_RETRY,
    )


def _failure_repeated(event: Event, rows: Rows) -> None:
    if event.body.get("told", True):  # the first ledgers told every time
        rows.change(rows.of.failures, {"id": event.body["failure"]}, told_at=text_of(event.at))
    if "held_in" in event.body:
        rows.change(rows.of.failures, {"id": event.body["failure"]}, held_in=event.body["held_in"])
    failure = rows.get(rows.of.failures, id=event.body["failure"])
    over = RESTART_OVER if failure is not None and failure["step"] == "reboot" else {}
    rows.touch(event, **_failed_in_run(event, rows, event.body["failure"]), **over, **NO_RETRY)


def _failure_cured(event: Event, rows: Rows) -> None:
    rows.change(rows.of.failures, {"id": event.body["failure"]}, cured_at=text_of(event.at))


def _failed_in_run(event: Event, rows: Rows, failure: str) -> Row:
    """The run tells of all that failed on an endpoint in it."""
    row = rows.endpoint(event)
    earlier = [row["failed_text"]] if row["failed_run"] == rows.run else []
    text = "; ".join(dict.fromkeys([*earlier, event.body["text"]]))
    return {"failed_run": rows.run, "failed_failure": failure, "failed_text": text}


def _reminder_shown(event: Event, rows: Rows) -> None:
    rows.touch(event, reminded_at=text_of(event.at), **REACHED)


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "run.opened": _run_opened,
    "run.closed": _run_closed,
    "plan.decided": _plan_decided,
    "scan.started": _started("scan"),
    "scan.finished": _scan_finished,
    "install.started": _started("install"),
    "install.finished": _install_finished,
    "install.found": _install_found,
    "job.lost": _job_lost,
    "endpoint.unreachable": _unreachable,
    "posture.observed": _posture_observed,
    "reboot.started": _reboot_started,
    "reboot.confirmed": _reboot_confirmed,
    "validation.checking": _validation_checking,
    "validation.finished": _validation_finished,
    "step.failed": _step_failed,
    "retry.scheduled": _retry_scheduled,
    "failure.opened": _failure_opened,
    "failure.repeated": _failure_repeated,
    "failure.cured": _failure_cured,
    "reminder.shown": _reminder_shown,
    "updates.described": _described,
    **deliveries.PROJECTIONS,
    **checkpoints.PROJECTIONS,
    **away.PROJECTIONS,
    **cycles.PROJECTIONS,
    **kept.PROJECTIONS,
    **overview.PROJECTIONS,
    **people.PROJECTIONS,
}


def project(event: Event, run: str, rows: Rows) -> None:
    """Bring the rows up to `event`; it has been checked before."""
    rows.run = run
    PROJECTIONS[event.kind](event, rows)
