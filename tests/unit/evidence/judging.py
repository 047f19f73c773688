# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night at a domain controller for the tests of what is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.evidence import outcomes as seen
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.judge import Standing, judge
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Job, Progress, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.kinds import check_event

NIGHT = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)  # 23:00 in New York, in the server's window
DC = Endpoint.parse(
    {
        "id": 1,
        "name": "ACME-DC01",
        "client": "Acme Dental",
        "location": "Main Office",
        "kind": "server",
        "role": "domain_controller",
        "ring": "production",
        "policy_group": "auto_install_auto_reboot",
        "time_zone": "America/New_York",
    }
)
POLICY = load_policy({})
SETTINGS = POLICY.settings(DC)
POSTURE: dict[str, Any] = {
    "boot_id": "200",
    "boot_time": text_of(NIGHT - timedelta(minutes=2)),
    "now": text_of(NIGHT),
    "reboot_pending": False,
    "services_running": ["LTService", "NTDS", "DNS"],
    "services_stopped": [],
    "agent": {"service": "LTService", "state": "running"},
}
TRANSIENT, PERMANENT = "0x8024402C", "0x80070643"


def standing(**progress: Any) -> Standing:
    return Standing(DC, Progress(**progress), POLICY, NIGHT)


def judged(tag: str, observation: seen.Observation, where: Standing) -> list[Event]:
    events = judge(tag, observation, where)
    for event in events:
        check_event(event)
        assert event.at == where.now
    return events


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.kind for event in events]


def body(events: Sequence[Event], kind: str) -> dict[str, Any]:
    (found,) = [event for event in events if event.kind == kind]
    return dict(found.body)


def installed(*codes: str | None, reboot: bool = True) -> seen.InstallFinished:
    """An install of one update a code; None is one that went well."""
    results = [{"update": f"u-{n}", "ok": code is None, "hresult": code} for n, code in enumerate(codes)]
    titles = {f"u-{n}": f"Update {n} (KB500000{n})" for n in range(len(codes))}
    return seen.InstallFinished(results, titles, reboot_required=reboot)


JOB = Job("install", "j1", NIGHT - timedelta(minutes=30), 3600, ("u-0",))


def validation(where: Standing, posture: dict[str, Any]) -> list[Event]:
    names = [check.probe["name"] for check in SETTINGS.checks if check.applies(DC)]
    probes = [{"name": name, "ok": True, "seen": "it answers"} for name in names]
    return judged("validation", seen.PostureSeen(posture), replace(where, probes=probes))
