# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The view: the headline, who must act, and that it holds what the account does, whatever it is shown on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account
from ansible_collections.msp.patching.plugins.plugin_utils.flow.walk import NODES
from ansible_collections.msp.patching.plugins.plugin_utils.report import words
from ansible_collections.msp.patching.plugins.plugin_utils.report.compose import view_of
from ansible_collections.msp.patching.plugins.plugin_utils.report.sections.remaining import actions
from ansible_collections.msp.patching.plugins.plugin_utils.report.view import Cell, Table, View, cut
from tests.unit.account.story import CRITICAL, DAY, HOUR, Story
from tests.unit.report.month import BETA, account, month


@pytest.fixture(scope="module")
def whole() -> Account:
    return account()


@pytest.fixture(scope="module")
def view(whole: Account) -> View:
    return view_of(whole)


def table(view: View, section: str, name: str) -> Table:
    return next(one for one in view.section(section).tables if one.id == name)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_what_was_dropped_is_on_no_ticket_and_waits_for_none() -> None:
    """A note for a ticket that was deleted, or a close that a new failure has overtaken."""
    story = month()
    story.ticket("ACME-WS02", 2 * DAY, 3 * DAY, None, "This ticket closes with it.", summary="a close", action="close")
    rows = {row[1]: row for row in texts(table(view_of(story.account(20 * DAY)), "record", "tickets"))}
    assert (rows["a close"][0], rows["a close"][-1]) == ("dropped", words.NOTHING)
    assert rows["Patching"][0] == "#17"


def test_who_changes_the_times_set_is_seen_to_have_done_so() -> None:
    """Later deadlines make late patches be in time; the ledger has when they were changed, and the report tells."""
    story = month()

    def told() -> str:
        return dict(view_of(story.account(20 * DAY)).facts)["Policy"]

    assert told() == "not on record"
    document = dict(story.policy.document)
    story.tell("policy.in_force", HOUR - 2 * DAY, sha256="1" * 64, document=document)
    assert told() == "in force since 2026-11-08 19:00 UTC"
    story.tell("policy.in_force", 3 * DAY, sha256="2" * 64, document=document | {"soak": {}})
    assert told() == "in force since 2026-11-13 18:00 UTC; changed 1 time in the cycle, the times set were not"
    later = document | {"deadlines": {**document["deadlines"], "report": "90d"}}
    story.tell("policy.in_force", 19 * DAY, sha256="3" * 64, document=later)
    assert "the times set were changed in the cycle, and all is held against the last" in told()
    assert [row["deadlines"]["report"] for row in story.account(20 * DAY).as_record()["policies"]] == [
        "24h",
        "24h",
        "90d",
    ]


def test_an_emergency_has_no_tiers_that_could_be_open(whole: Account) -> None:
    emergency = replace(whole, opened_by="a.kern", tiers=(), at=whole.end)
    assert view_of(emergency).status == (
        "The emergency ended on 2026-12-08 18:00 UTC; what it brought is closed with the month's tiers. "
        "As of 2026-12-08 18:00 UTC."
    )
    assert "tiers are still open" in view_of(replace(whole, at=whole.end)).status


def test_the_headline_says_how_many_of_how_many(view: View) -> None:
    assert view.headline == (
        "2 of 5 endpoints are patched and validated: 40 % of the endpoints that are to be patched."
    )
    assert view.scope == "All clients"
    assert view.status == "Interim: the cycle goes on; as of 2026-11-30 18:00 UTC."
    tiles = {tile.label: (tile.value, tile.words) for tile in view.tiles}
    assert tiles["Endpoints compliant"] == ("40 %", "2 of 5 endpoints; 1 excluded")
    assert tiles["Flaws corrected"] == ("50 %", "5 of 10 that had to be")
    assert tiles["Corrected in time"] == ("50 %", "4 of 8 done or due; 2 have time left")
    assert tiles["Median time to patch"] == ("24.0 h", "mean 7.0 days, over 5 flaws")
    assert tiles["Failures without a cause"] == ("1", "of 1 failure")
    assert tiles["Waiting for a person"] == ("3", "of 6 endpoints; 0 of 3 tiers closed")


def test_who_must_act_is_named_with_the_machines(whole: Account) -> None:
    assert {(who, what.partition(":")[0]): names for who, what, names, dummy in actions(whole)} == {
        ("technician", "document a root cause"): ["ACME-WS02"],
        ("technician", "give the go for this cycle, or install by hand where the group is manual"): ["ACME-SQL01"],
        ("the client's site", "switch it on, so that its agent reports"): ["BETA-WS03"],
    }


def test_updates_under_review_are_an_engineers() -> None:
    story = Story()
    story.tier("WS")
    story.scan("WS", HOUR, "KB9", known={"KB9": {"id": "KB9", "kb": ["9"], "title": "Preview"}})
    story.decide("WS", 2 * HOUR, "hold", "approval.review")
    assert [row[:3] for row in actions(story.account(DAY))] == [
        ("engineer", "decide about 1 update under review: KB9", ["WS"])
    ]


def test_each_node_of_the_flow_that_holds_names_who_acts() -> None:
    """A node that is not listed is one that the next run settles by itself, or none acts on."""
    known = {name for name, dummy in NODES} | {"reboot.technician", "reboot.user", "reboot.reminder"}
    known |= {"reboot.freeze", "reboot.window"}
    assert set(words.ACTORS) - known == {"approval.review"}
    by_themselves = {"scan.due", "validate.due", "reboot.pending", "approval.nothing_approved"}
    out_of_scope = {"scope.location_disabled", "scope.agent_disabled", "scope.excluded", "scope.do_not_patch"}
    assert {name for name, dummy in NODES} - set(words.ACTORS) == by_themselves | out_of_scope


def test_what_is_not_done_is_listed_gravest_first(view: View) -> None:
    assert [(row[0], row[4], row[8]) for row in texts(table(view, "open", "not-done"))] == [
        ("ACME-WS02", "failed", "1"),
        ("BETA-WS03", "unreachable", "1"),
        ("ACME-SQL01", "held", "1"),
    ]
    assert [row[2] for row in texts(table(view, "open", "overdue"))] == ["ACME-SQL01", "ACME-WS02", "BETA-WS03"]


def test_of_what_nobody_searched_nothing_is_claimed(view: View) -> None:
    """Neither that it has no flaw left, nor that the figures are of it."""
    assert "1 endpoint was not searched in the cycle (BETA-WS02): what flaws are on it is not known" in (
        view.section("times").lead
    )
    story = Story()
    story.decide(story.endpoint("WS01"), HOUR, "wait", "posture.offline", reason="the agent is silent")
    story.tier("WS01")
    (row,) = texts(table(view_of(story.account(DAY)), "open", "not-done"))
    assert row[7:] == ["not known", "not known", words.NOTHING]


def test_what_the_rmm_keeps_from_patching_is_on_the_register_and_nobody_has_signed_it() -> None:
    """Its proof says that it is entered there (node 7)."""
    story = Story()
    story.tier(story.endpoint("CNC01"), story.endpoint("WS01"), story.endpoint("WS02"))
    reason = "its policy group is Do Not Patch, which is entered in the exception register"
    story.decide("CNC01", HOUR, "skip", "scope.do_not_patch", reason=reason)
    story.decide("WS01", HOUR, "skip", "scope.excluded", reason="excepted by J. Roe")
    story.decide("WS02", HOUR, "hold", "scope.unclassified", reason="no track")
    section = view_of(story.account(DAY)).section("exceptions")
    (row,) = texts(next(one for one in section.tables if one.id == "by-the-rmm"))
    assert row == ["CNC01", "Acme", reason, "2026-11-10 19:00"]
    assert "1 endpoint is kept from patching in the RMM, without a signature." in section.lead


def test_groups_add_up_to_the_whole(view: View) -> None:
    for name in ("by-client", "by-ring", "by-importance"):
        found = table(view, "compliance", name)
        rows = found.rows[:-1] if found.total_row else found.rows
        assert sum(int(row[-2].text) for row in rows) == 6
        assert found.rows[-1][-2].text == "6" or not found.total_row


def test_failures_exceptions_and_reboots_are_told(view: View) -> None:
    (failure,) = texts(table(view, "failures", "failures-all"))
    assert (failure[0], failure[3], failure[5], failure[6]) == (
        "ACME-WS02",
        f"install of {CRITICAL}",
        "none yet",
        "#17",
    )
    (exception,) = texts(table(view, "exceptions", "exceptions-all"))
    assert (exception[0], exception[1], exception[6]) == ("endpoint BETA-WS02", "signed", "in 10 days")
    (decision,) = texts(table(view, "exceptions", "decisions"))
    assert decision[:2] == ["KB5003", "deferred"]
    (hold,) = texts(table(view, "exceptions", "holds"))
    assert hold[1] == "in force"
    assert [row[0] for row in texts(table(view, "boots", "confirmed"))] == ["ACME-WS01", "BETA-WS01"]
    assert [row[5] for row in texts(table(view, "boots", "confirmed"))] == ["healthy", "healthy"]


def test_of_one_client_only_that_client_is_told() -> None:
    view = view_of(month().account(20 * DAY, client="Acme"))
    assert "BETA" not in json.dumps(view.as_record())
    assert BETA not in json.dumps(view.as_record())
    assert view.stem == "compliance-2026-11-acme"
    assert view.headline.startswith("1 of 3 endpoints")


def test_of_nothing_no_figure_is_made_up() -> None:
    story = Story()
    story.tier()
    view = view_of(story.account(DAY))
    assert view.headline == "No endpoint is to be patched."
    assert [tile.value for tile in view.tiles] == ["–", "–", "–", "–", "0", "0"]


def test_long_lists_are_cut_and_say_so() -> None:
    rows, total = cut([(Cell(str(number)),) for number in range(30)], 10)
    assert (len(rows), total) == (10, 30)


def test_the_same_account_gives_the_same_view(whole: Account, view: View) -> None:
    assert view_of(whole) == view
