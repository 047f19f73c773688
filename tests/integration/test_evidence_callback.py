# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence callback in real runs against the lab: recorded as it happens, from playbook to PSA ticket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import PsaSettings
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import PsaClient
from lab.client import LabClient

ROOT = Path(__file__).parent.parent.parent
CONFIG = ROOT / "ansible.cfg"
HOST = "ACME-WS01"
Ansible = Callable[..., Any]


def play(*tasks: dict[str, Any], hosts: str = HOST) -> list[dict[str, Any]]:
    return [{"hosts": hosts, "gather_facts": False, "tasks": list(tasks)}]


def task(evidence: str, **action: Any) -> dict[str, Any]:
    more = {"vars": {"some_evidence": evidence}, "failed_when": False, "ignore_unreachable": True}
    return {"name": evidence, **action, **more}


POSTURE = task("posture", **{"msp.patching.win_posture": {}})
UPDATES = {"category_names": ["*"], "skip_optional": False, "reboot": False}


def job(evidence: str, **arguments: Any) -> list[dict[str, Any]]:
    """Starts a search or an install and looks until it is done."""
    start = task(evidence, **{"ansible.windows.win_updates": UPDATES | arguments})
    look = task("job", **{"ansible.builtin.async_status": {"jid": "{{ started.ansible_job_id }}"}})
    return [
        start | {"async": 3600, "poll": 0, "register": "started"},
        look | {"register": "look", "until": "look.finished", "retries": 100, "delay": 0.2},
    ]


@pytest.fixture
def lab(shared_lab: LabClient) -> LabClient:
    shared_lab.speed(1200)
    return shared_lab


@pytest.fixture
def ledger_env(tmp_path: Path) -> dict[str, str]:
    return {"MSP_PATCHING_LEDGER": str(tmp_path / "ledger.sqlite")}


def ledger_of(env: dict[str, str]) -> Ledger:
    return Ledger.open(f"sqlite:///{env['MSP_PATCHING_LEDGER']}", create=False)


def kinds(ledger: Ledger) -> list[str]:
    return [event.kind for _seq, _run, event in ledger.events()]


def psa_of(lab: LabClient) -> PsaClient:
    info = lab.info["psa"]
    keys = ("url", "company", "public_key", "private_key", "client_id")
    return PsaClient(PsaSettings(**{key: info[key] for key in keys}, board="Patch Management"))


def test_from_a_failed_update_to_ticket_and_root_cause(
    lab: LabClient, ansible: Ansible, ledger_env: dict[str, str]
) -> None:
    given: dict[str, Any] = {"inventory": lab.inventory, "env": ledger_env, "config": CONFIG}
    lab.inject({"target": HOST, "kind": "update_fails", "hresult": "0x80070643", "times": 1})
    tasks = [POSTURE, *job("scan.started", state="searched"), *job("install.started", state="installed")]
    ansible(lab, play(*tasks), "-e", "ring=pilot", **given).ok()

    ledger = ledger_of(ledger_env)
    recorded = kinds(ledger)
    assert recorded[:6] == [
        "run.opened",
        "posture.observed",
        "scan.started",
        "scan.finished",
        "install.started",
        "install.finished",
    ]
    assert recorded[6:].count("failure.opened") == 1
    assert recorded[-4:] == ["run.closed", "ticket.sent", "key.introduced", "checkpoint.signed"]
    bodies = {event.kind: event.body for _seq, _run, event in ledger.events()}
    assert bodies["run.opened"]["ring"] == "pilot"
    assert bodies["run.opened"]["simulated"] is True
    assert bodies["install.started"]["limit_seconds"] == 3600
    assert bodies["install.finished"]["about"]["client"] == "Acme Dental"
    failed = [result for result in bodies["install.finished"]["results"] if not result["ok"]]
    assert [result["hresult"] for result in failed] == ["0x80070643"]
    assert bodies["failure.opened"]["update"] == failed[0]["update"]
    still = [update.id for update in ledger.applicable([HOST])[HOST] or []]
    assert still == [failed[0]["update"]]
    ledger.verify()

    ticket = psa_of(lab).get(f"service/tickets/{bodies['ticket.sent']['ticket']}")
    assert ticket["externalXRef"] == f"msp.patching/Acme-Dental/{HOST}/install"
    assert ticket["company"]["identifier"] == "ACME"
    assert "0x80070643" in ticket["summary"]

    documented = ["-e", f"endpoint={HOST}", "-e", "code=DISK", "-e", "text=full", "-e", "by=j.doe"]
    root_cause = ROOT / "playbooks" / "root_cause.yml"
    assert sum(host["changed"] for host in ansible(lab, root_cause, *documented, **given).ok().stats.values()) == 1
    assert sum(host["changed"] for host in ansible(lab, root_cause, *documented, **given).ok().stats.values()) == 0
    (failure,) = ledger.register_record()["failures"]
    assert (failure["root_cause"]["by"], failure["root_cause"]["code"]) == ("j.doe", "DISK")


def test_nothing_is_recorded_of_what_is_not_patching_nor_in_check_mode(
    lab: LabClient, ansible: Ansible, ledger_env: dict[str, str]
) -> None:
    given: dict[str, Any] = {"env": ledger_env, "config": CONFIG}
    ansible(lab, play({"ansible.windows.win_ping": {}}), **given).ok()
    ansible(lab, play(POSTURE), "--check", **given).ok()
    assert not Path(ledger_env["MSP_PATCHING_LEDGER"]).exists()


def test_a_handler_of_ours_finds_the_ledger_where_no_task_was_ours(
    lab: LabClient, ansible: Ansible, ledger_env: dict[str, str]
) -> None:
    changed = {"ansible.builtin.debug": {"msg": "changed"}, "changed_when": True, "notify": "tell"}
    [made] = play(changed)
    made["handlers"] = [{"name": "tell", "msp.patching.exceptions": {}}]
    told = ansible(lab, [made], inventory=lab.inventory, env=ledger_env, config=CONFIG).ok()
    assert told.stats[HOST]["ok"] == 2


def test_a_password_of_the_vault_stays_there_and_an_undefined_one_keeps_nothing_back(
    lab: LabClient, ansible: Ansible, ledger_env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "vault.key").write_text("key of the vault")
    vault = VaultLib([("default", VaultSecret(b"key of the vault"))])
    (tmp_path / "hosts.yml").write_text(
        "all: {vars: {ansible_connection: local}, hosts: {WS01: {vpn_token: '{{ nowhere }}'}, WS02: {}}}"
    )
    secret = indent(vault.encrypt("hunter2-of-the-vault").decode(), "  ")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(f"ansible_winrm_password: !vault |\n{secret}")
    fails = task("scan.started", **{"ansible.builtin.fail": {"msg": "401 for hunter2-of-the-vault"}})
    given: dict[str, Any] = {"inventory": tmp_path / "hosts.yml", "env": ledger_env, "config": CONFIG}
    words = ["--vault-password-file", str(tmp_path / "vault.key")]
    ansible(lab, play(fails, hosts="all"), *words, **given).ok()
    told = [(event.endpoint, event.body) for _seq, _run, event in ledger_of(ledger_env).events(kinds=["step.failed"])]
    assert [(name, body["message"]) for name, body in sorted(told)] == [
        ("WS01", "401 for ********"),
        ("WS02", "401 for ********"),
    ]


def test_a_killed_run_leaves_its_evidence(lab: LabClient, ledger_env: dict[str, str], tmp_path: Path) -> None:
    playbook = tmp_path / "killed.yml"
    playbook.write_text(yaml.safe_dump(play(POSTURE, {"ansible.builtin.pause": {"seconds": 60}})))
    run = subprocess.Popen(
        [Path(sys.executable).parent / "ansible-playbook", playbook, "-i", lab.static_inventory],
        cwd=ROOT,
        env={**os.environ, **lab.environment(), **ledger_env, "ANSIBLE_CONFIG": str(CONFIG)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while len(kinds(ledger_of(ledger_env))) < 2:
            assert time.monotonic() < deadline, "nothing was recorded while the run went on"
            time.sleep(0.05)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert kinds(ledger_of(ledger_env)) == ["run.opened", "posture.observed"]
    assert ledger_of(ledger_env).verify()[0] == 2


def test_what_the_ledger_does_not_take_is_said_kept_and_entered_by_the_next_run(
    lab: LabClient, ansible: Ansible, ledger_env: dict[str, str], tmp_path: Path
) -> None:
    blocked = tmp_path / "ledger.sqlite"
    blocked.write_text("this is no database")
    given: dict[str, Any] = {"env": ledger_env, "config": CONFIG}
    first = ansible(lab, play(POSTURE), **given)
    assert first.returncode == 2, "what is not recorded as it should be is red, whatever the hosts say"
    folded = "".join(first.output.split())  # Ansible folds a warning anywhere
    assert f"waitin{blocked}.spool.jsonlforthenextrun" in folded
    blocked.unlink()
    ansible(lab, play(POSTURE), **given).ok()
    ledger = ledger_of(ledger_env)
    run = ["run.opened", "posture.observed", "run.closed"]
    assert kinds(ledger) == [*run, *run, "key.introduced", "checkpoint.signed"]
    assert len({run for _seq, run, _event in ledger.events()}) == 2


def approve(lab: LabClient, ansible: Ansible, env: dict[str, str], *given: str) -> Any:
    words = [word for one in given for word in ("-e", one)]
    playbook = ROOT / "playbooks" / "approve.yml"
    return ansible(lab, playbook, *words, inventory=lab.inventory, env=env, config=CONFIG)


@pytest.mark.parametrize("name", ["deferred_until", "until"])
def test_a_deferral_says_until_when_by_a_name_that_ansible_leaves_free(
    lab: LabClient, ansible: Ansible, ledger_env: dict[str, str], name: str
) -> None:
    """`until` is the name it had first."""
    words = ["updates=KB5046613", "decision=deferred", "code=LATER", "reason=tested", f"{name}=2031-12-01T00:00:00Z"]
    run = approve(lab, ansible, ledger_env, *words)
    assert run.returncode == 0, run.output
    assert ("reserved name" in run.output) == (name == "until")
    ((_seq, _run, told),) = ledger_of(ledger_env).events(kinds=("approval.recorded",))
    assert told.body["until"].startswith("2031-12-01T00:00:00")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("client=Nobody", "there is no client 'Nobody' in the inventory; there is: Acme Dental, Cascade Law"),
        ("patching_ring=pilot", "extra vars patching_ring: an extra var never begins with patching_"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    lab: LabClient, ansible: Ansible, ledger_env: dict[str, str], given: str, said: str
) -> None:
    run = approve(lab, ansible, ledger_env, "updates=KB5046613", "reason=tested", given)
    assert run.returncode == 2
    assert said in run.output
    assert kinds(ledger_of(ledger_env)) == []
