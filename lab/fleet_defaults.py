# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RMM groups and extra data fields that every lab fleet has, as an MSP would lay them out.

Rings and tracks fill themselves: EDF, saved search, group limited to the search. A member added to such a
group by hand is evicted at the next auto-join run, as in the real product; write the EDF instead.
"""

from __future__ import annotations

from typing import TypedDict


class ExtraFieldRow(TypedDict, total=False):
    name: str
    level: str
    type: str
    options: tuple[str, ...]


RINGS = ("Pilot", "MostTest", "Regular", "Production")
TRACKS = ("Overnight", "Daytime")
POLICIES = ("Do Not Patch", "Manual", "Auto Install Manual Reboot", "Auto Install Auto Reboot", "Auto")
ROLES = (
    "Domain Controller",
    "SQL Server",
    "App Server",
    "File Server",
    "Web Server",
    "Utility",
    "Infrastructure",
    "Backup",
    "Disaster Recovery",
    "Virtualization Host",
    "Exchange",
    "SMTP",
    "Management",
)

GROUPS: dict[str, tuple[str, str] | None] = {
    **{f"Patching.Ring.{name}": ("Patching Ring", name) for name in RINGS},
    **{f"Patching.Track.{name}": ("Patching Track", name) for name in TRACKS},
    **{f"Patching.Policy.{name}": None for name in POLICIES},
    **{f"Patching.Role.{name}": None for name in ROLES},
    **{f"Patching.Criticality.{name}": None for name in ("P1", "P2", "P3")},
    "Patching.Disabled": None,
    "Patching.Unattended Reboot": None,
}
"""Dotted full name, and the computer EDF and value the group's search tests (None: filled by hand)."""

EXTRA_FIELDS: tuple[ExtraFieldRow, ...] = (
    {"name": "Patching Ring", "level": "computer", "type": "dropdown", "options": ("", *RINGS)},
    {"name": "Patching Track", "level": "computer", "type": "dropdown", "options": ("", *TRACKS)},
    {"name": "Patching Status", "level": "computer", "type": "text"},
    *(
        ExtraFieldRow(name=name, level=level, type=kind)
        for level in ("location", "client")
        for name, kind in (
            ("Time Zone", "text"),
            ("Patching Disabled", "checkbox"),
            ("Patching Cycle", "text"),
            ("Patching Cycle State", "text"),
            ("Patching Cycle Closed", "text"),
        )
    ),
)
