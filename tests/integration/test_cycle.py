# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook cycle as cron would call it: at several hours of a cycle's first nights, over every ring."""

from __future__ import annotations

import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from trestle.oscal.assessment_results import Model as AssessmentResults

from ansible_collections.msp.patching.plugins.plugin_utils import automate
from ansible_collections.msp.patching.plugins.plugin_utils.automate.client import CLIENTS
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries import compliance
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.tracker import field_of
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import read_signing_key

from .conftest import ansible_in, running_lab
from .ring import BIG, ROOT, SMALL, Night, server, workstation, write_fleet

pytestmark = pytest.mark.xdist_group("cycle")

TITLES = ("Patching Cycle", "Patching Cycle State", "Patching Cycle Closed")
CYCLE = ROOT / "playbooks" / "cycle.yml"
REPORT = ROOT / "playbooks" / "report.yml"
VERIFY = ROOT / "playbooks" / "verify.yml"
PILOT, REGULAR = ("2026-11", "Acme", "pilot", "workstation"), ("2026-11", "Acme", "regular", "workstation")
SERVERS = ("2026-11", "Birch", "production", "server")
FLEET = {
    "Acme": {
        "PILOT1": workstation(),
        "PILOT2": workstation(),
        "LATER": workstation(ring="Regular"),
    },
    "Birch": {"SRV1": server("File Server", ring="Production", policy="Do Not Patch")},
}


@dataclass
class Cycle:
    """The runs by what they were for; `head` the ledger's end after each."""

    night: Night
    runs: dict[str, Any]
    head: dict[str, int]
    touched: dict[str, set[str]]


def tiers(night: Night, kind: str) -> list[tuple[str, ...]]:
    return [tuple(body[key] for key in ("cycle", "client", "ring", "kind")) for body in night.bodies(kind)]


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cycle]:
    folder = tmp_path_factory.mktemp("cycle")
    fleet = write_fleet(folder / "fleet.yml", FLEET)
    with running_lab(folder / "lab", fleet, "--start", "2026-11-10T11:59:00Z") as lab:
        night = Night(lab, ansible_in(folder), folder)
        found = Cycle(night, {}, {}, {})
        for name, instant, words in (
            ("before", "2026-11-10T12:00:00Z", ()),
            ("check", "2026-11-10T18:30:00Z", ("--check",)),
            ("searched", "2026-11-11T12:30:00Z", ()),
            ("night", "2026-11-13T07:02:00Z", ()),
            ("again", None, ()),
            ("morning", "2026-11-13T15:00:00Z", ()),
            ("by hand", "2026-11-15T15:00:00Z", ("-l", "PILOT1")),
        ):
            if instant:
                lab.set_clock(instant)
            mark = night.mark()
            found.runs[name] = night.run(*words, playbook=CYCLE)
            found.head[name] = night.ledger.head()[0]
            found.touched[name] = night.touched(mark)
            (folder / f"{name}.log").write_text(found.runs[name].output)
        yield found


def test_every_run_is_green(cycle: Cycle) -> None:
    for name, run in cycle.runs.items():
        assert run.returncode == 0, (name, run.output)


def test_the_cycle_opens_when_patch_tuesday_has_come(cycle: Cycle) -> None:
    assert [body["cycle"] for body in cycle.night.bodies("cycle.opened")] == ["2026-10", "2026-11"]
    assert "Cycle 2026-11 is open" in cycle.runs["searched"].output


def test_check_mode_writes_nothing(cycle: Cycle) -> None:
    assert cycle.head["check"] == cycle.head["before"]
    assert cycle.touched["check"] == set()


def test_each_tier_is_opened_once(cycle: Cycle) -> None:
    opened = tiers(cycle.night, "tier.opened")
    assert len(opened) == len(set(opened))
    assert {tier for tier in opened if tier[0] == "2026-11"} == {PILOT, REGULAR, SERVERS}


def test_outside_the_windows_machines_are_searched_and_left_alone(cycle: Cycle) -> None:
    assert cycle.touched["searched"] <= {"PILOT1", "PILOT2", "LATER"}
    for machine in ("PILOT1", "PILOT2", "LATER"):
        assert all(entry["at"] >= "2026-11-13" for entry in cycle.night.happened(machine, "install.started"))


def test_a_missed_night_is_told_once_in_one_line_and_caught_up(cycle: Cycle) -> None:
    """Nothing ran in the night of the 12th."""
    told = {
        name: [line for line in run.output.splitlines() if line.startswith("Missed:")]
        for name, run in cycle.runs.items()
    }
    assert {name for name, lines in told.items() if lines} == {"night"}
    (line,) = told["night"]
    assert "2 endpoint(s) were due: PILOT1, PILOT2" in line
    (body,) = cycle.night.bodies("window.missed")
    assert body["start"] == "2026-11-12T07:00:00.000000+00:00"
    for machine in ("PILOT1", "PILOT2"):
        assert sorted(cycle.night.installed(machine)) == [BIG, SMALL]


def test_a_run_that_records_anything_says_once_for_whom_it_plans(cycle: Cycle) -> None:
    ledger = cycle.night.ledger
    said = [(run, dict(event.body)) for _seq, run, event in ledger.events(kinds=["run.planned"])]
    *opened, by_hand = [
        run for _seq, run, event in ledger.events(kinds=["run.opened"]) if event.body.get("playbook") == CYCLE.name
    ]
    everybody = {"clients": {"Acme": ["pilot", "regular"], "Birch": ["production"]}}
    assert said == [*((run, everybody) for run in opened), (by_hand, {"clients": {}, "endpoints": ["PILOT1"]})]


def test_a_tier_closes_when_its_endpoints_are_patched_with_the_proof(cycle: Cycle) -> None:
    closed = {
        (body["ring"], body["kind"]): body["proof"]
        for body in cycle.night.bodies("tier.closed")
        if body["cycle"] == "2026-11"
    }
    assert [(row["endpoint"], row["stands"]) for row in closed["pilot", "workstation"]] == [
        ("PILOT1", "patched"),
        ("PILOT2", "patched"),
    ]
    assert [(row["endpoint"], row["stands"]) for row in closed["production", "server"]] == [("SRV1", "excluded")]
    assert ("regular", "workstation") not in closed
    row = next(row for row in cycle.night.ledger.rows("tiers") if row["cycle"] == "2026-11" and row["ring"] == "pilot")
    assert row["closed_at"] is not None


def test_each_client_has_a_compliance_ticket_that_closes_with_its_last_tier(cycle: Cycle) -> None:
    night = cycle.night
    tickets = {row["externalXRef"]: row for row in night.psa.all("service/tickets")}
    acme, birch = (tickets[compliance.xref_of("2026-11", client)] for client in ("Acme", "Birch"))
    assert (acme["closedFlag"], birch["closedFlag"]) == (False, True)
    assert (acme["company"]["identifier"], birch["company"]["identifier"]) == ("ACME", "BIRCH")
    opened, found, closed = night.notes(acme)
    assert "Found by searches on machines of Acme:" in found
    for kb in (BIG, SMALL):
        (line,) = [line for line in found.splitlines() if f"KB{kb}" in line]
        assert line.endswith("on 3: LATER, PILOT1, PILOT2")
    assert "- pilot workstations: 2 (PILOT1, PILOT2)" in opened
    assert "Closed: pilot workstations of cycle 2026-11" in closed
    assert "2 of 2 in scope are patched and validated (100 %)" in closed
    for machine in ("PILOT1", "PILOT2"):
        (line,) = [line for line in closed.splitlines() if line.startswith(f"- {machine}: ")]
        assert "; last booted 2026-11-13 02:" in line
        assert line.endswith("-0500 (America/New_York)")
    assert "Still open: regular workstations." in closed
    excluded = night.notes(birch)[1]
    assert "Excluded:\n- SRV1: " in excluded
    assert "All tiers of cycle 2026-11 are closed" in excluded


def test_the_rmms_cycle_tracker_says_how_far_each_client_is(cycle: Cycle) -> None:
    info = cycle.night.lab.info["automate"]
    settings = automate.Settings(**{key: info[key] for key in ("url", "user", "password", "client_id")})
    with automate.AutomateClient(settings) as rmm:
        ids = {row["Name"]: int(row["Id"]) for row in rmm.read(CLIENTS)}
        rows = rmm.extra_fields(CLIENTS.path, ids.values())
    told = {
        name: [(field_of(rows[number], title) or {})["TextFieldSettings"]["Value"] for title in TITLES]
        for name, number in ids.items()
    }
    assert told["Acme"] == ["2026-11", "1 of 2 tiers closed; open: regular workstations", ""]
    assert told["Birch"][:2] == ["2026-11", "closed"]
    assert told["Birch"][2].startswith("2026-11-1")


def test_a_tier_that_cannot_close_names_who_stands_in_the_way(cycle: Cycle) -> None:
    assert "LATER is held" in " ".join(cycle.runs["night"].output.split())


def test_a_run_right_after_does_nothing_more(cycle: Cycle) -> None:
    assert cycle.head["again"] == cycle.head["night"]
    assert cycle.touched["again"] == set()


def test_the_ledger_and_the_machines_agree_and_it_can_be_rebuilt(cycle: Cycle) -> None:
    cycle.night.agrees("PILOT1", "PILOT2", "LATER")
    ledger = cycle.night.ledger
    before = ledger.rows("cycles"), ledger.rows("tiers")
    ledger.rebuild()
    assert (ledger.rows("cycles"), ledger.rows("tiers")) == before


def test_the_assessment_results_tell_what_the_machines_did(cycle: Cycle) -> None:
    """Counted in the machines' own histories, and read by a tool that is not ours."""
    night, folder = cycle.night, cycle.night.folder / "assessment"
    run = night.run("-e", f"dest={folder}", "-e", "formats=oscal", playbook=REPORT).ok()
    assert "4 files in" in run.output
    document = json.loads((folder / "compliance-2026-11-assessment-results.json").read_bytes())
    AssessmentResults.model_validate(document)
    acme, birch = document["assessment-results"]["results"]
    figures = {
        prop["name"]: prop["value"]
        for one in acme["observations"]
        if one["title"] == "3.14.1\\[f\\], all of the client"
        for prop in one["props"]
    }
    done = sum(len(night.happened(machine, "install.succeeded")) for machine in ("PILOT1", "PILOT2", "LATER"))
    assert (int(figures["numerator"]), int(figures["denominator"])) == (done, done)
    assert done > 0
    states = {one["target"]["target-id"][-1]: one["target"]["status"] for one in birch["findings"]}
    assert [states[objective]["state"] for objective in "ace"] == ["satisfied"] * 3
    for objective in "bf":
        assert states[objective]["state"] == "not-satisfied"
        assert "(SRV1)" in states[objective]["remarks"], "Do Not Patch: nobody has searched it"


def test_every_closed_tier_has_its_package_and_an_assessor_can_check_it(cycle: Cycle) -> None:
    """With two files, on any machine, without a ledger."""
    night = cycle.night
    packages = {json.dumps(body["scope"], sort_keys=True): body for body in night.bodies("package.written")}
    for tier in tiers(night, "tier.closed"):
        scope = dict(zip(("cycle", "client", "ring", "kind"), tier, strict=True))
        assert json.dumps(scope, sort_keys=True) in packages
    pilot = json.dumps(dict(zip(("cycle", "client", "ring", "kind"), PILOT, strict=True)), sort_keys=True)
    where = packages[pilot]["where"]
    for run in ("night", "morning"):
        assert (where in cycle.runs[run].output) == (run == "night"), "written with the closure, once"
    words = ("-e", f"package={where}", "-e", f"public_key={night.ledger_file}.key.pub")
    elsewhere = {"MSP_PATCHING_LEDGER": str(night.folder / "nowhere.sqlite")}
    run = night.run(*words, playbook=VERIFY, env=elsewhere).ok()
    assert "package of Acme, pilot, workstation, 2026-11: whole and unaltered" in run.output
    with zipfile.ZipFile(where) as archive:
        endpoints = archive.read("tables/endpoints.csv").decode("utf-8-sig").splitlines()
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert [line.split(",")[0] for line in endpoints[1:]] == ["PILOT1", "PILOT2"]
    assert b"SRV1" not in everything
    assert b"Birch" not in everything


def test_every_run_that_recorded_is_signed_and_says_how_far(cycle: Cycle) -> None:
    night = cycle.night
    points = [body["seq"] for body in night.bodies("checkpoint.signed")]
    heads = [0, *cycle.head.values()]
    for before, (name, head) in zip(heads, cycle.head.items(), strict=False):
        last = f"checkpoint {max(point for point in points if point < head)}:"
        assert (last in cycle.runs[name].output) == (head > before), name
    key = Path(f"{night.ledger_file}.key")
    assert key.stat().st_mode & 0o777 == 0o600
    assert "COPY IT NOW" in cycle.runs["before"].output
    assert not any("COPY IT NOW" in cycle.runs[name].output for name in ("searched", "night", "morning"))


def test_the_live_ledger_is_verified_and_one_flipped_byte_is_named(cycle: Cycle, tmp_path: Path) -> None:
    night = cycle.night
    _key, last = night.ledger.signing()
    assert last is not None
    kept = ("-e", f"public_key={night.ledger_file}.key.pub", "-e", f"checkpoint={last.in_words()}")
    assert "VERIFIED ledger: " in night.run(*kept, playbook=VERIFY).ok().output
    copy = tmp_path / "ledger.sqlite"
    with sqlite3.connect(night.ledger_file) as whole, sqlite3.connect(copy) as other:
        whole.backup(other)
    for connection in (whole, other):
        connection.close()
    (event,) = [seq for seq, dummy, event in night.ledger.events(kinds=["reboot.confirmed"], endpoint="PILOT1")]
    content = bytearray(copy.read_bytes())
    body = night.bodies("reboot.confirmed", "PILOT1")[0]["boot_time"].encode()
    places = [found.start() for found in re.finditer(re.escape(b'"boot_time":"' + body), content)]
    for place in places:
        content[place + len(b'"boot_time":"') + 3] ^= 1
    copy.write_bytes(content)
    run = night.run(*kept, playbook=VERIFY, env={"MSP_PATCHING_LEDGER": str(copy)})
    assert run.returncode == 2
    assert f"NOT VERIFIED: event {event} (reboot.confirmed" in run.output


def test_no_credential_is_anywhere(cycle: Cycle) -> None:
    """Not in the ledger, the packages, the files beside them, the output, nor in what the PSA was sent."""
    night, info = cycle.night, cycle.night.lab.info
    secrets = [info["winrm"]["password"], info["automate"]["password"], info["psa"]["private_key"]]
    key = Path(f"{night.ledger_file}.key")
    secrets += read_signing_key(key).secrets
    texts = {f"the output of {name}": run.output.encode() for name, run in cycle.runs.items()}
    for path in [*night.folder.glob("ledger.sqlite*"), *night.folder.glob("*.log")]:
        if path.is_file() and path != key:
            texts[str(path)] = path.read_bytes()
    for path in (night.folder / "ledger.sqlite.packages").rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            texts |= {f"{path}/{name}": archive.read(name) for name in archive.namelist()}
    texts["the PSA"] = json.dumps(night.psa.all("service/tickets")).encode()
    assert len(texts) > 40
    assert [where for where, text in texts.items() if any(secret.encode() in text for secret in secrets)] == []


def test_the_ring_is_the_cycle_narrowed(cycle: Cycle) -> None:
    """After the others: it is late in the cycle's story."""
    night = cycle.night
    without = night.run(ring=None)
    assert without.returncode != 0
    assert "say which ring" in without.output
    run = night.run(ring="regular").ok()
    assert "Ring regular" in run.output
    assert "pilot workstations" not in run.output
