# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong between the inventory plugin and Automate: one clear message, and no half inventory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.client import LabClient
from tests.integration.inventories import Reader, Reading, defective


@pytest.fixture
def read(shared_lab: LabClient, tmp_path: Path) -> Reader:
    return Reader(shared_lab, tmp_path)


def failed(reading: Reading, says: str, lab: LabClient) -> None:
    """The exit code, the message, no host, and no secret."""
    assert reading.returncode != 0, reading.output
    assert "msp.patching.automate: " in reading.sentence
    assert says in reading.sentence
    assert "ACME-" not in reading.output
    for text in (reading.told, reading.output):
        assert lab.info["automate"]["password"] not in text
        assert "Traceback" not in text


# -- faults of the server -----------------------------------------------------------------------------------


def inject(read: Reader, kind: str, **how: Any) -> None:
    read.lab.inject({"target": "automate", "kind": kind, **how})


@pytest.mark.parametrize(
    ("kind", "how", "says"),
    [
        ("refuse", {}, "the connection failed or was cut"),
        ("reset", {}, "the connection failed or was cut"),
        ("cut", {"path": "/cwa/api/v1/GroupComputers"}, "/GroupComputers: the connection failed or was cut"),
        ("error", {"path": "/cwa/api/v1/Groups"}, "/Groups: status 500, An error has occurred., also after 0 retries"),
        ("hang", {"path": "/cwa/api/v1/Clients"}, "no answer within 1 s (option timeout)"),
        ("throttle", {"retry_after": 90}, "the server asks to come back in 90 seconds (Retry-After)"),
        ("unauthorized", {"path": "/cwa/api/v1/Locations"}, "is option client_id the GUID registered for you?"),
        ("unauthorized", {}, "refuses the account 'patching'"),
    ],
)
def test_a_fault_that_stays_is_told(read: Reader, kind: str, how: dict[str, Any], says: str) -> None:
    inject(read, kind, **how)
    retries = 1 if kind == "throttle" else 0
    failed(read(retries=retries, timeout=1 if kind == "hang" else 30), says, read.lab)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("error", {"path": "/cwa/api/v1/Computers"}),
        ("reset", {"path": "/cwa/api/v1/Locations"}),
        ("cut", {"path": "/cwa/api/v1/Computers"}),
        ("throttle", {"retry_after": 1}),
        ("unauthorized", {"path": "/cwa/api/v1/Groups"}),
    ],
)
def test_a_fault_that_passes_costs_only_time(read: Reader, kind: str, how: dict[str, Any]) -> None:
    inject(read, kind, times=1, **how)
    found = read()
    assert found.returncode == 0, found.told
    assert len(found.hosts) == 6
    if kind == "unauthorized":
        assert [name for name, _page in read.requests()].count("apitoken") == 2


def test_half_a_page_is_no_smaller_inventory(read: Reader) -> None:
    def mangle(name: str, _query: Mapping[str, str], answer: Any) -> Any:
        return answer[: len(answer) // 2] if name == "computers" else answer

    with defective(read.lab, mangle) as url:
        failed(read(url=url), "/Computers: page 1 holds 3 rows, 6 are due of a total of 6", read.lab)


def test_a_page_that_is_no_list_is_told(read: Reader) -> None:
    with defective(read.lab, lambda name, _query, answer: "Sign in" if name == "groups" else answer) as url:
        failed(read(url=url), "/Groups: a list of records is due, not 'Sign in'", read.lab)


@pytest.mark.parametrize(
    ("hidden", "says"),
    [
        ("computers", "permission 'Computers: Show All'"),
        ("clients", "permission 'Clients: Read and Show All'"),
        ("locations", "permission 'Locations: Show All'"),
        ("groups", "permission 'Groups: Read'"),
        ("groupcomputers", "permission 'Groups: Read'"),
    ],
)
def test_a_list_that_is_hidden_names_the_permission(read: Reader, hidden: str, says: str) -> None:
    def mangle(name: str, _query: Mapping[str, str], answer: Any) -> Any:
        return [] if name == hidden else answer

    with defective(read.lab, mangle) as url:
        found = read(url=url)
    # an empty list with another total is half a page; both are refused
    assert found.returncode != 0
    assert says in found.sentence or f"{hidden}: page 1 holds 0 rows" in found.sentence.lower()


def test_a_user_who_sees_nothing_is_told_which_permission_he_lacks(read: Reader) -> None:
    failed(read(user="nobody"), "lacks the permission 'Computers: Show All'", read.lab)


def test_a_user_with_two_factors_is_told_what_to_use(read: Reader) -> None:
    failed(read(user="engineer"), "the account 'engineer' needs a two-factor passcode", read.lab)


def test_a_wrong_password_is_not_repeated_to_the_reader(read: Reader) -> None:
    found = read("--list", "-vvvv", password="not-this-one")
    failed(found, "refuses the account 'patching' (status 401): check the options user, password", read.lab)
    assert "not-this-one" not in found.told
    assert [name for name, _page in read.requests()] == ["apitoken"]


def test_a_wrong_client_id_is_told(read: Reader) -> None:
    failed(read(client_id="00000000-aaaa-bbbb-cccc-000000000000"), "is option client_id the GUID", read.lab)


def test_of_two_servers_with_a_name_in_common_the_second_is_refused(read: Reader) -> None:
    with defective(read.lab, lambda _name, _query, answer: answer) as url:
        second = read.write("second.automate.yml", url=url)
        found = read("--list", "-i", str(second))
    failed(found, f"in the inventory already as computer 1 of {read.lab.info['automate']['url']}", read.lab)
    assert f"{url}/cwa/api/v1 here" in found.sentence


# -- options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"fields": {"ring": "groups[?"}}, "option fields.ring: 'groups[?' is no JMESPath expression"),
        (
            {"fields": {"ring": "length(computer.UTCOffset)"}},
            "option fields.ring: 'length(computer.UTCOffset)' fails for",
        ),
        (
            {"default_time_zone": "America/New_Yrok"},
            "option default_time_zone: 'America/New_Yrok' is no IANA time zone",
        ),
        ({"rings": {"Patching.Ring.Pilot": "first"}}, "option rings['Patching.Ring.Pilot']: 'first' is none of pilot"),
        ({"clients": ["Acme"]}, "option clients: Automate shows no client 'Acme'"),
        ({"url": "http://rmm.example.net"}, "option url: 'http://rmm.example.net' would send the password unencrypted"),
        ({"ca": "nowhere.pem"}, "option ca: there is no file or folder"),
        ({"password": "{{ nothing_of_the_sort }}"}, "option password: its template fails"),
        ({"rigns": {}}, "option rigns: does not exist; rings does"),
        ({"timeout": 0}, "option timeout: 0.0 is not a number of seconds"),
    ],
)
def test_a_bad_option_is_named(read: Reader, options: dict[str, Any], says: str) -> None:
    failed(read(**options), says, read.lab)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"qualify_names": "sometimes"}, "qualify_names"),
        ({"client_id": None}, "client_id"),
    ],
)
def test_what_ansible_itself_refuses(read: Reader, options: dict[str, Any], says: str) -> None:
    found = read(**options)
    assert found.returncode != 0
    assert says in found.sentence


def test_an_expression_that_fails_under_strict_leaves_no_host_behind(read: Reader) -> None:
    """Ansible is told to go on here, so what was taken back can be seen to be gone."""
    found = read(
        env={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false"},
        strict=True,
        compose={"late": "automate.computer.Id | int < 4 or nothing_of_the_sort"},
    )
    assert "nothing_of_the_sort" in found.sentence
    assert found.hosts == {}
    assert not [name for name in found.groups if name.startswith(("ring_", "client_"))]


def test_a_file_of_another_name_is_not_read(read: Reader) -> None:
    found = read(path=read.write("lab.yml"))
    assert found.returncode != 0
    assert read.requests() == []
