# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy document through the filters: every key at every level, freezes, and what is refused by its path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError

from tests.unit.filter.asking import (
    NIGHT,
    NOON,
    Record,
    ask,
    decide,
    known,
    later,
    local,
    optional,
    outcome,
    same,
    server,
    taken,
    workstation,
)

WS = "ACME-WS01"
LEVELS = ["top", "client", "location", "endpoint"]


def at_level(level: str, figures: Record, endpoint: str = WS) -> Record:
    """A policy document that says this at one level."""
    return {
        "top": figures,
        "client": {"clients": {"Acme Dental": figures}},
        "location": {"locations": {"Acme Dental": {"Main Office": figures}}},
        "endpoint": {"endpoints": {endpoint: figures}},
    }[level]


def elsewhere(level: str, figures: Record) -> Record:
    """One that says it of somebody else."""
    return {
        "client": {"clients": {"Bolt Ltd": figures}},
        "location": {"locations": {"Acme Dental": {"Branch": figures}, "Bolt Ltd": {"Main Office": figures}}},
        "endpoint": {"endpoints": {"ACME-WS02": figures}},
    }[level]


EVENT = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\nBEGIN:VEVENT\nUID:1\n{}\nEND:VEVENT\nEND:VCALENDAR\n"
LONG = {"name": "f", "start": "2026-11-01T00:00:00Z", "end": "2026-11-20T00:00:00Z"}
EARLIER = {"scanned_at": later(NIGHT, hours=-3)}
DAYTIME = workstation(track="daytime", user_logged_on=True)
PILOT_SERVER = server(ring="pilot")

# key, its value, what is asked, what the default gives, what the value gives
OBSERVED: list[tuple[str, Any, dict[str, Any], tuple[str, str], tuple[str, str]]] = [
    (
        "windows",
        {"workstation_overnight": {"start": "03:00", "end": "05:00"}},
        {"endpoint": workstation()},
        ("install", "deploy.install"),
        ("wait", "schedule.window"),
    ),
    (
        "minimum_remaining",
        "10m",
        {"endpoint": workstation(), "now": local("2026-11-12T03:45")},
        ("wait", "schedule.window"),
        ("install", "deploy.install"),
    ),
    (
        "scan_max_age",
        "2h",
        {"endpoint": workstation(), "endpoints": {WS: EARLIER}},
        ("install", "deploy.install"),
        ("scan", "scan.due"),
    ),
    (
        "reminder",
        {"at": "13:00"},
        {"endpoint": DAYTIME, "now": NOON, "endpoints": known(DAYTIME, reboot_pending_since=NIGHT)},
        ("remind", "reboot."),
        ("wait", "reboot."),
    ),
    (
        "force_reboot_after",
        "1d",
        {"endpoint": DAYTIME, "endpoints": known(DAYTIME, reboot_pending_since=later(NIGHT, days=-2))},
        ("wait", "reboot."),
        ("reboot", "reboot."),
    ),
    (
        "approval",
        [{"name": "nothing", "decision": "declined"}],
        {"endpoint": workstation()},
        ("install", "deploy.install"),
        ("none", "approval.nothing_approved"),
    ),
    (
        "soak",
        {"days": 20},
        {"endpoint": workstation(ring="regular"), "soak": [taken()]},
        ("install", "deploy.install"),
        ("hold", "gate.soak"),
    ),
    (
        "authorization",
        {"rings": []},
        {"endpoint": PILOT_SERVER | {"name": WS}},
        ("manual", "gate.authorization"),
        ("install", "deploy.install"),
    ),
    ("freezes", [LONG], {"endpoint": workstation()}, ("install", "deploy.install"), ("wait", "schedule.freeze")),
    (
        "criticality",
        {"file_server": "P1"},
        {"endpoint": server(name=WS), "soak": [taken()]},
        ("install", "deploy.install"),
        ("manual", "gate.authorization"),
    ),
    (
        "business_hours",
        {"start": "13:00", "end": "18:00"},
        {"endpoint": DAYTIME, "now": NOON},
        ("install", "deploy.install"),
        ("wait", "schedule.window"),
    ),
]
IDS = [case[0] for case in OBSERVED]


def seen(asked: dict[str, Any], policy: Record) -> tuple[str, str]:
    action, node = outcome(decide(**asked, policy=policy))
    return action, "reboot." if node.startswith("reboot.") else node


@pytest.mark.parametrize("case", OBSERVED, ids=IDS)
@pytest.mark.parametrize("level", LEVELS)
def test_every_key_overrides_at_every_level(case: Any, level: str) -> None:
    key, value, asked, default, overridden = case
    assert seen(asked, {}) == default
    assert seen(asked, at_level(level, {key: value})) == overridden
    if level != "top":
        assert seen(asked, elsewhere(level, {key: value})) == default


def test_a_location_may_be_named_without_its_client() -> None:
    policy: Record = {"locations": {"Main Office": {"freezes": [LONG]}}}
    for place, node in [("Main Office", "schedule.freeze"), ("Branch", "deploy.install"), (None, "deploy.install")]:
        assert decide(workstation(location=place), policy=policy)["node"] == node
    policy["locations"]["Acme Dental"] = {"Main Office": {"freezes": []}}
    assert decide(workstation(), policy=policy)["node"] == "deploy.install", "the narrower one wins"
    assert decide(workstation(client="Bolt Ltd"), policy=policy)["node"] == "schedule.freeze"


@pytest.mark.parametrize("weaker", range(3))
def test_the_narrower_level_wins(weaker: int) -> None:
    wide, narrow = {"minimum_remaining": "1h"}, {"minimum_remaining": "5m"}
    now = local("2026-11-12T03:50")
    policy = at_level(LEVELS[weaker], wide) | at_level(LEVELS[weaker + 1], narrow)
    assert decide(workstation(), now=now, policy=policy)["action"] == "install"
    policy = at_level(LEVELS[weaker], narrow) | at_level(LEVELS[weaker + 1], wide)
    assert decide(workstation(), now=now, policy=policy)["action"] == "wait"


def test_an_override_leaves_the_other_figures_as_they_are() -> None:
    policy = {"soak": {"minimum_endpoints": 2}, "clients": {"Acme Dental": {"soak": {"days": 1}}}}
    now, start = NIGHT, later(NIGHT, days=-1)
    assert decide(server(), now=now, policy=policy, soak=[taken("P1", at=start)])["node"] == "gate.soak"
    rows = [taken("P1", at=start), taken("P2", at=start)]
    assert decide(server(), now=now, policy=policy, soak=rows)["action"] == "install"


@pytest.mark.parametrize("key", ["validation", "failure", "on_call", *IDS])
@pytest.mark.parametrize("level", LEVELS)
def test_every_key_of_the_interface_may_be_said_and_a_bad_value_is_refused_by_its_path(key: str, level: str) -> None:
    empty: Any = [] if key in ("approval", "freezes") else {}
    if key not in ("minimum_remaining", "scan_max_age", "force_reboot_after"):
        assert decide(workstation(), policy=at_level(level, {key: empty}))["action"]
    path = {
        "top": key,
        "client": f"clients.Acme Dental.{key}",
        "location": f"locations.Acme Dental.Main Office.{key}",
        "endpoint": f"endpoints.{WS}.{key}",
    }[level]
    with pytest.raises(AnsibleError, match=re.escape(path)):
        decide(workstation(), policy=at_level(level, {key: 7.5}))


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        ({"minimal_remaining": "5m"}, "minimal_remaining"),
        ({"soak": {"day": 1}}, "soak.day"),
        ({"soak": {"days": -1}}, "soak.days"),
        ({"soak": {"days": "seven"}}, "soak.days"),
        ({"soak": {"minimum_healthy": 101}}, "soak.minimum_healthy"),
        ({"soak": {"scope": "site"}}, "soak.scope"),
        ({"windows": {"server": {"start": "25:00"}}}, "windows.server.start"),
        ({"windows": {"server": {"begin": "20:00"}}}, "windows.server.begin"),
        ({"criticality": {"file_server": "P4"}}, "criticality.file_server"),
        ({"criticality": {"fileserver": "P2"}}, "criticality.fileserver"),
        ({"clients": {"Acme": {"soak": {"day": 1}}}}, "clients.Acme.soak.day"),
        ({"clients": {"Acme": {"clients": {}}}}, "clients.Acme.clients"),
        ({"endpoints": {"PC.1": {"soaking": {}}}}, "endpoints.PC.1.soaking"),
        ({"freezes": [{"name": "x", "start": "2026-12-01", "end": "2026-12-02", "site": "y"}]}, "freezes[0].site"),
        ({"freezes": [{"name": "x"}]}, "freezes[0]"),
        ({"approval": [{"name": "x", "decision": "maybe"}]}, "approval[0].decision"),
        ({"approval": [{"name": "x", "decision": "held", "matches": {}}]}, "approval[0].matches"),
    ],
)
@pytest.mark.parametrize(
    "expression",
    [
        "e | msp.patching.decide([], n, policy=p)",
        "e | msp.patching.window(n, p)",
        "[] | msp.patching.approvals(n, policy=p)",
    ],
)
def test_an_unknown_key_or_a_bad_value_names_its_path(policy: Record, path: str, expression: str) -> None:
    with pytest.raises(AnsibleError, match=re.escape(path)):
        ask(expression, e=workstation(), n=NIGHT, p=policy)


# --- freezes

ALWAYS = {"workstation_overnight": {"start": "00:00", "end": "00:00"}}


def frozen(row: Record, now: str, endpoint: Record | None = None) -> Record | None:
    """The decision that a freeze settles, or none where it settles nothing."""
    machine = workstation() if endpoint is None else endpoint
    policy = {"freezes": [{"name": "x", **row}], "windows": ALWAYS, "minimum_remaining": "0m"}
    found = decide(machine, now=now, policy=policy, endpoints={}, soak=[taken(at="2026-01-01T00:00:00Z")])
    assert outcome(found) in {("wait", "schedule.freeze"), ("install", "deploy.install")}
    return found if found["action"] == "wait" else None


RANGE = {"start": "2026-12-20T18:00:00-05:00", "end": "2026-12-27T06:00:00-05:00"}


def test_a_range_of_instants_is_half_open_and_told() -> None:
    assert frozen(RANGE, later(RANGE["start"], seconds=-1)) is None
    for now in (RANGE["start"], later(RANGE["end"], seconds=-1)):
        found = frozen(RANGE, now)
        assert found is not None
        assert same(found["until"], RANGE["end"])
    assert frozen(RANGE, RANGE["end"]) is None


def test_a_range_of_dates_is_whole_local_days() -> None:
    row = {"start": "2026-12-24", "end": "2026-12-26"}
    for zone in ("America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu"):
        endpoint = workstation(time_zone=zone)
        assert frozen(row, local("2026-12-23T22:59:59", zone), endpoint) is None
        assert frozen(row, local("2026-12-24T00:00", zone), endpoint) is not None
        assert frozen(row, local("2026-12-25T23:20", zone), endpoint) is not None
        assert frozen(row, local("2026-12-27T00:00", zone), endpoint) is None


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ({}, True),
        ({"client": "Acme Dental"}, True),
        ({"client": "Acme Dental", "location": "Main Office"}, True),
        ({"location": "Main Office"}, True),
        ({"location": "Branch"}, False),
        ({"role": "file_server"}, True),
        ({"client": "Acme Dental", "role": "file_server"}, True),
        ({"client": "Bolt Ltd"}, False),
        ({"client": "Acme Dental", "location": "Branch"}, False),
        ({"client": "Bolt Ltd", "location": "Main Office"}, False),
        ({"role": "sql_server"}, False),
        ({"client": "Bolt Ltd", "role": "file_server"}, False),
    ],
)
def test_a_freeze_is_for_all_a_client_a_location_or_a_role(scope: Record, covered: bool) -> None:
    policy = {"freezes": [LONG | scope]}
    found = decide(server(), soak=[taken()], policy=policy)
    assert found["node"] == ("schedule.freeze" if covered else "deploy.install")
    assert not covered or same(found["until"], LONG["end"])


def calendar_of(event: str) -> str:
    return EVENT.format(event).replace("\n", "\r\n")


CALENDARS = [
    # an hour in UTC
    ("DTSTART:20261224T010000Z\nDTEND:20261224T020000Z", "2026-12-24T01:00Z", "2026-12-24T02:00Z"),
    # a time with its zone
    (
        "DTSTART;TZID=Europe/Berlin:20261224T080000\nDTEND;TZID=Europe/Berlin:20261224T100000",
        "2026-12-24T07:00Z",
        "2026-12-24T09:00Z",
    ),
    # one without: the endpoint's
    ("DTSTART:20261224T080000\nDTEND:20261224T100000", "2026-12-24T08:00-05:00", "2026-12-24T10:00-05:00"),
    ("DTSTART:20261224T080000Z\nDURATION:P1DT2H", "2026-12-24T08:00Z", "2026-12-25T10:00Z"),
    # all day: to the end that iCalendar does not include
    ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227", "2026-12-24T00:00-05:00", "2026-12-27T00:00-05:00"),
    ("DTSTART;VALUE=DATE:20261224", "2026-12-24T00:00-05:00", "2026-12-25T00:00-05:00"),
    # the second and a later one of a series
    (
        "DTSTART:20261201T100000Z\nDTEND:20261201T120000Z\nRRULE:FREQ=WEEKLY;COUNT=4",
        "2026-12-22T10:00Z",
        "2026-12-22T12:00Z",
    ),
    (
        "DTSTART;VALUE=DATE:20201224\nDTEND;VALUE=DATE:20201226\nRRULE:FREQ=YEARLY",
        "2026-12-24T00:00-05:00",
        "2026-12-26T00:00-05:00",
    ),
    # a series keeps its wall time when the clock changes
    (
        "DTSTART;TZID=America/New_York:20261030T080000\nDTEND;TZID=America/New_York:20261030T100000\nRRULE:FREQ=DAILY;COUNT=5",
        "2026-11-02T08:00-05:00",
        "2026-11-02T10:00-05:00",
    ),
    (
        "DTSTART;TZID=America/New_York:20261030T220000\nDTEND;TZID=America/New_York:20261031T060000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR",
        "2026-11-27T22:00-05:00",
        "2026-11-28T06:00-05:00",
    ),
]


@pytest.mark.parametrize(("event", "start", "end"), CALENDARS)
@pytest.mark.parametrize("as_file", [False, True])
def test_a_freeze_of_a_calendar(event: str, start: str, end: str, as_file: bool, tmp_path: Path) -> None:
    calendar = calendar_of(event)
    if as_file:
        path = tmp_path / "freeze.ics"
        path.write_bytes(calendar.encode())
        calendar = str(path)
    row = {"ics": calendar}
    assert frozen(row, later(start, seconds=-1)) is None
    found = frozen(row, start)
    assert found is not None
    assert same(found["until"], end)
    assert frozen(row, later(end, seconds=-1)) is not None
    assert frozen(row, end) is None


def test_an_occurrence_that_is_called_off_freezes_nothing() -> None:
    event = "DTSTART:20261201T100000Z\nDTEND:20261201T120000Z\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE:20261222T100000Z"
    assert frozen({"ics": calendar_of(event)}, "2026-12-22T10:30:00Z") is None
    assert frozen({"ics": calendar_of(event)}, "2026-12-15T10:30:00Z") is not None
    event = "STATUS:CANCELLED\nDTSTART:20261222T100000Z\nDTEND:20261222T120000Z"
    assert frozen({"ics": calendar_of(event)}, "2026-12-22T10:30:00Z") is None


def test_a_calendar_that_cannot_be_read_is_refused_by_its_path(tmp_path: Path) -> None:
    for ics in (str(tmp_path / "missing.ics"), "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:yesterday"):
        with pytest.raises(AnsibleError, match=r"freezes\[0\]"):
            frozen({"ics": ics}, NIGHT)


def test_a_freeze_stops_no_scan_and_no_review() -> None:
    policy = {"freezes": [LONG]}
    assert decide(workstation(), unknown=True, policy=policy)["action"] == "scan"
    assert decide(workstation(), [optional()], policy=policy)["node"] == "approval.review"


def test_adjoining_freezes_are_waited_out() -> None:
    second = {"name": "g", "start": LONG["end"], "end": "2026-11-25T00:00:00Z"}
    found = decide(workstation(), policy={"freezes": [LONG, second]})
    assert outcome(found) == ("wait", "schedule.freeze")
    assert same(found["until"], LONG["end"]) or same(found["until"], second["end"])
