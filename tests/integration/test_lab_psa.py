# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's PSA over real sockets: both ports, the insecure Location, a picture to the byte, faults."""

from __future__ import annotations

import hashlib

import pytest
import requests

from lab.client import LabClient

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300


def enter(lab: LabClient, session: requests.Session, url: str) -> str:
    told = lab.info["psa"]
    session.trust_env = False
    session.verify = lab.info["ca"]
    session.auth = (f"{told['company']}+{told['public_key']}", told["private_key"])
    session.headers["clientId"] = told["client_id"]
    codebase = session.get(f"{url}/login/companyinfo/{told['company']}", timeout=10).json()["Codebase"]
    return f"{url}/{codebase}apis/3.0"


@pytest.mark.parametrize("port", ["url", "https_url"])
def test_a_ticket_with_a_picture_on_both_ports(shared_lab: LabClient, port: str) -> None:
    with requests.Session() as session:
        base = enter(shared_lab, session, shared_lab.info["psa"][port])
        made = session.post(
            f"{base}/service/tickets", json={"summary": "S", "company": {"identifier": "ACME"}}, timeout=10
        )
        assert made.status_code == 201
        assert made.headers["Location"].startswith("http://"), "insecure even where the request was not"
        form = {"recordType": "Ticket", "recordId": str(made.json()["id"])}
        file = {"file": ("r.png", PICTURE, "image/png")}
        told = session.post(f"{base}/system/documents", data=form, files=file, timeout=10).json()
        assert told["_info"]["sha256"] == hashlib.sha256(PICTURE).hexdigest()
        assert session.get(f"{base}/system/documents/{told['id']}/download", timeout=10).content == PICTURE


def test_links_lead_on_with_the_scheme_that_was_used(shared_lab: LabClient) -> None:
    with requests.Session() as session:
        base = enter(shared_lab, session, shared_lab.info["psa"]["https_url"])
        first = session.get(f"{base}/company/configurations?pageSize=5&fields=id", timeout=10)
        second = session.get(first.links["next"]["url"], timeout=10)
    assert first.links["next"]["url"].startswith("https://")
    assert len(first.json() + second.json()) == 6


def test_a_cut_answer_to_a_write_leaves_the_ticket_behind(shared_lab: LabClient) -> None:
    with requests.Session() as session:
        base = enter(shared_lab, session, shared_lab.info["psa"]["url"])
        shared_lab.inject({"target": "psa", "kind": "cut", "times": 1})
        body = {"summary": "S", "company": {"id": 251}, "externalXRef": "only-once"}
        with pytest.raises(requests.exceptions.RequestException):
            session.post(f"{base}/service/tickets", json=body, timeout=10)
        query = {"conditions": 'externalXRef="only-once"'}
        assert len(session.get(f"{base}/service/tickets", params=query, timeout=10).json()) == 1


def test_a_reset_forgets_the_tickets(shared_lab: LabClient) -> None:
    with requests.Session() as session:
        base = enter(shared_lab, session, shared_lab.info["psa"]["url"])
        session.post(f"{base}/service/tickets", json={"summary": "S", "company": {"id": 251}}, timeout=10)
        shared_lab.reset()
        assert session.get(f"{base}/service/tickets", timeout=10).json() == []
