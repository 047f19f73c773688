# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes, payloads, shells and jobs, without a socket. The whole path is in tests/integration."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.clock import LabClock, settle
from lab.faults import FaultBook
from lab.fleet_model import Computer
from lab.machine import Machine
from lab.windows.registry import load_handlers
from lab.winrm import soap
from lab.winrm.endpoint import Place
from lab.winrm.execute import Outcome, execute
from lab.winrm.payload import SEPARATOR, PayloadError, parse_command_line, parse_stdin, split_windows, uploaded_payload
from lab.winrm.service import Service

START = datetime(2026, 11, 11, 8, tzinfo=UTC)
load_handlers()


def machine(**more: Any) -> Machine:
    told = {
        "id": 1,
        "name": "PC1",
        "key": "PC1",
        "kind": "workstation",
        "os": "Microsoft Windows 11 Pro x64",
        "release": "24H2",
        "os_version": "10.0.26100",
        "client": "A",
        "location": "M",
        "client_id": 1,
        "location_id": 1,
    }
    return Machine(Computer(**{**told, **more}), {}, LabClock(START), FaultBook())


def payload(name: str, args: dict[str, Any], *wrappers: dict[str, Any], source: str = "# module") -> bytes:
    script = "ansible_collections." + name.replace(".win_", ".plugins.modules.win_") + ".ps1"
    if "plugins" not in script:
        script = f"ansible_collections.ansible.windows.plugins.modules.{name.rpartition('.')[2]}.ps1"
    manifest = {
        "scripts": {script: {"path": "x", "script": base64.b64encode(source.encode()).decode()}},
        "actions": [
            *wrappers,
            {
                "name": "module_wrapper.ps1",
                "params": {
                    "Script": script,
                    "ForModule": True,
                    "Variables": [{"Name": "complex_args", "Value": args, "Scope": "Global"}],
                },
            },
        ],
        "signed_hashlist": [],
    }
    return b'{"name":"exec_wrapper"}' + SEPARATOR + json.dumps(manifest).encode()


def run(target: Machine, name: str, args: dict[str, Any], *wrappers: dict[str, Any], source: str = "") -> Outcome:
    missing: list[str] = []

    async def scenario() -> Outcome:
        stdin = payload(name, args, *wrappers, source=source)
        return await execute(target, "powershell", stdin, lambda _machine, what: missing.append(what))

    outcome = asyncio.run(asyncio.wait_for(scenario(), 5))
    outcome.told["missing"] = missing
    return outcome


# -- envelopes -------------------------------------------------------------------------------------------


def envelope(action: str, body: str = "", header: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{soap.SOAP}" xmlns:a="{soap.ADDRESSING}" '
        f'xmlns:w="{soap.WSMAN}" xmlns:rsp="{soap.SHELL}"><s:Header><a:Action>http://x/{action}</a:Action>'
        f"<a:MessageID>uuid:1</a:MessageID>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def test_reads_what_a_client_sends() -> None:
    header = '<w:SelectorSet><w:Selector Name="ShellId">S1</w:Selector></w:SelectorSet>'
    header += "<w:OperationTimeout>PT5S</w:OperationTimeout>"
    body = '<rsp:Send><rsp:Stream Name="stdin" CommandId="C1" End="true">aGk=</rsp:Stream></rsp:Send>'
    request = soap.parse(envelope("Send", body, header))
    assert (request.action, request.shell_id, request.command_id) == ("Send", "S1", "C1")
    assert (request.stdin, request.end_of_stdin, request.timeout_seconds) == (b"hi", True, 5.0)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY e "boom">]><x>&e;</x>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x><x/>'.encode("utf-16"),
        b"<unclosed",
        b"<x/>",
        b"",
    ],
)
def test_refuses_what_is_unsafe_or_no_envelope(body: bytes) -> None:
    with pytest.raises(soap.SoapError):
        soap.parse(body)


# -- payloads --------------------------------------------------------------------------------------------


def test_a_module_is_known_by_its_script() -> None:
    call = parse_stdin(payload("ansible.windows.win_ping", {"data": "x", "_ansible_check_mode": True}))
    assert call.name == "ansible.windows.win_ping"
    assert call.user_args() == {"data": "x"}
    assert call.check_mode


@pytest.mark.parametrize("stdin", [b"begin { }", b'{"name": 1}', b'{"name": 1}' + SEPARATOR + b'{"actions": []}'])
def test_an_unknown_payload_is_refused(stdin: bytes) -> None:
    with pytest.raises(PayloadError):
        parse_stdin(stdin)


def test_a_script_is_found_inside_two_encodings() -> None:
    def encoded(script: str) -> str:
        return "PowerShell -NoProfile -EncodedCommand " + base64.b64encode(script.encode("utf-16-le")).decode()

    assert parse_command_line(encoded(encoded("hostname"))) == "hostname"


def test_words_of_a_windows_command_line() -> None:
    assert split_windows(r'shutdown.exe /r /t 5 /c "two words" C:\x') == [
        "shutdown.exe",
        "/r",
        "/t",
        "5",
        "/c",
        "two words",
        "C:\\x",
    ]


# -- arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "args", "says"),
    [
        ("ansible.windows.win_updates", {"acept_list": []}, "Unsupported parameters for (ansible.windows.win_updates)"),
        ("ansible.windows.win_updates", {"state": "gone"}, "value of state must be one of: installed, searched"),
        ("ansible.windows.win_updates", {"reboot_timeout": "soon"}, "unable to convert to int"),
        ("ansible.windows.win_service", {"state": "started"}, "missing required arguments: name"),
        ("ansible.windows.win_command", {"cmd": "a", "argv": ["b"]}, "mutually exclusive"),
        ("ansible.windows.win_command", {}, "one of the following is required"),
    ],
)
def test_arguments_are_refused_as_on_windows(module: str, args: dict[str, Any], says: str) -> None:
    outcome = run(machine(), module, args)
    assert outcome.exit_code == 1
    assert says in json.loads(outcome.stdout)["msg"]


def test_an_option_of_a_newer_module_is_known_where_its_source_has_it() -> None:
    args = {
        "maximum_retries_on_failed_updates": 3,
        "_operation": "cancel",
        "_operation_options": {"cancel_id": "Global\\Ansible.Windows.WinUpdates-x", "task_pid": 1},
    }
    assert run(machine(), "ansible.windows.win_updates", args).exit_code == 1
    newer = run(machine(), "ansible.windows.win_updates", args, source="maximum_retries_on_failed_updates = @{}")
    assert newer.exit_code == 0


def test_invocation_is_told_unless_it_is_secret_or_unwanted() -> None:
    def told(**more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(run(machine(), "ansible.windows.win_ping", {"data": "x", **more}).stdout)
        return answer

    assert told()["invocation"] == {"module_args": {"data": "x"}}
    assert "invocation" not in told(_ansible_inject_invocation=False)
    assert "invocation" not in told(_ansible_no_log=True)


# -- what is not simulated -------------------------------------------------------------------------------


def test_an_unknown_module_fails_and_is_listed() -> None:
    outcome = run(machine(), "ansible.windows.win_feature", {"name": "Telnet"})
    assert outcome.exit_code == 1
    assert "LAB-UNSIMULATED" in json.loads(outcome.stdout)["msg"]
    assert "ansible.windows.win_feature" in outcome.told["missing"][0]
    assert "docs/lab.md tells how to write a handler for it (--handlers)" in json.loads(outcome.stdout)["msg"]


def test_an_unknown_program_fails_and_is_listed() -> None:
    outcome = run(machine(), "ansible.windows.win_command", {"_raw_params": "format.com c:"})
    assert "LAB-UNSIMULATED" in json.loads(outcome.stdout)["msg"]
    assert len(outcome.told["missing"]) == 1


# -- jobs ------------------------------------------------------------------------------------------------

ASYNC = {"name": "async_wrapper.ps1", "params": {"AsyncDir": "%USERPROFILE%\\.ansible_async", "AsyncJid": "j1"}}


def job_scenario(timeout: int, then: Any) -> dict[str, Any]:
    """Starts win_wait_for for 600 lab seconds as a job, does `then`, and gives the machine's only job's status."""

    async def scenario() -> dict[str, Any]:
        target = machine()
        watchdog = {"name": "async_watchdog.ps1", "params": {"Timeout": timeout}}
        stdin = payload("ansible.windows.win_wait_for", {"timeout": 600}, ASYNC, watchdog)
        started = json.loads((await execute(target, "", stdin, lambda _m, _w: None)).stdout)
        assert started["started"]
        assert not started["finished"]
        await settle()
        await then(target)
        await settle()
        return target.jobs[started["ansible_job_id"]].status()

    return asyncio.run(asyncio.wait_for(scenario(), 5))


def test_a_job_runs_in_the_background_until_it_is_done() -> None:
    async def live(target: Machine) -> None:
        await target.clock.travel_to(target.clock.now().replace(hour=9))

    status = job_scenario(3600, live)
    assert status["finished"] is True
    assert status["elapsed"] == 600


def test_the_watchdog_ends_a_job_that_takes_too_long() -> None:
    async def live(target: Machine) -> None:
        await target.clock.travel_to(target.clock.now().replace(minute=5))

    assert job_scenario(60, live)["msg"] == "timed out waiting for module completion"


def test_a_reboot_kills_a_job_and_its_file_stays_unfinished() -> None:
    async def live(target: Machine) -> None:
        target.request_reboot(0)
        await target.clock.travel_to(target.clock.now().replace(hour=10))

    assert job_scenario(3600, live)["finished"] is False


# -- shells ----------------------------------------------------------------------------------------------


async def begun(service: Service, line: str) -> tuple[str, str]:
    """A command in a shell of its own: the header of requests to the shell, and the command's id."""
    _status, created = await service.answer(envelope("Create"))
    shell = created.split(b"<rsp:ShellId>")[1].split(b"<")[0].decode()
    header = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'
    options = '<w:OptionSet><w:Option Name="WINRS_CONSOLEMODE_STDIN">TRUE</w:Option></w:OptionSet>'
    body = f"<rsp:CommandLine><rsp:Command>{line}</rsp:Command></rsp:CommandLine>"
    _status, started = await service.answer(envelope("Command", body, header + options))
    return header, started.split(b"<rsp:CommandId>")[1].split(b"<")[0].decode()


def test_whoever_asks_for_a_reboot_hears_the_answer_first() -> None:
    """The machine waits for the Signal; after the boot its shells are unknown."""

    async def scenario() -> None:
        target = machine(boot_seconds=40)
        service = Service(target, lambda **_told: None, lambda _m, _w: None)
        header, command = await begun(service, "shutdown.exe /r /t 0")
        await settle()
        target.clock.advance(10)
        assert target.reachable
        body = f'<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout</rsp:DesiredStream></rsp:Receive>'
        status, received = await service.answer(envelope("Receive", body, header))
        assert status == 200
        assert b"CommandState/Done" in received
        await service.answer(envelope("Signal", f'<rsp:Signal CommandId="{command}"/>', header))
        while target.reachable:
            await asyncio.sleep(0.01)
        service.forget()
        status, fault = await service.answer(envelope("Delete", "", header))
        assert status == 500
        assert b'Code="2150858843"' in fault

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_a_long_poll_ends_with_the_time_out_that_clients_repeat() -> None:
    async def scenario() -> tuple[int, bytes]:
        service = Service(machine(), lambda **_told: None, lambda _m, _w: None)
        _status, created = await service.answer(envelope("Create"))
        shell = created.split(b"<rsp:ShellId>")[1].split(b"<")[0].decode()
        header = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'
        _status, started = await service.answer(envelope("Command", "<rsp:CommandLine/>", header))
        command = started.split(b"<rsp:CommandId>")[1].split(b"<")[0].decode()
        body = f'<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout</rsp:DesiredStream></rsp:Receive>'
        timeout = "<w:OperationTimeout>PT0.05S</w:OperationTimeout>"
        return await service.answer(envelope("Receive", body, header + timeout))

    status, fault = asyncio.run(asyncio.wait_for(scenario(), 5))
    assert status == 500
    assert b'Code="2150858793"' in fault


def test_a_held_answer_is_a_command_that_runs_on_until_the_fault_is_cleared() -> None:
    async def scenario() -> list[tuple[int, bytes]]:
        faults = FaultBook()
        faults.add({"target": "WS01", "kind": "hang", "at": "answer"})
        service = Service(
            machine(), lambda **_told: None, lambda _m, _w: None, holds=lambda told: faults.holds_answer("WS01", told)
        )
        header, command = await begun(service, "hostname.exe")
        await settle()
        body = f'<rsp:Receive><rsp:DesiredStream CommandId="{command}">stdout</rsp:DesiredStream></rsp:Receive>'
        timeout = "<w:OperationTimeout>PT0.05S</w:OperationTimeout>"
        held = await service.answer(envelope("Receive", body, header + timeout))
        faults.clear()
        return [held, await service.answer(envelope("Receive", body, header + timeout))]

    held, came = asyncio.run(asyncio.wait_for(scenario(), 5))
    assert held[0] == 500
    assert b'Code="2150858793"' in held[1]
    assert came[0] == 200
    assert b"CommandState/Done" in came[1]


@pytest.mark.parametrize(
    ("authorization", "admitted"),
    [
        ("Basic " + base64.b64encode(b"labadmin:secret").decode(), True),
        ("Basic " + base64.b64encode(b"labadmin:wrong").decode(), False),
        ("Bearer x", False),
        ("Basic !", False),
        ("", False),
    ],
)
def test_only_the_right_password_is_admitted(authorization: str, admitted: bool) -> None:
    assert Place("127.0.0.1", 1, "labadmin", "secret").admits(authorization) is admitted


def test_a_payload_that_was_uploaded_first_is_found() -> None:
    clixml = base64.b64encode("<Objs><S>C:\\Temp\\AnsiballZ_x.ps1</S></Objs>".encode("utf-16-le")).decode()
    assert uploaded_payload(f"powershell -EncodedArguments {clixml}") == "C:\\Temp\\AnsiballZ_x.ps1"
    assert uploaded_payload('type "C:\\Temp\\x.ps1" | PowerShell -NoProfile') == "C:\\Temp\\x.ps1"
    assert uploaded_payload("PowerShell -EncodedCommand AAAA") is None
