# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Section 4: ordered rules, of which the first that matches decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Register, Update, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.approval import Outcome, Rule, judge_all, review_time
from tests.examples import examples
from tests.unit.flow.build import DEFAULTS, DRIVER, NIGHT, update

RULES = DEFAULTS.settings().approval


def judged(
    one: Update, rows: list[dict[str, Any]] | None = None, client: str | None = "Acme", **policy: Any
) -> Outcome:
    rules = load_policy(policy).settings().approval if policy else RULES
    return judge_all([one], rules, Register.parse({"approvals": rows or []}).approvals, client, NIGHT)[0]


@pytest.mark.parametrize(
    ("changes", "decision", "rule"),
    [
        ({}, "approved", "microsoft-security"),
        ({"severity": "Important"}, "approved", "microsoft-security"),
        ({"categories": ["Windows 11", "security updates"]}, "approved", "microsoft-security"),
        ({"severity": "Moderate"}, "held", "review"),
        ({"severity": "Low"}, "held", "review"),
        ({"severity": None}, "held", "review"),
        ({"vendor": "Contoso"}, "held", "review"),
        ({"vendor": None}, "held", "review"),
        ({"categories": ["Updates"]}, "held", "review"),
        ({"categories": ["Upgrades"], "severity": None}, "held", "review"),
        ({"categories": []}, "held", "review"),
        (DRIVER, "declined", "drivers"),
        ({"categories": ["Drivers", "Security Updates"]}, "declined", "drivers"),
        ({"categories": ["Drivers", "Definition Updates"]}, "declined", "drivers"),
        ({"categories": ["Definition Updates"], "vendor": "Contoso", "severity": None}, "approved", "definitions"),
    ],
)
def test_the_rules_of_the_model(changes: dict[str, Any], decision: str, rule: str) -> None:
    outcome = judged(update(**changes))
    assert (outcome.decision, outcome.rule) == (decision, rule)
    assert (outcome.node is None) is (decision == "approved")
    assert outcome.waived is (rule == "definitions")


def row(decision: str, **changes: Any) -> dict[str, Any]:
    base = {"update": "5046613", "decision": decision, "by": "Eng One", "at": "2026-11-11T12:00:00Z", "reason": "R-1"}
    return base | changes


EARLIER, LATER = "2026-11-11T10:00:00Z", "2026-11-11T14:00:00Z"
RECORDED: list[tuple[list[dict[str, Any]], str, str]] = [
    ([row("declined")], "declined", "recorded"),
    ([row("declined", update="KB5046613")], "declined", "recorded"),
    ([row("declined", update="U1")], "declined", "recorded"),  # an id, whatever the case of letters
    ([row("declined", update="504661")], "approved", "microsoft-security"),
    ([row("declined", client="Acme")], "declined", "recorded"),
    ([row("declined", client="Other")], "approved", "microsoft-security"),
    ([row("declined", at="2026-11-12T07:30:01Z")], "approved", "microsoft-security"),  # not yet
    ([row("deferred", until="2026-11-20T00:00:00Z")], "held", "recorded"),
    ([row("deferred")], "held", "recorded"),
    ([row("deferred", until="2026-11-12T07:30:00Z")], "approved", "microsoft-security"),  # its day has come
    ([row("approved", at=EARLIER), row("declined", at=LATER)], "declined", "recorded"),
    ([row("declined", at=LATER), row("approved", at=EARLIER)], "declined", "recorded"),
    ([row("declined", client="Acme", at=EARLIER), row("approved", at=LATER)], "declined", "recorded"),
    ([row("approved", client="Acme", at=EARLIER), row("declined", at=LATER)], "approved", "recorded"),
]


@pytest.mark.parametrize(("rows", "decision", "rule"), RECORDED)
def test_what_an_engineer_recorded(rows: list[dict[str, Any]], decision: str, rule: str) -> None:
    outcome = judged(update(), rows)
    assert (outcome.decision, outcome.rule) == (decision, rule)


def test_without_a_client_only_decisions_for_all_count() -> None:
    assert judged(update(), [row("declined", client="Acme")], client=None).rule == "microsoft-security"
    assert judged(update(), [row("declined")], client=None).decision == "declined"


def test_a_recorded_decision_names_who_and_why() -> None:
    outcome = judged(update(), [row("deferred", until="2026-11-20T00:00:00Z")])
    assert "Eng One" in outcome.reason
    assert "R-1" in outcome.reason
    assert (outcome.node, outcome.until) == (
        "approval.deferred",
        Update.parse({"id": "x", "released": "2026-11-20T00:00:00Z"}).released,
    )


@pytest.mark.parametrize(
    ("released", "until", "overdue"),
    [
        ("2026-11-10T18:00:00Z", "2026-11-17T18:00:00+00:00", False),
        ("2026-11-05T07:30:00Z", None, True),  # seven days are over, to the second
        (None, None, False),
    ],
)
def test_a_review_has_seven_days_and_then_stays_held(released: str | None, until: str | None, overdue: bool) -> None:
    outcome = judged(update(severity="Low", released=released))
    assert outcome.decision == "held"
    assert (outcome.as_record()["until"], outcome.overdue) == (until, overdue)


MATCHERS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"categories": ["SECURITY updates"]}, {}, True),
    ({"categories": ["Drivers"]}, {}, False),
    ({"severity": ["Low", None]}, {"severity": None}, True),
    ({"severity": ["Low", None]}, {}, False),
    ({"vendor": ["microsoft"]}, {}, True),
    ({"vendor": ["Contoso"]}, {}, False),
    ({"optional": True}, {"optional": True}, True),
    ({"optional": True}, {}, False),
    ({"optional": False}, {"optional": None}, True),
    ({"kb": ["5046613"]}, {}, True),
    ({"kb": ["504661"]}, {}, False),
    ({"title": "cumulative .*KB50"}, {}, True),
    ({"title": "^Preview"}, {}, False),
    ({"minimum_cvss": 9}, {"cvss": 9.0}, True),
    ({"minimum_cvss": 9}, {"cvss": 8.9}, False),
    ({"minimum_cvss": 9}, {}, False),
    ({"kb": ["5046613"], "vendor": ["Contoso"]}, {}, False),  # all conditions must hold
]


@pytest.mark.parametrize(("match", "changes", "matches"), MATCHERS)
def test_rules_are_data_of_the_policy(match: dict[str, Any], changes: dict[str, Any], matches: bool) -> None:
    outcome = judged(update(**changes), approval=[{"name": "mine", "decision": "declined", "match": match}])
    assert outcome.rule == ("mine" if matches else "review")


def test_what_no_rule_matches_is_held_for_review() -> None:
    outcome = judged(update(), approval=[])
    assert (outcome.decision, outcome.rule, outcome.node) == ("held", "review", "approval.review")


rules = st.lists(
    st.builds(
        Rule,
        name=st.text("abc", min_size=1),
        decision=st.sampled_from(["approved", "declined", "held"]),
        severity=st.frozensets(st.sampled_from(["Critical", "Low", None])),
        optional=st.none() | st.booleans(),
    ),
    max_size=6,
)


@settings(max_examples=examples(60))
@given(rules, st.sampled_from(["Critical", "Important", "Low", None]), st.booleans())
def test_the_first_rule_that_matches_decides(ordered: list[Rule], severity: str | None, optional: bool) -> None:
    one = update(severity=severity, optional=optional)
    outcome = judge_all([one], ordered, (), None, NIGHT)[0]
    matching = [rule for rule in ordered if rule.matches(one)]
    expected = (matching[0].name, matching[0].decision) if matching else ("review", "held")
    assert (outcome.rule, outcome.decision) == expected


@pytest.mark.parametrize("client", [None, "Acme"])
def test_a_review_begins_anew_when_its_deferral_ends(client: str | None) -> None:
    until = NIGHT - timedelta(days=2)
    row = {"update": "5046613", "decision": "deferred", "until": until.isoformat(), "client": client}
    found = judged(update(severity=None, released="2026-01-01T00:00:00Z"), [row])
    assert (found.rule, found.until, found.overdue) == ("review", until + timedelta(days=7), False)
    row["until"] = (NIGHT - timedelta(days=8)).isoformat()
    assert judged(update(severity=None), [row]).overdue


@pytest.mark.parametrize(
    ("rules", "name", "days"),
    [
        (RULES, "review", 7),
        ((Rule("look", "held", within=timedelta(days=3)),), "look", 3),
        ((Rule("look", "held"),), "look", 7),
        ((), "review", 7),
    ],
)
def test_how_long_a_review_may_take(rules: tuple[Rule, ...], name: str, days: int) -> None:
    assert review_time(rules, name) == timedelta(days=days)


KB_ROW = {"update": "5046613", "decision": "approved", "at": "2026-11-10T10:00:00Z", "promote": True}


@pytest.mark.parametrize(
    ("later", "waived"),
    [
        ({}, True),
        ({"update": "u1"}, False),
        ({"update": "u1", "client": "Acme"}, True),
        ({"update": "u1", "client": "Birch"}, True),
    ],
    ids=["no later decision", "by its id, for all", "for the client itself", "for another client"],
)
def test_a_promotion_stands_until_the_same_is_decided_anew(later: dict[str, str], waived: bool) -> None:
    """Whichever name the update is called by; a client's own approval does not take back what holds for all."""
    rows = [KB_ROW]
    if later:
        rows.append({"decision": "approved", "at": "2026-11-11T10:00:00Z", "promote": False, **later})
    found = judged(update(), rows)
    assert (found.decision, found.waived) == ("approved", waived)
