# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Around the machines: a ledger that breaks in mid-run, a PSA that is down, a window that closes, people who reboot."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import LabStarter
from .ring import (
    BIG,
    LOOK,
    ROOT,
    SMALL,
    UPDATES,
    Ansible,
    Night,
    in_window,
    sentence,
    server,
    single,
    workstation,
    write_fleet,
)

LONGEST = 60.0


@pytest.fixture
def night_of(start_lab: LabStarter, ansible: Ansible, tmp_path: Path) -> Any:
    """`night_of({'WS01': workstation()}, speed=60)`: a night of machines with a client each."""

    def start(machines: dict[str, dict[str, Any]], **fleet: Any) -> Night:
        lab = start_lab(write_fleet(tmp_path / "fleet.yml", single(machines), **{"speed": 60, **fleet}))
        return Night(lab, ansible, tmp_path)

    return start


def wait_for(night: Night, run: subprocess.Popen[str], kind: str, count: int = 1) -> None:
    end = time.monotonic() + LONGEST
    while len(night.events(kind)) < count:
        assert run.poll() is None, f"the run ended before {count} {kind}"
        assert time.monotonic() < end, f"there was no {kind}"
        time.sleep(0.02)


def test_a_ledger_that_breaks_in_mid_run_loses_nothing(night_of: Any) -> None:
    night = night_of({"WS01": workstation()})
    files = [night.folder / f"ledger.sqlite{end}" for end in ("", "-wal", "-shm")]
    with night.held("WS01", LOOK) as run:  # nothing is written while the ledger is taken away
        for file in files:
            if file.exists():
                file.rename(file.with_name(f"kept-{file.name}"))
        files[0].write_text("this is no database")
        night.lab.clear_faults()
        output = sentence(run.communicate(timeout=120)[0])
    assert run.returncode != 0
    assert "is not a database" in output
    assert night.boots("WS01") == 0, "no further step without a ledger"
    for file in files:
        file.unlink(missing_ok=True)
        kept = file.with_name(f"kept-{file.name}")
        if kept.exists():
            kept.rename(file)
    spool = night.folder / "ledger.sqlite.spool.jsonl"
    spooled = [event["kind"] for line in spool.read_text().splitlines() for event in json.loads(line)["events"]]
    assert spooled
    assert f"wait in {spool} for the next run" in output
    before = len(night.events())
    assert night.run().returncode == 0
    assert [event.kind for event in night.events()][before : before + len(spooled)] == spooled
    assert not spool.exists()
    night.agrees("WS01")
    assert night.boots("WS01") == 1


def test_an_endpoint_whose_record_cannot_be_fails_by_name_and_stops_nobody(night_of: Any) -> None:
    night = night_of({"WS01": workstation(), "WS02": workstation()})
    wrong = night.folder / "wrong.yml"
    variables = {"patching_last_contact": "1970-01-01T00:00:00+00:00", "patching_client": "Client WS01"}
    wrong.write_text(json.dumps({"all": {"hosts": {"WS02": variables}}}))
    for again in (False, True):  # the second time nobody else is due
        mark = night.mark()
        run = night.run("-i", str(wrong))
        assert run.returncode == 2, run.output
        assert (run.stats["WS02"]["failures"], run.stats.get("WS01", {}).get("failures", 0)) == (1, 0)
        said = sentence(run.output)
        assert "1 endpoint(s) of the inventory cannot be read: WS02: endpoint WS02: last_contact is '1970-01-01" in said
        assert night.touched(mark) == (set() if again else {"WS01"})
        assert night.events("tier.closed") == []
    assert "no tier closes that these may be in, which the inventory has wrong: WS02" in said
    assert sorted(night.installed("WS01")) == [BIG, SMALL]
    night.agrees("WS01")
    for page in ("explain", "exceptions"):
        look = night.run("-i", str(wrong), playbook=ROOT / "playbooks" / f"{page}.yml").ok()
        assert "cannot be read: WS02: endpoint WS02: last_contact is '1970-01-01" in sentence(look.output)
        assert "WS01" in look.output or page == "exceptions"
    alone = night.run("-i", str(wrong), "-l", "WS02")
    assert alone.returncode == 2
    assert "cannot be read: WS02" in sentence(alone.output)
    assert night.run("-l", "WS01").returncode == 0
    assert [event.body["client"] for event in night.events("tier.closed")] == ["Client WS01"]


def test_a_psa_that_is_down_gets_its_ticket_later_and_once(night_of: Any) -> None:
    night = night_of({"WS01": workstation()})

    def waiting() -> list[str]:
        return [one.body["topic"] for one in night.ledger.pending("ticket")]

    night.lab.inject({"target": "WS01", "kind": "update_fails", "kb": BIG, "hresult": "0x80070643"})
    night.lab.inject({"target": "psa", "kind": "refuse"})
    first = night.run()
    assert first.returncode == 2
    assert "0x80070643" in first.output
    assert waiting() == ["compliance", "failure", "compliance"], "its opening, the failure, what was found"
    night.lab.clear_faults()
    night.lab.inject({"target": "psa", "kind": "error"})
    assert night.run().returncode == 0, "a PSA that is down is no reason to fail a night"
    assert waiting() == ["compliance", "failure", "compliance"], "its opening, the failure, what was found"
    night.lab.clear_faults()
    night.lab.inject({"target": "psa", "kind": "throttle", "times": 1, "retry_after": 1})
    assert night.run().returncode == 0
    assert waiting() == []
    assert night.run().returncode == 0
    (ticket,) = night.tickets("WS01")
    assert len(night.notes(ticket)) == 1
    assert len(night.events("ticket.sent")) == 3


def test_an_rmm_that_does_not_answer_is_asked_once_a_run_and_the_next_run_asks_again(night_of: Any) -> None:
    night = night_of({"WS01": workstation(), "WS02": workstation()}, speed=20)
    path = "/cwa/api/v1/Computers/"

    def asked() -> int:
        return len([one for one in night.lab.journal(limit=100_000, face="automate") if one["path"].startswith(path)])

    night.lab.inject({"target": "automate", "kind": "error", "path": path})
    # in the first run the plan after the search asks, in the second the one that opens it, and not the one after the
    # search of the other machine
    for words, attempts in ((("-l", "WS01"), 2), ((), 4)):
        run = night.run(*words)
        assert run.returncode == 0, "a night goes on without it"
        assert asked() == attempts, "the request and one more attempt, in all passes together"
        assert sentence(run.output).count("the RMM could not be asked for") == 1
    assert len(night.events("scan.finished")) == 2
    assert night.installed("WS01") == []
    night.lab.clear_faults()
    assert night.run().returncode == 0
    assert asked() == 5
    assert BIG in night.installed("WS01")


def test_what_windows_gives_no_result_for_is_tried_once_more_and_then_fails(night_of: Any) -> None:
    """Or search and install would follow each other until the window closes, every night, and nobody would know."""
    night = night_of({"EMPTY": workstation(), "MISSED": workstation()})
    night.lab.inject({"target": "EMPTY", "kind": "no_result", "kb": BIG})
    night.lab.inject({"target": "MISSED", "kind": "no_result", "times": 2})  # of both, in the first install
    run = night.run()
    assert run.returncode == 2
    assert "no result" in sentence(run.output)
    (failure,) = night.bodies("failure.opened")
    assert (failure["step"], failure["class"], failure["update"]) == (
        "install",
        "unknown",
        night.happened("EMPTY", "install.not_found")[0]["update"],
    )
    assert len(night.happened("EMPTY", "install.not_found")) == 2
    assert night.installed("EMPTY") == [SMALL]
    assert night.decision("EMPTY") == ("hold", "gate.failure_open")
    (note,) = night.notes(night.tickets("EMPTY")[0])
    assert f"KB{BIG}" in note
    assert sorted(night.installed("MISSED")) == [BIG, SMALL]
    assert night.decision("MISSED") == ("none", "approval.nothing_approved")
    assert night.tickets("MISSED") == []
    night.agrees("EMPTY", "MISSED")


def test_a_window_that_closes_during_the_run(night_of: Any) -> None:
    """What is in flight is looked at to its end; nothing starts with less than half an hour left."""
    long = [UPDATES[0] | {"install_seconds": 2400}]
    night = night_of({"SLOW": workstation(), "LATER": workstation(online=False)}, updates=long)
    night.lab.set_clock("2026-11-11T08:01:00Z")
    with night.running() as run:
        wait_for(night, run, "install.started")
        night.lab.speed(600)
        run.communicate(timeout=120)
    assert run.returncode == 0
    assert night.installed("SLOW") == [BIG]
    assert len(night.events("install.finished", endpoint="SLOW")) == 1
    assert night.decision("SLOW") == ("wait", "reboot.window")
    night.lab.speed(60)
    night.lab.update_machine("LATER", online=True)
    assert night.run().returncode == 0
    assert night.decision("LATER") == ("wait", "schedule.window"), "searched, as at any hour, and not installed"
    night.lab.set_clock("2026-11-12T07:01:00Z")
    with night.running() as run:
        wait_for(night, run, "install.started", 2)
        night.lab.speed(300)
        run.communicate(timeout=120)
    assert run.returncode == 0
    for machine in ("SLOW", "LATER"):
        assert (night.installed(machine), night.boots(machine)) == ([BIG], 1)
        for entry in night.happened(machine, "install.started", "reboot.requested"):
            assert in_window(entry["at"], "02:00", "03:30:01"), (machine, entry)


def test_a_machine_that_boots_in_mid_install_is_caught_up_in_the_same_window(night_of: Any) -> None:
    """Its job is dead and never says so; its limit, three hours, is not waited for."""
    long = [UPDATES[0] | {"install_seconds": 600}, UPDATES[1]]
    night = night_of({"WS01": workstation()}, updates=long)
    with night.running() as run:
        wait_for(night, run, "install.started")
        time.sleep(1)  # a minute of the lab: the install has begun
        night.lab.update_machine("WS01", power="off")
        night.lab.update_machine("WS01", power="on")
        output = run.communicate(timeout=120)[0]
    assert run.returncode == 0, output
    (lost,) = night.bodies("job.lost", "WS01")
    assert lost["message"] == "the endpoint has booted since it began"
    assert sorted(night.installed("WS01")) == [BIG, SMALL]
    assert night.decision("WS01") == ("none", "approval.nothing_approved")
    assert night.bodies("failure.opened") == []
    for entry in night.happened("WS01", "install.started", "reboot.requested"):
        assert in_window(entry["at"]), entry
    night.ledger.verify()


def test_a_technicians_reboot_is_noticed_and_not_repeated(night_of: Any) -> None:
    night = night_of(
        {
            "SRV01": server("File Server", policy="Auto Install Manual Reboot"),
            "SRV02": server("File Server", policy="Auto Install Manual Reboot"),
        }
    )
    for machine in ("SRV01", "SRV02"):
        night.decide("authorize", endpoint=machine, reason="pilot night")
    assert night.run().returncode == 0
    for machine in ("SRV01", "SRV02"):
        assert sorted(night.installed(machine)) == [BIG, SMALL]
        assert night.decision(machine) == ("manual", "reboot.technician")
        assert night.boots(machine) == 0
        (ticket,) = night.tickets(machine)
        assert "waits for a technician to restart it" in ticket["summary"]
    night.lab.update_machine("SRV01", power="off")
    night.lab.update_machine("SRV01", power="on")
    night.lab.advance(900)
    assert night.run().returncode == 0
    assert night.decision("SRV01") == ("none", "approval.nothing_approved")
    assert night.bodies("validation.finished", "SRV01")[-1]["healthy"]
    assert night.decision("SRV02") == ("manual", "reboot.technician")
    notes = [night.notes(night.tickets(machine)[0]) for machine in ("SRV01", "SRV02")]
    assert ["was restarted" in told[-1] for told in notes] == [True, False]
    assert [len(night.happened(machine, "reboot.requested")) for machine in ("SRV01", "SRV02")] == [0, 0]
