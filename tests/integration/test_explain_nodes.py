# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook explain for one endpoint at each node of the flow: an inventory, a ledger and two runs for all of them.

One instant for all, Thursday 02:30 in New York; who needs another hour lives in another zone. Each endpoint has a
client of its own, so that holds, freezes and exceptions are one endpoint's alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.planning.remedies import REMEDIES
from lab.client import LabClient

from .conftest import ansible_in
from .ring import Night
from .test_explain import EXPLAIN, UPDATE, told

NOW = datetime.fromisoformat("2026-11-12T07:30:00Z")
SCANNED = NOW - timedelta(hours=2)
LATELY = NOW - timedelta(hours=3)
TOKYO, KOLKATA, CHICAGO = "Asia/Tokyo", "Asia/Kolkata", "America/Chicago"  # 16:30, 13:00 and 01:30
OTHER = {"id": "5f0c0a5e-0000-4000-8000-000000000002", "kb": ["5091299"], "title": "Another (KB5091299)"}
DRIVER = OTHER | {"id": "5f0c0a5e-0000-4000-8000-000000000003", "categories": ["Drivers"]}
OPTIONAL = OTHER | {"categories": ["Updates"], "vendor": "Microsoft"}
PERSON = {"by": "t.brandt", "reason": "R-17"}
FREEZE = {"name": "year end", "start": "2026-11-12T00:00:00-05:00", "end": "2026-11-15T00:00:00-05:00"}


@dataclass(frozen=True)
class Case:
    """An endpoint that the walk ends for at a node: what the RMM says of it, and what the ledger knows."""

    says: dict[str, Any] = field(default_factory=dict)
    happened: tuple[tuple[str, dict[str, Any]], ...] = ()
    updates: tuple[dict[str, Any], ...] | None = (UPDATE,)


def server(**says: Any) -> dict[str, Any]:
    return {
        "kind": "server", "role": "file_server", "policy_group": "auto_install_auto_reboot", "track": None,
        "unattended_reboot": True, "client_servers": 3, "ring": "production", **says,
    }  # fmt: skip


def installed(*, reboot: bool = True) -> tuple[str, dict[str, Any]]:
    results = [{"update": OTHER["id"], "ok": True, "hresult": None}]
    return "install.finished", {"results": results, "reboot_required": reboot}


def excepted(expires: str = "2027-01-01T00:00:00Z", *, signed: bool = True) -> tuple[tuple[str, dict[str, Any]], ...]:
    granted = (
        "exception.granted",
        {"id": expires + str(signed), "scope": {"client": "?"}, "expires": expires, **PERSON},
    )
    at = {"id": expires + str(signed), "signed_by": "Jane Roe", "signed_at": "2026-01-05T12:00:00Z", "by": "t.brandt"}
    return (granted, ("exception.signed", at)) if signed else (granted,)


FAILED = {
    "id": "f-1", "step": "install", "update": UPDATE["id"], "hresult": "0x80070643", "name": None, "class": "unknown",
    "text": "the install failed: KB5091211", "next_window": None, "cycle": "2026-11",
}  # fmt: skip
DAYTIME = {"track": "daytime", "time_zone": KOLKATA}

CASES: dict[str, Case] = {
    "scope.location_disabled": Case({"location_disabled": True}),
    "scope.agent_disabled": Case({"agent_disabled": True}),
    "scope.excluded": Case(happened=excepted()),
    "scope.exception_unsigned": Case(happened=excepted(signed=False)),
    "scope.exception_expired": Case(happened=excepted("2026-11-01T00:00:00Z")),
    "scope.unclassified": Case({"track": None}),
    "scope.do_not_patch": Case({"policy_group": "do_not_patch"}),
    "reboot.technician": Case(server(policy_group="auto_install_manual_reboot"), (installed(),)),
    "reboot.freeze": Case(happened=(installed(),)),
    "reboot.window": Case(server(time_zone=TOKYO), (installed(),)),
    "reboot.unattended": Case(server(), (installed(),)),
    "reboot.overnight": Case(happened=(installed(),)),
    "reboot.forced": Case({"track": "daytime"}, (installed(),)),
    "reboot.reminder": Case(DAYTIME | {"user_logged_on": True}, (installed(),)),
    "reboot.user": Case(DAYTIME, (installed(),)),
    "validate.due": Case(happened=(installed(reboot=False),)),
    "scan.due": Case(updates=None),
    "approval.nothing_approved": Case(updates=(DRIVER,)),
    "approval.review": Case(updates=(OPTIONAL,)),
    "gate.failure_open": Case(happened=(("failure.opened", FAILED),)),
    "gate.tier_held": Case(happened=(("hold.placed", {"id": "h-1", "scope": {"client": "?"}, **PERSON}),)),
    "gate.soak": Case({"ring": "regular"}),
    "gate.authorization": Case(server(ring="pilot")),
    "schedule.freeze": Case(),
    "schedule.window": Case({"time_zone": CHICAGO}),
    "posture.offline": Case({"online": False}),
    "posture.asleep": Case({"asleep": True}),
    "deploy.install": Case(),
}
FROZEN = ("reboot.freeze", "schedule.freeze")


def host(node: str) -> str:
    return node.upper().replace(".", "-").replace("_", "-")


def client(node: str) -> str:
    return f"Client of {node}"


def hosts() -> dict[str, dict[str, Any]]:
    """The inventory: host variables as the inventory plugin sets them."""
    found = {}
    for number, (node, case) in enumerate(CASES.items(), 1):
        record = {
            "id": number, "client": client(node), "location": "Main", "kind": "workstation", "ring": "pilot",
            "time_zone": "America/New_York", "policy_group": "auto", "track": "overnight", "online": True, **case.says,
        }  # fmt: skip
        found[host(node)] = {f"patching_{key}": value for key, value in record.items() if value is not None}
    return found


def events() -> Iterator[Event]:
    for node, case in CASES.items():
        name = host(node)
        long_ago = node == "reboot.forced"
        for kind, body in case.happened:
            told_of = {**body, "scope": {"client": client(node)}} if "scope" in body else body
            named = name if kind.startswith(("install", "failure")) else None
            yield Event(kind, named, NOW - timedelta(days=4) if long_ago else LATELY, told_of)
        if case.updates is not None:
            yield Event("scan.finished", name, SCANNED, {"updates": list(case.updates)})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, _session_lab: LabClient) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("nodes")
    policy = {"clients": {client(node): {"freezes": [FREEZE]} for node in FROZEN}}
    night = Night(_session_lab, ansible_in(folder), folder, policy=policy)
    Ledger.open(f"sqlite:///{night.ledger_file}").append(list(events()), run="earlier")
    inventory = folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts()}}))
    given: dict[str, Any] = {"playbook": EXPLAIN, "inventory": inventory}
    as_of = ("-e", f"as_of={text_of(NOW)}")
    return {
        "detail": night.run(*as_of, "-e", "detail=true", **given),
        "ring": night.run(*as_of, "-e", "ring=pilot", **given),
        "folder": folder,
    }


def test_every_node_that_ends_a_walk_has_an_endpoint_here() -> None:
    """The table of remedies has each of them: a unit test holds it against the flow."""
    assert set(CASES) == set(REMEDIES)


@pytest.mark.parametrize("node", CASES)
def test_its_endpoint_is_told_path_facts_remedy_and_next_look(runs: dict[str, Any], node: str) -> None:
    one = told(runs["detail"])["explanations"][host(node)]
    assert one["node"] == node
    assert [row["answer"] for row in one["path"]][-1] == "yes"
    for row in one["path"]:
        assert row["fact"], row
    assert one["would_change"]
    for remedy in one["would_change"]:
        assert remedy["what"]
    assert one["next_look"]
    assert one["reason"]


def test_each_is_a_page_that_people_read(runs: dict[str, Any]) -> None:
    output = runs["detail"].output
    for node in CASES:
        assert f"{host(node)}: " in output
    for part in ("The path", "What would change it", "In flight", "Looked at next"):
        assert output.count(part) == len(CASES)


def test_a_whole_ring_is_a_table_of_counts_by_node(runs: dict[str, Any]) -> None:
    found = told(runs["ring"])
    pilots = [node for node, case in CASES.items() if case.says.get("ring", "pilot") == "pilot"]
    assert sum(found["counts"].values()) == len(pilots)
    rows = [line.split() for line in runs["ring"].output.splitlines()]
    for node in pilots:
        assert any(row[0] == "1" and node in row for row in rows if row), node
