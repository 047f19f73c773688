# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from an observation: the events of the failure standard (operating model, section 8).

Pure: an observation, where the endpoint stands, the policy and the instant give a list of events, which enter the
ledger in one transaction. The failure policy itself is the flow's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .. import flow
from ..flow import Endpoint, Policy, failures, restart
from ..ledger import Event, Progress, instant, text_of
from ..ledger.kinds import about
from ..psa import tickets
from ..psa.tickets import Failing
from ..visible import one_line
from . import outcomes as seen
from .aftermath import cured
from .failing import failing_update, failing_whole, failure_of, failures_of, may_install

JOB_GRACE = timedelta(minutes=5)
"""How long after its limit an asynchronous job may still report; Windows' own watchdog has stopped it by then."""
ATTEMPT_TELLS = timedelta(hours=24)
"""How long after an install that nobody saw the end of a search tells that it worked."""
ROLLED_BACK = "It was installed and is offered again: Windows has rolled it back."
BOOTED_MEANWHILE = "the endpoint has booted since it began"
NO_RESULT = "It was ordered, Windows gave no result for it, and offers it again."
SEE_BY_HAND = (
    "Whether an install by hand takes it; the endpoint's Windows Update history, and where its updates come from."
)
RESTART_FIRST = "Windows wants a restart before it installs anything, and wants it again after that restart"
READ_CBS = "What CBS.log and the Setup event log of the endpoint say of the boot after the install."


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an endpoint stands when something is seen of it. `limit` is that of a job just started, in seconds."""

    endpoint: Endpoint
    progress: Progress
    policy: Policy
    now: datetime
    titles: Mapping[str, str] = field(default_factory=dict)
    limit: int = 0
    probes: Sequence[Mapping[str, Any]] = ()
    alerts: bool = False
    """Whether there is an on-call to be alerted."""
    close_cured: bool = False
    """Whether the ticket of a failure closes when the failure is over."""

    @property
    def cycle(self) -> str:
        return flow.cycle_at(self.now)

    def event(self, kind: str, **body: Any) -> Event:
        """An event of this endpoint; it tells what the RMM says of it, where the inventory is the RMM's."""
        return Event(kind, self.endpoint.name, self.now, body | about(self.endpoint))


def judge(tag: str, observation: seen.Observation, standing: Standing) -> list[Event]:
    """The events that an observation made by a task with the evidence `tag` gives; none where it says nothing new."""
    step = _step(tag, standing.progress)
    match observation:
        case seen.Started(job=job):
            return _started(step, job, standing)
        case seen.Running():
            return _running(step, standing)
        case seen.ScanFinished(updates=updates):
            return _scan_finished(updates, standing)
        case seen.InstallFinished():
            return _install_finished(observation, standing)
        case seen.JobLost(job=job, message=message):
            return _job_lost(step, job, message, standing)
        case seen.PostureSeen(posture=posture):
            return _posture(tag, posture, standing)
        case seen.RebootAsked():
            return [standing.event("reboot.started", boot_id=standing.progress.boot_id)]
        case seen.ReminderShown() | seen.Waked():
            return _waked(observation, standing)
        # probes are kept by the observer until the posture that is judged together with them; a user who is not there
        # is told when he is
        case seen.Probed() | seen.NobodyThere():
            return []
        case seen.Unreachable(message=message):
            return _unreachable(step, message, standing)
        case seen.Failed(message=message, hresult=hresult):
            return _failed(tag, step, message, hresult, standing)


def unjudged(tag: str, message: str, standing: Standing) -> list[Event]:
    """The events where a result cannot be judged, or gives events that the ledger does not take; `message` says why. To
    the endpoint that is a task that failed, and the end of the job that it was to tell of."""
    step, job = _step(tag, standing.progress), standing.progress.job
    over = seen.JobLost(job.jid, message) if tag == "job" and job is not None else seen.Failed(message)
    # a wake says nothing of the machine that it is sent from
    follow = [] if step == "wake" else judge(tag, over, standing)
    if any(event.kind == "step.failed" for event in follow):
        return follow
    return [standing.event("step.failed", step=step, message=message), *follow]


def _waked(observation: seen.ReminderShown | seen.Waked, standing: Standing) -> list[Event]:
    """A user was told of a restart; or machines were sent a packet that wakes them, from another of their location."""
    if isinstance(observation, seen.ReminderShown):
        return [standing.event("reminder.shown")]
    peer = observation.peer
    sent = {name: {"peer": peer, "mac": mac} for name, mac in observation.sent}
    failed = {name: {"peer": peer, "message": f"{peer}: {why}"} for name, why in observation.failed}
    events = [Event("wake.sent", name, standing.now, body) for name, body in sent.items()]
    return events + [Event("wake.failed", name, standing.now, body) for name, body in failed.items()]


def _step(tag: str, progress: Progress) -> str:
    if tag == "job" and progress.job is not None:
        return progress.job.kind
    return seen.TAGS[tag].step


def _started(step: str, job: str, standing: Standing) -> list[Event]:
    updates = (standing.progress.last_decision or {}).get("updates", []) if step == "install" else []
    return [standing.event(f"{step}.started", job=job, limit_seconds=standing.limit, updates=updates)]


def _running(step: str, standing: Standing) -> list[Event]:
    job = standing.progress.job
    if job is None or standing.now < job.started_at + timedelta(seconds=job.limit_seconds) + JOB_GRACE:
        return []
    return _job_lost(step, job.jid, f"still not done {job.limit_seconds} s after it began, its limit", standing)


def _job_lost(step: str, job: str | None, message: str, standing: Standing) -> list[Event]:
    lost = standing.event("job.lost", job=job, message=message)
    again = _retry(step, standing)
    if again is not None:
        return [lost, again]
    return [
        lost,
        *failure_of(step, [failing_whole(f"{tickets.STEPS[step]} gave no result: {message}", None)], standing),
    ]


def _scan_finished(updates: list[dict[str, Any]], standing: Standing) -> list[Event]:
    """What was installed and is offered again was undone: by the boot, or because it never took. What was ordered and
    had no result is tried once more, by what the search tells of it now, and has failed where that changes nothing.

    What an install was started for that nobody saw the end of (the answer to its start was lost, or its job) and that
    is offered no more soon after has been installed all the same. Later than that it may have been replaced.
    """
    progress = standing.progress
    lately = progress.attempted_at is not None and standing.now - progress.attempted_at <= ATTEMPT_TELLS
    offered = {update["id"] for update in updates}
    found = [update for update in progress.attempted if lately and update not in offered]
    finished = [standing.event("install.found", updates=found), *_caught_up(standing)] if found else []
    finished.append(standing.event("scan.finished", updates=updates))
    finished += cured(lambda one: one.step in ("scan", "posture") or one.update not in {None, *offered}, standing)
    failing = _offered_again(updates, progress.unproven, ROLLED_BACK, READ_CBS, "update")
    unanswered = _offered_again(updates, progress.unanswered, NO_RESULT, SEE_BY_HAND, "unknown")
    if unanswered and not failing and not (progress.retry_step == "install" and progress.attempts):
        again = _retry("install", standing)
        if again is not None:
            return [*finished, again]
    failing += unanswered
    return [*finished, *failures_of("install", failing, standing)] if failing else finished


def _offered_again(
    offered: list[dict[str, Any]], taken: Sequence[str], meaning: str, advice: str, cls: str
) -> list[tuple[str | None, Failing]]:
    """A failure for each update that a search offers though an install is done with it."""
    return [
        (update["id"], Failing(one_line(update["title"] or update["id"]), None, None, meaning, advice, cls))
        for update in offered
        if update["id"] in taken
    ]


def _install_finished(found: seen.InstallFinished, standing: Standing) -> list[Event]:
    results = {"results": list(found.results), "reboot_required": found.reboot_required}
    caught_up = _caught_up(standing) if any(result["ok"] for result in found.results) else []
    failing = [
        (result["update"], failing_update(found.titles.get(result["update"]) or result["update"], result["hresult"]))
        for result in found.results
        if not result["ok"]
    ]
    if found.message is not None and not failing:
        failing = [(None, failing_whole(found.message, found.hresult))]
    if standing.progress.restarted_first and found.reboot_required and not found.results:
        failing = [(None, failing_whole(RESTART_FIRST, None))]
    if not failing:
        left = _unanswered(found, standing)
        return [standing.event("install.finished", **results, **({"unanswered": left} if left else {})), *caught_up]
    finished = standing.event("install.finished", **results)
    if all(one.cls == "transient" for dummy, one in failing):
        again = _retry("install", standing)
        if again is not None:
            return [finished, *caught_up, again]
    return [finished, *caught_up, *failures_of("install", failing, standing)]


def _unanswered(found: seen.InstallFinished, standing: Standing) -> list[str]:
    """What was ordered of an install that went well, and is not in its results: replaced meanwhile or done by somebody
    else, as the next search shows, or not found by Windows. Where Windows wants a reboot first, nothing was tried."""
    if not found.results and found.reboot_required:
        return []
    answered = {result["update"] for result in found.results}
    job = standing.progress.job
    return [update for update in (job.updates if job is not None else ()) if update not in answered]


def _caught_up(standing: Standing) -> list[Event]:
    """What it had missed windows for is being done on it."""
    missed = standing.progress.missed
    windows_missed = missed.over(standing.now) if missed is not None else 0
    if missed is None or not windows_missed:
        return []
    return [standing.event("window.caught_up", windows=windows_missed, since=text_of(missed.since))]


def _posture(tag: str, posture: dict[str, Any], standing: Standing) -> list[Event]:
    observed = standing.event("posture.observed", **posture)
    if tag == "validation" and _reboot_first(posture, standing):
        return [observed]
    if tag == "validation":
        health = flow.validation.judge(
            standing.endpoint,
            standing.policy,
            _on_our_clock(posture, standing.now),
            standing.progress.services_before,
            list(standing.probes),
            standing.progress.installed_at,
        )
        return _validated([dict(check) for check in health.checks], standing, observed, healthy=health.healthy)
    if tag == "reboot.confirm" and standing.progress.reboot is not None:
        return _confirmed(posture, standing, observed)
    if _booted_since_its_job(posture, standing):
        job = standing.progress.job
        return [observed, *_job_lost(job.kind, job.jid, BOOTED_MEANWHILE, standing)] if job else [observed]
    return [observed]


def _booted_since_its_job(posture: dict[str, Any], standing: Standing) -> bool:
    """Whether the job that is under way died with a boot: another one than was last seen, after the job began."""
    job, boot_id = standing.progress.job, standing.progress.boot_id
    if job is None or posture["boot_id"] == boot_id:
        return False
    return instant(_on_our_clock(posture, standing.now)["boot_time"]) > job.started_at


def _reboot_first(posture: dict[str, Any], standing: Standing) -> bool:
    """Whether a reboot that nobody knew of is pending since the install: it is due before the validation. One that is
    still pending after a boot is a check that fails, or the endpoint would be rebooted for ever."""
    installed = standing.progress.installed_at
    booted = instant(_on_our_clock(posture, standing.now)["boot_time"])
    asked = standing.progress.reboot_asked
    return restart.is_wanted(posture, asked=asked) and installed is not None and booted < installed


def _confirmed(posture: dict[str, Any], standing: Standing, observed: Event) -> list[Event]:
    reboot = standing.progress.reboot
    booted = instant(_on_our_clock(posture, standing.now)["boot_time"])
    is_other = reboot is not None and posture["boot_id"] != reboot.boot_id
    if reboot is not None and is_other and booted > reboot.requested_at - restart.CLOCK_STEP:
        boot = {name: posture[name] for name in ("boot_id", "boot_time")}
        return [standing.event("reboot.confirmed", **boot), *_caught_up(standing), observed]
    return _reboot_overdue("was asked to restart and has not", standing)


def _reboot_overdue(what: str, standing: Standing) -> list[Event]:
    reboot = standing.progress.reboot
    limit = standing.policy.settings(standing.endpoint).reboot_time_limit
    if reboot is None or standing.now < reboot.requested_at + limit:
        return []
    asked = text_of(reboot.requested_at)
    return failure_of("reboot", [failing_whole(f"{what} since the restart asked for at {asked}", None)], standing)


def _validated(checks: list[dict[str, Any]], standing: Standing, *observed: Event, healthy: bool) -> list[Event]:
    """Not healthy is no failure before the deadline: services take their time after a boot (section 7)."""
    finished = standing.event("validation.finished", healthy=healthy, checks=checks)
    if healthy:
        taken = {None, *standing.progress.unproven}
        return [*observed, finished, *cured(lambda one: one.update in taken, standing)]
    since = standing.progress.checking_since
    if since is None:
        return [standing.event("validation.checking", checks=checks)]
    if standing.now < since + standing.policy.settings(standing.endpoint).validation_deadline:
        return []
    return [*observed, finished, *failure_of("validate", [failing_whole(tickets.check_lines(checks), None)], standing)]


def _unreachable(step: str, message: str, standing: Standing) -> list[Event]:
    progress, settings = standing.progress, standing.policy.settings(standing.endpoint)
    if progress.reboot is not None:
        return _reboot_overdue(f"has not come back ({message})", standing)
    if step == "validate":
        return _validated([{"name": "online", "ok": False, "seen": message}], standing, healthy=False)
    silent, since = standing.event("endpoint.unreachable", during=step, message=message), progress.unreachable_since
    if since is None or progress.unreachable_during != "reboot" or standing.now < since + settings.reboot_time_limit:
        return [silent]
    gone = f"was told to restart at {text_of(since)}, gave no answer to that, and has not come back ({message})"
    return [silent, *failure_of("reboot", [failing_whole(gone, None)], standing)]


def _failed(tag: str, step: str, message: str, hresult: str | None, standing: Standing) -> list[Event]:
    if tag == "reboot.confirm":
        return _reboot_overdue(f"cannot be looked at ({message})", standing)
    if step == "posture" and standing.progress.job is not None:
        return []  # a look beside a job that runs on: a retry would forget it
    if step == "validate":
        return _validated([{"name": "validation itself", "ok": False, "seen": message}], standing, healthy=False)
    failed = standing.event("step.failed", step=step, message=message, hresult=hresult)
    if step == "remind":
        return [failed]  # it says nothing of the patching: no failure, no hold, no ticket; the next run tries again
    one = failing_whole(message, hresult)
    if step in ("scan", "posture") or one.cls == "transient":
        again = _retry(step, standing)
        if again is not None:
            return [failed, again]
    return [failed, *failure_of(step, [one], standing)]


def _retry(step: str, standing: Standing) -> Event | None:
    """The next attempt, where the policy has one left and, of an install, the flow will let it start then."""
    attempt = standing.progress.attempts + 1
    delay = failures.retry_after(attempt, standing.policy, standing.endpoint)
    if delay is None:
        return None
    at = standing.now + delay
    if step == "install" and not may_install(standing, at):
        return None
    return standing.event("retry.scheduled", step=step, attempt=attempt, at=text_of(at))


def _on_our_clock(posture: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The posture with its boot time as our clock would have shown it: the endpoint's may be wrong."""
    error = now - instant(posture["now"])
    return {**posture, "boot_time": text_of(instant(posture["boot_time"]) + error)}
