# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the interface through the filters: each key is taken, no other is, errors name what is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.loader import filter_loader

from tests.unit.filter.asking import (
    CAUSE,
    NIGHT,
    Record,
    approval,
    ask,
    authorization,
    decide,
    exception,
    failure,
    hold,
    server,
    taken,
    update,
    workstation,
)

FILTERS = ["patch_tuesday", "window", "reboot_window", "approvals", "accept_list", "decide"]

FULL: Record = {
    "id": 41,
    "name": "ACME-DC01",
    "client": "Acme Dental",
    "location": "Main Office",
    "kind": "server",
    "os": "Microsoft Windows Server 2022 Standard x64",
    "time_zone": "America/New_York",
    "policy_group": "auto_install_auto_reboot",
    "ring": "regular",
    "track": None,
    "role": "domain_controller",
    "criticality": "P1",
    "redundancy_group": "dc",
    "location_disabled": False,
    "agent_disabled": False,
    "unattended_reboot": True,
    "online": True,
    "asleep": False,
    "user_logged_on": False,
    "last_contact": "2026-11-12T02:29:00-05:00",
    "client_servers": 4,
}
REGISTER: dict[str, Any] = {
    "approvals": [approval("5046613")],
    "exceptions": [exception({"client": "Bolt Ltd"})],
    "failures": [failure("X", root_cause=CAUSE)],
    "holds": [hold({"client": "Bolt Ltd"}, released={"by": "x", "at": NIGHT, "reason": "y"})],
    "soak": [taken()],
    "authorizations": [authorization({"endpoint": "ACME-DC01"})],
    "endpoints": {
        "ACME-DC01": {
            "scanned_at": "2026-11-12T00:00:00-05:00",
            "reboot_pending_since": None,
            "reminded_at": "2026-11-01T00:00:00Z",
            "installed_at": "2026-11-01T00:00:00Z",
            "rebooted_at": "2026-11-01T01:00:00Z",
            "validated_at": "2026-11-01T02:00:00Z",
        }
    },
}


@pytest.mark.parametrize("name", FILTERS)
def test_the_filters_are_found_by_their_full_names(name: str) -> None:
    plugin = filter_loader.get(f"msp.patching.{name}")
    assert plugin is not None
    assert plugin.ansible_name == f"msp.patching.{name}"
    assert callable(plugin.j2_function)


def test_every_key_of_the_interface_is_taken() -> None:
    found = decide(FULL, **REGISTER)
    assert found["action"] == "install"


def test_absent_null_and_empty_are_the_same_for_what_is_known_of_earlier_runs() -> None:
    expression = "e | msp.patching.decide(u, n, register=r)"
    asked = {"e": server(), "u": [update()], "n": NIGHT}
    empty = ask(expression, r={}, **asked)
    assert ask(expression, r=None, **asked) == empty
    assert ask(expression, r=dict.fromkeys(REGISTER), **asked) == empty
    assert ask(expression, r={key: type(value)() for key, value in REGISTER.items()}, **asked) == empty


def test_null_updates_are_unknown_and_an_empty_list_is_none() -> None:
    assert decide(workstation(), unknown=True)["node"] == "scan.due"
    assert decide(workstation(), [])["node"] == "approval.nothing_approved"


def refused(what: str, **given: Any) -> None:
    expression = "e | msp.patching.decide(u, n, register=r, policy=p)"
    asked = {"e": workstation(), "u": [update()], "n": NIGHT, "r": {}, "p": {}} | given
    with pytest.raises(AnsibleError, match=re.escape(what)):
        ask(expression, **asked)


def test_an_unknown_key_of_an_endpoint_is_refused_by_every_filter_that_takes_one() -> None:
    for expression in (
        "e | msp.patching.window(n)",
        "e | msp.patching.reboot_window(n)",
        "e | msp.patching.decide([], n)",
    ):
        for key in ("patching_ring", "Ring", "group", "hostname"):
            with pytest.raises(AnsibleError, match=key):
                ask(expression, e=workstation(**{key: "x"}), n=NIGHT)


def test_an_unknown_key_of_an_update_is_refused_by_every_filter_that_takes_one() -> None:
    for expression in (
        "u | msp.patching.approvals(n)",
        "u | msp.patching.accept_list",
        "e | msp.patching.decide(u, n)",
    ):
        with pytest.raises(AnsibleError, match="size_mb"):
            ask(expression, e=workstation(), u=[update(size_mb=3)], n=NIGHT)


ROWS = {key: value[0] for key, value in REGISTER.items() if isinstance(value, list)}


@pytest.mark.parametrize("rows", ROWS)
def test_an_unknown_key_of_a_register_row_is_refused(rows: str) -> None:
    refused("colour", r={rows: [ROWS[rows] | {"colour": "red"}]})


@pytest.mark.parametrize("key", ["approval", "hold", "endpoint", "clients"])
def test_an_unknown_key_of_the_register_is_refused(key: str) -> None:
    refused(key, r={key: []})


@pytest.mark.parametrize(
    "register",
    [
        {"endpoints": {"ACME-WS01": {"colour": "2026-11-01T00:00:00Z"}}},
        {"exceptions": [exception({"colour": "red"})]},
        {"holds": [hold({"colour": "red"})]},
        {"holds": [hold({"ring": "pilot"}, released={"by": "x", "at": NIGHT, "reason": "y", "colour": "red"})]},
        {"authorizations": [authorization({"endpoint": "x", "colour": "red"})]},
        {"failures": [failure("X", root_cause=CAUSE | {"colour": "red"})]},
    ],
)
def test_an_unknown_key_further_down_is_refused(register: Record) -> None:
    refused("colour", r=register)


@pytest.mark.parametrize(
    ("register", "what"),
    [
        ({"exceptions": [exception({"location": "Main Office"})]}, "client"),
        ({"exceptions": [exception({})]}, "scope"),
        ({"exceptions": [exception({"client": "A", "endpoint": "B"})]}, "scope"),
        ({"exceptions": [exception({"client": "A", "role": "file_server"})]}, "scope"),
        ({"exceptions": [exception({"role": "fileserver"})]}, "fileserver"),
        ({"authorizations": [authorization({"client": "A"})]}, "ring"),
        ({"authorizations": [authorization({"client": "A", "ring": "pilot"})]}, "kind"),
        ({"authorizations": [authorization({})]}, "scope"),
        ({"authorizations": [authorization({"endpoint": "A"}, "November")]}, "November"),
        ({"approvals": [approval("1", "maybe")]}, "maybe"),
        ({"approvals": [approval("1", at="yesterday")]}, "yesterday"),
        ({"holds": [hold({"ring": "outer"})]}, "outer"),
        ({"soak": [taken() | {"healthy": "yes"}]}, "healthy"),
        ({"failures": [failure("X", at="2026-11-12T02:30:00")]}, "offset"),
    ],
)
def test_a_bad_value_in_the_register_is_refused(register: Record, what: str) -> None:
    refused(what, r=register)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kind", "laptop"),
        ("time_zone", "Eastern"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("policy_group", "automatic"),
        ("ring", "Pilot"),
        ("track", "night"),
        ("role", "dns"),
        ("criticality", "P0"),
        ("online", "yes"),
        ("location_disabled", "false"),
        ("client_servers", "two"),
        ("last_contact", "2026-11-12T02:30:00"),
        ("name", 5),
    ],
)
def test_a_bad_value_of_an_endpoint_is_refused_by_its_key(key: str, value: Any) -> None:
    refused(key, e=workstation(**{key: value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("severity", "critical"),
        ("severity", "Unspecified"),
        ("kb", "5046613"),
        ("kb", ["KB5046613"]),
        ("categories", "Drivers"),
        ("optional", "no"),
        ("released", "2026-11-10"),
        ("cvss", "8.8"),
        ("cves", "CVE-2026-1"),
        ("id", None),
        ("id", ""),
    ],
)
def test_a_bad_value_of_an_update_is_refused_by_its_key(key: str, value: Any) -> None:
    refused(key, u=[update(**{key: value})])


@pytest.mark.parametrize("now", ["2026-11-12T02:30:00", "2026-11-12", "02:30", "", None, 1762932600, True])
def test_now_is_an_instant_with_an_offset(now: Any) -> None:
    refused("now", n=now)


def test_what_is_no_record_at_all_is_refused() -> None:
    refused("endpoint", e="ACME-WS01")
    refused("endpoint", e=[workstation()])
    refused("update", u=update())
    refused("update", u=["5046613"])
    refused("register", r=["x"])
    refused("policy", p=["x"])


@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-00", "2026-11-10", "26-11", "November", "", "２０２６-11"])
def test_a_month_is_a_year_and_a_month(month: str) -> None:
    with pytest.raises(AnsibleError, match="month"):
        ask("m | msp.patching.patch_tuesday", m=month)
