# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module handlers answer, on a machine whose clock stands still or runs very fast."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.clock import LabClock
from lab.faults import FaultBook
from lab.fleet_model import Computer
from lab.journal import MASK, Journal, masked
from lab.machine import Machine
from lab.windows.registry import load_handlers, run_module
from lab.windows.setup import _chosen
from lab.winrm.payload import Call

load_handlers()


def make(*groups: str, users: bool = False) -> Machine:
    computer = Computer(
        id=1,
        name="SRV1",
        key="SRV1",
        kind="server",
        os="Microsoft Windows Server 2022 Standard x64",
        release="21H2",
        os_version="10.0.20348",
        client="A",
        location="M",
        client_id=1,
        location_id=1,
        groups=groups,
        user_logged_on=users,
    )
    return Machine(computer, {}, LabClock(datetime(2026, 11, 11, 8, tzinfo=UTC)), FaultBook())


def ask(machine: Machine, module: str, **args: Any) -> dict[str, Any]:
    collection, dummy, name = module.rpartition(".")
    script = f"ansible_collections.{collection}.plugins.modules.{name}.ps1"

    async def scenario() -> dict[str, Any]:
        machine.clock.attach(asyncio.get_running_loop())
        machine.clock.set_speed(100_000)
        try:
            return await run_module(machine, Call(script, args, is_module=True))
        finally:
            machine.clock.detach()

    return asyncio.run(asyncio.wait_for(scenario(), 5))


@pytest.mark.parametrize(
    ("asked", "has", "lacks"),
    [
        (["all"], {"memory", "platform"}, set()),
        (["min"], {"memory", "platform"}, set()),  # as the real one: naming a subset excludes nothing
        (["!all"], {"platform"}, {"memory", "bios"}),
        (["!all", "hardware"], {"platform", "memory"}, {"interfaces"}),
        (["!all", "!min"], set(), {"platform", "memory"}),
        (["!hardware"], {"platform", "interfaces"}, {"memory"}),
    ],
)
def test_subsets_of_facts(asked: list[str], has: set[str], lacks: set[str]) -> None:
    chosen = _chosen(asked)
    assert has <= chosen
    assert not lacks & chosen


def test_posture_tells_what_the_machine_is_like() -> None:
    machine = make(users=True)
    machine.update({"services": {"Spooler": "stopped"}, "reboot_reasons": ["file renames"]})
    told = ask(machine, "msp.patching.win_posture")
    assert told["computer_name"] == machine.computer.name
    assert told["boot_id"] == machine.boot_id
    assert told["reboot_pending_reasons"] == ["file renames"]
    assert told["reboot_pending"] is True
    assert told["services_stopped"] == ["Spooler"]
    assert "BITS" not in told["services_running"]  # its start is delayed
    assert told["agent"] == {"service": "LTService", "state": "running"}
    assert told["users_logged_on"] == 1
    assert ask(machine, "msp.patching.win_posture", agent_service="Acme")["agent"]["state"] == "missing"


def test_checks_follow_the_services_behind_them() -> None:
    machine = make("Patching.Role.SQL Server")
    checks = [
        {"name": "sql", "type": "tcp", "port": 1433},
        {"name": "web", "type": "http", "url": "http://localhost/"},
        {"name": "elsewhere", "type": "http", "url": "https://crm.example.com/"},
        {"name": "dns", "type": "dns", "record": "example.com"},
        {"name": "agent", "type": "service", "service": "SQLSERVERAGENT"},
    ]
    told = ask(machine, "msp.patching.win_check", checks=checks)["checks"]
    assert {row["name"]: row["ok"] for row in told} == {
        "sql": True,
        "web": False,
        "elsewhere": True,
        "dns": False,
        "agent": True,
    }
    machine.update({"services": {"MSSQLSERVER": "stopped"}})
    assert ask(machine, "msp.patching.win_check", checks=checks[:1])["checks"][0]["ok"] is False


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ({"name": "x", "type": "ping"}, "value of type must be one of"),
        ({"name": "x", "type": "tcp"}, "missing: port"),
        ({"type": "tcp", "port": 1}, "missing required arguments: name"),
        ({"name": "x", "type": "tcp", "port": 1, "colour": "red"}, "Unsupported parameters"),
    ],
)
def test_a_bad_check_is_refused(check: dict[str, Any], says: str) -> None:
    assert says in ask(make(), "msp.patching.win_check", checks=[check])["msg"]


@pytest.mark.parametrize(
    ("url", "more", "ok"),
    [
        ("https://localhost/portal", {}, False),
        ("https://localhost/portal", {"validate_certs": False}, True),
        ("https://SRV1/portal", {}, True),
        ("http://localhost/portal", {}, True),
    ],
)
def test_a_certificate_bears_the_name_of_its_machine(url: str, more: dict[str, Any], ok: bool) -> None:
    check = {"name": "portal", "type": "http", "url": url, **more}
    (row,) = ask(make("Patching.Role.Web Server"), "msp.patching.win_check", checks=[check])["checks"]
    assert row["ok"] is ok
    assert ("trust relationship" in row["seen"]) is not ok


def test_a_toast_is_sent_where_anybody_is_and_seen_by_its_own_account_alone() -> None:
    nobody = ask(make(), "community.windows.win_toast", msg="hi")
    assert nobody["toast_sent"] is False
    assert nobody["no_toast_sent_reason"] == "No logged in users to notify"
    machine = make(users=True)
    sent = ask(machine, "community.windows.win_toast", msg="hi", expire=45)
    assert sent["toast_sent"] is True
    assert sent["time_taken"] >= 45
    assert machine.notices == []
    machine.update({"users": ["jdoe", "labadmin"]})
    assert ask(machine, "community.windows.win_toast", msg="hi")["toast_sent"] is True
    assert [(notice["msg"], notice["users"]) for notice in machine.notices] == [("hi", ["labadmin"])]


def test_a_message_is_seen_by_all_needs_somebody_and_has_a_limit() -> None:
    nobody = ask(make(), "community.windows.win_msg", msg="hi")
    assert nobody["msg"] == "Unhandled exception while executing module: No User exists for *"
    assert "rc" not in nobody
    machine = make(users=True)
    machine.update({"users": ["jdoe", "labadmin"]})
    assert ask(machine, "community.windows.win_msg", msg="hi")["rc"] == 0
    assert [notice["users"] for notice in machine.notices] == [["jdoe", "labadmin"]]
    assert "less than 256" in ask(machine, "community.windows.win_msg", msg="x" * 256)["msg"]


def test_who_is_logged_on_is_told_session_by_session() -> None:
    say = {"title": "Restart needed", "text": "x" * 300}
    assert ask(make(), "msp.patching.win_tell", **say)["sessions"] == []
    machine = make(users=True)
    machine.update({"users": ["jdoe", "kim"]})
    unsaid = ask(machine, "msp.patching.win_tell", **say, _ansible_check_mode=True)["sessions"]
    assert [row["ok"] for row in unsaid] == [False, False]
    assert machine.notices == []
    told = ask(machine, "msp.patching.win_tell", **say)
    assert told["changed"] is False
    assert told["sessions"] == [{"session": number, "ok": True, "message": None} for number in (1, 2)]
    assert [(notice["title"], notice["users"]) for notice in machine.notices] == [("Restart needed", ["jdoe", "kim"])]


def test_without_remote_desktop_services_nobody_is_told() -> None:
    machine = make(users=True)
    machine.update({"services": {"TermService": "stopped"}})
    (row,) = ask(machine, "msp.patching.win_tell", title="Restart needed", text="hi")["sessions"]
    assert (row["ok"], row["message"]) == (False, "The RPC server is unavailable")
    assert machine.notices == []


def test_services_change_state_and_only_once() -> None:
    machine = make()
    assert ask(machine, "ansible.windows.win_service", name="spooler", state="stopped")["changed"] is True
    assert ask(machine, "ansible.windows.win_service", name="Print Spooler", state="stopped")["changed"] is False
    check_only = ask(machine, "ansible.windows.win_service", name="Spooler", state="started", _ansible_check_mode=True)
    assert check_only["changed"] is True
    assert machine.services["spooler"].state == "stopped"
    assert "not installed" in ask(machine, "ansible.windows.win_service", name="Nonesuch")["msg"]


def test_the_registry_tells_of_a_pending_reboot() -> None:
    path = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
    told = ask(make(), "ansible.windows.win_reg_stat", path=path)
    assert told["exists"] is True
    assert told["sub_keys"] == []
    assert ask(make(), "ansible.windows.win_reg_stat", path="Software")["failed"] is True


@pytest.mark.parametrize(
    ("line", "code"), [('shutdown.exe /r /t 5 /d p:2:17 /c "Patches"', 0), ("shutdown /a", 1116), ("quser", 1)]
)
def test_programs_end_with_the_codes_of_windows(line: str, code: int) -> None:
    told = ask(make(), "ansible.windows.win_command", _raw_params=line)
    assert told["rc"] == code
    assert bool(told.get("failed")) is bool(code)


def test_the_journal_keeps_no_secrets() -> None:
    journal = Journal(lambda: "now")
    journal.write("psa", body={"password": "hunter2", "nested": [{"Authorization": "Basic x"}]}, path="/x")
    (entry,) = journal.read(face="psa")
    assert entry["body"] == {"password": MASK, "nested": [{"Authorization": MASK}]}
    assert masked({"private_key": ""}) == {"private_key": ""}


def test_the_journal_is_read_by_what_entries_say() -> None:
    journal = Journal(lambda: "now")
    for machine in ("A", "B", "A"):
        journal.write("winrm", machine=machine)
    assert [entry["number"] for entry in journal.read(machine="A")] == [1, 3]
    assert [entry["number"] for entry in journal.read(since=1, limit=1)] == [3]
