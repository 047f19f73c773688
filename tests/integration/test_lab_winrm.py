# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that know nothing of the lab, run by the real Ansible over the real winrm connection."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from lab.client import LabClient

Ansible = Callable[..., Any]
LabStarter = Callable[..., LabClient]

FAST = {"ansible_winrm_operation_timeout_sec": 1, "ansible_winrm_read_timeout_sec": 2}


def play(*tasks: dict[str, Any], hosts: str = "ACME-WS01", **more: Any) -> list[dict[str, Any]]:
    return [{"hosts": hosts, "gather_facts": False, "tasks": list(tasks), **more}]


def test_modules_of_everyday(shared_lab: LabClient, ansible: Ansible) -> None:
    shared_lab.speed(600)
    run = ansible(
        shared_lab,
        play(
            {"name": "facts", "ansible.windows.setup": {"gather_subset": ["!all", "distribution"]}},
            {"name": "service", "ansible.windows.win_service_info": {"name": "LTService"}},
            {"name": "restart", "ansible.windows.win_service": {"name": "Spooler", "state": "restarted"}},
            {"name": "folder", "ansible.windows.win_file": {"path": r"C:\Temp\new", "state": "directory"}},
            {"name": "copy", "ansible.windows.win_copy": {"content": "über\n", "dest": r"C:\Temp\new\a.txt"}},
            {"name": "copy again", "ansible.windows.win_copy": {"content": "über\n", "dest": "C:/Temp/new/a.txt"}},
            {"name": "stat", "ansible.windows.win_stat": {"path": r"c:\temp\NEW\a.txt"}},
            {"name": "slurp", "ansible.builtin.slurp": {"src": r"C:\Temp\new\a.txt"}},
            {"name": "hostname", "ansible.windows.win_command": "hostname.exe"},
            {"name": "posture", "msp.patching.win_posture": {}},
            {
                "name": "check",
                "msp.patching.win_check": {
                    "checks": [
                        {"name": "spooler", "type": "service", "service": "Spooler"},
                        {"name": "sql", "type": "tcp", "port": 1433},
                    ]
                },
            },
        ),
    ).ok()
    seen = run.results["ACME-WS01"]
    assert seen["facts"]["ansible_facts"]["ansible_os_family"] == "Windows"
    assert "ansible_memtotal_mb" not in seen["facts"]["ansible_facts"]
    assert seen["service"]["services"][0]["state"] == "started"
    assert seen["restart"]["changed"]
    assert seen["copy"]["changed"]
    assert not seen["copy again"]["changed"]
    assert seen["stat"]["stat"]["size"] == len("über\n".encode())
    assert seen["slurp"]["content"] == "w7xiZXIK"
    assert seen["hostname"]["stdout"].strip() == "ACME-WS01"
    assert seen["posture"]["boot_id"] == shared_lab.machine("ACME-WS01")["boot_id"]
    assert [row["ok"] for row in seen["check"]["checks"]] == [True, False]
    assert shared_lab.unsimulated() == []


def test_updates_with_reboot_in_the_foreground(shared_lab: LabClient, ansible: Ansible) -> None:
    """The action plugin's own loop: search, download, install, reboot with real downtime, search again."""
    shared_lab.speed(600)
    run = ansible(
        shared_lab,
        play(
            {"name": "search", "ansible.windows.win_updates": {"state": "searched", "category_names": "*"}},
            {
                "name": "install",
                "ansible.windows.win_updates": {
                    "category_names": "SecurityUpdates",
                    "reject_list": ["Preview"],
                    "reboot": True,
                },
            },
        ),
    ).ok()
    seen = run.results["ACME-WS01"]
    assert seen["search"]["found_update_count"] > seen["install"]["installed_update_count"] > 0
    assert seen["install"]["rebooted"]
    machine = shared_lab.machine("ACME-WS01")
    down, up = (entry["at"] for entry in machine["history"] if entry["event"] in ("shutdown", "boot"))
    assert down < up
    assert not machine["reboot_pending"]
    assert shared_lab.unsimulated() == []


def test_updates_as_a_job_and_a_reboot(shared_lab: LabClient, ansible: Ansible) -> None:
    shared_lab.speed(600)
    shared_lab.inject({"target": "ACME-WS01", "kind": "update_fails", "kb": "5091231", "hresult": "0x80073712"})
    run = ansible(
        shared_lab,
        play(
            {
                "name": "install",
                "ansible.windows.win_updates": {"category_names": "*"},
                "async": 7200,
                "poll": 0,
                "register": "job",
            },
            {
                "name": "wait",
                "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
                "register": "result",
                "until": "result is finished",
                "retries": 60,
                "delay": 1,
                "failed_when": False,
            },
            {"name": "reboot", "ansible.windows.win_reboot": {"pre_reboot_delay": 2}},
        ),
    ).ok()
    seen = run.results["ACME-WS01"]
    failed = {
        row["kb"][0]: row["failure_hresult_code"]
        for row in seen["wait"]["updates"].values()
        if "failure_hresult_code" in row
    }
    assert failed == {"5091231": 0x80073712 - 2**32}
    assert seen["wait"]["failed_update_count"] == 1
    assert seen["wait"]["installed_update_count"] == len(seen["wait"]["updates"]) - 1
    assert seen["reboot"]["rebooted"]
    history = [entry["event"] for entry in shared_lab.machine("ACME-WS01")["history"]]
    assert history.index("job.finished") < history.index("shutdown") < history.index("boot")
    assert shared_lab.unsimulated() == []


def test_a_misspelt_option_fails_as_on_windows(shared_lab: LabClient, ansible: Ansible) -> None:
    run = ansible(shared_lab, play({"name": "stat", "ansible.windows.win_stat": {"path": "C:\\", "folow": True}}))
    assert (
        "Unsupported parameters for (ansible.windows.win_stat) module: folow"
        in (run.results["ACME-WS01"]["stat"]["msg"])
    )


def test_what_is_not_simulated_fails_and_is_listed(shared_lab: LabClient, ansible: Ansible) -> None:
    run = ansible(
        shared_lab,
        play({"name": "user", "ansible.windows.win_user": {"name": "bob", "password": "hunter2"}}),
    )
    assert run.returncode != 0
    assert "LAB-UNSIMULATED" in run.results["ACME-WS01"]["user"]["msg"]
    assert [row["machine"] for row in shared_lab.unsimulated()] == ["ACME-WS01"]
    assert "hunter2" not in (shared_lab.state_dir / "journal.jsonl").read_text()


def test_absent_and_hostile_endpoints_are_unreachable(shared_lab: LabClient, ansible: Ansible) -> None:
    """One run, one way to fail per host."""
    for name, kind in (
        ("ACME-DC01", "refuse"),
        ("ACME-FS01", "reset"),
        ("ACME-WS01", "unauthorized"),
        ("ACME-WS02", "hang"),
        ("CLAW-WS01", "error"),
    ):
        shared_lab.inject({"target": name, "kind": kind})
    run = ansible(shared_lab, play({"name": "ping", "ansible.windows.win_ping": {}}, hosts="windows", vars=FAST))
    says = {host: results["ping"]["msg"] for host, results in run.results.items()}
    assert all(stats["unreachable"] == 1 for stats in run.stats.values()), run.output
    assert "Connection refused" in says["ACME-DC01"]
    # by whether it comes before or after the request is sent
    assert re.search("reset by peer|closed connection without response", says["ACME-FS01"])
    assert "credentials were rejected" in says["ACME-WS01"]
    assert "timed out" in says["ACME-WS02"].lower()
    assert "Connection refused" in says["CLAW-WS02"]  # switched off in the fleet


def test_a_connection_lost_in_a_running_command_is_a_failure(shared_lab: LabClient, ansible: Ansible) -> None:
    shared_lab.inject({"target": "ACME-WS01", "kind": "reset", "at": "command", "times": 1})
    run = ansible(shared_lab, play({"name": "info", "ansible.windows.win_service_info": {}}))
    assert run.stats["ACME-WS01"]["failures"] == 1
    assert "Connection aborted" in run.results["ACME-WS01"]["info"]["msg"]
    ansible(shared_lab, play({"name": "ping", "ansible.windows.win_ping": {}})).ok()


def test_https_with_the_labs_own_authority(start_lab: LabStarter, ansible: Ansible) -> None:
    client = start_lab("small", "--tls", "--speed", "600")
    run = ansible(client, play({"name": "ping", "ansible.windows.win_ping": {}}, hosts="windows:!CLAW-WS02")).ok()
    assert len(run.results) == 5
    without_it = ("-e", "ansible_winrm_ca_trust_path=legacy_requests")
    wrong = ansible(client, play({"name": "ping", "ansible.windows.win_ping": {}}), *without_it)
    assert wrong.stats["ACME-WS01"]["unreachable"] == 1


@pytest.mark.parametrize("options", [(), ("--addresses",)])
def test_the_written_inventories_lead_to_the_endpoints(
    start_lab: LabStarter, ansible: Ansible, options: tuple[str, ...]
) -> None:
    """Through the RMM and without it; and a play on localhost does not go through WinRM."""
    client = start_lab("small", *options)
    plays = play({"name": "ping", "ansible.windows.win_ping": {}}, hosts="kind_server")
    plays += play({"name": "here", "ansible.builtin.debug": {"msg": "{{ ansible_connection }}"}}, hosts="localhost")
    for inventory in (client.inventory, client.static_inventory):
        run = ansible(client, plays, inventory=inventory).ok()
        assert set(run.results) == {"ACME-DC01", "ACME-FS01", "localhost"}
        assert {entry["machine"] for entry in client.journal(face="winrm")} == {"ACME-DC01", "ACME-FS01"}
        assert run.results["localhost"]["here"]["msg"] == "local"
