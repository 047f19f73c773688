# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 7: what is probed, and what healthy means."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.validation import Health, checks_for, judge
from tests.unit.flow.build import DEFAULTS, server, utc, workstation

INSTALLED = utc("2026-11-12T07:40:00")
POSTURE: dict[str, Any] = {
    "boot_time": "2026-11-12T07:50:00Z",
    "reboot_pending": False,
    "reboot_pending_reasons": [],
    "services_running": ["Dnscache", "Spooler"],
    "services_stopped": ["Themes"],
    "agent": {"service": "LTService", "state": "running"},
}
BEFORE = ["Dnscache", "spooler"]
APPLICATION = {
    "validation": {"checks": {"ledger web": {"type": "http", "url": "http://127.0.0.1:8080", "clients": ["Acme"]}}}
}


def health(
    probes: list[dict[str, Any]] | None = None,
    before: list[str] | None = None,
    endpoint: Endpoint | None = None,
    policy: dict[str, Any] | None = None,
    **changes: Any,
) -> Health:
    return judge(
        endpoint or workstation(),
        load_policy(policy),
        POSTURE | changes,
        BEFORE if before is None else before,
        probes or [],
        INSTALLED,
    )


def failing(found: Health) -> list[str]:
    names = [check["name"] for check in found.checks if not check["ok"]]
    assert found.healthy is (not names)
    assert all(check["seen"] for check in found.checks)
    return names


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"agent": {"service": "LTService", "state": "stopped"}}, ["RMM agent"]),
        ({"agent": None}, ["RMM agent"]),
        ({"boot_time": "2026-11-12T07:40:00Z"}, []),
        ({"boot_time": "2026-11-12T07:39:59Z"}, []),  # not booted, and no reboot is needed
        (
            {"boot_time": "2026-11-12T07:39:59Z", "reboot_pending": True},
            ["booted after the install", "no reboot pending"],
        ),
        ({"boot_time": None}, ["booted after the install"]),
        ({"reboot_pending": True, "reboot_pending_reasons": ["CBS"]}, ["no reboot pending"]),
        ({"reboot_pending": None}, ["no reboot pending"]),
        ({"services_running": ["Dnscache"]}, ["automatic services"]),
        ({"services_running": ["dnscache", "SPOOLER"]}, []),
    ],
)
def test_what_is_seen_on_the_endpoint(changes: dict[str, Any], names: list[str]) -> None:
    assert failing(health(**changes)) == names


def test_an_endpoint_that_does_not_answer_is_not_healthy() -> None:
    assert failing(judge(workstation(), DEFAULTS, None, BEFORE, [], INSTALLED)) == ["online"]


def test_services_that_stop_by_themselves_do_not_matter() -> None:
    assert failing(health(before=[*BEFORE, "sppsvc", "EDGEUPDATE"])) == []
    assert failing(health(before=[*BEFORE, "sppsvc"], policy={"validation": {"ignore_services": []}})) == [
        "automatic services"
    ]


def test_what_ran_before_may_not_be_known() -> None:
    assert failing(judge(workstation(), DEFAULTS, POSTURE, None, [], None)) == []


@pytest.mark.parametrize(
    ("pending", "reasons", "ok", "words"),
    [
        (False, [], True, "none is pending"),
        (True, ["windows update"], False, "a reboot is pending: windows update"),
        (True, ["file renames", "windows update"], False, "a reboot is pending: file renames, windows update"),
        (True, ["file renames"], True, "none is pending of an install; Windows notes file renames"),
        (True, None, False, "a reboot is pending"),
        (None, None, False, "a reboot is pending"),
    ],
)
def test_a_restart_that_is_no_installs_is_told_and_fails_nothing(
    pending: bool | None, reasons: list[str] | None, ok: bool, words: str
) -> None:
    posture = {**POSTURE, "reboot_pending": pending, "reboot_pending_reasons": reasons}
    (row,) = [
        row
        for row in judge(workstation(), DEFAULTS, posture, None, [], None).checks
        if row["name"] == "no reboot pending"
    ]
    assert (row["ok"], row["seen"]) == (ok, words)


ROLES: list[tuple[Endpoint, dict[str, Any], list[str]]] = [
    (workstation(), {}, []),
    (workstation(), APPLICATION, ["ledger web"]),
    (workstation(client="Other"), APPLICATION, []),
    (server(), {}, []),
    (server(role="domain_controller"), {}, ["dns", "dhcp"]),
    (server(role="infrastructure"), {}, ["dhcp"]),
    (server(role="smtp"), {}, ["smtp"]),
    (server(role="exchange"), {}, ["smtp", "exchange transport", "exchange store"]),
    (
        workstation(),
        {"validation": {"checks": {"vpn": {"type": "tcp", "host": "10.0.0.1", "port": 443, "kinds": ["workstation"]}}}},
        ["vpn"],
    ),
    (server(), {"validation": {"checks": {"vpn": {"type": "tcp", "port": 443, "kinds": ["workstation"]}}}}, []),
]


@pytest.mark.parametrize(("endpoint", "policy", "names"), ROLES)
def test_what_is_probed_goes_by_role_kind_and_client(
    endpoint: Endpoint, policy: dict[str, Any], names: list[str]
) -> None:
    assert [probe["name"] for probe in checks_for(endpoint, load_policy(policy))] == names


def test_a_probe_has_what_win_check_takes() -> None:
    checks = {
        "a": {"type": "tcp", "host": "h", "port": 1, "timeout": 5},
        "b": {"type": "dns", "server": "s", "record": "r"},
        "c": {"type": "service", "service": "S", "only_if_installed": True},
        "d": {"type": "http", "url": "https://h", "status": [200, 401], "validate_certs": False},
    }
    probes = checks_for(workstation(), load_policy({"validation": {"checks": checks}}))
    assert probes == [
        {"name": "a", "type": "tcp", "host": "h", "port": 1, "timeout": 5},
        {"name": "b", "type": "dns", "server": "s", "record": "r"},
        {"name": "c", "type": "service", "service": "S"},
        {"name": "d", "type": "http", "url": "https://h", "status": [200, 401], "validate_certs": False},
    ]


@pytest.mark.parametrize(
    ("probes", "names"),
    [
        ([{"name": "ledger web", "ok": True, "seen": "200"}], []),
        ([{"name": "ledger web", "ok": False, "seen": "500"}], ["ledger web"]),
        ([], ["ledger web"]),  # not probed is not healthy
        ([{"name": "ledger web", "ok": True, "seen": "200"}, {"name": "other", "ok": False, "seen": "x"}], []),
    ],
)
def test_probes(probes: list[dict[str, Any]], names: list[str]) -> None:
    assert failing(health(probes, policy=APPLICATION)) == names


@pytest.mark.parametrize(
    ("before", "stopped", "names"),
    [([], [], []), (["DHCPServer"], [], ["automatic services", "dhcp"]), ([], ["dhcpserver"], ["dhcp"])],
)
def test_dhcp_matters_only_where_it_is_a_service_of_the_machine(
    before: list[str], stopped: list[str], names: list[str]
) -> None:
    probes = [{"name": "dns", "ok": True, "seen": "x"}, {"name": "dhcp", "ok": False, "seen": "there is no service"}]
    found = health(probes, [*BEFORE, *before], server(role="domain_controller"), services_stopped=stopped)
    assert failing(found) == names
