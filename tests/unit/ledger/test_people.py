# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People's decisions: once on the ledger, named, and about something that exists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Update
from ansible_collections.msp.patching.plugins.plugin_utils.flow.approval import Recorded
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, people
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.people import DecisionError

NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
ID = "5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b"
WHO: dict[str, Any] = {"by": "j.doe", "reason": "because"}
TIER = {"client": "Acme", "ring": "production", "kind": "server"}


def put(ledger: Ledger, events: Sequence[Event]) -> int:
    return ledger.append(events, run="r1")


def failed(ledger: Ledger, key: str, endpoint: str, update: str | None = ID) -> None:
    body = {
        "id": key,
        "step": "install",
        "update": update,
        "hresult": None,
        "name": None,
        "class": "unknown",
        "text": "the install failed",
        "next_window": None,
        "cycle": "2026-11",
    }
    hold = {"id": f"hold-{key}", "scope": TIER, "reason": endpoint, "failure": key}
    put(ledger, [Event("failure.opened", endpoint, NOW, body), Event("hold.placed", endpoint, NOW, hold)])


def test_an_approval_counts_once_for_each_update_however_it_is_written(ledger: Ledger) -> None:
    wanted = {"updates": ["KB5046613", "5046613", ID.upper()], "decision": "approved", **WHO}
    assert put(ledger, people.approve(ledger, NOW, **wanted)) == 2
    assert people.approve(ledger, NOW, **wanted) == []
    assert {row["update"] for row in ledger.register_record()["approvals"]} == {"5046613", ID}
    assert len(people.approve(ledger, NOW, **wanted, client="Acme")) == 2


def test_another_decision_takes_the_place_of_the_first(ledger: Ledger) -> None:
    put(ledger, people.approve(ledger, NOW, updates=["1"], decision="approved", **WHO))
    put(ledger, people.approve(ledger, NOW, updates=["1"], decision="declined", code="X", **WHO))
    (row,) = ledger.register_record()["approvals"]
    assert row["decision"] == "declined"
    assert len(list(ledger.events())) == 2


OTHER = "6a2e0c2f-7a1f-4e1d-8d6d-4d2a3d4a5b6c"


def decided(ledger: Ledger, minute: int, update: str, decision: str, client: str | None = None) -> int:
    """How many events the decision is, given at that minute."""
    code = None if decision == "approved" else "RISK"
    wanted: dict[str, Any] = {"updates": [update], "decision": decision, "client": client, "code": code, **WHO}
    return put(ledger, people.approve(ledger, NOW + timedelta(minutes=minute), **wanted))


def stands(ledger: Ledger, update: str = ID, client: str | None = None) -> str | None:
    """What holds for an update that is KB 500 too."""
    recorded = Recorded(ledger.register().approvals, NOW + timedelta(days=1))
    found = recorded.about(Update(id=update, kb=("500",)), client)
    return None if found is None else found.decision


@pytest.mark.parametrize(("first", "second"), [("declined", "approved"), ("approved", "declined")])
@pytest.mark.parametrize(("name", "other"), [("KB500", ID), (ID, "KB500")])
def test_the_last_word_stands_by_whichever_name_the_update_is_called(
    ledger: Ledger, first: str, second: str, name: str, other: str
) -> None:
    found = [{"id": ID, "kb": ["500"]}, {"id": OTHER, "kb": ["500"]}]
    put(ledger, [Event("scan.finished", "A", NOW, {"updates": found})])
    assert decided(ledger, 1, name, first) == 1
    assert decided(ledger, 2, other, second) == 1
    assert stands(ledger) == second
    assert decided(ledger, 3, name, first) == 1
    assert stands(ledger) == first
    assert decided(ledger, 4, name, first) == 0, "and the same once more changes nothing"
    assert decided(ledger, 5, other, first) == 1, "it is new by that name, which other updates may have"
    assert decided(ledger, 6, other, first) == decided(ledger, 7, name, first) == 0


def test_a_kb_is_decided_anew_where_one_of_its_updates_was_decided_otherwise_since(ledger: Ledger) -> None:
    put(ledger, [Event("scan.finished", "A", NOW, {"updates": [{"id": one, "kb": ["500"]} for one in (ID, OTHER)]})])
    decided(ledger, 1, "KB500", "declined")
    decided(ledger, 2, OTHER, "approved")
    assert (stands(ledger), stands(ledger, OTHER)) == ("declined", "approved")
    assert decided(ledger, 3, "KB500", "declined") == 1
    assert (stands(ledger), stands(ledger, OTHER)) == ("declined", "declined")


def test_what_is_decided_for_all_and_what_for_a_client_are_two_things(ledger: Ledger) -> None:
    put(ledger, [Event("scan.finished", "A", NOW, {"updates": [{"id": ID, "kb": ["500"]}]})])
    decided(ledger, 1, "KB500", "declined")
    decided(ledger, 2, ID, "approved", "Acme")
    assert decided(ledger, 3, "KB500", "declined") == 0, "for all it stands as it was"
    assert (stands(ledger), stands(ledger, client="Acme")) == ("declined", "approved")
    assert decided(ledger, 4, "KB500", "declined", "Acme") == 1
    assert decided(ledger, 5, ID, "approved", "Acme") == 1
    assert (stands(ledger), stands(ledger, client="Acme")) == ("declined", "approved")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"decision": "deferred", "code": "X"}, "needs `until`"),
        ({"decision": "approved", "until": "2026-12-01T00:00:00Z"}, "belongs to a deferred"),
        ({"decision": "declined", "promote": True}, "waives the soak of an approved"),
        ({"decision": "declined"}, "needs a reason `code`"),
        ({"decision": "deferred", "code": "X", "until": "2026-11-11T02:00:00Z"}, "`until` is .*: that is past"),
        (
            {"decision": "deferred", "code": "X", "until": "2026-12-01"},
            "`until`: the instant '2026-12-01' has no offset",
        ),
    ],
)
def test_approvals_that_make_no_sense(ledger: Ledger, given: dict[str, Any], words: str) -> None:
    with pytest.raises(DecisionError, match=words):
        people.approve(ledger, NOW, updates=["1"], **WHO, **given)


def test_updates_no_scan_has_found(ledger: Ledger) -> None:
    put(ledger, [Event("scan.finished", "A", NOW, {"updates": [{"id": ID, "kb": ["1"]}]})])
    assert people.unseen(ledger, ["KB1", ID.upper(), "KB2"]) == ["KB2"]


@pytest.mark.parametrize("update", ["KBx", "kb", "KB 5046613", "KB5046613x", "", " "])
def test_what_can_be_no_update_is_refused(ledger: Ledger, update: str) -> None:
    with pytest.raises(people.DecisionError, match="a KB number such as KB5046613"):
        people.unseen(ledger, ["KB5046613", update])


def test_an_exception_its_signature_and_its_end(ledger: Ledger) -> None:
    wanted: dict[str, Any] = {"scope": {"endpoint": "A"}, "code": "VENDOR", "expires": "2027-01-01T00:00:00Z", **WHO}
    signature: dict[str, Any] = {"signed_by": "Dana Reyes", "signed_at": "2026-11-03T15:00:00Z"}
    assert put(ledger, people.except_from(ledger, NOW, **wanted)) == 1
    assert people.except_from(ledger, NOW, **wanted) == []
    assert ledger.register_record()["exceptions"][0]["signed_by"] is None
    assert put(ledger, people.except_from(ledger, NOW, **wanted, **signature)) == 1
    assert people.except_from(ledger, NOW, **wanted, **signature) == []
    assert ledger.register_record()["exceptions"][0]["signed_by"] == "Dana Reyes"
    assert put(ledger, people.revoke(ledger, NOW, scope={"endpoint": "A"}, **WHO)) == 1
    assert people.revoke(ledger, NOW, scope={"endpoint": "A"}, **WHO) == []
    assert ledger.register_record()["exceptions"] == []


def test_a_prolonged_exception_is_signed_anew(ledger: Ledger) -> None:
    wanted: dict[str, Any] = {"scope": {"client": "Acme", "location": "Main"}, "code": "X", **WHO}
    signature: dict[str, Any] = {"signed_by": "Dana", "signed_at": "2026-11-03T15:00:00Z"}
    put(ledger, people.except_from(ledger, NOW, **wanted, expires="2027-01-01T00:00:00Z", **signature))
    put(ledger, people.except_from(ledger, NOW, **wanted, expires="2028-01-01T00:00:00Z"))
    (row,) = ledger.register_record()["exceptions"]
    assert (row["expires"], row["signed_by"]) == ("2028-01-01T00:00:00.000000+00:00", None)


@pytest.mark.parametrize("scope", [{}, {"location": "Main"}, {"client": "A", "role": "smtp"}, {"role": "smpt"}])
def test_scopes_that_no_exception_has(ledger: Ledger, scope: dict[str, str]) -> None:
    with pytest.raises(DecisionError):
        people.except_from(ledger, NOW, scope=scope, code="X", **WHO)


def test_an_authorization_is_for_one_cycle(ledger: Ledger) -> None:
    for scope in ({"endpoint": "A"}, TIER):
        assert put(ledger, people.authorize(ledger, NOW, scope=scope, cycle="2026-11", **WHO)) == 1
        assert people.authorize(ledger, NOW, scope=scope, cycle="2026-11", **WHO) == []
        assert len(people.authorize(ledger, NOW, scope=scope, cycle="2026-12", **WHO)) == 1


@pytest.mark.parametrize(
    "scope", [{}, {"client": "Acme"}, {"endpoint": "A", **TIER}, {**TIER, "ring": "prod"}, {**TIER, "kind": "vm"}]
)
def test_scopes_that_no_authorization_has(ledger: Ledger, scope: dict[str, str]) -> None:
    with pytest.raises(DecisionError):
        people.authorize(ledger, NOW, scope=scope, cycle="2026-11", **WHO)


@pytest.mark.parametrize("cycle", ["2026-13", "November", "2026-11-10 10:00", ""])
def test_an_authorization_for_what_is_no_cycle_is_refused(ledger: Ledger, cycle: str) -> None:
    with pytest.raises(DecisionError, match="2026-11-oob1"):
        people.authorize(ledger, NOW, scope=TIER, cycle=cycle, **WHO)


def test_a_root_cause_for_the_open_failures_of_an_endpoint(ledger: Ledger) -> None:
    put(ledger, [Event("scan.finished", "A", NOW, {"updates": [{"id": ID, "kb": ["5046613"]}]})])
    failed(ledger, "f1", "A")
    failed(ledger, "f2", "A", "another")
    failed(ledger, "f3", "B")
    cause = {"by": "j.doe", "code": "DISK", "text": "full"}
    assert put(ledger, people.root_cause(ledger, NOW, endpoint="A", update="KB5046613", **cause)) == 1
    assert put(ledger, people.root_cause(ledger, NOW, endpoint="A", **cause)) == 1
    assert people.root_cause(ledger, NOW, endpoint="A", **cause) == []
    assert put(ledger, people.root_cause(ledger, NOW, failure="f3", **cause)) == 1
    assert all(row["root_cause"]["code"] == "DISK" for row in ledger.register_record()["failures"])


def test_a_root_cause_of_nothing_names_what_is_open(ledger: Ledger) -> None:
    failed(ledger, "f1", "A")
    with pytest.raises(DecisionError, match=r"no failure of Z .*A \(the install failed\)"):
        people.root_cause(ledger, NOW, endpoint="Z", by="j.doe", code="X", text="y")


def test_holds_are_released_by_id_scope_or_the_endpoint_that_caused_them(ledger: Ledger) -> None:
    for key, endpoint in (("f1", "A"), ("f2", "B"), ("f3", "C")):
        failed(ledger, key, endpoint)
    assert put(ledger, people.release(ledger, NOW, hold="hold-f1", **WHO)) == 1
    assert people.release(ledger, NOW, hold="hold-f1", **WHO) == []
    assert put(ledger, people.release(ledger, NOW, endpoint="B", **WHO)) == 1
    assert put(ledger, people.release(ledger, NOW, scope=TIER, **WHO)) == 1
    assert all(row["released"]["by"] == "j.doe" for row in ledger.register_record()["holds"])


def held(ledger: Ledger, key: str, **scope: str) -> None:
    put(ledger, [Event("hold.placed", None, NOW, {"id": key, "scope": scope, "reason": "failed", "failure": "f1"})])


def released(events: Sequence[Event]) -> set[str]:
    return {event.body["id"] for event in events}


@pytest.fixture
def held_tiers(ledger: Ledger) -> Ledger:
    """As failures hold them: a tier in its cycle, and production of a client, or of all, until somebody says so."""
    held(ledger, "of november", cycle="2026-11", **TIER)
    held(ledger, "of the emergency", cycle="2026-11-oob1", **TIER)
    held(ledger, "of any", **TIER)
    held(ledger, "of the pilot", cycle="2026-11", **{**TIER, "ring": "pilot"})
    held(ledger, "of workstations", cycle="2026-11", **{**TIER, "kind": "workstation"})
    held(ledger, "of another client", cycle="2026-11", **{**TIER, "client": "Beta"})
    held(ledger, "of all clients", ring="production", kind="server")
    held(ledger, "of a tier without a kind", cycle="2026-11", client="Acme", ring="production")
    return ledger


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        (TIER, {"of november", "of the emergency", "of any"}),
        ({**TIER, "cycle": "2026-11"}, {"of november"}),
        ({"ring": "production", "kind": "server"}, {"of all clients"}),
        ({"client": "Acme", "ring": "production"}, {"of a tier without a kind"}),
    ],
)
def test_a_tier_is_released_in_whichever_cycle_it_is_held_unless_one_is_named(
    held_tiers: Ledger, scope: dict[str, str], found: set[str]
) -> None:
    assert released(people.release(held_tiers, NOW, scope=scope, **WHO)) == found


def test_a_tier_that_was_released_is_left_as_it_is(held_tiers: Ledger) -> None:
    put(held_tiers, people.release(held_tiers, NOW, hold="of november", **WHO))
    rest = people.release(held_tiers, NOW, scope=TIER, **WHO)
    assert released(rest) == {"of the emergency", "of any"}
    put(held_tiers, rest)
    assert people.release(held_tiers, NOW, scope=TIER, **WHO) == []
    assert people.release(held_tiers, NOW, scope={**TIER, "cycle": "2026-11"}, **WHO) == []


@pytest.mark.parametrize(
    "which",
    [
        {},
        {"hold": "x", "endpoint": "A"},
        {"scope": {"ring": "prod"}},
        {"hold": "x"},
        {"scope": {"client": "Acme"}},
        {"scope": {**TIER, "cycle": "2026-12"}},
        {"scope": {"cycle": "2026-11"}},
    ],
)
def test_releases_that_name_nothing(held_tiers: Ledger, which: dict[str, Any]) -> None:
    with pytest.raises(DecisionError):
        people.release(held_tiers, NOW, **WHO, **which)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"expires": "2026-11-11T01:59:00Z"}, "`expires` is 2026-11-11T01:59:00Z: that is past"),
        ({"expires": "next year"}, "`expires`: 'next year' is no instant"),
        ({"signed_by": "Dana"}, "a signature is both"),
        ({"signed_at": "2026-11-01T00:00:00Z"}, "a signature is both"),
        ({"signed_by": "Dana", "signed_at": "2026-11-11T02:01:00Z"}, "nobody has signed in the future"),
        ({"scope": {"role": "file_sever"}}, "no role 'file_sever'; did you mean file_server?"),
        ({"scope": {"location": "Main"}}, "an exception covers one of"),
    ],
)
def test_exceptions_that_make_no_sense_leave_nothing(ledger: Ledger, given: dict[str, Any], words: str) -> None:
    put(ledger, people.except_from(ledger, NOW, **{"scope": {"client": "Acme"}, "code": "X", **WHO}))
    head = ledger.head()
    with pytest.raises(DecisionError, match=words):
        people.except_from(ledger, NOW, **{"scope": {"client": "Acme"}, "code": "X", **WHO, **given})
    assert ledger.head() == head


def test_an_exception_with_another_code_is_another_and_has_to_be_signed_anew(ledger: Ledger) -> None:
    scope = {"client": "Acme"}
    signed = {"signed_by": "Dana", "signed_at": "2026-11-01T00:00:00Z"}
    put(ledger, people.except_from(ledger, NOW, scope=scope, code="X", **WHO, **signed))
    assert put(ledger, people.except_from(ledger, NOW, scope=scope, code="Y", **WHO)) == 2
    (row,) = ledger.register_record()["exceptions"]
    assert row["signed_by"] is None


def test_a_reason_code_is_one_of_the_policys_where_it_lists_any() -> None:
    people.check_code(None, "WHATEVER")
    people.check_code({"VENDOR": "", "RISK": ""}, "RISK")
    with pytest.raises(
        DecisionError, match=r"no reason code 'VENDR'; did you mean VENDOR\?; the policy has: VENDOR \(m\)"
    ):
        people.check_code({"VENDOR": "m"}, "VENDR")
