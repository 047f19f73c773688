# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What raw results say, of both generations of ansible.windows, and of connections that break."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence import outcomes as seen
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.outcomes import observe

UPDATE = {
    "id": "5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b",
    "kb": ["5046613"],
    "title": "2026-11 Cumulative Update (KB5046613)",
    "categories": ["Security Updates"],
    "installed": False,
    "downloaded": False,
}
ID = UPDATE["id"]
JOB = "j123.456"


def install_result(finished: object = 1, **update: Any) -> dict[str, Any]:
    return {
        "ansible_job_id": JOB,
        "started": 1,
        "finished": finished,
        "changed": True,
        "reboot_required": True,
        "found_update_count": 1,
        "updates": {ID: UPDATE | update},
        "filtered_updates": {"other": {"id": "other", "filtered_reasons": ["accept_list"]}},
        "failed_when_result": False,
    }


def test_a_job_that_started() -> None:
    result = {"started": True, "finished": False, "ansible_job_id": JOB, "results_file": "C:\\x"}
    assert observe("install.started", result, unreachable=False) == seen.Started(JOB)


@pytest.mark.parametrize("finished", [0, False])
def test_a_job_that_runs(finished: object) -> None:
    result = {"ansible_job_id": JOB, "started": 1, "finished": finished}
    assert observe("job", result, unreachable=False, job_kind="install") == seen.Running()


def test_a_scan_tells_all_that_windows_knows_of_its_updates() -> None:
    result = {"ansible_job_id": JOB, "finished": True, "updates": {ID: UPDATE | {"kb": ["KB5046613"]}}}
    found = observe("job", result, unreachable=False, job_kind="scan")
    expected = {key: UPDATE[key] for key in ("id", "kb", "title", "categories")}
    assert found == seen.ScanFinished([expected])


def test_what_an_endpoint_calls_an_update_fits_every_table() -> None:
    """Whoever has taken over a machine cannot keep a run from recording the others, nor a ticket from being made."""
    strange = {"id": "a\0b" * 1000, "kb": ["\ud800"], "title": "x" * 1_000_000, "categories": ["\0"]}
    result = {"ansible_job_id": JOB, "finished": True, "updates": {"a": strange}}
    found = observe("job", result, unreachable=False, job_kind="scan")
    assert isinstance(found, seen.ScanFinished)
    (update,) = found.updates
    assert (len(update["id"]), len(update["title"]), update["kb"]) == (500, 500, [])
    assert "\0" not in update["id"]
    installed = observe("job", result | {"reboot_required": False}, unreachable=False, job_kind="install")
    assert isinstance(installed, seen.InstallFinished)
    assert installed.results[0]["update"] == update["id"], "one name, whatever shows it"


def test_a_scan_that_failed_is_not_an_empty_one() -> None:
    result = {
        "ansible_job_id": JOB,
        "finished": 1,
        "updates": {},
        "msg": "Exception from HRESULT: 0x8024402C",
        "hresult": -2145107924,
    }
    found = observe("job", result, unreachable=False, job_kind="scan")
    assert found == seen.Failed("Exception from HRESULT: 0x8024402C", "0x8024402C")


@pytest.mark.parametrize("finished", [1, True])
def test_an_install_that_went_well(finished: object) -> None:
    found = observe("job", install_result(finished, installed=True), unreachable=False, job_kind="install")
    assert isinstance(found, seen.InstallFinished)
    assert found.results == [{"update": ID, "ok": True, "hresult": None}]
    assert found.reboot_required
    assert found.message is None


@pytest.mark.parametrize("code", [-2147023293, 2147944003, "0x80070643"])
def test_the_hresult_of_an_update_whether_signed_or_not(code: object) -> None:
    result = install_result(failure_hresult_code=code) | {"msg": "Failed to install all updates"}
    found = observe("job", result, unreachable=False, job_kind="install")
    assert isinstance(found, seen.InstallFinished)
    assert found.results == [{"update": ID, "ok": False, "hresult": "0x80070643"}]
    assert found.message is None


def test_an_update_that_was_not_reached_has_the_code_of_the_whole() -> None:
    result = install_result() | {"msg": "boom", "hresult": -2147024784}
    found = observe("job", result, unreachable=False, job_kind="install")
    assert isinstance(found, seen.InstallFinished)
    assert found.results == [{"update": ID, "ok": False, "hresult": "0x80070070"}]


def test_windows_wants_a_reboot_first() -> None:
    result = install_result() | {"msg": "A reboot is required before more updates can be installed"}
    found = observe("job", result, unreachable=False, job_kind="install")
    assert found == seen.InstallFinished([], {}, reboot_required=True)


@pytest.mark.parametrize(
    "message", ["could not find job at 'C:\\Users\\x\\.ansible_async'", "timed out waiting for module completion"]
)
def test_a_job_that_nobody_knows_any_more(message: str) -> None:
    result = {"ansible_job_id": JOB, "started": 1, "finished": 1, "msg": message}
    assert observe("job", result, unreachable=False, job_kind="install") == seen.JobLost(JOB, message)


def test_a_posture_without_what_ansible_adds() -> None:
    posture = {"boot_id": "134", "boot_time": "2026-11-11T02:00:00Z", "reboot_pending": False}
    result = posture | {"changed": False, "failed_when_result": False, "warnings": []}
    for tag in ("posture", "reboot.confirm", "validation"):
        assert observe(tag, result, unreachable=False) == seen.PostureSeen(posture)


@pytest.mark.parametrize(("code", "accepted"), [(0, True), (1190, True), (1115, True), (5, False)])
def test_what_shutdown_answers(code: int, accepted: bool) -> None:
    found = observe("reboot.started", {"rc": code, "stderr": "Access is denied.(5)"}, unreachable=False)
    assert found == (seen.RebootAsked() if accepted else seen.Failed("Access is denied.(5)"))


DENIED = {"session": 1, "ok": False, "message": "Access is denied"}
TOLD = {"session": 2, "ok": True, "message": None}
TOAST = {"changed": False, "toast_sent": True, "time_taken": 5.1}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"sessions": [TOLD]}, seen.ReminderShown()),
        ({"sessions": [DENIED, TOLD]}, seen.ReminderShown()),
        ({"sessions": [DENIED]}, seen.Failed("Access is denied")),
        ({"sessions": [DENIED | {"message": None}]}, seen.Failed("the task failed and did not say why")),
        ({"sessions": []}, seen.NobodyThere()),
        ({"msg": "Unhandled exception"}, seen.Failed("Unhandled exception")),
        (TOAST, seen.Failed("the task failed and did not say why")),  # it says so wherever anybody is logged on
        ({"rc": 0, "msg": "another module's"}, seen.Failed("another module's")),
    ],
)
def test_a_reminder_was_shown_only_where_a_user_was_reached(result: dict[str, Any], expected: seen.Observation) -> None:
    assert observe("reminder.shown", result, unreachable=False) == expected


@pytest.mark.parametrize("tag", sorted(seen.TAGS))
def test_an_unreachable_endpoint_says_nothing_of_its_updates(tag: str) -> None:
    found = observe(tag, {"unreachable": True, "msg": "Connection refused"}, unreachable=True, job_kind="install")
    assert found == seen.Unreachable("Connection refused")


@pytest.mark.parametrize(
    "message",
    [
        "Unexpected failure: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))",
        "winrm connection error: <f:WSManFault xmlns:f=…>The request contained invalid selectors",
        "HTTPConnectionPool(host='127.0.0.1', port=5985): Max retries exceeded with url: /wsman",
        "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
    ],
)
@pytest.mark.parametrize("tag", ["scan.started", "job", "posture", "reboot.started", "reminder.shown"])
def test_a_connection_lost_in_mid_command_is_no_failure_of_the_step(tag: str, message: str) -> None:
    found = observe(tag, {"msg": message, "failed_when_result": False}, unreachable=False, job_kind="install")
    assert isinstance(found, seen.Unreachable)


def test_anything_else_is_a_failure_that_says_why() -> None:
    assert observe("posture", {"msg": "Access is denied\x00\ud800"}, unreachable=False) == seen.Failed(
        "Access is denied\ufffd?"
    )
    assert observe("posture", {}, unreachable=False) == seen.Failed("the task failed and did not say why")


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, None), (None, None), (True, None), ("nonsense", None), (-1, "0xFFFFFFFF"), ("-2147024784", "0x80070070")],
)
def test_hresults_as_text(code: object, text: str | None) -> None:
    assert seen.hresult_text(code) == text
