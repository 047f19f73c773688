# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records: what is read, what is refused and how it is named, and that nothing is lost on the way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, RecordError, Register, Update

ENDPOINT = {
    "id": 7,
    "name": "ACME-FS01",
    "client": "Acme",
    "location": "Main",
    "kind": "server",
    "os": "Windows Server 2022",
    "time_zone": "America/New_York",
    "policy_group": "auto_install_auto_reboot",
    "ring": "pilot",
    "track": None,
    "role": "file_server",
    "criticality": "P2",
    "redundancy_group": "files",
    "location_disabled": False,
    "agent_disabled": False,
    "unattended_reboot": True,
    "online": True,
    "asleep": False,
    "user_logged_on": False,
    "last_contact": "2026-11-12T07:00:00+00:00",
    "client_servers": 3,
    "computer_name": "ACME-FS01",
}
UPDATE = {
    "id": "8f3c",
    "kb": ["5046613"],
    "title": "Update",
    "categories": ["Security Updates"],
    "severity": "Critical",
    "vendor": "Microsoft",
    "optional": False,
    "released": "2026-11-10T18:00:00+00:00",
    "cves": ["CVE-2026-1"],
    "cvss": 8.8,
}
AT = "2026-11-11T12:00:00+00:00"
REGISTER: dict[str, Any] = {
    "approvals": [
        {
            "update": "5046613",
            "decision": "deferred",
            "by": "Eng",
            "at": AT,
            "reason": "R",
            "client": "Acme",
            "until": AT,
            "promote": False,
        }
    ],
    "exceptions": [
        {
            "scope": {"client": "Acme", "location": "Main"},
            "reason": "R",
            "signed_by": "Roe",
            "signed_at": AT,
            "expires": AT,
        }
    ],
    "failures": [
        {
            "endpoint": "A",
            "update": "8f3c",
            "at": AT,
            "root_cause": {"by": "T", "code": "C", "text": "t", "at": AT},
            "client": "Acme",
            "endpoint_id": 7,
        },
        {"endpoint": "B", "update": None, "at": AT, "root_cause": None, "client": None, "endpoint_id": None},
    ],
    "holds": [
        {
            "scope": {"client": "Acme", "ring": "pilot"},
            "reason": "R",
            "at": AT,
            "released": {"by": "E", "at": AT, "reason": "ok"},
        },
        {"scope": {}, "reason": "R", "at": AT, "released": None},
    ],
    "soak": [
        {"update": "8f3c", "endpoint": "A", "client": "Acme", "installed_at": AT, "healthy": None, "validated_at": None}
    ],
    "authorizations": [
        {"scope": {"client": "Acme", "ring": "pilot", "kind": "server"}, "cycle": "2026-11", "by": "T", "at": AT}
    ],
    "endpoints": {
        "A": {
            "scanned_at": AT,
            "reboot_pending_since": None,
            "reminded_at": None,
            "installed_at": AT,
            "rebooted_at": AT,
            "validated_at": AT,
        }
    },
}


@pytest.mark.parametrize(
    ("parse", "record"), [(Endpoint.parse, ENDPOINT), (Update.parse, UPDATE), (Register.parse, REGISTER)]
)
def test_a_record_comes_back_as_it_was(parse: Callable[[object], Any], record: dict[str, Any]) -> None:
    back = parse(record).as_record()
    assert back == record
    assert parse(json.loads(json.dumps(back))) == parse(record)


def test_absent_and_null_are_the_same() -> None:
    assert Endpoint.parse({"name": "A"}) == Endpoint.parse(dict.fromkeys(ENDPOINT) | {"name": "A"})


def test_an_instant_may_be_text_or_an_aware_datetime() -> None:
    moment = datetime(2026, 11, 12, 2, tzinfo=timezone(timedelta(hours=-5)))
    assert Endpoint.parse({"last_contact": moment}) == Endpoint.parse(ENDPOINT | {}).__class__(last_contact=moment)


REFUSED: list[tuple[Callable[[object], Any], object, str]] = [
    (Endpoint.parse, {"name": "A", "rnig": "pilot"}, r"^endpoint A: unknown key rnig; did you mean ring\?$"),
    (
        Endpoint.parse,
        {"name": "A", "ring": "plot"},
        r"^endpoint A: ring is 'plot': one of pilot.*did you mean pilot\?$",
    ),
    (Endpoint.parse, {"name": "A", "time_zone": "America/NewYork"}, r"did you mean America/New_York\?"),
    (Endpoint.parse, {"time_zone": "Eastern Standard Time"}, r"^endpoint: time_zone is 'Eastern Standard Time'"),
    (Endpoint.parse, {"time_zone": "../etc/passwd"}, r"IANA"),
    (Endpoint.parse, {"time_zone": "EST"}, r"time_zone is 'EST': an IANA time zone such as America/New_York is wanted"),
    (Endpoint.parse, {"time_zone": "localtime"}, r"time_zone is 'localtime'"),
    (Endpoint.parse, {"time_zone": "right/America/New_York"}, r"did you mean America/New_York\?"),
    (Endpoint.parse, {"id": "7"}, r"id is '7': a whole number"),
    (Endpoint.parse, {"id": True}, r"id is True"),
    (Endpoint.parse, {"online": "yes"}, r"online is 'yes': true or false"),
    (Endpoint.parse, {"name": ""}, r"name is ''"),
    (Endpoint.parse, {"last_contact": "2026-11-12T07:00:00"}, r"no offset"),
    (Endpoint.parse, {"last_contact": datetime(2026, 11, 12)}, r"no offset"),  # noqa: DTZ001
    (Endpoint.parse, {"last_contact": "yesterday"}, r"ISO 8601"),
    (Endpoint.parse, {"last_contact": 1700000000}, r"ISO 8601"),
    (Endpoint.parse, {"last_contact": "0001-01-01T00:00:00Z"}, r"between the years"),
    (Endpoint.parse, [], r"^endpoint: \[\] is not a record"),
    (Update.parse, {"kb": []}, r"^update: id is missing"),
    (Update.parse, {"id": None}, r"^update: id is missing"),
    (Update.parse, {"id": "u", "kb": ["KB5046613"]}, r"^update u: kb is .*digits only"),
    (Update.parse, {"id": "u", "kb": "5046613"}, r"a list of texts"),
    (Update.parse, {"id": "u", "severity": "critical"}, r"did you mean Critical\?"),
    (Update.parse, {"id": "u", "cvss": float("nan")}, r"cvss"),
    (Update.parse, {"id": "u", "cvss": "8.8"}, r"a number"),
    (Register.parse, {"approval": []}, r"^register: unknown key approval; did you mean approvals\?"),
    (Register.parse, {"approvals": {}}, r"a list of rows"),
    (Register.parse, {"approvals": [{"update": "1"}]}, r"^register approval 1: decision is missing"),
    (Register.parse, {"exceptions": [{"scope": {"location": "Main"}}]}, r"location with its client"),
    (Register.parse, {"exceptions": [{"scope": {"client": "A", "role": "smtp"}}]}, r"one of client"),
    (Register.parse, {"exceptions": [{"scope": {}}]}, r"one of client"),
    (Register.parse, {"holds": [{"scope": {"tier": "x"}}]}, r"unknown key tier"),
    (
        Register.parse,
        {"authorizations": [{"scope": {"client": "A"}, "cycle": "2026-11"}]},
        r"client, ring and kind together",
    ),
    (Register.parse, {"failures": [{"endpoint": "A", "root_cause": {"code": "x"}}]}, r"by is missing"),
    (
        Register.parse,
        {"endpoints": {"A": {"scaned_at": AT}}},
        r"^register endpoint A: unknown key scaned_at; did you mean scanned_at\?",
    ),
    (Register.parse, {"endpoints": []}, r"a mapping by endpoint name"),
]


@pytest.mark.parametrize(("parse", "record", "message"), REFUSED)
def test_what_is_not_right_is_refused_by_name(parse: Callable[[object], Any], record: object, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        parse(record)
