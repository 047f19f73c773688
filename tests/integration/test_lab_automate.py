# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Automate over real sockets: both ports, live machines, and faults of the connection."""

from __future__ import annotations

import pytest
import requests

from lab.client import LabClient


def enter(lab: LabClient, session: requests.Session, url: str) -> str:
    """Logs the session in and gives the address of the API."""
    told, base = lab.info["automate"], f"{url}/cwa/api/v1"
    session.trust_env = False
    session.verify = lab.info["ca"]
    session.headers["ClientId"] = told["client_id"]
    body = {"UserName": told["user"], "Password": told["password"]}
    token = session.post(f"{base}/apitoken", json=body, timeout=10).json()["AccessToken"]
    session.headers["Authorization"] = f"Bearer {token}"
    return base


@pytest.mark.parametrize("port", ["url", "https_url"])
def test_http_and_https_answer_alike_and_the_certificate_holds(shared_lab: LabClient, port: str) -> None:
    with requests.Session() as session:
        base = enter(shared_lab, session, shared_lab.info["automate"][port])
        answer = session.get(f"{base}/Computers/?pagesize=2&orderby=Id desc", timeout=10)
    assert answer.headers["Total-Count"] == "6"
    assert [row["Id"] for row in answer.json()] == ["6", "5"]


def test_machines_changed_through_the_lab_show_at_once(shared_lab: LabClient) -> None:
    with requests.Session() as session:
        base = enter(shared_lab, session, shared_lab.info["automate"]["url"])
        shared_lab.update_machine("ACME-WS01", online=False)
        assert session.get(f"{base}/computers/3", timeout=10).json()["Status"] == "Offline"
        shared_lab.update_machine("ACME-WS01", online=True)
        assert session.get(f"{base}/computers/3", timeout=10).json()["Status"] == "Online"
    paths = [entry["path"] for entry in shared_lab.journal(face="automate")]
    assert paths == ["/cwa/api/v1/apitoken", "/cwa/api/v1/computers/3", "/cwa/api/v1/computers/3"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", requests.ConnectionError),
        ("cut", requests.exceptions.ChunkedEncodingError),
        ("hang", requests.Timeout),
        ("refuse", requests.ConnectionError),
    ],
)
def test_connections_break_as_told_and_then_work_again(
    shared_lab: LabClient, kind: str, error: type[Exception]
) -> None:
    with requests.Session() as session:
        base = enter(shared_lab, session, shared_lab.info["automate"]["url"])
        times = {} if kind == "refuse" else {"times": 1}
        shared_lab.inject({"target": "automate", "kind": kind, "path": "/cwa/api/v1/Computers", **times})
        with pytest.raises(error):
            session.get(f"{base}/Computers", timeout=1)
        shared_lab.clear_faults()
        assert session.get(f"{base}/Computers", timeout=10).status_code == 200


def test_a_slow_answer_comes_when_the_lab_clock_has_moved(shared_lab: LabClient) -> None:
    with requests.Session() as session:
        base = enter(shared_lab, session, shared_lab.info["automate"]["url"])
        shared_lab.inject({"target": "automate", "kind": "slow", "seconds": 60, "times": 1})
        before = shared_lab.clock()["now"]
        assert session.get(f"{base}/clients", timeout=10).status_code == 200
        assert shared_lab.clock()["now"] > before
