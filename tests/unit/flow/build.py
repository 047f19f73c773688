# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of the flow for tests: complete ones, of which a test says only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.flow import (
    Decision,
    Endpoint,
    Policy,
    Register,
    Update,
    decide,
    load_policy,
)

NEW_YORK = "America/New_York"
DEFAULTS: Policy = load_policy({})


def at(text: str) -> datetime:
    """``2026-11-12 02:30`` in New York's winter time."""
    return datetime.fromisoformat(f"{text}-05:00")


NIGHT = at("2026-11-12 02:30")  # a Thursday: overnight and server windows are open
NOON = at("2026-11-12 12:00")  # only the daytime window is
DAY = timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def workstation(**changes: Any) -> Endpoint:
    return Endpoint.parse(
        {
            "name": "ACME-WS01",
            "client": "Acme",
            "location": "Main",
            "kind": "workstation",
            "time_zone": NEW_YORK,
            "policy_group": "auto",
            "ring": "pilot",
            "track": "overnight",
            "online": True,
        }
        | changes
    )


def server(**changes: Any) -> Endpoint:
    return Endpoint.parse(
        {
            "name": "ACME-FS01",
            "client": "Acme",
            "location": "Main",
            "kind": "server",
            "time_zone": NEW_YORK,
            "policy_group": "auto_install_auto_reboot",
            "unattended_reboot": True,
            "ring": "production",
            "role": "file_server",
            "client_servers": 3,
            "online": True,
        }
        | changes
    )


def update(name: str = "u1", **changes: Any) -> Update:
    return Update.parse(
        {
            "id": name,
            "kb": ["5046613"],
            "title": "2026-11 Cumulative Update (KB5046613)",
            "categories": ["Security Updates"],
            "severity": "Critical",
            "vendor": "Microsoft",
            "released": "2026-11-10T18:00:00Z",
        }
        | changes
    )


OPTIONAL: dict[str, Any] = {"categories": ["Updates"], "severity": None}
DRIVER: dict[str, Any] = {"categories": ["Drivers"], "severity": None}


def soaked(name: str = "u1", **changes: Any) -> dict[str, Any]:
    """A pilot endpoint's row: taken eight days before NIGHT, and healthy."""
    return {
        "update": name,
        "endpoint": "ACME-P1",
        "client": "Acme",
        "installed_at": "2026-11-04T07:30:00Z",
        "healthy": True,
        "validated_at": "2026-11-04T08:00:00Z",
    } | changes


def decision(
    endpoint: Endpoint,
    updates: list[Update] | None,
    now: datetime = NIGHT,
    register: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
) -> Decision:
    rules = DEFAULTS if policy is None else load_policy(policy)
    return decide(endpoint, updates, Register.parse(register or {}), rules, now)
