# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/lab.md says that the lab has is what it has."""

from __future__ import annotations

import re

from lab.machine import Machine
from lab.windows.registry import Run, load_handlers
from tests.unit.collection.commands import ROOT
from tests.unit.lab.test_windows import make

WORDS = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+\.\w+)` \| (.*) \|$", re.MULTILINE)


def test_it_lists_every_module_that_is_answered() -> None:
    there = {name for name, one in load_handlers().items() if one.handler.__module__.startswith("lab.windows.")}
    told = {f"{collection}.{name}" for collection, row in ROW.findall(WORDS) for name in re.findall(r"`(\w+)`", row)}
    assert told == there


def test_what_it_names_of_a_machine_and_of_a_run_is_there() -> None:
    machine: Machine = make()
    named = set(re.findall(r"`run\.machine\.(\w+)", WORDS))
    assert {"kept", "boot_id", "other_reboot_reasons", "record"} <= named
    assert [name for name in named if not hasattr(machine, name)] == []
    assert {"args", "check_mode"} <= set(re.findall(r"`run\.(\w+)", WORDS))
    assert hasattr(Run, "check_mode")


def test_a_reason_for_a_reboot_lasts_until_the_next_boot() -> None:
    machine = make()
    machine.other_reboot_reasons.append("a feature")
    before = machine.boot_id
    assert machine.reboot_pending
    machine.update({"power": "off"})
    machine.update({"power": "on"})
    assert machine.boot_id != before
    assert not machine.reboot_pending
