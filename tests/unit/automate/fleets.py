# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small fleets, from rows and group names to endpoints, under options that a test changes."""

from __future__ import annotations

from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.automate.classify import Classifier, Endpoint, Fleet
from ansible_collections.msp.patching.plugins.plugin_utils.automate.rules import Rules
from ansible_collections.msp.patching.plugins.plugin_utils.automate.snapshot import Snapshot
from tests.unit.automate.fakes import Row, checkbox, client, location, text_field

OPTIONS: dict[str, Any] = {
    "rings": {"Patching.Ring.Pilot": "pilot", "Patching.Ring.Regular": "regular", "Waves.*.Last": "Production"},
    "tracks": {"Patching.Track.Overnight": "overnight", "Patching.Track.Daytime": "daytime"},
    "policy_groups": {
        "Patching.Policy.Do Not Patch": "do_not_patch",
        "Patching.Policy.Manual": "manual",
        "Patching.Policy.Auto": "auto",
    },
    "roles": {"Patching.Role.SQL Server": "sql_server", "Patching.Role.Backup": "backup"},
    "criticalities": {"Patching.Criticality.P1": "P1"},
    "redundancy_group_prefix": "Patching.Redundancy.",
    "agent_disabled_groups": ["Patching.Disabled"],
    "unattended_reboot_groups": ["Patching.Unattended Reboot"],
    "extra_fields": {},
    "fields": {},
    "time_zone_aliases": {},
    "time_zones_by_utc_offset": {},
    "default_time_zone": None,
    "clients": [],
    "qualify_names": "on_collision",
}
WORKSTATION = ("Patching.Ring.Pilot", "Patching.Track.Overnight", "Patching.Policy.Auto")
SERVER = ("Patching.Ring.Pilot", "Patching.Role.Backup", "Patching.Policy.Manual")
ACME = client(1, "Acme Dental", text_field("Time Zone", ""), checkbox("Patching Disabled", checked=False))
OFFICE = location(
    10, "Main Office", 1, text_field("Time Zone", "America/New_York"), checkbox("Patching Disabled", checked=False)
)


def rules(**options: Any) -> Rules:
    return Rules.parse({**OPTIONS, **options}, options)


def fleet(
    *computers: tuple[Row, tuple[str, ...]],
    clients: list[Row] | None = None,
    locations: list[Row] | None = None,
    priorities: dict[str, int] | None = None,
    **options: Any,
) -> Fleet:
    """Computers, each with the full names of its groups, read by the rules."""
    return classifier(*computers, clients=clients, locations=locations, priorities=priorities, **options).fleet()


def classifier(
    *computers: tuple[Row, tuple[str, ...]],
    clients: list[Row] | None = None,
    locations: list[Row] | None = None,
    priorities: dict[str, int] | None = None,
    only_clients: list[str] | None = None,
    **options: Any,
) -> Classifier:
    names = sorted({name for _row, groups in computers for name in groups} | {"Standing"})
    ids = {name: number for number, name in enumerate(names, start=100)}
    members = [(row, name) for row, groups in computers for name in (*groups, "Standing")]
    snapshot = Snapshot(
        computers=[row for row, _groups in computers],
        clients=[ACME] if clients is None else clients,
        locations=[OFFICE] if locations is None else locations,
        groups=[{"Id": str(number), "FullName": name} for name, number in ids.items()],
        group_computers=[
            {"Id": str(number), "GroupId": str(ids[name]), "ComputerId": row["Id"]}
            for number, (row, name) in enumerate(members, start=1)
        ],
        group_patching_policies=[
            {"GroupId": ids[name], "Priority": priority} for name, priority in (priorities or {}).items()
        ],
    )
    return Classifier(snapshot, rules(clients=only_clients or [], **options))


def only(found: Fleet) -> Endpoint:
    (endpoint,) = found.endpoints
    return endpoint
