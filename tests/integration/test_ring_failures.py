# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failure standard to its end, over two nights: a domain controller and two workstations fail, on-call is woken for
the server, root causes are documented, and the second night goes well. With a canary in every credential."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .conftest import ansible_in, running_lab
from .ring import BIG, SMALL, Night, sentence, server, workstation, write_fleet

pytestmark = pytest.mark.xdist_group("failures")

FATAL = "0x80070643"
FLEET = {
    "Acme": {
        "DC01": server("Domain Controller"),
        "WS01": workstation(),
        "WS02": workstation(),
    }
}
LAYOUT = """
topics:
  failure: {type: Patch Failure}
queues:
  support: {board: Support, team: Service Team}
"""


@dataclass
class Nights:
    night: Night
    first: Any
    again: Any
    documented: list[Any]
    second: Any
    alerts: dict[str, list[dict[str, Any]]]
    tickets: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    folder = tmp_path_factory.mktemp("failures")
    (folder / "layout.yml").write_text(LAYOUT)
    with running_lab(folder / "lab", write_fleet(folder / "fleet.yml", FLEET)) as lab:
        options = {"LAYOUT": str(folder / "layout.yml"), "BUNDLE": "true", "CLOSE_CURED": "true"}
        night = Night(
            lab,
            ansible_in(folder),
            folder,
            environment={f"MSP_PATCHING_PSA_{key}": value for key, value in options.items()},
        )
        for machine in FLEET["Acme"]:
            lab.inject({"target": machine, "kind": "update_fails", "kb": BIG, "hresult": FATAL, "times": 1})
        night.decide("authorize", endpoint="DC01", reason="pilot night")
        found = Nights(night, None, None, [], None, {}, {})
        lab.inject({"target": "oncall", "kind": "error", "times": 1})
        found.first = night.run()
        found.alerts["first"] = lab.alerts()
        found.again = night.run()
        found.alerts["again"] = lab.alerts()
        found.tickets["again"] = night.psa.all("service/tickets")
        for machine in ("DC01", "WS01"):
            night.decide("root_cause", endpoint=machine, code="DISK", text="the system drive was full")
            night.decide("release", endpoint=machine, reason="40 GB are free now")
        found.alerts["documented"] = lab.alerts()
        lab.set_clock("2026-11-12T07:01:00Z")
        found.second = night.run()
        for name in ("first", "again", "second"):
            (folder / f"{name}.log").write_text(getattr(found, name).output)
        yield found


def ticket(nights: Nights, machine: str) -> dict[str, Any]:
    (found,) = nights.night.tickets(machine)
    return found


def test_the_server_wakes_on_call_once_and_the_workstations_nobody(nights: Nights) -> None:
    """Though its receiver did not take it at first."""
    assert nights.first.returncode == 2
    (woken,) = nights.alerts["first"]
    assert nights.alerts["again"] == [woken], "that it is still so wakes nobody again"
    assert (woken["action"], woken["source"], woken["severity"]) == ("trigger", "DC01", "critical")
    details = woken["body"]["payload"]["custom_details"]
    assert (details["step"], details["role"], details["cycle"]) == ("install", "domain_controller", "2026-11")
    assert FATAL in woken["summary"]


def test_it_is_over_for_on_call_when_the_root_cause_is_documented(nights: Nights) -> None:
    trigger, resolve = nights.alerts["documented"]
    assert (resolve["action"], resolve["incident"]) == ("resolve", trigger["incident"])


def test_workstations_go_to_the_support_queue_and_the_server_to_the_board(nights: Nights) -> None:
    assert ticket(nights, "DC01")["board"]["name"] == "Patch Management"
    assert ticket(nights, "WS01")["board"]["name"] == "Support"
    assert ticket(nights, "WS01")["team"]["name"] == "Service Team"
    assert ticket(nights, "DC01")["type"]["name"] == ticket(nights, "WS01")["type"]["name"] == "Patch Failure"
    assert ticket(nights, "DC01")["priority"]["name"].startswith("Priority 1")


def test_one_cause_has_one_parent(nights: Nights) -> None:
    (parent,) = [row for row in nights.tickets["again"] if "/cause/" in (row["externalXRef"] or "")]
    assert FATAL in parent["summary"]
    for machine in FLEET["Acme"]:
        assert ticket(nights, machine)["parentTicketId"] == parent["id"]


def test_the_ticket_tells_the_story_and_closes_when_it_is_over(nights: Nights) -> None:
    """Documented, released, installed and healthy: the option says that it then closes."""
    opened, documented, released, cured = nights.night.notes(ticket(nights, "DC01"))
    for part in (f"KB{BIG}", FATAL, "What it means:", "What to check:", "Next window:", "root_cause -e endpoint=DC01"):
        assert part in opened
    assert "Held until somebody releases it: cycle 2026-11, client Acme, ring pilot, kind server" in opened
    assert "on-call is asked to look" in opened
    assert documented.startswith("Root cause documented by t.brandt: DISK, the system drive was full")
    assert "Held until somebody releases it" in documented
    assert released.startswith("Hold released by t.brandt: 40 GB are free now")
    assert "the install has gone well since" in cured
    assert ticket(nights, "DC01")["closedFlag"]
    assert sorted(nights.night.installed("DC01")) == [BIG, SMALL]


def test_what_nobody_explained_stays_open(nights: Nights) -> None:
    assert nights.second.returncode == 0, nights.second.output
    assert not ticket(nights, "WS02")["closedFlag"]
    assert len(nights.night.notes(ticket(nights, "WS02"))) == 1
    assert nights.night.installed("WS02") == [SMALL]


def test_nothing_is_left_to_be_delivered_and_no_secret_has_leaked(nights: Nights) -> None:
    night = nights.night
    for channel in ("ticket", "alert", "tracker", "attachment"):
        assert night.ledger.pending(channel) == []
    info = night.lab.info
    secrets = [info["psa"]["private_key"], info["oncall"]["routing_key"], info["automate"]["password"]]
    secrets += [
        info["psa"]["public_key"],
        info["automate"]["client_id"],
        info["winrm"]["password"],
        info["psa"]["client_id"],
        info["oncall"]["token"],
    ]
    ledger = json.dumps([[event.kind, dict(event.body)] for event in night.events()])
    told = [ledger, *(run.output for run in (nights.first, nights.again, nights.second))]
    told += [json.dumps(night.psa.all("service/tickets")), json.dumps(night.lab.alerts())]
    told += ["\n".join(night.notes(ticket(nights, machine))) for machine in FLEET["Acme"]]
    for text in map(sentence, told):
        for secret in secrets:
            assert secret not in text
