# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook explain on the lab: for a host, a ring, a client, and what is not there; and that it changes nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.splitter import parse_kv

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.claims import Holder
from lab.client import LabClient

from .ring import ROOT, UPDATES, Night, sentence

EXPLAIN = ROOT / "playbooks" / "explain.yml"
TASK = "Tell why endpoints will or will not be patched"
SEARCHED = "2026-11-11T07:30:00Z"
PILOT = ("ACME-DC01", "ACME-WS01", "CLAW-WS01")
UPDATE: dict[str, Any] = {
    "id": "5f0c0a5e-0000-4000-8000-000000000001",
    "kb": [UPDATES[0]["kb"]],
    "title": UPDATES[0]["title"],
    "categories": ["Security Updates"],
    "severity": "Critical",
    "vendor": "Microsoft",
    "released": "2026-11-10T18:00:00Z",
}


@pytest.fixture
def night(shared_lab: LabClient, ansible: Callable[..., Any], tmp_path: Path) -> Night:
    return Night(shared_lab, ansible, tmp_path)


@pytest.fixture
def searched(night: Night) -> Night:
    """One update applies to each endpoint of the pilot, as their search at 02:30 in New York found."""
    events = [Event("scan.finished", name, datetime.fromisoformat(SEARCHED), {"updates": [UPDATE]}) for name in PILOT]
    Ledger.open(f"sqlite:///{night.ledger_file}").append(events, run="earlier")
    return night


def explain(night: Night, *words: str, **given: Any) -> Any:
    return night.run(*words, playbook=EXPLAIN, **given)


def told(run: Any) -> dict[str, Any]:
    """What the one task returned."""
    (results,) = run.ok().results.values()
    found: dict[str, Any] = results[TASK]
    return found


def test_one_host_is_told_its_path_the_fact_and_what_would_change_it(searched: Night) -> None:
    searched.ledger.claim(["endpoint ACME-DC01"], Holder.of_this_process("a-run"), timedelta(minutes=10))
    run = explain(searched, "-l", "ACME-DC01")
    one = told(run)["explanations"]["ACME-DC01"]
    assert (one["action"], one["node"]) == ("manual", "gate.authorization")
    assert [row["node"] for row in one["path"]][-1] == "gate.authorization"
    assert one["would_change"][0]["command"].startswith("ansible-playbook msp.patching.authorize -e endpoint=ACME-DC01")
    text = sentence(run.output)
    for part in (
        "ACME-DC01: MANUAL at gate.authorization",
        "a P1 server needs a technician's go in each cycle: none is on record for 2026-11",
        f"KB{UPDATE['kb'][0]} is approved by the rule microsoft-security",
        f"In flight run a-run (process {os.getpid()} on",
        "Looked at next from Thu 12 Nov 02:30 on, for its next search for updates",
    ):
        assert part in text


@pytest.mark.parametrize("mode", [(), ("--check",)])
def test_it_changes_nothing_and_connects_to_nobody(searched: Night, mode: tuple[str, ...]) -> None:
    before, mark = searched.ledger.head(), searched.mark()
    assert told(explain(searched, "-e", "detail=true", *mode))["changed"] is False
    assert searched.ledger.head() == before
    assert searched.ledger.rows("runs") == [row for row in searched.ledger.rows("runs") if row["id"] == "earlier"]
    assert searched.touched(mark) == set()
    assert searched.changing(mark) == []


def test_a_command_that_it_gives_does_what_it_says(searched: Night) -> None:
    remedy = told(explain(searched, "-l", "ACME-DC01"))["explanations"]["ACME-DC01"]["would_change"][0]
    name = remedy["command"].split()[1].removeprefix("msp.patching.")
    # as a shell and Ansible read it
    given = parse_kv(" ".join(word for word in shlex.split(remedy["command"])[2:] if "=" in word))
    searched.decide(name, **given)
    one = told(explain(searched, "-l", "ACME-DC01"))["explanations"]["ACME-DC01"]
    facts = {row["node"]: row["fact"] for row in one["path"]}
    assert "given for 2026-11 by t.brandt on Wed 11 Nov" in facts["gate.authorization"]
    assert one["node"] == "schedule.window"  # the lab's night is nearly over for servers


def test_a_ring_is_told_in_counts_with_an_example(searched: Night) -> None:
    run = explain(searched, "-e", "ring=pilot")
    assert told(run)["counts"] == {"install": 1, "manual": 1, "wait": 1}
    assert told(run)["explanations"] == {}
    for part in ("3 endpoints at", "gate.authorization", "schedule.window", "ACME-WS01", "detail=true"):
        assert part in run.output


def test_with_detail_each_is_told_in_full(searched: Night) -> None:
    run = explain(searched, "-e", "ring=pilot", "-e", "detail=true")
    assert sorted(told(run)["explanations"]) == sorted(PILOT)
    assert run.output.count("What would change it") == len(PILOT)


def test_a_client_is_told_of_its_own(searched: Night) -> None:
    found = told(explain(searched, "-e", "client='Cascade Law'", "-e", "detail=true"))
    assert sorted(found["explanations"]) == ["CLAW-WS01", "CLAW-WS02"]


def test_before_the_first_run_the_ledger_is_empty_and_none_is_made(night: Night) -> None:
    run = explain(night, "-l", "ACME-WS01")
    assert told(run)["explanations"]["ACME-WS01"]["node"] == "scan.due"
    assert "The ledger is empty" in run.output
    assert not night.ledger_file.exists()


def test_what_will_be_decided_at_another_instant_may_be_asked_with_the_real_clock_too(searched: Night) -> None:
    policy = searched.folder / "real.yml"
    policy.write_text("clock: real\n")
    env = {"MSP_PATCHING_POLICY": str(policy), "MSP_PATCHING_CLOCK": ""}
    run = explain(searched, "-l", "ACME-WS01", "-e", "as_of=2026-11-12T01:12:00-05:00", env=env)
    one = told(run)["explanations"]["ACME-WS01"]
    assert (one["action"], one["node"]) == ("wait", "schedule.window")
    assert one["path"][-1]["fact"] == (
        "its window workstation_overnight is 02:00–04:00 America/New_York; it is Thu 01:12 there"
    )


WRONG = [
    (("-l", "NO-SUCH-HOST"), "Could not match supplied host pattern, ignoring: NO-SUCH-HOST"),
    (("-e", "ring=fast"), "there is no ring 'fast': a ring is one of pilot, mosttest, regular, production"),
    (("-e", "ring=production"), "no endpoint of ring production is in the inventory within the limit"),
    (
        ("-e", "client=Acme"),
        "no endpoint of a client 'Acme' is in the inventory within the limit; there is: Acme Dental",
    ),
    (("-e", "as_of=tomorrow"), "as_of:"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_what_is_not_there_or_not_right_is_named(night: Night, words: tuple[str, ...], message: str) -> None:
    run = explain(night, *words)
    assert run.returncode != 0
    assert message in sentence(run.output)


def test_without_the_callback_it_says_how_to_enable_it(night: Night) -> None:
    run = explain(night, config=night.folder / "plain.cfg")
    assert run.returncode != 0
    assert "callbacks_enabled = msp.patching.evidence" in run.output
