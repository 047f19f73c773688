# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told because time passes: over a fortnight of the cycle on the lab, in the PSA once, however often
and side by side it runs; the exception register; and decisions that are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from .conftest import ansible_in, running_lab
from .ring import BIG, POLICY, ROOT, SMALL, UPDATES, Night, sentence, workstation, write_fleet

pytestmark = pytest.mark.xdist_group("notices")

PLAYBOOKS = ROOT / "playbooks"
CYCLE = PLAYBOOKS / "cycle.yml"
PREVIEW = {
    "kb": "5090877",
    "title": "2026-10 Cumulative Update Preview (KB5090877)",
    "categories": ["Updates"],
    "released": "2026-10-27T17:00:00Z",
    "os": ["Windows 11"],
    "reboot": "never",
    "download_mb": 5,
    "install_seconds": 10,
}
TEN = {
    **UPDATES[1],
    "kb": "5091213",
    "title": "2026-11 Cumulative Update for Windows 10 (KB5091213)",
    "os": ["Windows 10"],
}
PRODUCTION = ["Patching.Ring.Production", "Patching.Track.Overnight", "Patching.Policy.Do Not Patch"]
FLEET = {
    "Acme": {
        "PILOT1": workstation(),
        "LATER": workstation(ring="Regular"),
        "OLD10": workstation(ring="Regular", os="Microsoft Windows 10 Pro x64"),
        "CNC": workstation(groups=PRODUCTION),
    },
    "Birch": {"B1": workstation(ring="Regular")},
}


@dataclass
class Fortnight:
    """The runs by what they were for, and the ledger's end after each."""

    night: Night
    runs: dict[str, Any] = field(default_factory=dict)
    head: dict[str, int] = field(default_factory=dict)

    def run(self, name: str, instant: str | None, *words: str) -> None:
        if instant:
            self.night.lab.set_clock(instant)
        self.runs[name] = self.night.run(*words, playbook=CYCLE)
        self.head[name] = self.night.ledger.head()[0]

    def tickets(self, about: str) -> list[dict[str, Any]]:
        return [one for one in self.night.psa.all("service/tickets") if f"/{about}/" in (one["externalXRef"] or "")]

    def text(self, ticket: dict[str, Any]) -> str:
        return "\n".join(self.night.notes(ticket))


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fortnight]:
    folder = tmp_path_factory.mktemp("notices")
    updates = [{**one, "os": ["Windows 11"]} for one in UPDATES]
    fleet = write_fleet(folder / "fleet.yml", FLEET, updates=[*updates, PREVIEW, TEN])
    with running_lab(folder / "lab", fleet, "--start", "2026-11-11T12:30:00Z") as lab:
        codes = {"except": {"VENDOR": "the vendor supports no later build"}}
        night = Night(lab, ansible_in(folder), folder, policy={**POLICY, "reason_codes": codes})
        found = Fortnight(night)
        found.run("searched", None)
        night.decide(
            "except", endpoint="LATER", code="VENDOR", reason="milling machine", expires="2026-12-15T00:00:00Z"
        )
        found.run("night", "2026-11-12T07:02:00Z")
        found.run("check", "2026-11-19T12:40:00Z", "--check")
        with night.running() as other:  # side by side
            found.run("week", None)
            other.wait(timeout=120)
        found.run("caught up", None)
        found.run("again", None)
        for name, run in found.runs.items():
            (folder / f"{name}.log").write_text(run.output)
        yield found


def test_every_run_is_green(fortnight: Fortnight) -> None:
    for name, run in fortnight.runs.items():
        assert run.returncode == 0, (name, run.output)


def test_an_unanswered_review_is_one_ticket_of_the_msp(fortnight: Fortnight) -> None:
    assert "KB5090877 awaits an engineer's review" in fortnight.runs["night"].output
    (ticket,) = fortnight.tickets("review")
    assert ticket["company"]["identifier"] == "MSP"
    assert ticket["summary"] == "Patching: review overdue: KB5090877"
    text = fortnight.text(ticket)
    assert "3 endpoints of 2 clients" in text
    assert "ansible-playbook msp.patching.approve -e updates=KB5090877" in text
    assert len(fortnight.night.notes(ticket)) == 1


def test_an_exception_is_told_of_once_for_each_occasion(fortnight: Fortnight) -> None:
    (ticket,) = fortnight.tickets("exception")
    assert ticket["company"]["identifier"] == "ACME"
    (note,) = fortnight.night.notes(ticket)
    assert "stands without the client's signed approval" in note


def test_a_gap_in_the_pilots_coverage_is_warned_of_at_once_and_on_a_ticket_when_it_lasts(fortnight: Fortnight) -> None:
    assert "no pilot workstation in scope stands for the OS Windows 10" in sentence(fortnight.runs["searched"].output)
    assert "no pilot workstation in scope could take KB5091213" in sentence(fortnight.runs["night"].output)
    (ticket,) = fortnight.tickets("coverage")
    assert ticket["company"]["identifier"] == "MSP"
    text = fortnight.text(ticket)
    assert "OS Windows 10, 1 endpoint of 1 client" in text
    assert "Update KB5091213, 1 endpoint of 1 client:\n  - Acme: OLD10" in text  # told a day later, so a note later


def test_the_gate_is_a_line_and_the_promotion_is_on_the_ledger_once(fortnight: Fortnight) -> None:
    night = fortnight.night
    assert (
        "KB5091211, all clients' workstations: waits: no pilot endpoint has taken it" in fortnight.runs["night"].output
    )
    assert sorted(night.installed("PILOT1")) == [BIG, SMALL]
    passed = [(body["kind"], body["client"], body["healthy"]) for body in night.bodies("soak.passed")]
    assert passed == [("workstation", None, 1), ("workstation", None, 1)]
    assert "Promoted, for the soak has passed" in fortnight.runs["check"].output
    assert "Promoted" not in fortnight.runs["again"].output


def test_check_mode_tells_and_records_nothing(fortnight: Fortnight) -> None:
    assert "1 overdue, a ticket is wanted" in fortnight.runs["check"].output
    assert fortnight.head["check"] == fortnight.head["night"]


def test_a_run_right_after_adds_nothing(fortnight: Fortnight) -> None:
    assert fortnight.head["again"] == fortnight.head["caught up"]
    fortnight.night.agrees("PILOT1", "LATER", "OLD10", "B1")


def told(run: Any) -> dict[str, Any]:
    (results,) = run.ok().results.values()
    found: dict[str, Any] = next(iter(results.values()))
    return found


def test_the_register_is_a_table_and_rows(fortnight: Fortnight) -> None:
    night = fortnight.night
    before, mark = night.ledger.head(), night.mark()
    run = night.run(playbook=PLAYBOOKS / "exceptions.yml")
    rows = told(run)["register"]
    assert [(row["kind"], row["state"], row["scope"]) for row in rows] == [
        ("exception", "unsigned", {"endpoint": "LATER"}),
        ("do_not_patch", "set", {"endpoint": "CNC"}),
    ]
    assert rows[0]["by"] == "t.brandt"
    assert rows[1]["source"] == "RMM: policy group Do Not Patch"
    assert rows[1]["since"] is not None
    assert "Exception register at" in run.output
    assert "VENDOR: " in run.output
    assert told(night.run("-e", "client=Birch", playbook=PLAYBOOKS / "exceptions.yml"))["register"] == []
    assert night.ledger.head() == before
    assert night.touched(mark) == set()


def test_explain_tells_the_gates_of_a_ring(fortnight: Fortnight) -> None:
    run = fortnight.night.run("-e", "ring=regular", playbook=PLAYBOOKS / "explain.yml").ok()
    for part in (
        "KB5091211, all clients' workstations: passed on Thu 19 Nov",
        "KB5091213, all clients' workstations: waits: no pilot endpoint has taken it",
    ):
        assert part in run.output


WRONG = [
    ("except", "client=Amce", "there is no client 'Amce' in the inventory; did you mean Acme?; there is: Acme, Birch"),
    ("except", "endpoint=CNC code=VENDR", "there is no reason code 'VENDR'; did you mean VENDOR?"),
    (
        "except",
        "endpoint=CNC code=VENDOR expires=2026-01-01T00:00:00Z",
        "`expires` is 2026-01-01T00:00:00Z: that is past",
    ),
]


@pytest.mark.parametrize(("playbook", "given", "words"), WRONG)
def test_what_is_not_there_is_refused_and_nothing_is_written(
    fortnight: Fortnight, playbook: str, given: str, words: str
) -> None:
    night = fortnight.night
    before = night.ledger.head()
    arguments = [word for one in given.split() for word in ("-e", one)]
    run = night.run(*arguments, "-e", "reason=r", playbook=PLAYBOOKS / f"{playbook}.yml")
    assert run.returncode != 0
    assert words in sentence(run.output)
    assert night.ledger.head() == before


def test_an_approval_of_what_nobody_has_seen_is_warned_of_and_taken(fortnight: Fortnight) -> None:
    night = fortnight.night
    run = night.run("-e", "updates=KB404", "-e", "reason=r", "--check", playbook=PLAYBOOKS / "approve.yml").ok()
    assert "no scan has found the update KB404 yet" in sentence(run.output)
    assert told(run)["recorded"][0]["update"] == "404"


def test_an_answer_is_noted_on_the_ticket_that_asked(fortnight: Fortnight) -> None:
    """After the others, for it changes what they look at."""
    night = fortnight.night
    night.decide("approve", updates="5090877", decision="declined", code="RISK", reason="next month")
    (ticket,) = fortnight.tickets("review")
    assert "Declined by t.brandt for all clients. RISK: next month" in fortnight.text(ticket)
    assert len(night.notes(ticket)) == 2
