# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who records in a run: a clerk what people's own tasks saw, so that the main process stays small."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.clerk import Tell
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.closing import Closing
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.identity import Identity
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.look import Look
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.observer import Observer
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder, activate
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.run import PLAN, Run
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger

from .test_witness import NOW, POSTURE

ROOT = Path(__file__).resolve().parents[3]
HOSTS: Mapping[str, Mapping[str, int]] = {"WS01": {"ok": 1}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}", by="j.doe")


def look(name: str = "WS01", **result: Any) -> Look:
    return Look("posture", Endpoint.parse({"name": name, "time_zone": "Europe/Zurich"}), POSTURE | result, NOW)


def kinds(settings: Settings) -> list[str]:
    return [event.kind for _seq, _run, event in Ledger.open(settings.ledger, create=False).events()]


def run_of(settings: Settings) -> Run:
    def begin(identity: Identity, tell: Tell) -> Recorder:
        return activate(settings, tell, identity)

    return Run(begin, print, check_mode=settings.check_mode)


def closed(run: Run) -> Closing:
    return run.close(HOSTS, dict)


def test_what_people_s_own_tasks_saw_is_recorded_closed_and_signed(settings: Settings) -> None:
    run = run_of(settings)
    run.see(look())
    closing = closed(run)
    assert kinds(settings) == ["run.opened", "posture.observed", "run.closed", "key.introduced", "checkpoint.signed"]
    (news,) = closing.words
    assert "a signing key was made" in news
    assert "Ledger signed with the key" in closing.summary
    assert not closing.is_red


def test_before_a_task_of_ours_all_is_on_the_ledger_and_after_it_too(settings: Settings) -> None:
    run = run_of(settings)
    run.see(look())
    assert run.between_tasks(PLAN) == []
    assert kinds(settings) == ["run.opened", "posture.observed"]
    run.see(look("WS02"))
    closing = closed(run)
    assert kinds(settings)[2:4] == ["posture.observed", "run.closed"]
    assert not closing.is_red


def test_a_run_that_has_seen_nothing_looks_for_no_ledger(settings: Settings, tmp_path: Path) -> None:
    run = run_of(settings)
    run.between_tasks("ansible.builtin.debug")
    run.between_tasks("msp.patching.win_posture")
    assert closed(run) == Closing()
    assert list(tmp_path.iterdir()) == []


def test_in_check_mode_nothing_is_recorded(tmp_path: Path) -> None:
    run = run_of(Settings(ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}", check_mode=True))
    run.see(look())
    run.between_tasks(PLAN)
    assert closed(run) == Closing()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_data_is_recorded_without_the_clerk(settings: Settings) -> None:
    run = run_of(settings)
    run.see(look())
    run.see(look("WS02", more=lambda: None))
    run.see(look("WS03"))
    assert not closed(run).is_red
    recorded = Ledger.open(settings.ledger).events()
    seen = [event.endpoint for _seq, _run, event in recorded if event.kind == "posture.observed"]
    assert seen == ["WS01", "WS02", "WS03"]


def test_of_a_clerk_that_died_nothing_is_lost_and_the_run_ends_red(settings: Settings) -> None:
    run = run_of(settings)
    run.see(look())
    run.between_tasks("msp.patching.report")
    assert run._clerk is not None
    os.kill(run._clerk._process.pid or 0, signal.SIGKILL)
    for name in ("WS02", "WS03"):
        run.see(look(name))
    closing = closed(run)
    recorded = Ledger.open(settings.ledger).events()
    seen = {event.endpoint for _seq, _run, event in recorded if event.kind == "posture.observed"}
    assert seen == {"WS01", "WS02", "WS03"}
    assert closing.is_red
    assert any(
        "the process that records what tasks of your own saw has ended by itself" in one for one in closing.words
    )


@pytest.mark.parametrize("when", ["all is recorded", "it closes"])
def test_a_clerk_that_died_when_all_was_recorded_is_no_run_without_patching(
    settings: Settings, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed, signed and delivered by the main process, and ends red."""
    if when == "it closes":
        mine = os.getpid()
        close = Observer.close

        def closes(self: Observer, *told: Any) -> Closing:
            if os.getpid() != mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return close(self, *told)

        monkeypatch.setattr(Observer, "close", closes)
    run = run_of(settings)
    run.see(look())
    assert run._clerk is not None
    run._clerk.settle()
    if when == "all is recorded":
        os.kill(run._clerk._process.pid or 0, signal.SIGKILL)
    closing = closed(run)
    assert kinds(settings) == ["run.opened", "posture.observed", "run.closed", "key.introduced", "checkpoint.signed"]
    assert closing.is_red
    assert any("has ended by itself" in one for one in closing.words)


SCRIPT = """
import sys
from datetime import UTC, datetime
P = "ansible_collections.msp.patching.plugins.plugin_utils."
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.look import Look
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.run import Run
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint

def begin(identity, tell):
    from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import activate
    from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import Settings
    return activate(Settings(ledger={ledger!r}), tell, identity)

run = Run(begin, print)
run.see(Look("posture", Endpoint.parse({{"name": "WS01"}}), {posture!r}, datetime.now(UTC)))
run.between_tasks("ansible.builtin.debug")
if {end}:
    print(run.close({{"WS01": {{"ok": 1}}}}, dict).summary)
    heavy = ("sqlalchemy", "cryptography", "requests", "jsonschema", P + "ledger", P + "deliveries", P + "planning")
    assert not [one for one in heavy if one in sys.modules]
else:
    raise KeyboardInterrupt
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", [True, False])
def test_what_is_heavy_stays_elsewhere_and_no_interrupt_loses_anything(settings: Settings, end: bool) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(ledger=settings.ledger, posture=POSTURE, end=end)],
        env={**os.environ, "PYTHONPATH": str(ROOT / ".ansible" / "collections")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode == 0) is end, run.stderr
    assert kinds(settings)[:2] == ["run.opened", "posture.observed"]
    assert ("Ledger signed" in run.stdout) is end
