# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that stop before they touch anything, each with a sentence that says why; and the check mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.client import LabClient

from .ring import ROOT, Ansible, Night, sentence

VERIFY = ROOT / "playbooks" / "verify.yml"


@pytest.fixture
def night(shared_lab: LabClient, ansible: Ansible, tmp_path: Path) -> Night:
    return Night(shared_lab, ansible, tmp_path)


def refused(night: Night, *words: str, **given: Any) -> str:
    """What the run said; it ended red, connected to nobody, changed nothing and recorded nothing."""
    mark = night.mark()
    run = night.run(*words, **given)
    assert run.returncode != 0, run.output
    assert night.touched(mark) == set()
    assert night.changing(mark) == []
    return sentence(run.output)


def nothing_recorded(night: Night) -> None:
    assert night.ledger.head()[0] == 0


def test_no_ring_given(night: Night) -> None:
    assert "say which ring: -e ring=pilot" in refused(night, ring=None)
    nothing_recorded(night)


def test_an_unknown_ring(night: Night) -> None:
    said = refused(night, ring="canary")
    assert "there is no ring 'canary': a ring is one of pilot, mosttest, regular, production" in said
    nothing_recorded(night)


def test_a_ring_with_nobody(night: Night) -> None:
    said = refused(night, ring="production")
    assert "no endpoint of ring production is in the inventory within the limit; there is: " in said
    nothing_recorded(night)


def test_a_tag_that_is_no_action(night: Night) -> None:
    said = refused(night, "--tags", "instal")
    assert "must be one or more of: scan, install, reboot, validate, remind. Got no match for: instal" in said
    nothing_recorded(night)


@pytest.mark.parametrize("words", [(), ("-l", "Acme*"), ("--check",)])
def test_an_inventory_without_any_host(night: Night, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Such as that of an RMM account that may see no computer: Ansible itself would end green."""
    inventory = tmp_path / "nobody.yml"
    inventory.write_text("all: {hosts: {}}\n")
    said = refused(night, *words, inventory=inventory)
    assert "the inventory has no host at all, so nobody was looked at and nothing was done" in said
    nothing_recorded(night)


def test_without_any_host_a_ledger_can_still_be_verified(night: Night, tmp_path: Path) -> None:
    """It looks at no endpoint. This one is not there, which is not in order."""
    inventory = tmp_path / "nobody.yml"
    inventory.write_text("all: {hosts: {}}\n")
    said = refused(night, inventory=inventory, playbook=VERIFY)
    assert "NOT VERIFIED" in said
    assert "nothing was checked" in said
    assert "nobody was looked at" not in said


def test_the_callback_is_not_enabled(night: Night, tmp_path: Path) -> None:
    said = refused(night, config=tmp_path / "plain.cfg")
    assert "callbacks_enabled = msp.patching.evidence" in said
    nothing_recorded(night)


def test_an_extra_var_that_would_override_every_host(night: Night) -> None:
    said = refused(night, "-e", "patching_ring=pilot")
    assert "extra vars patching_ring: an extra var never begins with patching_" in said
    nothing_recorded(night)


def test_a_reason_of_which_only_the_first_word_would_arrive(night: Night) -> None:
    """As a shell hands over -e reason='two words': Ansible splits it."""
    words = ("-e", "endpoint=ACME-WS01", "-e", "code=VENDOR", "-e", "reason=two words")
    said = refused(night, *words, playbook=ROOT / "playbooks" / "except.yml")
    assert "extra vars: 'words' belongs to no variable" in said
    nothing_recorded(night)


def test_another_time_than_the_real_one_needs_a_simulated_clock(night: Night, tmp_path: Path) -> None:
    policy = tmp_path / "real.yml"
    policy.write_text("soak: {days: 7}\n")
    env = {"MSP_PATCHING_POLICY": str(policy), "MSP_PATCHING_CLOCK": ""}
    said = refused(night, "-e", "as_of=2026-11-11T07:05:00Z", env=env)
    assert "as_of is 2026-11-11T07:05:00+00:00 and the time is " in said
    assert "clock: simulated" in said
    nothing_recorded(night)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("clock: simulated\nsoak: {dayz: 7}\n", "soak.dayz: unknown key"),
        ("clock: simulated\nminimum_remaining: soon\n", "minimum_remaining is"),
        ("clock: [simulated\n", "cannot be read"),
    ],
)
def test_a_bad_policy_document(night: Night, tmp_path: Path, document: str, said: str) -> None:
    policy = tmp_path / "bad.yml"
    policy.write_text(document)
    words = refused(night, env={"MSP_PATCHING_POLICY": str(policy)})
    assert said in words
    assert str(policy) in words
    nothing_recorded(night)


def test_a_ledger_that_cannot_be_made(night: Night, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    place = tmp_path / "file" / "ledger.sqlite"
    assert f"the ledger at sqlite:///{place} cannot be opened" in refused(
        night, env={"MSP_PATCHING_LEDGER": str(place)}
    )


def test_an_rmm_that_does_not_answer(night: Night) -> None:
    night.lab.inject({"target": "automate", "kind": "error"})
    said = refused(night)
    assert "msp.patching.automate" in said
    nothing_recorded(night)


def test_an_endpoint_record_that_cannot_be(night: Night, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text(
        "all: {hosts: {ODD-WS01: {patching_ring: pilot, patching_kind: toaster, patching_time_zone: Mars/Olympus}}}\n"
    )
    said = refused(night, inventory=inventory)
    assert "1 endpoint(s) of the inventory cannot be read: ODD-WS01:" in said
    assert "toaster" in said
    nothing_recorded(night)


def test_a_role_s_option_that_cannot_be(night: Night) -> None:
    """Of everybody's. Of some endpoints' it stops these alone (test_ring_steps.py)."""
    said = refused(night, "-e", "reboot_delay=5s")
    assert "ACME-WS01" in said
    assert "reboot_delay is '5s'; wanted is a whole number of seconds, 0 or more" in said
    nothing_recorded(night)


def test_a_play_s_option_that_cannot_be(night: Night, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yml"
    ring = ROOT / "playbooks" / "ring.yml"
    mine.write_text(f"- {{import_playbook: {ring}, vars: {{ring: pilot, deploy_server_selection: wsus}}}}\n")
    said = refused(night, playbook=mine)
    assert "deploy_server_selection is 'wsus'; wanted is one of default, managed_server, windows_update" in said
    nothing_recorded(night)


@pytest.mark.parametrize("sets", ["nobody", "play", "role"])
def test_an_option_of_the_inventory_counts_where_neither_play_nor_role_sets_another(
    night: Night, tmp_path: Path, sets: str
) -> None:
    more, mine = tmp_path / "more.yml", tmp_path / "mine.yml"
    more.write_text("all: {vars: {deploy_server_selection: wsus}}\n")
    good: dict[str, Any] = {"vars": {"deploy_server_selection": "default"}}
    role = {"role": "msp.patching.deploy"} | (good if sets == "role" else {})
    play = {"hosts": "ACME-WS01", "gather_facts": False, "roles": [role]} | (good if sets == "play" else {})
    mine.write_text(yaml.safe_dump([play]))
    if sets == "nobody":
        refused(night, "-i", str(more), playbook=mine)
        nothing_recorded(night)
    else:
        assert "wanted is" not in night.run("-i", str(more), "--check", playbook=mine).ok().output


def test_check_mode_plans_prints_and_touches_nothing(night: Night) -> None:
    mark = night.mark()
    run = night.run("--check")
    assert run.returncode == 0, run.output
    assert "scan.due" in run.output
    assert "ACME-WS01" in run.output
    assert night.touched(mark) == set()
    assert night.changing(mark) == []
    assert not night.ledger_file.exists()


def test_an_argument_comes_from_the_command_and_not_from_the_inventory(night: Night, tmp_path: Path) -> None:
    """Of the first host's group it would be everybody's; what a playbook of one's own imports it with is the
    command's."""
    inventory = tmp_path / "more.yml"
    inventory.write_text("all: {vars: {ring: production, client: Nobody, detail: true}}\n")
    mine = tmp_path / "mine.yml"
    ring = ROOT / "playbooks" / "ring.yml"
    mine.write_text(f"- {{import_playbook: {ring}, vars: {{ring: pilot}}}}\n")
    words = ("--check", "-i", str(inventory))
    assert "All rings at " in night.run(*words, playbook=ROOT / "playbooks" / "cycle.yml").ok().output
    assert "Ring pilot at " in night.run(*words, playbook=mine).ok().output
    assert "say which ring" in refused(night, *words, ring=None)
    night.run(*words, playbook=ROOT / "playbooks" / "explain.yml").ok()


def test_by_tag_a_run_does_one_thing_only(night: Night) -> None:
    """The lab begins within the window, in which the updates that the search finds would be installed at once."""
    run = night.run("--tags", "scan", "-l", "ACME-WS01")
    assert run.returncode == 0, run.output
    kinds = {event.kind for event in night.events() if event.endpoint == "ACME-WS01"}
    assert "scan.finished" in kinds
    assert not {kind for kind in kinds if kind.startswith("install.")}
    assert night.installed("ACME-WS01") == []


def test_a_decision_in_check_mode_shows_what_it_would_add(night: Night) -> None:
    words = ("-e", "endpoint=ACME-WS01", "-e", "code=VENDOR", "-e", "reason=old", "--check", "--diff")
    run = night.run(*words, playbook=ROOT / "playbooks" / "except.yml").ok()
    (result,) = [told for tasks in run.results.values() for told in tasks.values()]
    (diff,) = result["diff"]
    assert diff["before"] == ""
    assert "exception.granted" in diff["after"]
    assert "code: VENDOR" in diff["after"]
    assert not night.ledger_file.exists()
