# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every figure of the report, by tables; each with what it is counted of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account, EndpointResult, Flaw
from ansible_collections.msp.patching.plugins.plugin_utils.flow.closure import PLACES
from ansible_collections.msp.patching.plugins.plugin_utils.oscal.judge import judge
from ansible_collections.msp.patching.plugins.plugin_utils.report import figures, words
from ansible_collections.msp.patching.plugins.plugin_utils.report.figures import Share, Standing
from tests.unit.account.story import CRITICAL, DAY, HOUR, UPDATES, Story, update
from tests.unit.report.month import BETA, account


@pytest.fixture(scope="module")
def month() -> Account:
    return account()


def standing(**counts: int) -> Standing:
    return Standing({place: counts.get(place, 0) for place in PLACES})


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ({}, Share(0, 0)),
        ({"patched": 3}, Share(3, 3)),
        ({"patched": 3, "excluded": 2}, Share(3, 3)),
        ({"excluded": 2}, Share(0, 0)),
        ({"patched": 1, "held": 1, "failed": 1, "unreachable": 1, "open": 1, "excluded": 1}, Share(1, 5)),
    ],
)
def test_compliance_is_patched_of_all_but_the_excluded(counts: dict[str, int], share: Share) -> None:
    assert standing(**counts).compliance == share


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (Share(0, 0), "–"),
        (Share(0, 3), "0 %"),
        (Share(3, 3), "100 %"),
        (Share(1, 3), "33.3 %"),
        (Share(9_999, 10_000), "99.9 %"),
        (Share(1, 2), "50 %"),
    ],
)
def test_percentages_never_round_up_to_all(share: Share, told: str) -> None:
    assert words.percent(share) == told


def test_where_the_endpoints_of_the_month_stand(month: Account) -> None:
    places = {one.name: one.stands for one in month.endpoints}
    assert places == {
        "ACME-SQL01": "held",
        "ACME-WS01": "patched",
        "ACME-WS02": "failed",
        "BETA-WS01": "patched",
        "BETA-WS02": "excluded",
        "BETA-WS03": "unreachable",
    }
    assert figures.standing(month.endpoints).compliance == Share(2, 5)


@pytest.mark.parametrize(
    ("key", "shares"),
    [
        (lambda one: one.client, {BETA: Share(1, 2), "Acme": Share(1, 3)}),
        (lambda one: one.ring, {"pilot": Share(2, 4), "production": Share(0, 1)}),
        (figures.importance_of, {"P1": Share(0, 1), "workstation": Share(2, 4)}),
    ],
)
def test_groups_are_counted_by_themselves(
    month: Account, key: Callable[[EndpointResult], str | None], shares: dict[str, Share]
) -> None:
    assert {name: one.compliance for name, one in figures.by(month.endpoints, key).items()} == shares


def test_time_to_patch_of_the_month(month: Account) -> None:
    """Known from the first hour; corrected 25 hours after the opening on one machine, on one after 16 days and an hour;
    of two updates each. One is corrected without a boot, an hour after its install on the second day."""
    times = figures.correcting(month.flaws)
    spans = [24 * HOUR, 24 * HOUR, 16 * DAY, 16 * DAY, 24 * HOUR]
    assert times.flaws == 10
    assert times.done == 5
    assert times.mean == sum(spans, timedelta()) / 5
    assert times.median == 24 * HOUR
    assert times.longest == 16 * DAY
    # Critical: 14 days on all. Two are corrected, one of them late; three are overdue (SQL01, WS02, WS03)
    # Important: 28 days on workstations, 21 on the P1 server: three in time, two with time left
    assert times.late == 1
    assert times.overdue == 3
    assert times.in_time == Share(4, 8)
    assert times.running == 2


def test_by_severity_and_machine_it_adds_up(month: Account) -> None:
    found = figures.matrix(month.flaws)
    assert {key: (one.flaws, one.done, one.late, one.overdue) for key, one in found.items()} == {
        ("Critical", "P1"): (1, 0, 0, 1),
        ("Critical", "workstation"): (4, 2, 1, 2),
        ("Important", "P1"): (1, 0, 0, 0),
        ("Important", "workstation"): (4, 3, 0, 0),
    }
    assert list(found) == [
        ("Critical", "P1"),
        ("Critical", "workstation"),
        ("Important", "P1"),
        ("Important", "workstation"),
    ]
    assert sum(one.flaws for one in found.values()) == figures.correcting(month.flaws).flaws


def test_identifying_and_reporting_of_the_month(month: Account) -> None:
    found = figures.identifying(month.flaws)
    assert (found.flaws, found.done, found.median, found.in_time) == (20, 20, HOUR, Share(20, 20))
    reported = figures.reporting(month.flaws)
    assert reported.done == 1
    assert reported.mean == 23 * HOUR
    assert reported.in_time.part == 1


def test_the_curve_counts_what_was_corrected_by_then(month: Account) -> None:
    critical = [one for one in month.flaws if one.label == CRITICAL]
    points = [23 * HOUR, 24 * HOUR, 30 * DAY]
    assert figures.corrected_by(critical, points) == [Share(0, 5), Share(1, 5), Share(2, 5)]


def test_what_is_accepted_or_gone_has_no_time_to_be_corrected_in(month: Account) -> None:
    left = [one for one in month.flaws if not one.counts]
    assert {one.state for one in left} == {"declined", "deferred", "gone"}
    assert all(one.correct.due is None for one in left)


@given(st.lists(st.integers(0, 19), max_size=12))
def test_shares_and_counts_agree_for_any_part_of_the_flaws(picked: list[int]) -> None:
    flaws: list[Flaw] = [FLAWS[number] for number in picked]
    times = figures.correcting(flaws)
    assert times.in_time.whole == times.in_time.part + times.late + times.overdue + times.undated
    assert times.flaws == times.in_time.whole + times.running
    assert times.done == sum(one.corrected is not None for one in flaws)
    assert times.measured == times.in_time.part + times.late
    assert sum(one.flaws for one in figures.matrix(flaws).values()) == times.flaws


def test_what_was_corrected_counts_where_nobody_knows_its_release_and_in_time_it_was_not() -> None:
    """The tile, the tables and the assessment results say the same of it."""
    story = Story()
    story.endpoint("WS01")
    story.tier("WS01")
    known = UPDATES | {"tool": update("tool", None, vendor="Adobe", released=None)}
    story.scan("WS01", HOUR, CRITICAL, "tool", known=known)
    story.patch("WS01", DAY, CRITICAL, "tool")
    whole = story.account(2 * DAY)
    times = figures.correcting(whole.flaws)
    assert (times.flaws, times.done, times.undated, times.measured) == (2, 2, 1, 1)
    assert times.in_time == Share(1, 2)
    identified = figures.identifying(whole.flaws)
    assert (identified.done, identified.undated, identified.in_time) == (2, 1, Share(1, 2))
    (judged,) = judge(whole, story.policy)
    for verdict, found in ((judged.verdicts[1], identified), (judged.verdicts[5], times)):
        assert (sum(one.met for one in verdict.figures), sum(one.of for one in verdict.figures)) == (
            found.in_time.part,
            found.in_time.whole,
        )


FLAWS = account().flaws
