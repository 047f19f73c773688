# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an endpoint will or will not be patched: for each node of the flow the node, its fact and the remedy are told."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils import flow
from ansible_collections.msp.patching.plugins.plugin_utils.flow import (
    Endpoint,
    Planner,
    Register,
    Update,
    load_policy,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow.walk import NODES
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.away import Missed
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.register import Job, Progress, Reboot
from ansible_collections.msp.patching.plugins.plugin_utils.planning.explain import Explanation, explain, page
from ansible_collections.msp.patching.plugins.plugin_utils.planning.prose import Prose
from ansible_collections.msp.patching.plugins.plugin_utils.planning.reasons import FACTS
from ansible_collections.msp.patching.plugins.plugin_utils.planning.remedies import REMEDIES
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING, Patience, Step, next_step
from ansible_collections.msp.patching.plugins.plugin_utils.planning.subject import Subject
from tests.unit.flow.build import DRIVER, NIGHT, NOON, OPTIONAL, at, server, soaked, update, workstation

SIGNED = {"reason": "R-17", "signed_by": "Jane Roe", "signed_at": "2026-01-05T12:00:00Z"}
FREEZE = {"freezes": [{"name": "year end", "start": "2026-11-12T00:00:00-05:00", "end": "2026-11-15T00:00:00-05:00"}]}
SCANNED = "2026-11-12T05:00:00Z"  # midnight in New York
PENDING = {"reboot_pending_since": "2026-11-12T03:00:00Z", "installed_at": "2026-11-12T03:00:00Z"}
DAYTIME = workstation(track="daytime", user_logged_on=True)
FLOW = Path(flow.__file__).parent
PATIENCE = Patience(tolerated=2, after=timedelta(minutes=1), at_most=timedelta(minutes=30))
RUN = "ansible-playbook msp.patching."


@dataclass(frozen=True)
class Situation:
    """`fact` and `remedy` are what the explanation has to say of `node`; `state` is the endpoint's register row."""

    node: str
    action: str
    fact: str
    remedy: str
    endpoint: Endpoint = field(default_factory=workstation)
    now: datetime = NIGHT
    updates: tuple[Update, ...] | None = (update(),)
    register: dict[str, Any] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)

    def explained(self, progress: Progress | None = None, step: Step | None = None, **more: Any) -> Explanation:
        name = self.endpoint.name
        known = {"endpoints": {name: {"scanned_at": SCANNED} | self.state}} | self.register
        planner = Planner(load_policy(self.policy), Register.parse(known), self.now)
        decision = planner.decide(self.endpoint, self.updates)
        return explain(
            Subject(
                case=planner.case(self.endpoint, self.updates),
                decision=decision,
                progress=progress or Progress(),
                step=step or next_step(name, decision, progress or Progress(), self.now, ACTING, PATIENCE),
                prose=Prose(self.endpoint.time_zone, self.now),
                **more,
            )
        )


def exception(**changes: Any) -> dict[str, Any]:
    return {"exceptions": [{"scope": {"client": "Acme"}, "expires": "2027-01-01T00:00:00Z"} | SIGNED | changes]}


SITUATIONS = [
    Situation(
        "scope.location_disabled", "skip", "patching is disabled in the RMM for the location Acme, Main",
        "in the RMM: enable patching for the location Main", workstation(location_disabled=True),
    ),
    Situation(
        "scope.agent_disabled", "skip", "patching is disabled in the RMM for its agent",
        "take ACME-WS01 out of the group that disables patching", workstation(agent_disabled=True),
    ),
    Situation(
        "scope.excluded", "skip",
        "the exception for client Acme (R-17) counts until Thu 31 Dec 19:00: signed by Jane Roe on Mon 5 Jan 07:00",
        f"{RUN}except -e client=Acme -e state=absent -e \"reason='…'\"", register=exception(),
    ),
    Situation(
        "scope.exception_unsigned", "hold",
        "the exception for client Acme (R-17) has no signatory, no date of signature",
        f"{RUN}except -e client=Acme -e expires=2027-01-01T00:00:00+00:00 -e \"code='…'\" -e reason=R-17 "
        "-e \"signed_by='…'\" -e \"signed_at='…'\"",
        register=exception(signed_by=None, signed_at=None),
    ),
    Situation(
        "scope.exception_unsigned", "hold", "the exception for client Acme (R-17) has no signatory",
        "the client's signature of the exception for client Acme (R-17)", register=exception(signed_by="  "),
    ),
    Situation(
        "scope.exception_expired", "hold", "the exception for client Acme (R-17) expired on Sat 31 Oct 20:00",
        f"{RUN}except -e client=Acme -e \"expires='…'\" -e \"code='…'\"",
        register=exception(expires="2026-11-01T00:00:00Z"),
    ),
    Situation(
        "scope.unclassified", "hold", "no ring, no track; known are workstation, policy group auto",
        "put ACME-WS01 into a group for its ring, track", workstation(ring=None, track=None),
    ),
    Situation(
        "scope.do_not_patch", "skip", "its policy group is do_not_patch",
        "in the RMM: put ACME-WS01 into another policy group", workstation(policy_group="do_not_patch"),
    ),
    Situation(
        "reboot.technician", "manual", "its policy group is auto_install_manual_reboot, and no approval",
        "a technician reboots ACME-FS01",
        server(policy_group="auto_install_manual_reboot", unattended_reboot=None), state=PENDING,
    ),
    Situation(
        "reboot.freeze", "wait", "the change freeze year end holds until Sun 15 Nov 00:00",
        "`freezes`", state=PENDING, policy=FREEZE,
    ),
    Situation(
        "reboot.window", "wait", "its window server is 21:20–03:20 America/New_York; it is Thu 12:00 there",
        "nothing: it waits until Thu 12 Nov 21:20", server(), NOON, state=PENDING,
    ),
    Situation(
        "reboot.unattended", "reboot", "its window server is 21:20–03:20 America/New_York; it is Thu 02:30",
        f"{RUN}ring -e ring=production -l ACME-FS01", server(), state=PENDING,
    ),
    Situation(
        "reboot.overnight", "reboot", "its window workstation_overnight is 02:00–04:00", f"{RUN}ring -e ring=pilot",
        state=PENDING,
    ),
    Situation(
        "reboot.forced", "reboot", "pending for 3 days 4 h, forced after 3 days, from Sat 14 Nov 22:00",
        f"{RUN}ring -e ring=pilot", DAYTIME, at("2026-11-15 02:00"), state=PENDING,
    ),
    Situation(
        "reboot.reminder", "remind",
        "a user is logged on, never reminded yet (that is once a day from 10:00; it is 12:00 there)",
        "its user restarts ACME-WS01", DAYTIME, NOON, state=PENDING,
    ),
    Situation(
        "reboot.user", "wait", "pending for 14 h, forced after 3 days, from Sat 14 Nov 22:00; nobody is logged on",
        "its user restarts ACME-WS01", workstation(track="daytime"), NOON, state=PENDING,
    ),
    Situation(
        "validate.due", "validate", "last installed Wed 11 Nov 02:30, not validated since", f"{RUN}ring -e ring=pilot",
        state={"installed_at": "2026-11-11T07:30:00Z"},
    ),
    Situation(
        "scan.due", "scan", "searched Wed 11 Nov 02:00, 1 day 30 min ago, due again after 1 day; 1 update applies",
        f"{RUN}ring -e ring=pilot", state={"scanned_at": "2026-11-11T07:00:00Z"},
    ),
    Situation(
        "approval.nothing_approved", "none", "0 of 1 updates that apply to it approved",
        f"{RUN}approve -e updates=KB5046613 -e decision=approved -e \"reason='…'\"", updates=(update(**DRIVER),),
    ),
    Situation(
        "approval.review", "hold", "an engineer has not decided about KB5046613",
        f"{RUN}approve -e updates=KB5046613 -e decision=approved -e \"reason='…'\"", updates=(update(**OPTIONAL),),
    ),
    Situation(
        "gate.failure_open", "hold", "failure of 5046613 on Wed 11 Nov 03:00",
        f"{RUN}root_cause -e endpoint=ACME-WS01 -e \"code='…'\" -e \"text='…'\"",
        register={"failures": [{"endpoint": "ACME-WS01", "update": "KB5046613", "at": "2026-11-11T08:00:00Z"}]},
    ),
    Situation(
        "gate.tier_held", "hold", "ring pilot, client Acme is held since Wed 11 Nov 03:00: ACME-P1 failed",
        f"{RUN}release -e ring=pilot -e client=Acme -e \"reason='…'\"",
        register={"holds": [{"scope": {"ring": "pilot", "client": "Acme"}, "at": "2026-11-11T08:00:00Z",
                             "reason": "ACME-P1 failed"}]},
    ),
    Situation(
        "gate.soak", "hold", "0 of 1 approved updates through",
        f"{RUN}approve -e updates=KB5046613 -e decision=approved -e promote=true -e \"reason='…'\"",
        workstation(ring="regular"),
        register={"soak": [soaked(installed_at="2026-11-11T07:30:00Z", validated_at="2026-11-11T08:00:00Z")]},
    ),
    Situation(
        "gate.authorization", "manual",
        "a P1 server needs a technician's go in each cycle: none is on record for 2026-11",
        f"{RUN}authorize -e endpoint=ACME-FS01 -e \"reason='…'\"", server(role="domain_controller"),
        register={"soak": [soaked()]},
    ),
    Situation(
        "schedule.freeze", "wait", "the change freeze year end holds until Sun 15 Nov 00:00", "`freezes`",
        policy=FREEZE,
    ),
    Situation(
        "schedule.window", "wait",
        "its window workstation_overnight is 02:00–04:00 America/New_York; it is Thu 01:12 there",
        "nothing: it waits until Thu 12 Nov 02:00", now=at("2026-11-12 01:12"),
    ),
    Situation(
        "posture.offline", "wait", "its agent is silent, last contact Wed 11 Nov 19:00",
        "somebody switches it on", workstation(online=False, last_contact="2026-11-12T00:00:00Z"),
    ),
    Situation("posture.asleep", "wait", "it is asleep or hibernating", "somebody wakes it", workstation(asleep=True)),
    Situation(
        "deploy.install", "install", "KB5046613: nothing stands in the way, and its window is open until Thu",
        f"{RUN}ring -e ring=pilot -l ACME-WS01",
    ),
]  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.node)
def test_node_fact_and_remedy_are_told(situation: Situation) -> None:
    told = situation.explained()
    assert (told.decision.node, told.decision.action) == (situation.node, situation.action)
    assert (told.path[-1].node, told.path[-1].answer) == (situation.node, "yes")
    assert situation.fact in told.path[-1].words
    assert any(situation.remedy in f"{one.words} {one.command}" for one in told.would_change), told.would_change
    text = " ".join(page(told).split())
    headline = f"{situation.endpoint.name}: {situation.action.upper()} at {situation.node}"
    for part in (headline, situation.fact, situation.remedy):
        assert part in text


def test_no_node_of_the_flow_is_without_a_fact_a_remedy_and_a_situation() -> None:
    """A node that is added to the flow is found by its id in the source."""
    source = "".join(path.read_text(encoding="utf-8") for path in FLOW.glob("*.py"))
    ids = set(re.findall(r'"((?:scope|reboot|validate|scan|approval|gate|schedule|posture|deploy)\.[a-z_]+)"', source))
    settling = ids - {"reboot.pending", "approval.deferred", "approval.declined"}  # no walk ends at these
    assert {situation.node for situation in SITUATIONS} == settling
    assert set(REMEDIES) == settling
    assert set(FACTS) == settling | {"reboot.pending"}


def at_node(node: str) -> Situation:
    return next(one for one in SITUATIONS if one.node == node)


def test_the_path_tells_each_node_walked_with_its_answer_and_fact() -> None:
    told = at_node("deploy.install").explained()
    assert [fact.node for fact in told.path] == [*(node for node, dummy in NODES), "deploy.install"]
    assert all(fact.words for fact in told.path)
    assert {fact.answer for fact in told.path[:-1]} == {"no"}
    assert told.not_asked == ()
    assert at_node("scope.location_disabled").explained().not_asked[0] == "scope.agent_disabled"


def test_approval_and_soak_tell_rule_and_numbers_of_each_update() -> None:
    two = (update(), update("u2", kb=["7"], **DRIVER))
    told = replace(at_node("gate.soak"), updates=two).explained()
    rows = {fact.node: fact.rows for fact in told.path}
    assert "by the rule microsoft-security, due by Thu 12 Nov 13:00 (Microsoft" in rows["approval.nothing_approved"][0]
    assert "KB7 is declined by the rule drivers" in rows["approval.nothing_approved"][1]
    numbers = "1 of 1 pilot endpoints of any client that took it are healthy (95% and at least 1 are needed)"
    full = "the first healthy install was Wed 11 Nov 02:30, 7 days without a hold are full on Wed 18 Nov 02:30"
    assert rows["gate.soak"] == (f"KB5046613: {numbers}; {full}",)


def test_each_update_left_out_is_told_with_node_reason_and_until() -> None:
    updates = (update("u1"), update("u2", kb=["7"], **DRIVER), update("u3", kb=["8"], **OPTIONAL))
    text = page(replace(at_node("deploy.install"), updates=updates).explained())
    assert "  - KB5046613: to be installed" in text
    assert "  - KB7: left out at approval.declined: declined by the rule drivers" in text
    assert "  - KB8: left out at approval.review until Tue 17 Nov 13:00: held by the rule review" in text


def test_an_update_that_no_pilot_took_and_one_that_failed_there_say_what_they_wait_for() -> None:
    regular = replace(at_node("gate.soak"), register={})
    assert "a pilot endpoint that takes KB5046613 and is validated healthy" in page(regular.explained())
    failing = {"failures": [{"endpoint": "ACME-P1", "update": "u1", "at": "2026-11-11T08:00:00Z"}], "soak": [soaked()]}
    told = page(replace(regular, register=failing).explained())
    assert "it failed on ACME-P1" in " ".join(told.split())
    assert f"{RUN}root_cause -e endpoint=ACME-P1" in told


def test_who_is_away_is_told_with_the_windows_it_missed_and_who_tried_to_wake_it() -> None:
    start = at("2026-11-10 02:00")
    missed = Missed(2, start, at("2026-11-11 02:00"), at("2026-11-11 04:00"), "asleep")
    progress = Progress(missed=missed, woken_at=at("2026-11-11 02:05"), wake_peer="ACME-FS01")
    told = at_node("posture.asleep").explained(progress)
    assert told.path[-1].words == (
        "it is asleep or hibernating; 2 windows missed since 10 Nov, the last Wed 11 Nov 02:00 because it was asleep; "
        "ACME-FS01 sent it a packet to wake Wed 11 Nov 02:05"
    )
    assert "`wake: true`" in page(told)
    assert "missed" not in page(at_node("deploy.install").explained(progress))


AT_ONCE = "by the next run, which looks at what is in flight"
IN_FLIGHT = [
    (
        Progress(job=Job("install", "j1.2", NIGHT - timedelta(minutes=5), 10800, ("u1",))),
        "the install of KB5046613 was started Thu 12 Nov 02:25, 5 min ago, and may take 3 h (job j1.2)",
        AT_ONCE,
    ),
    (
        Progress(reboot=Reboot(NIGHT - timedelta(minutes=2), "134")),
        "it was told to reboot Thu 12 Nov 02:28, 2 min ago, and has",
        AT_ONCE,
    ),
    (
        Progress(checking_since=NIGHT - timedelta(minutes=3)),
        "it is being validated since Thu 12 Nov 02:27, 3 min ago; its checks have 10 min to pass",
        AT_ONCE,
    ),
    (
        Progress(retry_step="install", retry_at=NIGHT + timedelta(minutes=4), attempts=2),
        "retry 2 of its install is due Thu 12 Nov 02:34",
        "on Thu 12 Nov 02:34, for the retry",
    ),
    (
        Progress(unreachable_since=NIGHT - timedelta(hours=1)),
        "it did not answer, first on Thu 12 Nov 01:30, 1 h ago",
        "by the next run, if that starts before Thu 12 Nov 03:30: its install is due now",
    ),
]


@pytest.mark.parametrize(("progress", "words", "next_look"), IN_FLIGHT)
def test_what_is_in_flight_is_told(progress: Progress, words: str, next_look: str) -> None:
    told = at_node("deploy.install").explained(progress)
    assert len(told.in_flight) == 1
    assert words in told.in_flight[0]
    assert next_look in told.next_look


def test_a_reboot_whose_turn_it_is_not_says_whose_it_is() -> None:
    why = "ACME-FS01 reboots when ACME-FS02 is validated: both are of the redundancy group Acme role file_server (R6)"
    told = at_node("reboot.unattended").explained(step=Step("wait", why))
    assert told.in_flight == (f"its turn: {why}",)
    assert told.next_look == "by the next run after its turn has come"


def test_an_open_failure_is_told_in_the_words_of_its_record_and_a_run_at_work_by_name() -> None:
    words = "KB5046613 failed with 0x80070643 ERROR_INSTALL_FAILURE"
    told = at_node("gate.failure_open").explained(failures=[words], holder="run 1234abcd")
    assert told.path[-1].words == words
    assert told.in_flight == ("run 1234abcd is at it",)


SEARCH = "from Fri 13 Nov 00:00 on, for its next search for updates"
NEXT_LOOKS = [
    ("scope.agent_disabled", "by every run, with this answer until something above is changed"),
    ("gate.authorization", SEARCH),
    ("gate.soak", f"{SEARCH}; on Wed 18 Nov 02:30, when this answer may be another"),
    ("schedule.freeze", "on Sun 15 Nov 00:00, when this answer may be another"),
    ("validate.due", "by the next run: its validation is due now"),
]


@pytest.mark.parametrize(("node", "words"), NEXT_LOOKS)
def test_when_it_is_looked_at_next(node: str, words: str) -> None:
    assert words in at_node(node).explained().next_look


def test_without_a_time_zone_the_times_are_utc_and_say_so() -> None:
    told = replace(at_node("scope.unclassified"), endpoint=workstation(time_zone=None, ring=None)).explained()
    assert "Thu 12 Nov 2026 07:30 UTC; its time zone is not known" in told.here
    assert "set the time zone of its location or client" in told.would_change[0].words


def test_the_record_is_of_json_types() -> None:
    record = at_node("gate.authorization").explained().as_record()
    assert json.loads(json.dumps(record)) == record
    assert record["would_change"][0]["command"].startswith(f"{RUN}authorize")
    assert [row["update"] for row in record["left_out"]] == ["u1"]


def test_commands_are_quoted_for_a_shell() -> None:
    rows = {"holds": [{"scope": {"client": "Smith & Sons"}, "at": "2026-11-11T08:00:00Z"}]}
    told = replace(at_node("gate.tier_held"), endpoint=workstation(client="Smith & Sons"), register=rows).explained()
    assert told.would_change[0].command == f"{RUN}release -e \"client='Smith & Sons'\" -e \"reason='…'\""
