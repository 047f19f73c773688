# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node 8, ``reboot.*``: a reboot is pending from an earlier install (sections 5 and 6).

==========================  ==========  =====================================================================
node                        action      when
==========================  ==========  =====================================================================
``reboot.pending``          (goes on)   the question itself
``reboot.technician``       manual      a server without the policy group and the approval for unattended
``reboot.freeze``           wait        an unattended reboot is a change too: not inside a freeze
``reboot.window``           wait        an unattended reboot outside its window, or too little of it left (R4)
``reboot.unattended``       reboot      a server inside its window
``reboot.overnight``        reboot      an overnight workstation inside its window
``reboot.forced``           reboot      a daytime workstation, pending for three days, inside 02:00–04:00
``reboot.reminder``         remind      a daytime workstation whose user has not been told today
``reboot.user``             wait        a daytime workstation: the user restarts it, until it is forced
==========================  ==========  =====================================================================

The ``until`` of a reminder is when the reboot is forced, at the earliest.
An endpoint that would be rebooted and is offline or asleep waits at ``posture.offline`` or ``posture.asleep``.
That two of one redundancy group are not rebooted at once (R6) needs the others, and is kept by the planner.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from . import schedule, times, windows
from .case import Answer, Case, Verdict
from .settings import WindowSpec

PENDING = "reboot.pending"


def pending(case: Case) -> Answer:
    since = case.state.reboot_pending_since
    if since is None or since > case.now:
        return None
    spec = windows.reboot_spec(case.endpoint, case.settings)
    if spec is None:
        return Verdict(
            "manual",
            "reboot.technician",
            f"a reboot is pending since {_when(case, since)}: a technician reboots it",
        )
    if case.endpoint.kind == "server":
        return _unattended(case, spec, "reboot.unattended")
    if case.endpoint.track == "daytime":
        return _daytime(case, spec, since)
    return _telling_the_user(case, spec, "reboot.overnight")


def _when(case: Case, instant: datetime) -> str:
    return f"{times.localized(instant, case.zone):%Y-%m-%d %H:%M} {case.zone}"


def _unattended(case: Case, spec: WindowSpec, node: str) -> Verdict:
    frozen = case.facts.freeze(case.endpoint, case.settings, case.zone)
    if frozen is not None:
        return Verdict(
            "wait",
            "reboot.freeze",
            f"a reboot is pending, and the change freeze {frozen[0]} holds",
            frozen[1],
        )
    window = case.facts.window(spec, case.zone)
    if not windows.may_start(window, case.settings, case.now):
        until = case.facts.next_opening(spec, case.zone)
        return Verdict("wait", "reboot.window", f"a reboot is pending, {schedule.outside(case, spec, until)}", until)
    return schedule.away(case, spec) or Verdict(
        "reboot", node, f"a reboot is pending and the window {spec.name} is open", window.end
    )


def _daytime(case: Case, spec: WindowSpec, since: datetime) -> Verdict:
    forced_from = since + case.settings.force_reboot_after
    if case.now >= forced_from:
        return _telling_the_user(case, spec, "reboot.forced")
    until = _forced_at(spec, case, forced_from)
    reason = f"its user restarts it, until that is forced at {_when(case, until)}"
    return _reminder(case, until) or _until_told(case, Verdict("wait", "reboot.user", reason, until))


def _telling_the_user(case: Case, spec: WindowSpec, node: str) -> Verdict:
    """A reboot in the next window, with nobody asked: but until that opens, a user is still told."""
    verdict = _unattended(case, spec, node)
    if verdict.action == "reboot":
        return verdict
    return _reminder(case, _forced_at(spec, case, verdict.until or case.now)) or _until_told(case, verdict)


def _forced_at(spec: WindowSpec, case: Case, forced_from: datetime) -> datetime:
    spans = windows.windows_from(spec, case.zone, forced_from)
    least = case.settings.minimum_remaining
    starts = (max(start, forced_from) for start, end in spans if end - max(start, forced_from) >= least)
    return times.localized(next(starts, forced_from), case.zone)


def _reminder(case: Case, forced_at: datetime) -> Verdict | None:
    """At most one a day, from the policy's time on, while somebody is logged on to a machine that is up."""
    due = _reminder_due(case)
    if due is None or due > case.now:
        return None
    return Verdict(
        "remind",
        "reboot.reminder",
        f"a reboot is pending and its user has not been told today; it is forced at {_when(case, forced_at)}",
        forced_at,
    )


def _until_told(case: Case, verdict: Verdict) -> Verdict:
    """A wait stands no longer than to the next reminder."""
    due = _reminder_due(case)
    if due is None or (verdict.until is not None and verdict.until <= due):
        return verdict
    return replace(verdict, until=times.localized(due, case.zone))


def _reminder_due(case: Case) -> datetime | None:
    """From when on its user is to be told; None where nobody is there to be told."""
    endpoint, settings = case.endpoint, case.settings
    if endpoint.track not in settings.reminder_tracks or not endpoint.user_logged_on:
        return None
    if endpoint.online is False or endpoint.asleep:
        return None
    day, told = times.local_day(case.now, case.zone), case.state.reminded_at
    if told is not None and told <= case.now and times.local_day(told, case.zone) >= day:
        day += timedelta(days=1)
    return times.wall_instant(datetime.combine(day, settings.reminder_at), case.zone)
