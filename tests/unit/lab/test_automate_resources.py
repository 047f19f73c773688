# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Automate as its machines are: computers, groups, fields, patches, commands."""

from __future__ import annotations

from typing import Any

import pytest

from lab.automate import automate_app
from lab.world import World
from tests.unit.lab.asgi import Client
from tests.unit.lab.conftest import AUTOMATE, enter


def field(client: Client, path: str, title: str) -> dict[str, Any]:
    return next(row for row in client.get(f"{path}/extrafields").json() if row["Title"] == title)


def members(client: Client, full_name: str) -> list[str]:
    (group,) = client.get("/groups", params={"condition": f"FullName = '{full_name}'"}).json()
    rows = client.get("/GroupComputers", params={"condition": f"GroupId = {group['Id']}"}).json()
    return [row["ComputerId"] for row in rows]


def test_ids_are_strings_and_numbers_as_in_the_product(automate: Client) -> None:
    computer = automate.get("/computers/1").json()
    assert (computer["Id"], computer["Client"]["Id"], computer["Location"]["Id"]) == ("1", "1", 1)
    group = automate.get("/groups/101").json()
    assert (group["Id"], group["ParentId"], group["ParentGroups"]) == ("101", "2", [1, 2])
    assert set(map(type, automate.get("/GroupComputers").json()[0].values())) == {str}
    assert automate.get("/computers/1/patchingstats").json()["ComputerId"] == 1


def test_a_computer_tells_what_its_machine_does(automate: Client, world: World) -> None:
    machine = world.machines["ACME-WS01"]
    machine.users = ["jdoe"]
    machine.request_reboot(0)
    world.clock.advance(5)
    row = automate.get("/computers/3").json()
    assert (row["Status"], row["LoggedInUsers"]) == ("Offline", [])
    assert row["RemoteAgentLastContact"] == "2026-11-11T08:05:00"
    world.clock.advance(300)
    row = automate.get("/computers/3").json()
    assert (row["Status"], row["LastStartup"]) == ("Online", "2026-11-11T08:05:30")


def test_membership_four_ways(automate: Client) -> None:
    assert members(automate, "Patching.Ring.Pilot") == ["1", "3", "5"]
    (group,) = automate.get("/groups?expand=computers&condition=FullName='Patching.Ring.Pilot'").json()
    assert [row["Id"] for row in group["Computers"]] == ["1", "3", "5"]
    assert len(automate.get(f"http://lab/cwa/api/v2/groups/{group['Id']}/computers").json()) == 3
    row = automate.get("/computers/3?expand=groups").json()
    assert "Patching.Track.Overnight" in [one["FullName"] for one in row["Groups"]]


def test_a_member_added_by_hand_is_evicted_and_the_field_moves_it(automate: Client, world: World) -> None:
    (production,) = automate.get("/groups?condition=FullName='Patching.Ring.Production'").json()
    assert production["ComputersLimitToSearch"] is True
    automate.post("/GroupComputers", json={"groupid": production["Id"], "ComputerId": "3"})
    assert members(automate, "Patching.Ring.Production") == ["3"]
    world.clock.advance(121)
    assert members(automate, "Patching.Ring.Production") == []
    ring = field(automate, "/computers/3", "Patching Ring")
    assert ring["DropdownSettings"]["SelectedValue"] == "Pilot"
    patch = [{"op": "replace", "path": "/DropdownSettings/SelectedValue", "value": "Production"}]
    path = f"/computers/3/extrafields/{ring['ExtraFieldDefinitionId']}"
    assert automate.patch(path, json=patch).json()["DropdownSettings"]["SelectedValue"] == "Production"
    world.clock.advance(121)
    assert members(automate, "Patching.Ring.Production") == ["3"]
    assert members(automate, "Patching.Ring.Pilot") == ["1", "5"]


def test_a_member_of_a_group_without_search_stays_and_can_be_removed(automate: Client, world: World) -> None:
    (disabled,) = automate.get("/groups?condition=FullName='Patching.Disabled'").json()
    body = {"EntityType": 1, "EntityIds": [3, 4], "TargetType": "Group", "TargetId": int(disabled["Id"])}
    assert automate.post("/Batch/Commands/SendTo", json=body).status_code == 204
    world.clock.advance(600)
    assert members(automate, "Patching.Disabled") == ["3", "4"]
    gone = {"EntityType": "Computer", "GroupId": disabled["Id"], "EntityIds": [3]}
    assert automate.post("/Batch/Groups/RemoveEntities", json=gone).status_code == 204
    (row,) = automate.get("/GroupComputers", params={"condition": f"GroupId = {disabled['Id']}"}).json()
    assert automate.delete(f"/GroupComputers/{row['Id']}").status_code == 204
    assert members(automate, "Patching.Disabled") == []


def test_fields_of_places_are_told_inline_and_reset(automate: Client) -> None:
    (location, _other) = automate.get("/locations").json()
    zone = field(automate, "/clients/1", "Time Zone")
    assert zone["TextFieldSettings"]["Value"] == "America/New_York"
    inline = next(row for row in location["ExtraFields"] if row["Title"] == "Patching Disabled")
    assert inline["CheckboxSettings"]["IsChecked"] is False
    path = f"/locations/1/extrafields/{inline['ExtraFieldDefinitionId']}"
    patch = [{"op": "replace", "path": "/checkboxsettings/ischecked", "value": True}]
    assert automate.patch(path, json=patch).json()["CheckboxSettings"]["IsChecked"] is True
    assert field(automate, "/locations/1", "Patching Disabled")["IsDefaultValue"] is False
    assert automate.delete(path).json()["CheckboxSettings"]["IsChecked"] is False


@pytest.mark.parametrize(("strict", "status"), [(False, 200), (True, 400)])
def test_capital_patch_keys_are_warned_about_or_refused(world: World, strict: bool, status: int) -> None:
    patch = [{"Op": "replace", "Path": "/TextFieldSettings/Value", "Value": "2026-11"}]
    with Client(automate_app(world, strict_patch=strict), AUTOMATE) as client:
        enter(client)
        cycle = field(client, "/clients/1", "Patching Cycle")
        answer = client.patch(f"/clients/1/extrafields/{cycle['ExtraFieldDefinitionId']}", json=patch)
    assert answer.status_code == status
    assert ("Warning" in answer.headers) is not strict


@pytest.mark.parametrize(
    "patch",
    [
        {},
        [],
        [{"op": "replace", "path": "/TextFieldSettings/Value", "value": "x"}],
        [{"op": "replace", "path": "/DropdownSettings/SelectedValue", "value": "Fourth"}],
        [{"op": "move", "path": "/DropdownSettings/SelectedValue", "value": "Pilot"}],
    ],
)
def test_a_patch_that_does_not_fit_the_field_is_400(automate: Client, patch: Any) -> None:
    ring = field(automate, "/computers/3", "Patching Ring")
    path = f"/computers/3/extrafields/{ring['ExtraFieldDefinitionId']}"
    assert automate.patch(path, json=patch).status_code == 400


def test_deploying_shows_in_the_statistics_and_the_history(automate: Client, world: World) -> None:
    before = automate.get("/computers/3/PatchingStats").json()
    assert (before["Stage"], before["PatchJobRunning"], before["InstalledPatchCount"]) == ("Pilot", False, 1)
    world.inject({"target": "ACME-WS01", "kind": "update_fails", "kb": "5091231", "hresult": "0x80070643"})
    entity = {"EntityType": 1, "EntityId": 3}
    assert automate.post("/PatchActions/DeployAllApproved", json=entity).status_code == 204
    world.clock.advance(200)
    assert automate.get("/computers/3/PatchingStats").json()["PatchJobRunning"] is True
    world.clock.advance(3000)
    after = automate.get("/computers/3/PatchingStats").json()
    assert after["PatchJobRunning"] is False
    assert after["FailedPatchCount"] == 1
    assert after["InstalledPatchCount"] > before["InstalledPatchCount"]
    assert automate.get("/computers/3").json()["IsRebootNeeded"] is True
    rows = automate.get("/PatchHistory?condition=ComputerId = 3&orderby=ActionDate desc").json()
    results = {row["PatchHistoryTitle"]["KnowledgeBaseId"]: row["ResultCode"]["Name"] for row in rows}
    assert (results[5091211], results[5091231], results[5089911]) == ("Succeeded", "Failed", "Succeeded")
    updates = {row["KnowledgeBaseId"]: row for row in automate.get("/computers/3/MicrosoftUpdates").json()}
    assert updates[5091211]["InstallState"] == "Pending Reboot"
    assert updates[5091231]["InstallState"] == "Failed"
    assert updates[5090877]["PolicyApproval"]["Name"] == "Not Set"


def test_stages_and_policies(automate: Client) -> None:
    body = {"EntityType": "Group", "EntityId": 101}
    assert automate.post("/PatchActions/SetToProductionStage", json=body).status_code == 204
    assert automate.get("/computers/5/patchingstats").json()["Stage"] == "Production"
    assert automate.get("/computers/4/EffectivePatchingPolicy").json()["RebootPolicyName"] == "Prompt, Then Force"
    policies = {row["GroupName"]: row for row in automate.get("/GroupPatchingPolicies?pagesize=-1").json()}
    assert policies["Patching.Ring.Pilot"]["WindowsComputerCount"] == 3
    assert policies["Patching.Ring.Pilot"]["AutoJoinSettings"]["IsLimitedToComputerAutoJoin"] is True
    assert automate.get("/ApprovalPolicies").json()[0]["PilotDuration"] == 7
    assert automate.post("/PatchActions/Approve", json=body).status_code == 404


def test_a_command_waits_is_run_and_tells_its_output(automate: Client, world: World) -> None:
    body = {"ComputerId": 3, "Command": {"Id": "2"}, "Parameters": ["cmd.exe!!! /c hostname"]}
    command = automate.post("/Computers/3/CommandExecute", json=body).json()
    path = f"/Computers/3/CommandExecute/{command['Id']}"
    seen = [automate.get(path).json()["Status"]]
    for seconds in (6, 10):
        world.clock.advance(seconds)
        seen.append(automate.get(path).json()["Status"])
    assert seen == ["Pending", "Executing", "Success"]
    assert automate.get("/Computers/3/CommandExecute", params={"ids": command["Id"]}).json()[0]["Output"] == "ACME-WS01"


def test_a_command_for_an_absent_agent_stays_pending_until_it_is_back(automate: Client, world: World) -> None:
    number = automate.post("/Computers/6/CommandPrompt", json={"CommandText": "format c:"}).json()
    world.clock.advance(3000)
    assert automate.get(f"/Computers/6/CommandExecute/{number}").json()["Status"] == "Pending"
    world.machines["CLAW-WS02"].online = True
    world.clock.advance(120)
    row = automate.get(f"/Computers/6/CommandExecute/{number}").json()
    assert row["Status"] == "Failed"
    assert "does not know how to run 'format c:'" in row["Output"]


def test_scripts_reboot_and_set_maintenance(automate: Client, world: World) -> None:
    def schedule(script: int, computers: list[int], **parameters: str) -> dict[str, Any]:
        body = {
            "EntityType": 1,
            "EntityIds": computers,
            "ScriptId": script,
            "Schedule": {"ScriptScheduleFrequency": {"ScriptScheduleFrequencyId": 1}},
            "Parameters": [{"Key": key, "Value": value} for key, value in parameters.items()],
            "OfflineActionFlags": {"SkipsOfflineAgents": True},
        }
        answer: dict[str, Any] = automate.post("/Batch/ScriptSchedule", json=body).json()
        return answer

    assert schedule(2, [1], Minutes="30")["ContainsUnsuccessfulResults"] is False
    (_one, offline, unknown) = schedule(1, [3, 6, 99])["ScriptResults"]
    assert offline["ResultDetails"]["ReasonCode"] == "Offline"
    assert unknown["ResultDetails"]["ReasonCode"] == "NotFound"
    world.clock.advance(20)
    assert automate.get("/Computers/MaintenanceModes").json()[0]["ComputerID"] == 1
    assert automate.get("/computers/1").json()["IsMaintenanceModeEnabled"] is True
    assert automate.get("/computers/3").json()["Status"] == "Offline"
    (row,) = automate.get("/computers/3/ScriptHistory").json()
    assert (row["Name"], row["State"]) == ("Reboot Computer", "Success")
    world.clock.advance(1800)
    assert automate.get("/computers/1").json()["IsMaintenanceModeEnabled"] is False


def test_monitors_alerts_and_retired_agents(automate: Client, world: World) -> None:
    world.machines["ACME-DC01"].services["ntds"].state = "stopped"
    monitors = automate.get("/computers/1/monitors?pagesize=-1").json()
    assert [row["Name"] for row in monitors if row["State"] == "Failed"] == ["Service NTDS"]
    assert {row["Source"] for row in automate.get("/alerts").json()} == {"Service NTDS", "Agent Heartbeat"}
    assert automate.delete("/computers/1").status_code == 204
    assert automate.get("/computers/1").status_code == 404
    assert automate.get("/RetiredAssets").json()[0]["Name"] == "ACME-DC01"
    assert members(automate, "Patching.Ring.Pilot") == ["3", "5"]


def test_the_server_tells_its_time_with_an_offset(automate: Client) -> None:
    assert automate.get("/DatabaseServerTime").json() == "2026-11-11T08:05:00+00:00"


def test_paths_as_pyconnectwise_writes_them(automate: Client) -> None:
    """pyconnectwise 0.6.1.2 capitalises the first letter of each step; its Automate half does not run as released."""
    assert automate.get("/Computers/3/Patchingstats").status_code == 200
