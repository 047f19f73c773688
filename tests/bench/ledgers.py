# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet, and ledgers of its past months: long ones are made in bulk, by the code that writes every ledger.

A run an hour searches some of the endpoints; once a month each of them is patched, and one of a hundred fails first.
Chain and register are those that the same events would have made one by one. None of them is signed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries import compliance
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, cycle_at
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.ahead import ahead
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.cycles import tiers_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import about
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.projection import project
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.rows import Rows

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
"""When the months end: after the pilot's soak, outside the windows of America."""
MONTHS = 12
OFFERED = 5
"""Updates that apply to an endpoint each month."""
OF_A_RUN = 570
"""Events of a run: 5 million are a run an hour of twelve months."""
AT_ONCE = 20
"""Runs that the register takes in at once."""
FAILS = 100
"""One of so many endpoints fails in a month, and is patched when that is explained."""
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/London")
CLIENTS = 100
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
STEPS = 8
"""Events of an endpoint that is patched (`_patched`)."""
POSTURE = {
    "boot_time": text_of(NOW - 10 * DAY),
    "now": text_of(NOW - DAY),
    "reboot_pending": False,
    "os_build": "10.0.26100.1",
    "services_running": [f"Service{number}" for number in range(60)],
}
DECIDED = {
    "action": "none",
    "node": "approval.nothing_approved",
    "updates": [],
    "left_out": [],
    "reason": "no update applies to it",
    "path": [],
}


OPTIONAL = {
    "id": "0b571047-5e1f-4c0d-9a51-0123456789ab",
    "kb": ["5069999"],
    "title": "Preview of next month's update",
    "categories": ["Updates"],
    "vendor": "Microsoft",
    "optional": True,
    "released": text_of(NOW - 2 * DAY),
}


def fleet(count: int) -> dict[str, Endpoint]:
    """Endpoints of a hundred clients: one of ten in the pilot, one of five a server."""
    return {endpoint.name: endpoint for endpoint in map(_endpoint, range(count))}


def _endpoint(number: int) -> Endpoint:
    server = number % 5 == 0
    known: dict[str, Any] = {
        "id": number + 1,
        "name": f"C{number % CLIENTS:03}-{'SV' if server else 'WS'}{number:06}",
        "client": f"Client {number % CLIENTS:03}",
        "location": f"Site {number % 3}",
        "time_zone": ZONES[number % CLIENTS % len(ZONES)],
        "ring": "pilot" if number // CLIENTS % 10 == 0 else ("mosttest", "regular", "production")[number // 7 % 3],
        "online": True,
        "asleep": False,
        "user_logged_on": False,
        "last_contact": NOW - 5 * MINUTE,
        "client_servers": 20,
    }
    if server:
        role = ("file_server", "domain_controller", "web_server")[number // 5 % 3]
        known |= {"kind": "server", "os": "Windows Server 2022", "role": role, "unattended_reboot": True}
        return Endpoint(**known, policy_group="auto_install_auto_reboot", redundancy_group=f"pair {number // 500}")
    track = ("overnight", "daytime")[number // 10 % 2]
    return Endpoint(**known, kind="workstation", os="Windows 11 Pro", track=track, policy_group="auto")


def hostvars(endpoints: Mapping[str, Endpoint]) -> dict[str, dict[str, Any]]:
    """The host variables that the inventory plugin gives them."""
    return {
        name: {f"patching_{key}": value for key, value in one.as_record().items() if value is not None}
        for name, one in endpoints.items()
    }


def updates_of(month: int) -> list[dict[str, Any]]:
    """What Microsoft released in a month, `month` months before the last."""
    released = NOW - timedelta(days=9 + 30 * month)
    return [
        {
            "id": f"{month:02}{number:02}0000-5e1f-4c0d-9a51-0123456789ab",
            "kb": [str(5_060_000 + 100 * month + number)],
            "title": f"Cumulative Update {number} for Windows, {month} months ago",
            "categories": ["Security Updates"],
            "severity": "Critical",
            "vendor": "Microsoft",
            "released": text_of(released),
            "cves": [f"CVE-2026-{10_000 + 100 * month + number}"],
        }
        for number in range(OFFERED)
    ]


def ledger_of(url: str, endpoints: Mapping[str, Endpoint], count: int) -> Ledger:
    """A new ledger at `url` with some `count` events of the endpoints' past, and the register they add up to."""
    ledger = Ledger.open(url)
    with ledger._writing() as connection:
        rows = Rows(connection, ledger._tables, empty=True)
        seq, head = ledger._lock_head(connection)
        runs = _runs(past(endpoints, count))
        while some := list(itertools.islice(runs, AT_ONCE)):
            for run, events in some:
                seq, head = ledger._chain(connection, events, run, seq, head)
            ahead([event for _run, events in some for event in events], rows)
            for run, events in some:
                for event in events:
                    project(event, run, rows)
            rows.write()
    return ledger


def _runs(events: Iterator[Event]) -> Iterator[tuple[str, list[Event]]]:
    """The events as runs had recorded them, between the opening of each and its end."""
    for number in itertools.count():
        some = list(itertools.islice(events, OF_A_RUN))
        if not some:
            return
        opened = {"by": "svc-patching", "core": "2.19.4", "playbook": "cycle.yml", "ring": None, "simulated": False}
        hosts = {event.endpoint: {"ok": 20, "failures": 0} for event in some if event.endpoint}
        first = Event("run.opened", None, some[0].at, opened)
        yield f"run-{number}", [first, *some, Event("run.closed", None, some[-1].at, {"hosts": hosts})]


def past(endpoints: Mapping[str, Endpoint], count: int) -> Iterator[Event]:
    """As many months of patching as fit into `count` events, then searches that find nothing, then what leaves the
    fleet as it is: the pilot has soaked this month's updates, all others wait for theirs. The pilot has one that awaits
    review, so that no tier is done."""
    rest = count - 3 * len(endpoints) - STEPS * sum(one.ring == "pilot" for one in endpoints.values())
    months = max(0, min(MONTHS - 1, rest // (STEPS * len(endpoints))))
    searches = max(0, rest - months * STEPS * len(endpoints))
    some = itertools.cycle(endpoints.values())
    for month in range(months, 0, -1):
        yield from _cycle(endpoints, month)
        begins = NOW - timedelta(days=30 * month - 5)
        yield from _searched(itertools.islice(some, searches // months), begins, 25 * DAY, searches // months)
    if not months:
        yield from _searched(itertools.islice(some, searches), NOW - 25 * DAY, 15 * DAY, searches)
    for endpoint in endpoints.values():
        if endpoint.ring == "pilot":
            yield from _patched(endpoint, 0, NOW - 9 * DAY)
    for endpoint in endpoints.values():
        known = about(endpoint)
        found = [OPTIONAL] if endpoint.ring == "pilot" else updates_of(0)
        yield Event("posture.observed", endpoint.name, NOW - DAY / 3, POSTURE | {"boot_id": "1"} | known)
        yield Event("scan.finished", endpoint.name, NOW - DAY / 4, {"updates": found} | known)
        yield Event("plan.decided", endpoint.name, NOW - DAY / 4, {"decision": DECIDED, "cycle": "2026-11"} | known)


def _cycle(endpoints: Mapping[str, Endpoint], month: int) -> Iterator[Event]:
    """A month's tiers are opened, patched and closed, with a ticket for each client."""
    begins = NOW - timedelta(days=30 * month + 9)
    cycle = cycle_at(begins + DAY)
    tiers = tiers_of(endpoints.values(), cycle)
    opening = [
        Event("tier.opened", None, begins, {**tier.as_record(), "endpoints": names}) for tier, names in tiers.items()
    ]
    yield from [*opening, *compliance.opened(opening, ())]
    for number, endpoint in enumerate(endpoints.values()):
        if number % FAILS == month:
            yield from _failed(endpoint, month, begins)
        yield from _patched(endpoint, month, begins + DAY)
    for tier, names in tiers.items():
        proof = [{"endpoint": name, "stands": "patched", "reason": "installed, validated"} for name in names]
        yield Event("tier.closed", None, begins + 8 * DAY, {**tier.as_record(), "proof": proof})


def _patched(endpoint: Endpoint, month: int, at: datetime) -> Iterator[Event]:
    known, name, found = about(endpoint), endpoint.name, updates_of(month)
    ids = [update["id"] for update in found]
    results = [{"update": update, "ok": True, "hresult": None} for update in ids]
    checks = [{"name": "online", "ok": True, "seen": "it answers"}]
    told: list[tuple[str, dict[str, Any]]] = [
        ("scan.finished", {"updates": found}),
        ("posture.observed", POSTURE | {"boot_id": "before"}),
        ("install.started", {"job": "j1", "limit_seconds": 14400, "updates": ids}),
        ("install.finished", {"results": results, "reboot_required": True}),
        ("reboot.started", {"boot_id": "before"}),
        ("reboot.confirmed", {"boot_id": f"{month}", "boot_time": text_of(at)}),
        ("validation.finished", {"healthy": True, "checks": checks}),
        ("scan.finished", {"updates": []}),
    ]
    for number, (kind, body) in enumerate(told):
        yield Event(kind, name, at + 10 * number * MINUTE, body | known)


def _failed(endpoint: Endpoint, month: int, at: datetime) -> Iterator[Event]:
    known, key = about(endpoint), f"failure-{month}-{endpoint.name}"
    text = "KB5060000: 0x80070643 (ERROR_INSTALL_FAILURE)"
    body = {
        "id": key,
        "step": "install",
        "update": updates_of(month)[0]["id"],
        "hresult": "0x80070643",
        "name": "ERROR_INSTALL_FAILURE",
        "class": "update",
        "text": text,
        "next_window": None,
        "cycle": None,
    }
    ticket = {"xref": f"msp.patching/{key}", "summary": f"Patching: {endpoint.name}", "text": text, "priority": 2}
    cause = {"failure": key, "by": "t.brandt", "code": "DISK", "text": "the disk was full"}
    yield Event("failure.opened", endpoint.name, at, body | known)
    yield Event("ticket.wanted", endpoint.name, at, ticket | {"id": key, "failure": key, "client": endpoint.client})
    yield Event("ticket.sent", None, at + MINUTE, {"id": key, "xref": ticket["xref"], "ticket": 1})
    yield Event("failure.root_cause", None, at + DAY / 2, cause)
    yield Event("failure.cured", endpoint.name, at + 2 * DAY, {"failure": key, "step": "install"} | known)


def _searched(endpoints: Iterable[Endpoint], begins: datetime, lasts: timedelta, count: int) -> Iterator[Event]:
    for number, endpoint in enumerate(endpoints):
        yield Event("scan.finished", endpoint.name, begins + lasts * number / count, {"updates": []} | about(endpoint))
