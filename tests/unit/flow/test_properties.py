# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for any input: one decision, the same each time, its path well-formed, no update in and out at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.flow import (
    Decision,
    Endpoint,
    Planner,
    Register,
    Update,
    decide,
    load_policy,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow.decision import ACTIONS
from ansible_collections.msp.patching.plugins.plugin_utils.flow.records import (
    CRITICALITIES,
    KINDS,
    RINGS,
    ROLES,
    SERVER_POLICY_GROUPS,
    SEVERITIES,
    TRACKS,
)
from ansible_collections.msp.patching.plugins.plugin_utils.flow.walk import NODES
from tests.examples import examples
from tests.unit.flow.build import DEFAULTS, update, workstation

START = datetime(2026, 10, 20, tzinfo=UTC)
ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Kiritimati"]
IDS, CLIENTS, NAMES = ["u1", "u2", "u3"], ["Acme", "Other"], ["E1", "E2", "P1"]
POLICIES = [
    DEFAULTS,
    load_policy({"minimum_remaining": "9h", "soak": {"days": 0}, "reminder": {"tracks": list(TRACKS)}}),
    load_policy(
        {
            "freezes": [
                {"name": "f", "start": "2026-11-10", "end": "2026-11-12"},
                {"name": "g", "start": "2026-11-12T00:00", "end": "2026-11-14"},
            ],
            "approval": [],
            "clients": {"Acme": {"authorization": {"rings": list(RINGS)}}},
        }
    ),
    load_policy(
        {
            "out_of_band": [
                {
                    "cycle": "2026-11-oob1",
                    "start": "2026-11-11T00:00:00Z",
                    "end": "2026-11-25T00:00:00Z",
                    "updates": ["u1", "2"],
                    "soak_days": 0,
                    "by": "x",
                    "reason": "y",
                }
            ]
        }
    ),
]


instants = st.integers(0, 40 * 24 * 60).map(lambda minutes: (START + timedelta(minutes=minutes)).isoformat())
identity = {
    "name": st.sampled_from(NAMES),
    "client": st.sampled_from(CLIENTS),
    "location": st.just("Main"),
    "online": st.sampled_from([None, True, True, False]),
    "asleep": st.sampled_from([None, False, False, True]),
    "user_logged_on": st.sampled_from([None, True, False]),
    "time_zone": st.sampled_from(ZONES),
    "ring": st.sampled_from(RINGS),
}
workstations = st.fixed_dictionaries(
    identity
    | {
        "kind": st.just("workstation"),
        "policy_group": st.just("auto"),
        "track": st.sampled_from(TRACKS),
    }
)
servers = st.fixed_dictionaries(
    identity
    | {
        "kind": st.just("server"),
        "policy_group": st.sampled_from([*SERVER_POLICY_GROUPS[1:], SERVER_POLICY_GROUPS[-1]]),
        "role": st.sampled_from(ROLES),
        "criticality": st.sampled_from([None, *CRITICALITIES]),
        "unattended_reboot": st.sampled_from([True, True, False, None]),
        "client_servers": st.sampled_from([None, 1, 3]),
    }
)
defects = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from([None, *KINDS]),
        "policy_group": st.sampled_from([None, *SERVER_POLICY_GROUPS, "auto"]),
        "location_disabled": st.booleans(),
        "agent_disabled": st.booleans(),
        **dict.fromkeys(("time_zone", "ring", "track", "role"), st.none()),
    },
)
# mostly endpoints that get past the first nodes: the walk has nineteen
endpoints = st.one_of(
    workstations,
    servers,
    workstations,
    servers,
    st.builds(lambda record, wrong: record | wrong, servers | workstations, defects),
)
updates = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(IDS),
            "kb": st.lists(st.sampled_from(["1", "2"]), max_size=1),
            "title": st.sampled_from(["a", "b"]),
            "categories": st.sampled_from(
                [["Security Updates"], ["Security Updates"], ["Drivers"], ["Definition Updates"], []]
            ),
            "severity": st.sampled_from(["Critical", *SEVERITIES, None]),
            "vendor": st.sampled_from([None, "Microsoft", "Microsoft"]),
            "released": st.none() | instants,
        }
    ),
    min_size=1,
    max_size=4,
)
known_updates: st.SearchStrategy[list[dict[str, Any]] | None] = st.one_of(
    updates, updates, updates, st.none(), st.just([])
)


def rows(**fields: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    some = st.lists(st.fixed_dictionaries(fields), max_size=2)
    return st.one_of(st.just([]), st.just([]), some)


references = st.sampled_from(["u1", "u2", "KB1", "2"])
registers = st.fixed_dictionaries(
    {
        "approvals": rows(
            update=references,
            decision=st.sampled_from(["approved", "approved", "declined", "deferred"]),
            at=st.none() | instants,
            client=st.none() | st.sampled_from(CLIENTS),
            until=st.none() | instants,
            promote=st.booleans(),
        ),
        "exceptions": rows(
            scope=st.sampled_from([{"client": "Other"}, {"endpoint": "E2"}, {"role": "smtp"}]),
            reason=st.just("R"),
            signed_by=st.none() | st.just("Roe"),
            signed_at=st.none() | instants,
            expires=st.none() | instants,
        ),
        "failures": rows(
            endpoint=st.sampled_from(["E2", "P1"]),
            update=st.none() | references,
            at=st.none() | instants,
            root_cause=st.none() | st.just({"by": "T"}) | st.just({"by": "T", "code": "C", "text": "t"}),
        ),
        "holds": rows(
            scope=st.sampled_from(
                [{"ring": "pilot"}, {"client": "Other"}, {"cycle": "2026-10"}, {"kind": "server", "ring": "regular"}]
            ),
            at=st.none() | instants,
            released=st.none() | st.fixed_dictionaries({"by": st.just("E"), "at": st.none() | instants}),
        ),
        "soak": rows(
            update=references,
            endpoint=st.sampled_from(NAMES),
            client=st.sampled_from(CLIENTS),
            installed_at=st.none() | instants,
            healthy=st.none() | st.booleans(),
            validated_at=st.none() | instants,
        ),
        "authorizations": rows(
            scope=st.sampled_from([{"endpoint": "E1"}, {"client": "Acme", "ring": "pilot", "kind": "server"}]),
            cycle=st.sampled_from(["2026-10", "2026-11", "2026-11-oob1"]),
            at=st.none() | instants,
        ),
        "endpoints": st.dictionaries(
            st.sampled_from(NAMES),
            st.fixed_dictionaries(
                {
                    key: st.none() | st.none() | instants
                    for key in (
                        "scanned_at",
                        "reboot_pending_since",
                        "reminded_at",
                        "installed_at",
                        "rebooted_at",
                        "validated_at",
                    )
                }
            ),
            max_size=2,
        ),
    }
)
moments = st.builds(
    lambda days, hour, seconds: START + timedelta(days=days, hours=hour, seconds=seconds),
    st.integers(0, 45),
    st.sampled_from([*range(24), 7, 7, 7, 15]),  # 02:00 and 10:00 in New York more often
    st.integers(0, 3600),
)
NODE_ORDER = [node for node, dummy in NODES] + ["deploy.install"]


def check(found: Decision, given_updates: list[Update] | None, now: datetime) -> None:
    known = {update.id for update in given_updates or []}
    out = [row.update for row in found.left_out]
    assert found.action in ACTIONS
    assert found.reason
    assert set(found.updates) | set(out) == known
    assert len(out) == len(set(out))
    assert not set(found.updates) & set(out)
    assert bool(found.updates) is (found.action == "install")
    assert all(row.reason and row.node for row in found.left_out)
    walked = [node for node, dummy in found.path]
    assert walked[-1] == found.node
    listed = [node for node in walked if node in NODE_ORDER]
    ahead = NODE_ORDER[: len(listed)]
    assert listed == ahead or listed[:-1] == ahead[:-1]  # the last may be posture.offline, asked early
    settled = [answer for node, answer in found.path if answer.startswith("yes")]
    assert settled[-1] == f"yes: {found.reason}"
    if found.action in ("wait", "install", "reboot"):
        assert found.until is not None
        assert found.until > now
    if found.until is not None and found.action not in ("hold", "none", "skip"):
        assert found.until.utcoffset() is not None
    json.dumps(found.as_record())


@settings(max_examples=examples(200))
@given(endpoints, known_updates, registers, st.sampled_from(POLICIES), moments)
def test_decide_is_total_and_deterministic(
    endpoint: dict[str, Any], given_updates: Any, register: dict[str, Any], policy: Any, now: datetime
) -> None:
    machine, known = Endpoint.parse(endpoint), Register.parse(register)
    parsed = None if given_updates is None else [Update.parse(row) for row in given_updates]
    found = decide(machine, parsed, known, policy, now)
    check(found, parsed, now)
    assert decide(machine, parsed, known, policy, now.astimezone()) == found


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(endpoints, known_updates), max_size=5), registers, st.sampled_from(POLICIES), moments)
def test_what_the_planner_remembers_changes_nothing(
    many: list[tuple[dict[str, Any], Any]], register: dict[str, Any], policy: Any, now: datetime
) -> None:
    known = Register.parse(register)
    planner = Planner(policy, known, now)
    for record, given_updates in many:
        machine = Endpoint.parse(record)
        parsed = None if given_updates is None else [Update.parse(row) for row in given_updates]
        assert planner.decide(machine, parsed) == decide(machine, parsed, known, policy, now)


@settings(max_examples=examples(150))
@given(
    zone=st.sampled_from(ZONES),
    day=st.integers(9, 29),
    seconds=st.integers(0, 5 * 3600),
    pending=st.booleans(),
    least=st.integers(0, 150),
)
def test_work_starts_in_a_window_with_enough_of_it_left_and_only_then(
    zone: str, day: int, seconds: int, pending: bool, least: int
) -> None:
    """In November no clock changes in these zones, so that plain wall time is right."""
    local = datetime(2026, 11, day, tzinfo=ZoneInfo(zone)) + timedelta(seconds=seconds)
    row = {"reboot_pending_since": "2026-11-01T00:00:00Z"} if pending else {}
    found = decide(
        workstation(time_zone=zone),
        [update()],
        Register.parse({"endpoints": {"ACME-WS01": row}}),
        load_policy({"minimum_remaining": f"{least}m"}),
        local,
    )
    works = 2 * 3600 <= seconds < 4 * 3600 and 4 * 3600 - seconds >= least * 60
    expected = ("reboot", "wait") if pending else ("install", "wait")
    assert found.action == expected[0 if works else 1]
