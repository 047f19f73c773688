# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance report after a night on the lab, held against what the machines and the PSA themselves say of it.

Nothing is counted from our own tables here: how many are patched, what was installed, failed and booted, and when, is
counted from the machines' histories; what is on the ticket is fetched from the PSA.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest

from .conftest import ansible_in, running_lab
from .ring import BIG, ROOT, SMALL, Night, workstation, write_fleet

pytestmark = pytest.mark.xdist_group("report")

REPORT = ROOT / "playbooks" / "report.yml"
ALONE = ("-e", "package=false")
"""The evidence package is signed, and a signature is an event: without it the ledger stays as it is."""
MACHINES = {
    "Acme": {
        "WELL": workstation(),
        "FAILS": workstation(),
        "AWAY": workstation(online=False),
    },
    "<b>Beta & Sons</b>": {"BWELL": workstation(), "BFINE": workstation()},
}
HERE = ("WELL", "FAILS", "BWELL", "BFINE")


@dataclass
class Reported:
    """A night, the report of it, and the histories of the machines."""

    night: Night
    run: Any
    dest: Path
    history: dict[str, list[dict[str, Any]]]
    until: datetime
    """When the lab's clock was stopped, after the night."""

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.dest / f"compliance-2026-11-{name}.csv").open(encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))

    def at(self, machine: str, event: str, kb: str | None = None) -> list[datetime]:
        return [
            datetime.fromisoformat(entry["at"])
            for entry in self.history[machine]
            if entry["event"] == event and kb in (None, entry.get("kb"))
        ]

    def corrected(self, machine: str, kb: str) -> bool:
        """Installed, and of the one that takes effect with a reboot, booted since."""
        installed = self.at(machine, "install.succeeded", kb)
        return bool(installed) and (kb == SMALL or any(boot > installed[0] for boot in self.at(machine, "boot")))

    def patched(self, machine: str) -> bool:
        return all(self.corrected(machine, kb) for kb in (BIG, SMALL))


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    folder = tmp_path_factory.mktemp("report")
    with running_lab(folder / "lab", write_fleet(folder / "fleet.yml", MACHINES)) as lab:
        night = Night(lab, ansible_in(folder), folder)
        lab.inject({"target": "FAILS", "kind": "update_fails", "kb": BIG, "hresult": "0x80070643"})
        night.run()
        lab.speed(0)
        dest = folder / "out"
        run = night.run(*ALONE, "-e", "cycle=2026-11", "-e", f"dest={dest}", playbook=REPORT).ok()
        history = {name: lab.machine(name)["history"] for name in (*HERE, "AWAY")}
        yield Reported(night, run, dest, history, datetime.fromisoformat(lab.clock()["now"]))


def test_compliance_is_what_the_machines_say(reported: Reported) -> None:
    patched = [name for name in (*HERE, "AWAY") if reported.patched(name)]
    assert sorted(patched) == ["BFINE", "BWELL", "WELL"]
    result = reported.run.results["localhost"]["Make the compliance report of a cycle, a client or a tier"]
    assert f"{len(patched)} of 5 endpoints compliant (60 %)" in result["summary"]
    assert {row["name"]: row["stands"] for row in reported.rows("endpoints")} == {
        **dict.fromkeys(patched, "patched"),
        "FAILS": "failed",
        "AWAY": "unreachable",
    }
    html = (reported.dest / "compliance-2026-11.html").read_text()
    assert "3 of 5 endpoints are patched and validated: 60 %" in html


def test_corrected_flaws_are_those_that_the_machines_have_installed(reported: Reported) -> None:
    flaws = {(row["endpoint"], row["label"]): row for row in reported.rows("flaws")}
    assert set(flaws) == {(name, f"KB{kb}") for name in HERE for kb in (BIG, SMALL)}
    for (name, label), row in flaws.items():
        kb = label.removeprefix("KB")
        assert (row["state"] == "corrected") == reported.corrected(name, kb), (name, label)
        failed = bool(reported.at(name, "install.failed", kb))
        assert (row["state"] == "failed") == failed, (name, label)
    assert sum(row["state"] == "corrected" for row in flaws.values()) == sum(
        reported.corrected(name, kb) for name in HERE for kb in (BIG, SMALL)
    )


def test_instants_follow_those_of_the_machines(reported: Reported) -> None:
    """Ours are when a run saw it: not before it happened on the machine, and before what the machine did next."""
    flaws = [row for row in reported.rows("flaws") if row["state"] == "corrected"]
    times, machines = [], []
    for row in flaws:
        name, kb = row["endpoint"], row["label"].removeprefix("KB")
        since, installed, corrected = (datetime.fromisoformat(row[key]) for key in ("since", "installed", "corrected"))
        (really,) = reported.at(name, "install.succeeded", kb)
        boots = reported.at(name, "boot")
        assert really <= installed <= min(boots, default=corrected), row
        assert max([really, *boots]) <= corrected <= reported.until, row
        times.append((corrected - since).total_seconds())
        machines.append((max([really, *boots]) - since).total_seconds())
    assert median(machines) <= median(times)
    shown = re.search(r"Median time to patch</dt><dd class=\"value\">(\d+) min<", page(reported))
    assert shown is not None
    assert int(shown[1]) == round(median(times) / 60)


def test_a_flaw_that_stands_is_reported_on_the_clients_ticket(reported: Reported) -> None:
    """The PSA's own notes name the update and the machine; what is corrected by then needs none."""
    psa = reported.night.psa
    keys = ((one, one.get("externalXRef") or "") for one in psa.all("service/tickets"))
    (ticket,) = [one for one, key in keys if "/compliance/2026-11/" in key and "Acme" in key]
    told = [line for note in reported.night.notes(ticket) for line in note.splitlines() if f"KB{BIG}" in line]
    assert len(told) == 1
    assert "FAILS" in told[0]
    assert "WELL" not in told[0]
    (row,) = [row for row in reported.rows("flaws") if row["state"] == "failed"]
    assert row["ticket"] in {str(ticket["id"]), *(str(one["id"]) for one in reported.night.tickets("FAILS"))}
    assert row["reported_in_time"] == "yes"


def test_every_boot_is_confirmed_with_the_machines_own_id(reported: Reported) -> None:
    boots = {(name, entry["boot_id"]) for name in HERE for entry in reported.history[name] if entry["event"] == "boot"}
    assert len(boots) == 3
    assert {(row["endpoint"], row["boot_id"]) for row in reported.rows("boots")} == boots


def test_names_from_the_rmm_are_text(reported: Reported) -> None:
    assert "<b>Beta" not in page(reported)
    assert "&lt;b&gt;Beta &amp; Sons&lt;/b&gt;" in page(reported)


def test_document_and_picture_are_made(reported: Reported) -> None:
    document = pypdfium2.PdfDocument(reported.dest / "compliance-2026-11.pdf")
    text = "".join(sheet.get_textpage().get_text_range() for sheet in document)
    assert "3 of 5 endpoints are patched and validated: 60 %" in " ".join(text.split())
    assert (reported.dest / "compliance-2026-11.png").read_bytes().startswith(b"\x89PNG")


def test_again_nothing_changes(reported: Reported) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in reported.dest.iterdir()}
    events = reported.night.ledger.head()
    again = reported.night.run(*ALONE, "-e", "cycle=2026-11", "-e", f"dest={reported.dest}", playbook=REPORT).ok()
    assert again.stats["localhost"]["changed"] == 0
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in reported.dest.iterdir()} == before
    assert reported.night.ledger.head() == events


def test_check_mode_writes_nothing(reported: Reported, tmp_path: Path) -> None:
    run = reported.night.run("-e", f"dest={tmp_path / 'new'}", "-e", "formats=html", "--check", playbook=REPORT).ok()
    assert run.stats["localhost"]["changed"] == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-e", "cycle=2026-10"), "there is no cycle '2026-10' on the ledger; there is: 2026-11"),
        (("-e", "client=Acne"), "no client 'Acne' has a tier in 2026-11; there is: <b>Beta & Sons</b>, Acme"),
        (("-e", "ring=pilots"), "ring is 'pilots': one of pilot, mosttest, regular, production is wanted"),
        (("-e", "formats=docx"), "formats has 'docx': of html, pdf, png, csv, oscal one or more are wanted"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    reported: Reported, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    run = reported.night.run(*words, "-e", f"dest={tmp_path / 'new'}", playbook=REPORT)
    assert run.returncode == 2
    (result,) = run.results["localhost"].values()
    assert told in result["msg"]
    assert not (tmp_path / "new").exists()


def test_a_tier_that_closes_puts_document_and_picture_on_the_clients_ticket(reported: Reported) -> None:
    """To the byte, as the ledger says; the client whose tier is open has none."""
    psa, wanted = reported.night.psa, reported.night.bodies("attachment.wanted")
    tickets = {
        ticket["externalXRef"]: ticket["id"]
        for ticket in psa.all("service/tickets")
        if "/compliance/" in (ticket.get("externalXRef") or "")
    }
    beta, acme = (next(key for key in tickets if name in key) for name in ("Beta", "Acme"))
    assert {body["xref"] for body in wanted} == {beta}
    documents = psa.all("system/documents", recordType="Ticket", recordId=tickets[beta])
    hashes = {
        one["fileName"]: hashlib.sha256(psa.download(f"system/documents/{one['id']}/download")).hexdigest()
        for one in documents
    }
    assert hashes == {body["file_name"]: body["sha256"] for body in wanted}
    assert sorted(name.rpartition(".")[2] for name in hashes) == ["pdf", "png"]
    assert psa.all("system/documents", recordType="Ticket", recordId=tickets[acme]) == []


def test_on_demand_it_is_put_there_too(reported: Reported, tmp_path: Path) -> None:
    words = ("-e", "client=Acme", "-e", "attach=true", "-e", "formats=png", "-e", f"dest={tmp_path}")
    reported.night.run(*words, playbook=REPORT).ok()
    sent = reported.night.bodies("attachment.sent")
    assert sum("Acme" in body["xref"] for body in sent) == 2
    refused = reported.night.run("-e", "attach=true", "-e", f"dest={tmp_path}", playbook=REPORT)
    assert refused.returncode == 2
    assert "a report is put on the ticket of a client and cycle" in refused.output


def page(reported: Reported) -> str:
    return (reported.dest / "compliance-2026-11.html").read_text()
