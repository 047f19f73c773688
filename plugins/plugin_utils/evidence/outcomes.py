# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task's raw result says, as a typed observation.

Each call of a step, and each task with a variable that ends in ``_evidence``, says what its result is evidence of
(`TAGS`). The result is read by what it holds and never by ``failed``: a task that is evidence lets it pass
(``failed_when: false``), Ansible takes ``failed`` out of what a callback gets, and versions differ in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..flow import RecordError
from ..ledger.kinds import POSTURE
from ..visible import visible

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Started:
    """An asynchronous job runs on the endpoint."""

    job: str


@dataclass(frozen=True, slots=True)
class Running:
    """The job is not done yet."""


@dataclass(frozen=True, slots=True)
class ScanFinished:
    """A search is done; an update has ``id``, ``kb``, ``title`` and ``categories``: all that Windows tells."""

    updates: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class InstallFinished:
    """An install is done; a result has ``update``, ``ok``, ``hresult``. `message` is why it failed as a
    whole.
    """

    results: list[dict[str, Any]]
    titles: dict[str, str]
    reboot_required: bool
    message: str | None = None
    hresult: str | None = None


@dataclass(frozen=True, slots=True)
class JobLost:
    """Nobody will ever tell how the job ended."""

    job: str | None
    message: str


@dataclass(frozen=True, slots=True)
class PostureSeen:
    """What win_posture told."""

    posture: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Probed:
    """What win_check told."""

    checks: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RebootAsked:
    """Windows has accepted the request to restart, now or before."""


@dataclass(frozen=True, slots=True)
class ReminderShown:
    """Windows took the message that a reboot is due, for a session that a user is logged on to."""


@dataclass(frozen=True, slots=True)
class NobodyThere:
    """There is no user any more who could be told."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No connection, or one that broke in mid-command: it proves nothing about the endpoint's updates."""

    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The task itself went wrong on the endpoint."""

    message: str
    hresult: str | None = None


@dataclass(frozen=True, slots=True)
class Waked:
    """Wake-on-LAN packets were sent from `peer`, for those in `sent` (name, address); for `failed` (name, why) not."""

    peer: str
    sent: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str], ...]


Observation = (
    Started
    | Running
    | ScanFinished
    | InstallFinished
    | JobLost
    | PostureSeen
    | Probed
    | RebootAsked
    | ReminderShown
    | Waked
    | NobodyThere
    | Unreachable
    | Failed
)

LOST_CONNECTION = re.compile(
    r"WSManFault|WinRMTransport|WinRMError|ConnectionError|ConnectionReset|Connection aborted|Connection reset by peer|"
    r"RemoteDisconnected|Remote end closed connection|Max retries exceeded|Read timed out|Failed to establish a new "
    r"connection|Bad HTTP response returned from server|ProtocolError",
    re.IGNORECASE,
)
"""What a broken connection reads like where Ansible reports it as a failure of the task (WinRM in mid-
command).
"""
REBOOT_FIRST = re.compile(r"reboot is required before more updates", re.IGNORECASE)
NO_SUCH_JOB = re.compile(
    r"could not find job|could not parse job output|timed out waiting for module completion", re.IGNORECASE
)
ACCEPTED = (0, 1115, 1190)
"""Exit codes of shutdown.exe: done; a shutdown is in progress; one is already scheduled."""
LONGEST_MESSAGE = 2000
LONGEST_NAME = 500
"""Characters; what Windows calls its updates has less than half."""


def hresult_text(code: object) -> str | None:
    """An HRESULT as ``0x80070643``, from a signed or unsigned number or a text; None where it is none, or
    success.
    """
    if isinstance(code, str):
        try:
            code = int(code, 0)
        except ValueError:
            return None
    if not isinstance(code, int) or isinstance(code, bool) or code == 0:
        return None
    return f"0x{code & 0xFFFFFFFF:08X}"


def message_of(result: Result) -> str:
    """What a failed result says for people, in one text of bounded length, safe to write as UTF-8."""
    for key in ("msg", "stderr", "module_stderr", "failed_when_suppressed_exception", "exception", "stdout"):
        found = result.get(key)
        if found:
            return visible(clean(str(found).strip()))[:LONGEST_MESSAGE]
    return "the task failed and did not say why"


def clean(text: str) -> str:
    """`text` without what UTF-8 and databases cannot hold."""
    return text.encode(errors="replace").decode().replace("\x00", "\ufffd")


def observe(tag: str, result: Result, *, unreachable: bool, job_kind: str | None = None) -> Observation:
    """What the result of a task with the evidence `tag` says; `job_kind` is that of the endpoint's open job.

    Raises KeyError for a tag that is not in `TAGS`.
    """
    if tag == "wake.sent" and (result.get("asked") or not unreachable):
        return _waked(result)
    read = TAGS[tag].read
    if unreachable:
        return Unreachable(message_of(result))
    seen = _job(result, job_kind) if tag == "job" else read(result)
    if seen is not None:
        return seen
    message = message_of(result)
    if LOST_CONNECTION.search(message) or LOST_CONNECTION.search(str(result.get("exception", ""))):
        return Unreachable(message)
    return Failed(message, hresult_text(result.get("hresult")))


def _started(result: Result) -> Observation | None:
    job = result.get("ansible_job_id")
    return Started(str(job)) if job and not NO_SUCH_JOB.search(str(result.get("msg", ""))) else None


def _job(result: Result, kind: str | None) -> Observation | None:
    job = result.get("ansible_job_id")
    if NO_SUCH_JOB.search(str(result.get("msg", ""))):
        return JobLost(None if job is None else str(job), message_of(result))
    if job is not None and not result.get("finished"):
        return Running()
    if kind == "scan":
        return _scan(result)
    return _install(result) if kind == "install" else None


def _scan(result: Result) -> Observation | None:
    found = result.get("updates")
    if not isinstance(found, Mapping) or (result.get("msg") and not found):
        return None
    return ScanFinished([_update(update) for update in found.values()])


def _update(told: Mapping[str, Any]) -> dict[str, Any]:
    """A KB of a third party's update, or of one that a WSUS has published, may be any text: such an update is known by
    its id and title alone. Raises RecordError for one that no install could choose."""
    kbs = [_name(kb).upper().removeprefix("KB") for kb in told.get("kb") or ()]
    numbers = kbs if all(kb.isascii() and kb.isdigit() for kb in kbs) else []
    name, title = _name(told["id"]), _name(told.get("title") or "")
    if not title and not numbers:
        raise RecordError(f"update {name}: neither a title nor a KB number is told of it; win_updates chooses by these")
    return {
        "id": name,
        "kb": numbers,
        "title": title,
        "categories": [_name(name) for name in told.get("categories") or ()],
    }


def _name(told: object) -> str:
    """What an endpoint calls something: it goes into tables, titles and tickets, which have bounds."""
    return clean(str(told))[:LONGEST_NAME]


def _install(result: Result) -> Observation | None:
    found = result.get("updates")
    if not isinstance(found, Mapping):
        return None
    whole = str(result.get("msg") or "")
    code = hresult_text(result.get("hresult"))
    if REBOOT_FIRST.search(whole):
        return InstallFinished([], {}, reboot_required=True)
    results = []
    for update in found.values():
        failure = hresult_text(update.get("failure_hresult_code"))
        ok = bool(update.get("installed")) and failure is None
        results.append({"update": _name(update["id"]), "ok": ok, "hresult": None if ok else failure or code})
    failed_as_whole = bool(whole) and all(result["ok"] for result in results)
    return InstallFinished(
        results,
        {_name(update["id"]): _name(update.get("title") or "") for update in found.values()},
        reboot_required=bool(result.get("reboot_required")),
        message=message_of(result) if failed_as_whole else None,
        hresult=code,
    )


def _posture(result: Result) -> Observation | None:
    if not result.get("boot_id"):
        return None
    known = {key.rstrip("?") for key in POSTURE}
    return PostureSeen({key: value for key, value in result.items() if key in known})


def _probes(result: Result) -> Observation | None:
    checks = result.get("checks")
    if not isinstance(checks, list):
        return None
    return Probed([{key: check.get(key) for key in ("name", "ok", "seen")} for check in checks])


def _reboot(result: Result) -> Observation | None:
    return RebootAsked() if result.get("rc") in ACCEPTED else None


def _reminder(result: Result) -> Observation | None:
    """Of win_tell, which asks Windows for each session with a user in it. One that took the message is proof; that
    anybody is logged on, or that something was sent, is none (win_toast says so where nobody has seen it)."""
    sessions = result.get("sessions")
    if not isinstance(sessions, list):
        return None
    if any(row["ok"] for row in sessions):
        return ReminderShown()
    return Failed(message_of({"msg": sessions[0]["message"]})) if sessions else NobodyThere()


def _waked(result: Result) -> Waked:
    """``peer`` and ``asked`` are the task's; where the peer did not answer, nothing was sent for anybody."""
    rows = {str(row["name"]): row for row in result.get("sent") or ()}
    sent, failed = [], []
    for asked in result.get("asked") or ():
        name = str(asked["name"])
        row = rows.get(name, {"ok": False, "message": None})
        if row["ok"]:
            sent.append((name, str(asked["mac"])))
        else:
            failed.append((name, visible(clean(str(row["message"] or message_of(result))))))
    return Waked(str(result.get("peer") or ""), tuple(sent), tuple(failed))


@dataclass(frozen=True, slots=True)
class Tag:
    """One kind of evidence: the step that it belongs to, and how its result is read."""

    step: str
    read: Callable[[Result], Observation | None]


TAGS: dict[str, Tag] = {
    "scan.started": Tag("scan", _started),
    "install.started": Tag("install", _started),
    "job": Tag("scan", lambda _result: None),  # by the kind of the open job: see `observe`
    "posture": Tag("posture", _posture),
    "reboot.started": Tag("reboot", _reboot),
    "reboot.confirm": Tag("reboot", _posture),
    "probes": Tag("validate", _probes),
    "validation": Tag("validate", _posture),
    "reminder.shown": Tag("remind", _reminder),
    "wake.sent": Tag("wake", lambda _result: None),  # of several machines at once: see `observe`
}
