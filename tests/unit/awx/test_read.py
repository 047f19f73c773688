# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The setup of AWX refuses, before it touches anything, the schedules that AWX would refuse in the middle of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.collection.commands import ansible

pytestmark = pytest.mark.slow

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - include_role: {name: msp.patching.awx_setup, tasks_from: read}
"""
DUE = {"name": "whatever is due", "template": "cycle", "every_minutes": 20}
PILOT = {"name": "the pilot", "template": "ring", "ring": "pilot", "daily": True}


def read(folder: Path, *schedules: dict[str, Any]) -> tuple[int, str]:
    """What the role says of the schedules, and how it ends."""
    (folder / "read.yml").write_text(PLAYBOOK)
    told = {"awx_setup_scm_url": "https://git.example.net/patching.git", "awx_setup_schedules": schedules}
    done = ansible("ansible-playbook", "-i", "localhost,", "-e", json.dumps(told), str(folder / "read.yml"))
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_schedules_that_awx_takes_are_read(tmp_path: Path) -> None:
    unasked = [
        {"name": name, "template": name, "daily": True} for name in ("explain", "exceptions", "report", "verify")
    ]
    code, said = read(tmp_path, DUE, PILOT, *unasked)
    assert code == 0, said


def test_schedules_that_awx_would_refuse_are_refused_each_by_name(tmp_path: Path) -> None:
    daily = {"daily": True}
    wrong: dict[str, dict[str, Any]] = {
        "ring is for the template ring alone, and this is cycle": {**DUE, "ring": "pilot"},
        "ring is for the template ring alone, and this is report": {**PILOT, "template": "report"},
        "the template ring wants a ring; there is: pilot,": {"template": "ring", **daily},
        "there is no ring pilto; there is: pilot,": {**PILOT, "ring": "pilto"},
        "authorize asks what a schedule cannot answer": {"template": "authorize", **daily},
        "emergency lane asks what a schedule cannot answer": {"template": "emergency lane", **daily},
        "there is no template cycel; there is: cycle,": {"template": "cycel", **daily},
        "there is no template ; there is: cycle,": daily,
    }
    named = [{**schedule, "name": f"wrong {number}"} for number, schedule in enumerate(wrong.values())]
    code, said = read(tmp_path, DUE, PILOT, *named)
    assert code == 2, said
    for number, words in enumerate(wrong):
        assert f"awx_setup_schedules: wrong {number}: {words}" in said
    for right in (DUE, PILOT):
        assert f"awx_setup_schedules: {right['name']}: " not in said


def test_times_that_awx_would_refuse_are_refused_by_the_schedules_name(tmp_path: Path) -> None:
    rule = "FREQ=DAILY;INTERVAL=1;COUNT=2;UNTIL=20270101T000000Z"
    code, said = read(tmp_path, DUE, {"name": "nights", "template": "cycle", "rrule": rule})
    assert code == 2, said
    assert "nights: rrule 'FREQ=DAILY;INTERVAL=1;COUNT=2;UNTIL=20270101T000000Z': AWX would not run it" in said
