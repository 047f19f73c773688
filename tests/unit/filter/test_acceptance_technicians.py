# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections 5 and 6 through the filter decide: whose go is needed, and who reboots when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.filter.asking import (
    NEW_YORK,
    NIGHT,
    NOON,
    Record,
    authorization,
    decide,
    driver,
    hold,
    known,
    later,
    local,
    optional,
    outcome,
    same,
    server,
    taken,
    update,
    workstation,
)

GO = [authorization({"endpoint": "ACME-FS01"})]
MANUAL, INSTALL = ("manual", "gate.authorization"), ("install", "deploy.install")
P1 = ["domain_controller", "sql_server", "app_server"]
P2 = ["file_server", "web_server", "utility", "infrastructure"]
P2_UNLESS_SET = ["virtualization_host", "exchange", "smtp", "management"]
P3 = ["backup", "disaster_recovery"]


# --- authorisation


@pytest.mark.parametrize("role", [*P1, *P2, *P2_UNLESS_SET, *P3])
@pytest.mark.parametrize("ring", ["mosttest", "regular", "production"])
def test_p1_servers_need_a_technicians_go(role: str, ring: str) -> None:
    needed = role in P1
    assert outcome(decide(server(role=role, ring=ring), soak=[taken()])) == (MANUAL if needed else INSTALL)
    assert outcome(decide(server(role=role, ring=ring), soak=[taken()], authorizations=GO)) == INSTALL


@pytest.mark.parametrize(
    ("role", "criticality", "needed"),
    [
        ("web_server", "P1", True),
        ("smtp", "P1", True),
        ("domain_controller", "P3", False),
        ("domain_controller", None, True),
        ("sql_server", "P2", False),
    ],
)
def test_a_criticality_that_is_set_goes_before_the_roles(role: str, criticality: str | None, needed: bool) -> None:
    found = decide(server(role=role, criticality=criticality), soak=[taken()])
    assert outcome(found) == (MANUAL if needed else INSTALL)


@pytest.mark.parametrize("role", ["file_server", "backup", "domain_controller"])
def test_pilot_servers_need_a_go(role: str) -> None:
    assert outcome(decide(server(ring="pilot", role=role))) == MANUAL
    assert outcome(decide(server(ring="pilot", role=role), authorizations=GO)) == INSTALL


@pytest.mark.parametrize("ring", ["pilot", "mosttest", "regular", "production"])
@pytest.mark.parametrize("role", ["file_server", "domain_controller"])
def test_a_single_server_has_no_pilot_and_a_technician_starts_it(ring: str, role: str) -> None:
    alone = server(client_servers=1, ring=ring, role=role)
    assert outcome(decide(alone)) == MANUAL
    assert outcome(decide(alone, authorizations=GO)) == INSTALL
    assert outcome(decide(alone, authorizations=GO, now=NOON)) == ("wait", "schedule.window")


def test_with_two_servers_the_others_wait_for_the_pilot() -> None:
    assert outcome(decide(server(client_servers=2), authorizations=GO)) == ("hold", "gate.soak")


@pytest.mark.parametrize("ring", ["pilot", "regular"])
def test_workstations_need_no_go(ring: str) -> None:
    assert outcome(decide(workstation(ring=ring, client_servers=1), soak=[taken()])) == INSTALL


TIER = {"client": "Acme Dental", "ring": "production", "kind": "server"}


@pytest.mark.parametrize(
    ("scope", "enough"),
    [
        ({"endpoint": "ACME-FS01"}, True),
        (TIER, True),
        ({"endpoint": "ACME-FS02"}, False),
        (TIER | {"client": "Bolt Ltd"}, False),
        (TIER | {"ring": "pilot"}, False),
        (TIER | {"kind": "workstation"}, False),
    ],
)
@pytest.mark.parametrize("cycle", ["2026-11", "2026-10", "2026-12", "2026-11-oob1"])
def test_a_go_is_for_an_endpoint_or_tier_and_one_cycle(scope: Record, enough: bool, cycle: str) -> None:
    found = decide(server(role="sql_server"), soak=[taken()], authorizations=[authorization(scope, cycle)])
    if cycle != "2026-11-oob1":  # what an out-of-band cycle authorises is another matter
        assert outcome(found) == (INSTALL if enough and cycle == "2026-11" else MANUAL)
    elif not enough:
        assert outcome(found) == MANUAL


def test_a_go_expires_with_its_cycle() -> None:
    """The December cycle opens on 8 December at 10:00 in Los Angeles."""
    endpoint, rows = server(role="sql_server"), dict[str, Any](soak=[taken()], authorizations=GO)
    last, first = local("2026-12-08T02:00"), local("2026-12-08T22:00")
    assert outcome(decide(endpoint, now=last, endpoints={}, **rows)) == INSTALL
    assert outcome(decide(endpoint, now=first, endpoints={}, **rows)) == MANUAL


def test_a_go_is_asked_for_at_any_hour_but_only_for_what_has_come_through() -> None:
    endpoint = server(role="sql_server")
    freeze = {"freezes": [{"name": "f", "start": "2026-11-01T00:00:00Z", "end": "2026-11-20T00:00:00Z"}]}
    assert outcome(decide(endpoint, now=NOON, soak=[taken()], policy=freeze)) == MANUAL
    assert decide(endpoint)["node"] == "gate.soak"
    assert decide(endpoint, soak=[taken()], holds=[hold({"kind": "server"})])["node"] == "gate.tier_held"


# --- the group manual


@pytest.mark.parametrize("now", [NIGHT, NOON])
@pytest.mark.parametrize("role", ["file_server", "domain_controller"])
def test_the_manual_group_is_never_installed_by_automation(role: str, now: str) -> None:
    endpoint = server(policy_group="manual", role=role, unattended_reboot=True)
    assert outcome(decide(endpoint, now=now, soak=[taken()], authorizations=GO)) == MANUAL
    assert outcome(decide(endpoint, now=now, soak=[taken()])) == MANUAL


def test_a_manual_server_that_is_up_to_date_needs_nobody() -> None:
    assert decide(server(policy_group="manual"), [])["action"] == "none"
    assert decide(server(policy_group="manual"), [driver()])["action"] == "none"
    assert decide(server(policy_group="manual"), [optional()])["node"] == "approval.review"


# --- a server's reboot

PENDING = "2026-11-11T23:00:00-05:00"
UNATTENDED = {"policy_group": "auto_install_auto_reboot", "unattended_reboot": True}


def pending(endpoint: Record, now: str, since: str = PENDING, **facts: str) -> Record:
    return decide(endpoint, now=now, endpoints=known(endpoint, reboot_pending_since=since, **facts))


@pytest.mark.parametrize(
    "changes",
    [
        {"policy_group": "auto_install_manual_reboot"},
        {"policy_group": "auto_install_manual_reboot", "unattended_reboot": True},
        {"policy_group": "auto_install_auto_reboot"},
        {"policy_group": "auto_install_auto_reboot", "unattended_reboot": None},
        {"policy_group": "manual", "unattended_reboot": True},
    ],
)
@pytest.mark.parametrize("now", [NIGHT, NOON])
def test_a_technician_reboots_outside_the_window_too(changes: Record, now: str) -> None:
    assert outcome(pending(server(**changes), now)) == ("manual", "reboot.technician")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (local("2026-11-12T21:20"), "reboot"),
        (local("2026-11-12T23:59"), "reboot"),
        (local("2026-11-13T02:50"), "reboot"),
        (local("2026-11-13T02:50:01"), "wait"),  # too little is left (R4)
        (local("2026-11-13T03:20"), "wait"),
        (local("2026-11-12T12:00"), "wait"),
        (local("2026-11-12T21:19:59"), "wait"),
    ],
)
def test_an_approved_server_is_rebooted_in_its_window(now: str, expected: str) -> None:
    endpoint = server(**UNATTENDED)
    found = pending(endpoint, now)
    assert found["action"] == expected
    assert found["node"].startswith("reboot.")
    if expected == "wait":
        day = "2026-11-13" if now >= "2026-11-13" else "2026-11-12"
        assert same(found["until"], local(f"{day}T21:20"))


def test_a_pending_reboot_comes_before_all_that_follows() -> None:
    endpoint = server(**UNATTENDED)
    facts = {"ACME-FS01": {"reboot_pending_since": PENDING, "installed_at": PENDING}}
    assert decide(endpoint, unknown=True, endpoints=facts)["action"] == "reboot"


def test_after_the_reboot_it_is_validated() -> None:
    endpoint = server(**UNATTENDED)
    facts = known(endpoint, reboot_pending_since=None, rebooted_at=later(NIGHT, minutes=-5))
    assert outcome(decide(endpoint, endpoints=facts)) == ("validate", "validate.due")


# --- a workstation's reboot


@pytest.mark.parametrize("logged_on", [True, False])
def test_overnight_reboots_at_night_with_no_user_involved(logged_on: bool) -> None:
    endpoint = workstation(user_logged_on=logged_on, ring="regular")
    for now, expected in [
        ("2026-11-12T02:00", "reboot"),
        ("2026-11-12T03:30", "reboot"),
        ("2026-11-12T03:30:01", "wait"),
        ("2026-11-12T11:00", "wait"),
    ]:
        found = pending(endpoint, local(now))
        assert found["action"] == expected
        assert found["node"].startswith("reboot.")
        assert expected == "reboot" or same(found["until"], local("2026-11-13T02:00"))


DAYTIME = workstation(track="daytime", ring="regular", user_logged_on=True)
SINCE = local("2026-11-12T15:00")  # a Thursday: forced from Sunday 15:00, that is, on Monday at 02:00


@pytest.mark.parametrize(
    ("now", "reminded", "expected"),
    [
        ("2026-11-12T15:01", None, "remind"),
        ("2026-11-12T23:30", None, "remind"),
        ("2026-11-12T16:00", "2026-11-12T15:01", "wait"),
        ("2026-11-13T09:59:59", "2026-11-12T15:01", "wait"),
        ("2026-11-13T09:59:59", None, "wait"),
        ("2026-11-13T10:00", "2026-11-12T15:01", "remind"),
        ("2026-11-13T10:00", "2026-11-12T23:30", "remind"),  # less than a day ago, and yet another day
        ("2026-11-13T18:00", "2026-11-13T10:00", "wait"),
        ("2026-11-14T10:00", "2026-11-13T10:00", "remind"),  # daily: a Saturday too
        ("2026-11-15T16:00", "2026-11-14T10:00", "remind"),  # until rebooted
        ("2026-11-13T02:30", "2026-11-12T15:01", "wait"),
        ("2026-11-15T02:30", "2026-11-14T10:00", "wait"),
        ("2026-11-15T15:00", "2026-11-15T10:00", "wait"),
        ("2026-11-16T01:59:59", "2026-11-15T10:00", "wait"),
        ("2026-11-16T02:00", "2026-11-15T10:00", "reboot"),
        ("2026-11-16T03:30", "2026-11-15T10:00", "reboot"),
        ("2026-11-16T03:30:01", "2026-11-15T10:00", "wait"),
        ("2026-11-17T02:00", "2026-11-15T10:00", "reboot"),
    ],
)
def test_a_daytime_user_is_reminded_once_a_day_and_forced_after_three(
    now: str, reminded: str | None, expected: str
) -> None:
    facts = {} if reminded is None else {"reminded_at": local(reminded)}
    found = pending(DAYTIME, local(now), SINCE, **facts)
    assert found["action"] == expected
    assert found["node"].startswith("reboot.")
    assert expected != "wait" or found["until"] is not None


def test_forced_after_exactly_three_days() -> None:
    since = local("2026-11-09T02:00")
    assert pending(DAYTIME, local("2026-11-12T02:00"), since)["action"] == "reboot"
    assert pending(DAYTIME, local("2026-11-12T02:00"), later(since, seconds=1))["action"] != "reboot"
    assert pending(DAYTIME, local("2026-11-11T02:00"), since)["action"] == "wait"


@pytest.mark.parametrize("logged_on", [False, None])
def test_nobody_is_reminded_while_nobody_is_logged_on(logged_on: bool | None) -> None:
    endpoint = DAYTIME | {"user_logged_on": logged_on}
    assert pending(endpoint, local("2026-11-13T11:00"), SINCE)["action"] == "wait"
    assert pending(endpoint, local("2026-11-16T02:00"), SINCE)["action"] == "reboot", "forced all the same"


@pytest.mark.parametrize(
    ("now", "reminded", "until"),
    [
        ("2026-11-13T08:00", None, "2026-11-13T10:00"),
        ("2026-11-13T11:00", "2026-11-13T10:00", "2026-11-14T10:00"),
        ("2026-11-15T11:00", "2026-11-15T10:00", "2026-11-16T02:00"),
    ],
)
def test_it_waits_for_the_next_reminder_or_the_forced_reboot(now: str, reminded: str | None, until: str) -> None:
    facts = {} if reminded is None else {"reminded_at": local(reminded)}
    assert same(pending(DAYTIME, local(now), SINCE, **facts)["until"], local(until))


def test_the_day_of_a_reminder_is_the_local_one() -> None:
    """In Auckland it is the next day while it is still the same day in UTC, and the other way round in Honolulu."""
    for zone in ("Pacific/Auckland", "Pacific/Honolulu", "Asia/Kathmandu", NEW_YORK):
        endpoint, since = DAYTIME | {"time_zone": zone}, local("2026-11-11T15:00", zone)
        for now, reminded, expected in [
            ("2026-11-12T10:00", "2026-11-11T23:00", "remind"),
            ("2026-11-12T22:00", "2026-11-12T10:00", "wait"),
        ]:
            found = pending(endpoint, local(now, zone), since, reminded_at=local(reminded, zone))
            assert found["action"] == expected


@pytest.mark.parametrize("ring", ["pilot", "mosttest"])
@pytest.mark.parametrize("track", ["overnight", "daytime"])
def test_pilot_and_mosttest_get_each_batch_first(ring: str, track: str) -> None:
    now = NIGHT if track == "overnight" else NOON
    assert outcome(decide(workstation(ring=ring, track=track), [update()], now=now)) == INSTALL


def test_a_daytime_machine_must_be_awake() -> None:
    found = decide(workstation(track="daytime", asleep=True), now=NOON)
    assert outcome(found) == ("wait", "posture.asleep")
    assert same(found["until"], local("2026-11-13T09:00"))
