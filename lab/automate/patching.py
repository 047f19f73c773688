# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patch Manager: statistics, updates and history from the machines, policies, and the actions that deploy.

The product's own stages go Test, Pilot, Production; a computer starts in the one that fits its ring.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..clock import parse_instant
from ..fleet_model import CatalogueUpdate, Computer
from ..machine import Machine
from ..machine_updates import Selection
from ..web import json_body, no_content, wall
from . import policies
from .groups import entity_type, folded, number
from .lists import Rows, listing, one, refusal
from .state import AutomateState

V1 = "/cwa/api/v1"
STAGE_OF_RING = {"Pilot": "Pilot", "MostTest": "Test"}
STAGES = {"settoteststage": "Test", "settopilotstage": "Pilot", "settoproductionstage": "Production"}
BASELINE_DELAY = timedelta(days=3, hours=8)
"""How long after its release an update of the baseline was installed, before the lab began."""

Row = dict[str, Any]


class Patching:
    def __init__(self, state: AutomateState) -> None:
        self._state = state
        self._updates = state.world.fleet.updates_by_id

    def routes(self) -> list[Route]:
        computer = f"{V1}/computers/{{id:int}}"
        return [
            Route(f"{computer}/patchingstats", self._stats, methods=["GET"]),
            Route(f"{computer}/effectivepatchingpolicy", self._effective, methods=["GET"]),
            Route(f"{computer}/computerpatchingpolicies", self._sources, methods=["GET"]),
            Route(f"{computer}/microsoftupdates", self._microsoft, methods=["GET"]),
            Route(f"{computer}/thirdpartypatches", self._third_party, methods=["GET"]),
            Route(f"{computer}/patchjobs", self._jobs, methods=["GET"]),
            Route(f"{V1}/patchhistory", self._history, methods=["GET"]),
            Route(f"{V1}/grouppatchingpolicies", self._group_policies, methods=["GET"]),
            Route(f"{V1}/patchactions/{{action}}", self._act, methods=["POST"]),
            _fixed("microsoftupdatepolicies", policies.microsoft_policy_rows(), "PolicyId"),
            _fixed("rebootpolicies", policies.reboot_policy_rows(), "PolicyId"),
            _fixed("approvalpolicies", policies.approval_policy_rows(), "Id"),
            _fixed("thirdpartyupdatepolicies", policies.third_party_policy_rows(), "Id"),
        ]

    # -- of one computer --------------------------------------------------------------------------------

    async def _stats(self, request: Request) -> Response:
        computer = self._state.computers.get(request.path_params["id"])
        return one(request, self._stats_row(computer) if computer else None, "The computer")

    async def _effective(self, request: Request) -> Response:
        computer = self._state.computers.get(request.path_params["id"])
        row = {"ComputerId": computer.id, **_policy_names(computer)} if computer else None
        return one(request, row, "The computer")

    async def _sources(self, request: Request) -> Response:
        computer = self._state.computers.get(request.path_params["id"])
        if computer is None:
            return refusal(404, "The computer was not found.")
        rows = [
            {
                "GroupId": group.id,
                "Name": group.name,
                "Priority": group.priority,
                "OverrideId": None,
                **_policy_names(computer),
            }
            for group in self._state.groups_of(computer.id)
            if group.type == "Patching"
        ]
        return listing(request, rows, key="GroupId")

    async def _microsoft(self, request: Request) -> Response:
        computer = self._state.computers.get(request.path_params["id"])
        if computer is None:
            return refusal(404, "The computer was not found.")
        rows = [self._microsoft_row(computer, update) for update in self._known(computer) if not _third_party(update)]
        return listing(request, rows, key="MicrosoftUpdateId")

    async def _third_party(self, request: Request) -> Response:
        computer = self._state.computers.get(request.path_params["id"])
        if computer is None:
            return refusal(404, "The computer was not found.")
        rows = [self._third_party_row(computer, update) for update in self._known(computer) if _third_party(update)]
        return listing(request, rows, key="PatchId")

    async def _jobs(self, request: Request) -> Response:
        """Runs of the update agent. The product does not publish the shape of these rows."""
        computer = self._state.computers.get(request.path_params["id"])
        if computer is None:
            return refusal(404, "The computer was not found.")
        events = self._state.machine(computer).history
        rows = [
            {
                "Id": position,
                "ComputerId": computer.id,
                "Event": event["event"].removeprefix("install."),
                "Date": wall(parse_instant(event["at"])),
            }
            for position, event in enumerate(events, start=1)
            if event["event"] in ("install.started", "install.finished", "install.interrupted")
        ]
        return listing(request, rows)

    # -- of all -----------------------------------------------------------------------------------------

    async def _history(self, request: Request) -> Response:
        entries = [
            (computer, update_id, at, ok)
            for computer in self._state.computers.values()
            for update_id, at, ok in self._results(computer)
        ]
        return listing(request, Rows(entries, lambda entry: self._history_row(*entry)), key="UpdateId")

    async def _group_policies(self, request: Request) -> Response:
        rows = []
        for group in sorted(self._state.groups.values(), key=lambda group: group.id):
            members = [self._state.computers[row.computer_id] for row in self._state.members(group.id)]
            sample = next(iter(members), None)
            policy = policies.microsoft_policy(sample) if sample else policies.HANDS_OFF
            reboot = policies.reboot_policy(sample) if sample else policies.NO_REBOOT
            rows.append(
                {
                    "GroupId": group.id,
                    "GroupName": group.name,
                    "Priority": group.priority,
                    "IsManual": group.search is None,
                    "IsPatchingGroup": group.type == "Patching",
                    "WindowsComputerCount": len(members),
                    "AutoJoinSettings": {
                        "ComputerAutoJoinSearch": group.search and {"Id": group.search.id, "Name": group.search.name},
                        "IsLimitedToComputerAutoJoin": group.limited,
                    },
                    "MicrosoftUpdatePolicy": policies.microsoft_policy_old_row(policy),
                    "RebootPolicy": {"Id": reboot[0], "Name": reboot[1]},
                    "ThirdPartyUpdatePolicy": {"Id": policies.THIRD_PARTY[0], "Name": policies.THIRD_PARTY[1]},
                    "ApprovalPolicies": [{"Id": policies.APPROVAL[0], "Name": policies.APPROVAL[1]}],
                }
            )
        return listing(request, rows, key="GroupId")

    async def _act(self, request: Request) -> Response:
        """204 at once; whether anything comes of it shows in the statistics and the history later."""
        action = request.path_params["action"]
        body = folded(await json_body(request))
        kind, entity = entity_type(body.get("entitytype")), number(body.get("entityid"), "EntityId")
        computers = self._meant(kind, entity)
        if computers is None:
            return refusal(404, "The entity was not found.")
        if action not in STAGES and action not in ("deployallapproved", "deployallsecurity", "reattemptfailed"):
            return refusal(404, "There is no such action.")
        for computer in computers:
            if action in STAGES:
                self._state.stages["computer", computer.id] = STAGES[action]
            else:
                self._deploy(action, computer)
        return no_content()

    def _meant(self, kind: str, entity: int) -> list[Computer] | None:
        state = self._state
        computers = state.computers.values()
        if kind == "computer" and entity in state.computers:
            return [state.computers[entity]]
        if kind == "group" and entity in state.groups:
            return [state.computers[row.computer_id] for row in state.members(entity)]
        if kind == "site" and entity in state.locations:
            return [computer for computer in computers if computer.location_id == entity]
        if kind == "company" and entity in state.clients:
            return [computer for computer in computers if computer.client_id == entity]
        return None

    def _deploy(self, action: str, computer: Computer) -> None:
        """By the agent on the machine; without one nothing happens, and nobody is told."""
        machine = self._state.machine(computer)
        if not machine.agent_reporting or machine.updates.installing:
            return
        pending = machine.updates.pending()
        if action == "reattemptfailed":
            failed = self._failed(machine)
            wanted = [update for update in pending if update.id in failed]
        elif action == "deployallsecurity":
            wanted = [update for update in pending if "Security Updates" in update.categories]
        else:
            wanted = [update for update in pending if policies.approval(update) is policies.APPROVED]
        if wanted:
            titles = [f"^{re.escape(update.title)}(KB[0-9]+)?$" for update in wanted]
            machine.updates.start_run("installed", Selection(categories=["*"], accept=titles))

    # -- what the machines say --------------------------------------------------------------------------

    def _known(self, computer: Computer) -> list[CatalogueUpdate]:
        machine = self._state.machine(computer)
        installed = [self._updates[update_id] for update_id in machine.updates.installed_at()]
        return [*machine.updates.pending(), *installed]

    def _results(self, computer: Computer) -> Iterable[tuple[str, datetime, bool]]:
        """Update id, when, and whether it succeeded; the baseline first."""
        machine = self._state.machine(computer)
        for update_id, at in machine.updates.installed_at().items():
            if at is None:
                yield update_id, self._updates[update_id].released + BASELINE_DELAY, True
        for event in machine.history:
            if event["event"] in ("install.succeeded", "install.failed", "install.rolled_back"):
                yield event["update"], parse_instant(event["at"]), event["event"] == "install.succeeded"

    @staticmethod
    def _failed(machine: Machine) -> set[str]:
        """Ids of updates whose last attempt failed."""
        last: dict[str, bool] = {}
        for event in machine.history:
            if event["event"] in ("install.succeeded", "install.failed", "install.rolled_back"):
                last[event["update"]] = event["event"] != "install.succeeded"
        return {update_id for update_id, failed in last.items() if failed}

    def _stats_row(self, computer: Computer) -> Row:
        state, machine = self._state, self._state.machine(computer)
        installed, missing = machine.updates.installed_at(), machine.updates.pending()
        results = [(at, update_id) for update_id, at, ok in self._results(computer) if ok]
        last = wall(max(results)[0]) if results else None
        third = [at for at, update_id in results if _third_party(self._updates[update_id])]
        now = state.world.clock.now()
        ring = computer.in_group("Patching.Ring.")
        managed = policies.microsoft_policy(computer) != policies.HANDS_OFF
        return {
            "ComputerId": computer.id,
            "OverallCompliance": round(100 * len(installed) / max(1, len(installed) + len(missing)), 2),
            "InstalledPatchCount": len(installed),
            "MissingPatchCount": len(missing),
            "FailedPatchCount": len(self._failed(machine)),
            "CompliantSoftwareCount": 0,
            "NonCompliantSoftwareCount": sum(_third_party(update) for update in missing),
            "FailedSoftwareCount": 0,
            "IncorrectSoftwareCount": 0,
            "Stage": state.stages.get(("computer", computer.id), STAGE_OF_RING.get(ring or "", "Production")),
            "NoPatchInventory": False,
            "WSUSEnabled": False,
            "PatchJobRunning": machine.updates.installing is not None,
            "DaytimePatchingEnabled": policies.microsoft_policy(computer) == policies.DAYTIME,
            "WUAOutOfDate": False,
            "MissingBaselinePatches": False,
            "WUAVersion": "10.0.0.1",
            "LastInstallWindow": None,
            "NextInstallWindow": _next_window(computer, now) if managed else None,
            "LastSoftwareWindow": None,
            "NextSoftwareWindow": None,
            "LastPatchedDate": last,
            "LastMicrosoftPatchedDate": last,
            "LastThirdPartyPatchedDate": wall(max(third)) if third else None,
            "LastPatchInventory": wall(machine.last_contact),
            "IsMicrosoftManaged": managed,
            "IsThirdPartyManaged": managed,
        }

    def _status(self, computer: Computer, update: CatalogueUpdate) -> Row:
        machine = self._state.machine(computer)
        installed = update.id in machine.updates.installed_at()
        failed = update.id in self._failed(machine)
        state = "Installed" if installed else "Failed" if failed else "Missing"
        if update.id in machine.updates.awaiting_boot:
            state = "Pending Reboot"
        return {
            "InstallState": state,
            "IsInstalled": installed,
            "IsFailed": failed and not installed,
            "IsCompliant": installed,
            "IsNonCompliant": not installed,
            "ComputerId": computer.id,
        }

    def _microsoft_row(self, computer: Computer, update: CatalogueUpdate) -> Row:
        at = {update_id: at for update_id, at, ok in self._results(computer) if ok}.get(update.id)
        return {
            "MicrosoftUpdateId": update.id,
            "KnowledgeBaseId": int(update.kb or 0),
            "Title": update.title,
            "Category": update.categories[0] if update.categories else "",
            "Severity": update.severity or "",
            "Cvss": update.cvss or 0.0,
            "ReleaseDate": wall(update.released),
            "InstallDate": wall(at) if at else None,
            "PolicyApproval": policies.approval(update),
            **self._status(computer, update),
        }

    def _third_party_row(self, computer: Computer, update: CatalogueUpdate) -> Row:
        name, _space, version = update.title.rpartition(" ")
        status = self._status(computer, update)
        return {
            "PatchId": update.id,
            "SoftwareId": update.id,
            "Title": name,
            "DisplayTitle": update.title,
            "Manufacturer": update.vendor,
            "InstalledVersion": version if status["IsInstalled"] else "",
            "AvailableVersion": version,
            "ApprovedVersion": "",
            "InstallAction": {"Id": 1, "Name": "Update"},
            "ComplianceState": {
                "Id": int(status["IsInstalled"]),
                "Name": "Compliant" if status["IsInstalled"] else "Non-Compliant",
            },
            "Is64Bit": True,
            **status,
        }

    def _history_row(self, computer: Computer, update_id: str, at: datetime, ok: bool) -> Row:
        update = self._updates[update_id]
        return {
            "ActionDate": wall(at),
            "ComputerId": computer.id,
            "OperationCode": {"Id": 1, "Name": "Installation"},
            "ResultCode": {"Id": 2, "Name": "Succeeded"} if ok else {"Id": 4, "Name": "Failed"},
            "PatchHistoryTitle": {
                "Id": list(self._updates).index(update_id) + 1,
                "Title": update.title,
                "KnowledgeBaseId": int(update.kb or 0),
            },
            "PatchHistoryClient": {"Id": 1, "Name": "UpdateOrchestrator"},
            "UpdateId": update_id,
        }


def _fixed(name: str, rows: list[Row], key: str) -> Route:
    async def answer(request: Request) -> Response:
        return listing(request, rows, key=key)

    return Route(f"{V1}/{name}", answer, methods=["GET"])


def _third_party(update: CatalogueUpdate) -> bool:
    """Drivers come from other makers too, but through Windows Update."""
    return update.vendor != "Microsoft" and "Drivers" not in update.categories


def _policy_names(computer: Computer) -> Row:
    return {
        "MicrosoftUpdatePolicyName": policies.microsoft_policy(computer)[1],
        "RebootPolicyName": policies.reboot_policy(computer)[1],
        "ThirdPartyUpdatePolicyName": policies.THIRD_PARTY[1],
        "ApprovalPolicyCount": 1,
    }


def _next_window(computer: Computer, now: datetime) -> str:
    start, _hours = policies.SCHEDULES[policies.microsoft_policy(computer)]
    local = now.astimezone(ZoneInfo(computer.time_zone or "UTC"))
    opening = datetime.combine(local.date(), time(start), local.tzinfo)
    if opening <= local:
        opening += timedelta(days=1)
    return wall(opening.astimezone(UTC))
