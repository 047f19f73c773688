# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Patch Manager policies that the lab's RMM has, and which of them a computer gets.

They can be read and compared with the operating model; the product publishes no call to write them.
"""

from __future__ import annotations

from typing import Any

from ..fleet_model import CatalogueUpdate, Computer

OVERNIGHT, DAYTIME, SERVERS, HANDS_OFF = (1, "Overnight"), (2, "Daytime"), (3, "Servers"), (4, "Do Nothing")
NO_REBOOT, IN_WINDOW, PROMPT = (1, "No Reboot"), (2, "Reboot In Window"), (3, "Prompt, Then Force")
APPROVAL = (1, "MSP Approval")
THIRD_PARTY = (1, "Third Party")
APPROVED, DENIED, IGNORED, NOT_SET = (
    {"Id": 3, "Name": "Approve"},
    {"Id": 4, "Name": "Deny"},
    {"Id": 2, "Name": "Ignore"},
    {"Id": 1, "Name": "Not Set"},
)
SCHEDULES = {OVERNIGHT: (2, 2), DAYTIME: (9, 8), SERVERS: (21, 6), HANDS_OFF: (0, 0)}
"""Start hour, local, and hours long. The product knows whole hours only."""

Row = dict[str, Any]


def microsoft_policy(computer: Computer) -> tuple[int, str]:
    if computer.in_group("Patching.Policy.") in ("Do Not Patch", "Manual", None):
        return HANDS_OFF
    if computer.kind == "server":
        return SERVERS
    return DAYTIME if computer.in_group("Patching.Track.") == "Daytime" else OVERNIGHT


def reboot_policy(computer: Computer) -> tuple[int, str]:
    policy = microsoft_policy(computer)
    if policy == SERVERS:
        unattended = "Patching.Unattended Reboot" in computer.groups
        return IN_WINDOW if unattended else NO_REBOOT
    return {OVERNIGHT: IN_WINDOW, DAYTIME: PROMPT}.get(policy, NO_REBOOT)


def approval(update: CatalogueUpdate) -> dict[str, object]:
    """What the approval policy of the lab says of one update."""
    if "Drivers" in update.categories:
        return DENIED
    if "Definition Updates" in update.categories:
        return APPROVED
    security = "Security Updates" in update.categories and update.severity in ("Critical", "Important")
    return APPROVED if security and update.vendor == "Microsoft" else NOT_SET


def microsoft_policy_rows() -> list[Row]:
    return [_microsoft_row(policy, start, hours) for policy, (start, hours) in SCHEDULES.items()]


def _microsoft_row(policy: tuple[int, str], start: int, hours: int) -> Row:
    daytime = policy == DAYTIME
    return {
        "PolicyId": policy[0],
        "PolicyName": policy[1],
        "ScheduleSettings": {
            "UseSchedule": hours > 0,
            "WindowStart": f"{start:02d}:00:00",
            "WindowDuration": hours,
            "PolicyScheduleType": "Days",
            "DatesSettings": None,
            "DaysSettings": {
                "MonthlyOccurrence": [],
                "WeeklyOccurrence": [],
                "DailyOccurrence": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
                + ([] if daytime else ["Saturday", "Sunday"]),
            },
            "PatchTuesdaySettings": {"DelayInDays": 0},
        },
        "WindowsUpdateAgentSettings": {
            "UseWindowsUpdateAgentMode": True,
            "Mode": "Managed" if hours else "Disabled",
            "DisableUserInterface": True,
        },
        "PolicyOptions": {"InstallMissingBaselinePatches": False},
        "WorkstationOptions": {
            "SendWakeOnLanPacket": policy == OVERNIGHT,
            "CreateWindowsRestorePoint": False,
            "DaytimePatchingOptions": {
                "AllowDaytimePatching": daytime,
                "RequireMinimumUptime": False,
                "MinimumUptime": 0,
                "UpdateOnly": False,
                "PromptInterval": 60,
                "PromptDeadline": 0,
                "PromptMessage": "",
            },
        },
        "Windows10UpdateOptions": {},
        "ScriptOptions": {"BeforeScriptOptions": None, "AfterScriptOptions": None},
    }


def microsoft_policy_old_row(policy: tuple[int, str]) -> Row:
    """The other shape of the same thing, as group policies embed it."""
    start, hours = SCHEDULES[policy]
    return {
        "Id": policy[0],
        "Name": policy[1],
        "UpdateMode": {"Id": 5 if hours else 1, "Name": "Managed" if hours else "Disabled"},
        "DaytimePatching": policy == DAYTIME,
        "DaytimePatchingMinimumUptime": 0,
        "PatchingPolicySchedule": {"StartTime": f"{start:02d}:00:00", "Duration": hours},
        "ScheduleDay": {"Id": 0, "Name": "Everyday"},
        "ScheduleStartHour": start,
        "ScheduleTimeSpan": hours,
        "WakeSystem": policy == OVERNIGHT,
        "CreateRestorePoint": False,
        "InstallMissingBaselinePatches": False,
    }


def reboot_policy_rows() -> list[Row]:
    prompt = {
        "RebootTriggerType": "Schedule",
        "ScheduleTriggerSettings": {"StartTime": "10:00:00", "DeadlineInDays": 3},
        "PromptSettings": {"UsePrompt": True, "RequiresConfirmation": True, "RebootIfNoUserLoggedOn": False},
        "RebootPriorToPatchJobInstalls": False,
    }
    return [
        {
            "PolicyId": policy[0],
            "PolicyName": policy[1],
            "RebootPolicyType": kind,
            "PromptWithoutDeadlineSettings": prompt if policy == PROMPT else None,
        }
        for policy, kind in ((NO_REBOOT, "SuppressReboots"), (IN_WINDOW, "AfterInstall"), (PROMPT, "Prompt"))
    ]


def approval_policy_rows() -> list[Row]:
    def categories(*names: str) -> list[Row]:
        return [{"CategoryId": number, "CategoryName": name} for number, name in enumerate(names, start=1)]

    nothing: Row = {"CvssLowerBound": None, "Severities": [], "Categories": [], "Titles": []}
    return [
        {
            "Id": APPROVAL[0],
            "Name": APPROVAL[1],
            "IsDefaultPolicy": True,
            "HasStaging": True,
            "TestDuration": 0,
            "PilotDuration": 7,
            "AutomaticApprovalSettings": {
                **nothing,
                "Severities": ["Critical", "Important"],
                "Categories": categories("Security Updates", "Definition Updates"),
            },
            "AutomaticIgnoreSettings": nothing,
            "AutomaticDenySettings": {**nothing, "Categories": categories("Drivers")},
        }
    ]


def third_party_policy_rows() -> list[Row]:
    return [
        {
            "Id": THIRD_PARTY[0],
            "Name": THIRD_PARTY[1],
            "ScheduleDay": {"Id": 0, "Name": "Everyday"},
            "ScheduleStartHour": 2,
            "ScheduleTimeSpan": 2,
            "DaytimePatching": False,
            "WakeSystem": False,
            "CreateRestorePoint": False,
        }
    ]
