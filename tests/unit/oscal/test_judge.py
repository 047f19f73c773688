# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each objective of 3.14.1 is satisfied by, and what speaks against it: one row a rule."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account, Flaw
from ansible_collections.msp.patching.plugins.plugin_utils.flow import load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.oscal import Figure, Judged, Left, Verdict, judge
from ansible_collections.msp.patching.plugins.plugin_utils.oscal.sentences import named, time
from tests.unit.oscal.build import END, POLICY, account, day, endpoint, exception, flaw, left


def judged(given: Account) -> Judged:
    (one,) = judge(given, POLICY)
    return one


def verdict(given: Account, objective: str) -> Verdict:
    return judged(given).verdicts["abcdef".index(objective)]


def unsatisfied(given: Account) -> str:
    return "".join(one.objective for one in judged(given).verdicts if not one.satisfied)


def test_all_is_satisfied_where_everything_was_in_time() -> None:
    given = account([endpoint("S1")], [flaw("S1")])
    assert unsatisfied(given) == ""
    assert verdict(given, "f").shown == "1 of 1 flaw was corrected in time, each counted on each endpoint."
    assert verdict(given, "f").figures == (Figure("production servers", 1, 1),)
    assert judged(given).overdue == ()


@pytest.mark.parametrize(
    ("one", "against"),
    [
        (flaw("S1", identified=day(2)), "b"),
        (flaw("S1", released=None, identify_due=None, correct_due=None), "bf"),
        (flaw("S1", reported=day(3)), "d"),
        (flaw("S1", reported=None, ticket=None), "d"),
        (flaw("S1", corrected=day(20)), "f"),
        (left("S1", "held"), "f"),
        (left("S1", "failed"), "f"),
        (left("S1", "unreachable"), "f"),
        (left("S1", "open"), "f"),
        (left("S1", "excluded"), "f"),
        (left("S1", "declined"), "f"),
        (left("S1", "deferred"), "f"),
        (left("S1", "declined", severity=None, cves=(), categories=("Drivers",)), ""),
        (left("S1", "declined", severity=None, cves=("CVE-2026-9",), categories=("Drivers",), criticality="P1"), ""),
        (left("S1", "open", correct_due=day(63)), ""),
        (left("S1", "gone", correct_due=None), ""),
    ],
)
def test_what_speaks_against_which_objective(one: Flaw, against: str) -> None:
    assert unsatisfied(account([endpoint("S1")], [one])) == against


def test_a_decision_to_leave_a_flaw_stops_no_clock() -> None:
    """The same exception counts against [f] once the time has ended, not before."""
    flaws = [left("S1", "excluded")]
    assert unsatisfied(account([endpoint("S1")], flaws, at=day(13.9))) == ""
    assert unsatisfied(account([endpoint("S1")], flaws, at=day(14))) == "f"


def test_an_endpoint_that_nobody_searched_speaks_against_identifying_and_correcting() -> None:
    silent = endpoint("S2", searched=None, stands="unreachable")
    given = account([endpoint("S1"), silent], [flaw("S1")])
    assert unsatisfied(given) == "bf"
    assert verdict(given, "b").remarks == (
        "1 endpoint was not searched in the cycle, so what is there is not known (S2).",
    )
    assert unsatisfied(account([silent], at=day(0.5))) == "", "there is time left to search it"
    came = endpoint("S3", searched=None, stands="open", known_since=day(13))
    assert unsatisfied(account([came], at=day(13.1))) == "", "it has just come"


def test_what_is_open_past_its_deadline_is_named_by_update_and_endpoint() -> None:
    flaws = [
        left("S1", "excluded", "until spring"),
        left("S2", "held", "the tier is held"),
        left("S2", "excluded", update="u-2"),
        flaw("S3"),
    ]
    machines = [endpoint("S1"), endpoint("S2", location="Branch"), endpoint("S3")]
    given = account(machines, flaws, exceptions=(exception(client="Acme", location="Main"),))
    first, second = judged(given).overdue
    assert first.left == (Left("S1", "excluded, until spring", excepted=True), Left("S2", "held, the tier is held"))
    assert first.deadline == day(14)
    assert second.left == (Left("S2", "excluded"),), "excluded without a signature"
    assert verdict(given, "f").remarks == (
        "2 flaws are past their deadline, excluded (KBu-1 on S1, KBu-2 on S2).",
        "1 flaw is past its deadline, held (KBu-1 on S2).",
    )
    assert verdict(given, "f").figures == (Figure("production servers", 1, 4),)


@pytest.mark.parametrize("state", ["unsigned", "expired", "revoked"])
def test_only_a_signed_exception_is_one(state: str) -> None:
    given = account([endpoint("S1")], [left("S1", "excluded")], exceptions=(exception(state, endpoint="S1"),))
    assert judged(given).overdue[0].left == (Left("S1", "excluded"),)


def test_what_has_time_left_is_said_and_not_counted() -> None:
    given = account([endpoint("S1")], [left("S1", "open", at=day(1), reported=None)], at=day(1))
    assert unsatisfied(given) == ""
    assert verdict(given, "f").shown == "There is no flaw that had to be corrected by now."
    assert verdict(given, "f").remarks == ("1 flaw has time left: not counted.",)
    assert verdict(given, "d").remarks == ("1 flaw has time left: not counted.",)


def test_the_times_are_those_of_the_policy_in_force() -> None:
    short = load_policy({"clients": {"Acme": {"deadlines": {"identify": "12h"}}}})
    (acme, beta) = judge(account([endpoint("S1"), endpoint("S2", client="Beta")]), short)
    assert acme.verdicts[0].shown.endswith(": 12 hours.")
    assert beta.verdicts[0].shown.endswith(": 24 hours.")
    (one,) = judge(account([endpoint("S1")]), load_policy({"endpoints": {"S1": {"deadlines": {"report": "1h"}}}}))
    assert one.verdicts[2].shown == "The policy in force sets a time to report a flaw, from its identification: 1 hour."
    several = load_policy({"endpoints": {"S1": {"deadlines": {"report": "1h"}}}})
    (one,) = judge(account([endpoint("S1"), endpoint("S2"), endpoint("S3")]), several)
    assert one.verdicts[2].shown.endswith(": 1 hour (1 endpoint); 24 hours (2 endpoints).")


def test_the_collections_own_times_are_called_its_defaults() -> None:
    ours = account([endpoint("S1")])
    assert verdict(ours, "e").remarks == ("These are the collection's defaults.",)
    assert "Critical 14 days on P1, 14 days on P2, 21 days on P3, 14 days on workstation" in verdict(ours, "e").shown
    for own in ({"deadlines": {"identify": "48h"}}, {"clients": {"Acme": {"deadlines": {"identify": "48h"}}}}):
        (theirs,) = judge(ours, load_policy(own))
        assert theirs.verdicts[0].remarks == ()


def test_each_client_is_judged_for_itself() -> None:
    machines = [endpoint("S1"), endpoint("B1", client="Beta"), endpoint("X", client=None)]
    found = judge(account(machines, [flaw("S1"), left("B1", "held", client="Beta")]), POLICY)
    assert [(one.client, one.endpoints) for one in found] == [("Acme", 1), ("Beta", 1), ("no client", 1)]
    assert [one.verdicts[5].satisfied for one in found] == [True, False, True]


def test_the_account_of_a_running_cycle_counts_up_to_its_instant() -> None:
    late = [left("S1", "open")]
    assert unsatisfied(account([endpoint("S1")], late, at=END, final=False)) == "f"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=72), "72 hours"),
        (timedelta(days=14), "14 days"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(seconds=30), "30 seconds"),
    ],
)
def test_times_in_words(span: timedelta, words: str) -> None:
    assert time(span) == words


def test_few_are_named_and_the_others_counted() -> None:
    assert named(["b", "a", "a"]) == "a, b"
    assert named(map(str, range(8))) == "0, 1, 2, 3, 4 and 3 more"
