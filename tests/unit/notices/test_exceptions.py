# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception register: what is not patched because somebody said so stands on it, with who, why and until when."""

from __future__ import annotations

from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import people
from ansible_collections.msp.patching.plugins.plugin_utils.notices.exceptions import Entry, entries
from ansible_collections.msp.patching.plugins.plugin_utils.notices.outlook import Outlook
from ansible_collections.msp.patching.plugins.plugin_utils.planning.register_table import register_table
from tests.unit.flow.build import DAY, DRIVER, NIGHT, OPTIONAL, update, workstation
from tests.unit.notices.scene import Scene

WHO: dict[str, Any] = {"by": "j.doe", "reason": "because", "code": "C"}
FLEET = [
    workstation(name="CNC"),
    workstation(name="DNP", policy_group="do_not_patch"),
    workstation(name="OFF", agent_disabled=True),
    workstation(name="M1", location="Moving", location_disabled=True),
    workstation(name="M2", location="Moving", location_disabled=True, agent_disabled=True),
    workstation(name="B1", client="Birch"),
]


def decided(one: Scene, name: str, node: str) -> None:
    decision: dict[str, Any] = {
        "action": "skip",
        "node": node,
        "reason": "r",
        "until": None,
        "path": [],
        "updates": [],
        "left_out": [],
    }
    one.put("plan.decided", NIGHT - 3 * DAY, name, decision=decision, cycle="2026-11")


def of(one: Scene, kind: str, **given: Any) -> list[Entry]:
    return [row for row in entries(one.outlook(NIGHT, named=True), **given) if row.kind == kind]


def excepted(one: Scene, scope: dict[str, str], **given: Any) -> None:
    one.append(people.except_from(one.ledger, NIGHT - 10 * DAY, scope=scope, **WHO | given))


def test_every_state_of_an_exception() -> None:
    one = Scene(FLEET)
    signed = {"signed_by": "Dana", "signed_at": (NIGHT - 11 * DAY).isoformat()}
    excepted(one, {"endpoint": "CNC"}, **signed)
    excepted(one, {"client": "Birch"}, expires=(NIGHT + 20 * DAY).isoformat(), **signed)
    excepted(one, {"role": "backup"}, expires=(NIGHT - DAY).isoformat(), **signed)
    excepted(one, {"client": "Acme", "location": "Main"})
    excepted(one, {"endpoint": "DNP"})
    one.append(people.revoke(one.ledger, NIGHT, scope={"endpoint": "DNP"}, by="t.brandt", reason="replaced"))
    rows = of(one, "exception")
    assert [(row.state, dict(row.scope)) for row in rows] == [
        ("expired", {"role": "backup"}),
        ("unsigned", {"client": "Acme", "location": "Main"}),
        ("lapsing", {"client": "Birch"}),
        ("signed", {"endpoint": "CNC"}),
    ]
    assert rows[2].endpoints == ("B1",)
    assert rows[1].endpoints == ("CNC", "DNP", "OFF")
    (ended,) = (row for row in of(one, "exception", revoked=True) if row.state == "revoked")
    assert ended.reason == "because; ended by t.brandt: replaced"
    assert ended.until == NIGHT


def test_what_the_rmm_takes_out_tells_where_it_came_from_and_since_when() -> None:
    one = Scene(FLEET)
    for name, node in (("DNP", "do_not_patch"), ("OFF", "agent_disabled"), ("M1", "location_disabled")):
        decided(one, name, f"scope.{node}")
    (dnp,) = of(one, "do_not_patch")
    assert (dnp.source, dnp.since, dict(dnp.scope)) == (
        "RMM: policy group Do Not Patch",
        NIGHT - 3 * DAY,
        {"endpoint": "DNP"},
    )
    assert [(row.endpoints, row.since is None) for row in of(one, "agent_disabled")] == [
        (("M2",), True),
        (("OFF",), False),
    ]
    (moving,) = of(one, "location_disabled")
    assert (dict(moving.scope), moving.endpoints) == ({"client": "Acme", "location": "Moving"}, ("M1", "M2"))
    assert moving.since == NIGHT - 3 * DAY


def test_without_an_inventory_the_ledger_tells() -> None:
    one = Scene(FLEET)
    decided(one, "DNP", "scope.do_not_patch")
    decided(one, "M1", "scope.location_disabled")
    outlook = one.outlook(NIGHT, named=True)
    found = entries(Outlook(outlook.known, {}, one.policy, NIGHT))
    assert [(row.kind, row.endpoints) for row in found] == [("do_not_patch", ("DNP",)), ("location_disabled", ("M1",))]


def test_decisions_about_updates() -> None:
    one = Scene(FLEET)
    preview, driver = update("u-9", kb=["5090877"], **OPTIONAL), update("d-1", kb=[], title="Intel", **DRIVER)
    one.searched(NIGHT - 20 * DAY, {"CNC": [preview, driver], "B1": [preview]})
    when = NIGHT - 10 * DAY
    for given in (
        {"updates": ["KB5090877"], "decision": "declined", "client": "Birch"},
        {"updates": ["KB5090877"], "decision": "deferred", "until": (NIGHT + DAY).isoformat()},
        {"updates": ["KB404"], "decision": "deferred", "until": (NIGHT - DAY).isoformat()},
        {"updates": ["d-1"], "decision": "approved"},
        {"updates": ["u-9"], "decision": "approved", "client": "Acme"},
    ):
        one.append(people.approve(one.ledger, when, **WHO | given))
    one.searched(NIGHT - 5 * DAY, {"CNC": [preview]})  # the driver is installed, and stays on the register
    (declined,) = of(one, "declined")
    assert (declined.update, declined.client, declined.endpoints) == ("KB5090877", "Birch", ("B1",))
    assert (declined.by, declined.code, declined.since) == ("j.doe", "C", when)
    assert [(row.update, row.state, row.endpoints) for row in of(one, "deferred")] == [
        ("KB5090877", "deferred", ("B1", "CNC")),
        ("KB404", "back in review", ()),
    ]
    (approved,) = of(one, "driver")
    assert (approved.update, approved.title, approved.endpoints) == ("d-1", "Intel", ())


def test_of_one_client_with_what_holds_for_all() -> None:
    one = Scene(FLEET)
    excepted(one, {"client": "Birch"})
    excepted(one, {"role": "backup"})
    found = entries(one.outlook(NIGHT, named=True), client="Birch")
    assert [dict(row.scope) for row in found] == [{"client": "Birch"}, {"role": "backup"}] or [
        dict(row.scope) for row in found
    ] == [{"role": "backup"}, {"client": "Birch"}]


def test_rows_are_json_and_a_table_is_read() -> None:
    one = Scene(FLEET)
    excepted(one, {"endpoint": "CNC"}, expires=(NIGHT + 300 * DAY).isoformat())
    found = entries(one.outlook(NIGHT, named=True))
    record = found[0].as_record()
    assert record["scope"] == {"endpoint": "CNC"}
    assert record["until"] == "2027-09-08T07:30:00+00:00"
    words = register_table(found, NIGHT)
    assert "1 exception, 1 do not patch, 2 agent disabled, 1 location disabled" in words
    for part in ("unsigned", "endpoint CNC", "C: because", "2027-09-08", "j.doe"):
        assert part in words
    assert "nothing stands on it" in register_table([], NIGHT)
