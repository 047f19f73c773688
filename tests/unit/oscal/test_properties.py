# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the verdicts on any account, counted again from the account itself."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.account import Account, Flaw
from ansible_collections.msp.patching.plugins.plugin_utils.oscal import OBJECTIVES, Judged, judge
from tests.examples import examples
from tests.unit.oscal.build import POLICY, left
from tests.unit.oscal.strategies import accounts


def theirs(account: Account, judged: Judged) -> list[Flaw]:
    names = {one.name for one in account.endpoints if (one.client or "no client") == judged.client}
    return [flaw for flaw in account.flaws if flaw.endpoint in names]


@settings(max_examples=examples(40))
@given(accounts())
def test_a_verdict_for_each_objective_and_its_figures_add_up(account: Account) -> None:
    everyone = 0
    for judged in judge(account, POLICY):
        assert [verdict.objective for verdict in judged.verdicts] == list(OBJECTIVES)
        everyone += judged.endpoints
        flaws = theirs(account, judged)
        for verdict, name in zip(judged.verdicts[1::2], ("identify", "report", "correct"), strict=True):
            met = sum(bool(getattr(flaw, name).met) for flaw in flaws)
            assert sum(figure.met for figure in verdict.figures) == met
            assert sum(figure.of for figure in verdict.figures) <= len(flaws)
            assert all(0 <= figure.met <= figure.of > 0 for figure in verdict.figures)
            assert not verdict.satisfied or all(figure.met == figure.of for figure in verdict.figures)
            assert verdict.satisfied or verdict.remarks, "what is not satisfied says why"
    assert everyone == len(account.endpoints)


@settings(max_examples=examples(40))
@given(accounts())
def test_nothing_that_was_late_is_called_satisfied(account: Account) -> None:
    for judged in judge(account, POLICY):
        flaws = theirs(account, judged)
        identified, reported, corrected = judged.verdicts[1::2]
        assert not (identified.satisfied and any(flaw.identify.met is False for flaw in flaws))
        assert not (reported.satisfied and any(flaw.report.met is False for flaw in flaws))
        assert not (corrected.satisfied and any(flaw.correct.met is False and flaw.counts for flaw in flaws))
        assert bool(judged.overdue) <= (not corrected.satisfied)


@settings(max_examples=examples(40))
@given(accounts(), st.sampled_from(["open", "held", "failed", "unreachable"]))
def test_one_more_flaw_past_its_deadline_always_counts(account: Account, state: str) -> None:
    machine = account.endpoints[0]
    one = left(machine.name, state, update="one more", correct_due=account.at, at=account.end, client=machine.client)
    one = replace(one, correct=replace(one.correct, met=False))
    for judged in judge(replace(account, flaws=(*account.flaws, one)), POLICY):
        if judged.client == (machine.client or "no client"):
            assert not judged.verdicts[5].satisfied
            assert "one more" in [flaw.update for flaw in judged.overdue]
