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
from collections.abc import Callable, Mapping
from typing import Any

from . import (
    away,
    boots,
    checkpoints,
    cycles,
    deliveries,
    descriptions,
    down,
    installs,
    kept,
    overview,
    people,
    planned,
)
from .event import Event, canonical, text_of
from .installs import attempt
from .over import NO_JOB, NO_RETRY, REACHED, RESTART_OVER
from .rows import Row, Rows


def _run_opened(event: Event, rows: Rows) -> None:
    rows.put(rows.of.runs, {"id": rows.run}, opened_at=text_of(event.at), opening=canonical(event.body))


def _run_closed(event: Event, rows: Rows) -> None:
    rows.put(rows.of.runs, {"id": rows.run}, closed_at=text_of(event.at), closing=canonical(event.body))


def _plan_decided(event: Event, rows: Rows) -> None:
    """Each cycle has a decision of its own (`planning/plan.py`); one that says the same stands since it first did."""
    row = rows.endpoint(event)
    stands = row["decided_at"] is not None and _said(json.loads(row["last_decision"])) == _said(event.body["decision"])
    rows.touch(
        event,
        last_decision=canonical(event.body["decision"]),
        decided_run=rows.run,
        decided_at=row["decided_at"] if stands else text_of(event.at),
        last_cycle=event.body["cycle"],
        **away.settled_by(event.body["decision"]),
    )


def _said(decision: Mapping[str, Any]) -> dict[str, Any]:
    """What a decision says, but for the instants until which it holds, which move with every look."""
    told = {key: value for key, value in decision.items() if key not in ("until", "path")}
    rows = decision.get("left_out") or ()
    return told | {"left_out": [{key: value for key, value in row.items() if key != "until"} for row in rows]}


def _seen(event: Event, rows: Rows) -> None:
    rows.touch(event)


def _unreachable(event: Event, rows: Rows) -> None:
    row = rows.endpoint(event)
    rows.touch(
        event,
        unreachable_since=row["unreachable_since"] or text_of(event.at),
        unreachable_at=text_of(event.at),
        unreachable_count=1 + (row["unreachable_count"] if row["unreachable_run"] == rows.run else 0),
        unreachable_run=rows.run,
        unreachable_during=row["unreachable_during"] if row["unreachable_since"] else event.body["during"],
        **(attempt(event, row, rows) if event.body["during"] == "install" else {}),
    )


def _step_failed(event: Event, rows: Rows) -> None:
    sent = event.body["step"] == "install"
    rows.touch(event, **(attempt(event, rows.endpoint(event), rows) if sent else {}))


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
        endpoint_id=about.get("id"),
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
    "endpoint.seen": _seen,
    "run.opened": _run_opened,
    "run.closed": _run_closed,
    "plan.decided": _plan_decided,
    "endpoint.unreachable": _unreachable,
    "step.failed": _step_failed,
    "retry.scheduled": _retry_scheduled,
    "failure.opened": _failure_opened,
    "failure.repeated": _failure_repeated,
    "failure.cured": _failure_cured,
    "reminder.shown": _reminder_shown,
    **installs.PROJECTIONS,
    **boots.PROJECTIONS,
    **deliveries.PROJECTIONS,
    **checkpoints.PROJECTIONS,
    **away.PROJECTIONS,
    **cycles.PROJECTIONS,
    **descriptions.PROJECTIONS,
    **down.PROJECTIONS,
    **kept.PROJECTIONS,
    **overview.PROJECTIONS,
    **people.PROJECTIONS,
    **planned.PROJECTIONS,
}


def project(event: Event, run: str, rows: Rows) -> None:
    """Bring the rows up to `event`; it has been checked before."""
    rows.run = run
    PROJECTIONS[event.kind](event, rows)
