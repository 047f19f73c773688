# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the acceptance tests share: questions put to the filters by templating, records as plain dictionaries.

Nothing here knows the flow's Python. Instants are compared as instants, so an offset may be written either way.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

NEW_YORK = "America/New_York"
# Thursday 2026-11-12, 02:30 in New York: inside 02:00-04:00 and inside 21:20-03:20, two days after Patch Tuesday
NIGHT = "2026-11-12T02:30:00-05:00"
NOON = "2026-11-12T12:00:00-05:00"
SCANNED = "2026-11-12T00:00:00-05:00"

Record = dict[str, Any]


def ask(expression: str, **variables: Any) -> Any:
    """The value of a template expression, as a task would get it."""
    return Templar(loader=DataLoader(), variables=variables).template(trust_as_template("{{ " + expression + " }}"))


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    assert found.utcoffset() is not None, f"{text}: an offset is promised"
    return found


def later(text: str, **by: float) -> str:
    return (instant(text).astimezone(UTC) + timedelta(**by)).isoformat()


def local(text: str, zone: str = NEW_YORK) -> str:
    """A wall time of a zone as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).isoformat()


def same(found: str | None, expected: str | None) -> bool:
    return found is expected if found is None or expected is None else instant(found) == instant(expected)


def workstation(**changes: Any) -> Record:
    """One that is installed at NIGHT with nothing in its way."""
    return {
        "id": 7,
        "name": "ACME-WS01",
        "client": "Acme Dental",
        "location": "Main Office",
        "kind": "workstation",
        "os": "Microsoft Windows 11 Pro x64",
        "time_zone": NEW_YORK,
        "policy_group": "auto",
        "ring": "pilot",
        "track": "overnight",
        "location_disabled": False,
        "agent_disabled": False,
        "online": True,
        "asleep": False,
        "user_logged_on": False,
        "client_servers": 2,
        **changes,
    }


def server(**changes: Any) -> Record:
    """A P2 server after the pilot: it waits for the soak alone."""
    return {
        "id": 3,
        "name": "ACME-FS01",
        "client": "Acme Dental",
        "location": "Main Office",
        "kind": "server",
        "os": "Microsoft Windows Server 2022 Standard x64",
        "time_zone": NEW_YORK,
        "policy_group": "auto_install_manual_reboot",
        "ring": "production",
        "role": "file_server",
        "unattended_reboot": False,
        "online": True,
        "client_servers": 2,
        **changes,
    }


def update(number: str = "5046613", **changes: Any) -> Record:
    """One that the defaults approve."""
    return {
        "id": guid(number),
        "kb": [number],
        "title": f"2026-11 Cumulative Update for Windows 11 (KB{number})",
        "categories": ["Security Updates"],
        "severity": "Critical",
        "vendor": "Microsoft",
        "optional": False,
        "released": "2026-11-10T18:00:00+00:00",
        "cves": ["CVE-2026-0001"],
        "cvss": 8.8,
        **changes,
    }


def guid(number: str) -> str:
    return f"{number:0>8}-1111-4222-8333-444455556666"


def definition(number: str = "2267602", **changes: Any) -> Record:
    return update(number, categories=["Definition Updates"], severity=None, **changes)


def driver(number: str = "900", **changes: Any) -> Record:
    return update(number, kb=[], title="Contoso - Net - 1.2", categories=["Drivers"], severity=None, **changes)


def optional(number: str = "901", **changes: Any) -> Record:
    return update(number, categories=["Updates"], severity=None, optional=True, **changes)


def taken(
    endpoint: str = "ACME-PILOT",
    *,
    at: str = "2026-11-01T03:00:00-05:00",
    of: str = guid("5046613"),
    healthy: bool | None = True,
    client: str = "Acme Dental",
) -> Record:
    """A soak row: an endpoint of the pilot took an update."""
    return {
        "update": of,
        "endpoint": endpoint,
        "client": client,
        "installed_at": at,
        "healthy": healthy,
        "validated_at": None if healthy is None else later(at, minutes=20),
    }


def approval(of: str, decision: str = "approved", **changes: Any) -> Record:
    return {
        "update": of,
        "decision": decision,
        "by": "E. Ngineer",
        "at": "2026-11-11T12:00:00+00:00",
        "reason": "R-17",
        "client": None,
        "until": None,
        "promote": False,
        **changes,
    }


def exception(scope: Record, **changes: Any) -> Record:
    return {
        "scope": scope,
        "reason": "LOB-3",
        "signed_by": "Jane Roe, Acme Dental",
        "signed_at": "2026-06-01T12:00:00+00:00",
        "expires": "2027-06-01T12:00:00+00:00",
        **changes,
    }


def failure(endpoint: str, of: str | None = guid("5046613"), **changes: Any) -> Record:
    return {"endpoint": endpoint, "update": of, "at": "2026-11-11T08:00:00+00:00", "root_cause": None, **changes}


CAUSE = {"by": "T. Ech", "code": "DISK", "text": "disk full; cleared", "at": "2026-11-11T15:00:00+00:00"}


def hold(scope: Record, **changes: Any) -> Record:
    return {"scope": scope, "reason": "health", "at": "2026-11-11T08:00:00+00:00", "released": None, **changes}


def authorization(scope: Record, cycle: str = "2026-11") -> Record:
    return {"scope": scope, "cycle": cycle, "by": "T. Ech", "at": "2026-11-11T12:00:00+00:00"}


def known(endpoint: Record, **facts: Any) -> Record:
    """The register's row of an endpoint; its last scan is recent."""
    return {endpoint["name"]: {"scanned_at": SCANNED, **facts}}


def decide(
    endpoint: Record,
    updates: list[Record] | None = None,
    *,
    now: str = NIGHT,
    policy: Record | None = None,
    unknown: bool = False,
    **register: Any,
) -> Record:
    """The decision for an endpoint; one default update unless given, null where `unknown`."""
    asked = None if unknown else [update()] if updates is None else updates
    known_to_us = {"endpoints": known(endpoint), **register}
    found = ask(
        "endpoint | msp.patching.decide(updates, now, register=register, policy=policy)",
        endpoint=endpoint,
        updates=asked,
        now=now,
        register=known_to_us,
        policy={} if policy is None else policy,
    )
    assert isinstance(found, dict)
    check_form(found, asked)
    return found


ACTIONS = {"skip", "hold", "wait", "manual", "scan", "install", "reboot", "remind", "validate", "none"}


def check_form(found: Record, asked: list[Record] | None) -> None:
    """What holds of every decision."""
    assert set(found) == {"action", "node", "reason", "until", "path", "updates", "left_out"}
    assert found["action"] in ACTIONS
    assert isinstance(found["reason"], str)
    assert len(found["reason"]) > 10, "a sentence"
    assert found["until"] is None or instant(found["until"])
    assert found["path"], "the whole path walked"
    assert all(set(step) == {"node", "answer"} and step["answer"] for step in found["path"])
    assert found["path"][-1]["node"] == found["node"]
    assert bool(found["updates"]) == (found["action"] == "install")
    assert all(set(row) == {"update", "node", "reason", "until"} for row in found["left_out"])
    ids = [row["id"] for row in asked or []]
    left = [row["update"] for row in found["left_out"]]
    assert set(found["updates"]).isdisjoint(left)
    assert {*found["updates"], *left} <= set(ids)
    if found["action"] == "install":
        assert sorted([*found["updates"], *left]) == sorted(ids), "each update is either installed or left out"


def outcome(found: Record) -> tuple[str, str]:
    return found["action"], found["node"]
