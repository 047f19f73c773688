# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's PSA: getting in, lists and conditions, tickets and their rules."""

from __future__ import annotations

from typing import Any

import pytest

from lab.psa import psa_app
from lab.world import World
from tests.unit.lab.asgi import Client
from tests.unit.lab.conftest import CREDENTIALS, PSA

ROOT = "https://lab"
VND = "application/vnd.connectwise.com+json; version="


def ticket(psa: Client, **more: Any) -> dict[str, Any]:
    body = {"summary": "Patch failed", "company": {"identifier": "acme"}, "board": {"name": "Patch Management"}, **more}
    answer = psa.post("/service/tickets", json=body)
    assert answer.status_code == 201, answer.text
    row: dict[str, Any] = answer.json()
    return row


def replace(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


# -- getting in -----------------------------------------------------------------------------------------


def test_company_info_needs_no_keys_and_is_null_for_strangers(psa: Client) -> None:
    psa.auth = None
    assert psa.get(f"{ROOT}/login/companyinfo/LAB").json()["Codebase"] == "v4_6_release/"
    stranger = psa.get(f"{ROOT}/login/companyinfo/acme")
    assert (stranger.status_code, stranger.json()) == (200, None)


def test_keys_and_client_id_are_asked_for(psa: Client) -> None:
    del psa.headers["clientId"]
    assert psa.get("/system/info").status_code == 403
    psa.auth = (f"{CREDENTIALS.psa_company}+{CREDENTIALS.psa_public_key}", "wrong")
    answer = psa.get("/system/info")
    assert (answer.status_code, answer.json()["message"]) == (401, "UserNotAuthenticated")


def test_the_version_asked_for_is_told_back(psa: Client) -> None:
    answer = psa.get("/system/info", headers={"Accept": f"{VND}2025.1"})
    assert answer.headers["api-current-version"] == "2025.1"
    assert answer.headers["content-type"].startswith(f"{VND}2025.1")
    assert psa.get("/SYSTEM/Info/").headers["api-current-version"] == "2026.1"


def test_throttling_has_a_shape_of_its_own(psa: Client, world: World) -> None:
    world.inject({"target": "psa", "kind": "throttle", "times": 1, "retry_after": 30})
    answer = psa.get("/service/boards")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert answer.json() == {
        "error": "ConnectWiseAPI",
        "message": "Too many requests. Please try again in 30 seconds.",
    }


# -- lists ----------------------------------------------------------------------------------------------


def test_pages_are_linked(psa: Client) -> None:
    first = psa.get("/company/configurations?pageSize=4&conditions=id>0&fields=id")
    assert set(first.links) == {"next", "last"}
    second = psa.get(first.links["next"]["url"])
    assert [row["id"] for row in first.json() + second.json()] == [1001, 1002, 1003, 1004, 1005, 1006]
    assert set(second.links) == {"first", "prev"}
    assert psa.get("/company/configurations?page=9").json() == []
    assert psa.get("/company/configurations?pageSize=5000").status_code == 200


def test_twenty_five_rows_unless_asked(psa: Client) -> None:
    for _number in range(26):
        ticket(psa)
    assert len(psa.get("/service/tickets").json()) == 25
    assert psa.get("/service/tickets/count").json() == {"count": 26}


def test_forward_only_ends_with_an_empty_link(psa: Client) -> None:
    headers = {"pagination-type": "forward-only"}
    seen, url = [], "/company/configurations?pageSize=4&pageId=0&page=7"
    while True:
        answer = psa.get(url, headers=headers)
        seen += [row["id"] for row in answer.json()]
        if not answer.headers["Link"]:
            break
        url = answer.links["next"]["url"]
    assert seen == [1001, 1002, 1003, 1004, 1005, 1006]
    assert psa.get(f"{url}&orderBy=id desc", headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ('company/identifier="ACME" and deviceIdentifier="3"', [1003]),
        ("company/id=252", [1005, 1006]),
        ("name like 'ACME-*' AND name like \"%WS%\"", [1003, 1004]),
        ("id in (1001,1002) OR id>=1006", [1001, 1002, 1006]),
        ('name contains "dc"', [1001]),
        ("site != null", []),
        ("contact = null and id<1003", [1001, 1002]),
        ("activeFlag=False", []),
        ("_info/lastUpdated > [2026-11-11T08:00:00Z] and id=1001", [1001]),
        ("_info/lastUpdated >= [2026-11-12]", []),
    ],
)
def test_conditions(psa: Client, conditions: str, found: list[int]) -> None:
    query = {"conditions": conditions, "fields": "id", "orderBy": "id asc"}
    assert [row["id"] for row in psa.get("/company/configurations", params=query).json()] == found
    assert psa.get("/company/configurations/count", params=query).json() == {"count": len(found)}


@pytest.mark.parametrize(
    "query",
    ["conditions=configurations/id=1", "conditions=dateEntered>[2026-01-01]", "fields=nope", "orderBy=nope", "page=x"],
)
def test_unknown_fields_are_400(psa: Client, query: str) -> None:
    assert psa.get(f"/service/tickets?{query}").status_code == 400


def test_fields_leave_out_info_unless_named(psa: Client) -> None:
    row = ticket(psa)
    shown = psa.get(f"/service/tickets/{row['id']}?fields=id,status/name").json()
    assert shown == {"id": row["id"], "status": {"name": "New"}}
    assert "dateEntered" in psa.get(f"/service/tickets/{row['id']}?fields=_info").json()["_info"]


def test_custom_fields_and_children_have_conditions_of_their_own(psa: Client) -> None:
    row = ticket(psa, customFields=[{"id": 1, "caption": "Patch Cycle", "value": "2026-11"}])
    ticket(psa)
    query = {"customFieldConditions": 'caption="Patch Cycle" AND value="2026-11"'}
    assert [one["id"] for one in psa.get("/service/tickets", params=query).json()] == [row["id"]]
    mail = [{"value": "a@example.test"}]
    psa.post("/company/contacts", json={"firstName": "A", "communicationItems": mail})
    children = {"childconditions": 'communicationItems/value like "*@example.test"'}
    assert len(psa.get("/company/contacts", params=children).json()) == 1


def test_long_conditions_go_in_a_body(psa: Client) -> None:
    row = ticket(psa, externalXRef="patch-2026-11/1")
    body = {"conditions": 'externalXRef="patch-2026-11/1"'}
    (found,) = psa.post("/service/tickets/search", json=body).json()
    assert found["id"] == row["id"]


# -- tickets --------------------------------------------------------------------------------------------


def test_a_new_ticket_gets_its_defaults_a_note_and_an_insecure_location(psa: Client) -> None:
    body = {"summary": "S", "company": {"id": 251}, "initialDescription": "what happened"}
    answer = psa.post("/service/tickets", json=body, allow_redirects=False)
    row = answer.json()
    assert answer.headers["Location"] == f"http://lab/v4_6_release/apis/3.0/service/tickets/{row['id']}"
    assert (row["board"]["name"], row["status"]["name"], row["priority"]["sort"]) == ("Support", "New", 3)
    assert "initialDescription" not in row
    (note,) = psa.get(f"/service/tickets/{row['id']}/notes").json()
    assert (note["text"], note["detailDescriptionFlag"]) == ("what happened", True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"summary": "x" * 101}, "summary"),
        ({"summary": None}, "summary"),
        ({"company": None}, "company"),
        ({"company": {"identifier": "NOBODY"}}, "company"),
        ({"status": {"id": 300}}, "status"),
        ({"type": {"id": 150}}, "type"),
        ({"externalXRef": "x" * 101}, "externalXRef"),
        ({"severity": "Grave"}, "severity"),
    ],
)
def test_a_ticket_that_is_not_valid_says_which_field(psa: Client, change: dict[str, Any], field: str) -> None:
    body = {"summary": "S", "company": {"id": 251}, "board": {"id": 2}, **change}
    answer = psa.post("/service/tickets", json=body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_status_by_name_is_that_of_the_board(psa: Client) -> None:
    assert ticket(psa, status={"name": "Closed"})["status"]["id"] == 204
    assert ticket(psa, board={"id": 3}, status={"name": "Closed"})["status"]["id"] == 304


def test_the_status_closes_and_no_flag_does(psa: Client) -> None:
    path = f"/service/tickets/{ticket(psa)['id']}"
    assert psa.patch(path, json=replace("closedFlag", value=True)).status_code == 400
    assert psa.patch(path, json=replace("status", {"name": "Completed"})).json()["closedFlag"] is False
    closed = psa.patch(path, json=replace("status", {"id": 204})).json()
    assert (closed["closedFlag"], closed["closedDate"]) == (True, "2026-11-11T08:05:00Z")


def test_patch_below_a_reference_is_a_false_200(psa: Client) -> None:
    path = f"/service/tickets/{ticket(psa)['id']}"
    answer = psa.patch(path, json=replace("company/identifier", "CASCADE"))
    assert (answer.status_code, answer.json()["company"]["identifier"]) == (200, "ACME")
    assert psa.patch(path, json=replace("company", {"id": 252})).json()["company"]["identifier"] == "CASCADE"


@pytest.mark.parametrize(
    "patch",
    [
        replace("Summary", "case matters"),
        replace("nope", 1),
        [{"op": "move", "path": "summary"}],
        {"summary": "no array"},
        replace("summary", "x" * 101),
    ],
)
def test_a_patch_that_is_not_valid_is_400_and_changes_nothing(psa: Client, patch: Any) -> None:
    path = f"/service/tickets/{ticket(psa)['id']}"
    assert psa.patch(path, json=patch).status_code == 400
    assert psa.get(path).json()["summary"] == "Patch failed"


@pytest.mark.parametrize(("strict", "status"), [(False, 200), (True, 400)])
def test_a_leading_slash_is_warned_about_or_refused(world: World, strict: bool, status: int) -> None:
    """connectpyse-manage 0.0.7 patches ``/status``; the vendor's guide has no slash."""
    with Client(psa_app(world, strict_patch=strict), PSA) as psa:
        psa.auth = (f"{CREDENTIALS.psa_company}+{CREDENTIALS.psa_public_key}", CREDENTIALS.psa_private_key)
        psa.headers["clientID"] = CREDENTIALS.client_id
        answer = psa.patch(f"/service/tickets/{ticket(psa)['id']}", json=replace("/status", {"id": 201}))
    assert answer.status_code == status
    assert ("Warning" in answer.headers) is not strict


def test_put_resets_what_it_leaves_out(psa: Client) -> None:
    row = ticket(psa, poNumber="7")
    answer = psa.put(f"/service/tickets/{row['id']}", json={"summary": "T", "company": {"id": 251}})
    assert (answer.json()["poNumber"], answer.json()["board"]["id"]) == (None, 1)


def test_delete_and_not_found(psa: Client) -> None:
    path = f"/service/tickets/{ticket(psa)['id']}"
    assert psa.delete(path).status_code == 204
    gone = psa.get(path)
    assert (gone.status_code, gone.json()["code"], gone.json()["errors"]) == (404, "NotFound", None)


# -- below tickets --------------------------------------------------------------------------------------


def test_notes_need_a_flag_and_only_all_notes_know_types(psa: Client) -> None:
    path = f"/service/tickets/{ticket(psa)['id']}"
    assert psa.post(f"{path}/notes", json={"text": "n"}).status_code == 400
    note = psa.post(f"{path}/notes", json={"text": "n", "internalAnalysisFlag": True}).json()
    assert psa.patch(f"{path}/notes/{note['id']}", json=replace("text", "m")).json()["text"] == "m"
    assert psa.get(f"{path}/notes?conditions=noteType='TicketNote'").status_code == 400
    assert psa.get(f"{path}/allNotes?conditions=noteType='TicketNote'").json()[0]["text"] == "m"
    other = ticket(psa)["id"]
    assert psa.get(f"/service/tickets/{other}/notes/{note['id']}").status_code == 404


def test_a_configuration_goes_on_once(psa: Client) -> None:
    path = f"/service/tickets/{ticket(psa)['id']}/configurations"
    assert psa.post(path, json={"id": 1003}).status_code == 201
    again = psa.post(path, json={"id": 1003})
    assert (again.status_code, again.json()["errors"][0]["code"]) == (400, "ObjectExists")
    assert [row["deviceIdentifier"] for row in psa.get(path).json()] == ["3"]
    assert psa.post(path, json={"id": 9}).status_code == 404
    assert psa.delete(f"{path}/1003").status_code == 204
    assert psa.get(f"{path}/count").json() == {"count": 0}


def test_merging_and_bundling(psa: Client) -> None:
    one, two, three = (ticket(psa)["id"] for _number in range(3))
    body = {"mergeTicketIds": [two], "status": {"id": 204}}
    assert psa.post(f"/service/tickets/{one}/merge", json=body).json()["hasMergedChildTicketFlag"] is True
    merged = psa.get(f"/service/tickets/{two}").json()
    assert (merged["mergedParentTicket"], merged["closedFlag"]) == ({"id": one}, True)
    answer = psa.post(f"/service/tickets/{one}/attachChildren", json={"childTicketIds": [three]})
    assert answer.json()["success"] is True
    assert psa.get(f"/service/tickets/{three}").json()["parentTicketId"] == one
    assert psa.post(f"/service/tickets/{one}/merge", json={"mergeTicketIds": [one]}).status_code == 400


def test_boards_statuses_and_entries(psa: Client) -> None:
    statuses = psa.get("/service/boards/2/statuses").json()
    assert [row["id"] for row in statuses if row["closedStatus"]] == [204]
    assert psa.get("/service/boards/9/statuses").status_code == 404
    number = ticket(psa)["id"]
    entry = {"chargeToId": number, "chargeToType": "ServiceTicket", "timeStart": "2026-11-11T08:00:00Z"}
    assert psa.post("/time/entries", json=entry).status_code == 201
    assert len(psa.get(f"/service/tickets/{number}/timeEntries").json()) == 1
    schedule = psa.post("/schedule/entries", json={"objectId": number, "type": {"identifier": "S"}}).json()
    path = f"/schedule/entries/{schedule['id']}"
    assert psa.patch(path, json=replace("status/id", 2)).json()["status"] == {"id": 2}


def test_a_bundle_answers_each_request_for_itself(psa: Client) -> None:
    number = ticket(psa)["id"]
    requests = [
        {"sequenceNumber": 1, "resourceType": "ticket", "apiRequest": {"conditions": f"id={number}"}},
        {"sequenceNumber": 2, "resourceType": "company", "apiRequest": {"id": 9}},
    ]
    first, second = psa.post("/system/bundles", json={"requests": requests}).json()["results"]
    assert (first["success"], first["data"][0]["id"]) == (True, number)
    assert (second["success"], second["statusCode"]) == (False, 404)
