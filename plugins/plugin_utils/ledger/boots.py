# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks at an endpoint, its restarts and its validation do to the register.

A restart is due, is asked for, and is seen by another boot id; after it the endpoint is validated, and only then is
what it has taken proven.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from ..flow import restart
from . import away, flaws
from .event import Event, canonical, instant, text_of
from .over import ANSWERED, NO_REBOOT, REACHED, retries_over, services_of
from .schema import RESTARTED, WANTED

if TYPE_CHECKING:
    from .rows import Row, Rows


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


def _reboot_started(event: Event, rows: Rows) -> None:
    row = rows.endpoint(event)
    boot_id = event.body["boot_id"] or row["boot_id"]
    before = row["services_before"] or services_of(row["posture"])
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
        **retries_over(rows.endpoint(event)),
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


def restart_again(event: Event, rows: Rows) -> None:
    """Where an endpoint was not healthy and Windows still waits for a restart, that restart may be tried again now: a
    look goes before it, and leaves it where somebody has done it."""
    row = rows.endpoint(event)
    if row["reboot_pending_since"] is None and row["posture"] and restart.is_wanted(json.loads(row["posture"])):
        rows.touch(event, reboot_pending_since=text_of(event.at))


PROJECTIONS: dict[str, Callable[[Event, Rows], None]] = {
    "posture.observed": _posture_observed,
    "reboot.started": _reboot_started,
    "reboot.confirmed": _reboot_confirmed,
    "validation.checking": _validation_checking,
    "validation.finished": _validation_finished,
}
