# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a ring takes beside plain win_updates on the same lab: endpoints in flight are not bounded by forks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..labs import PLAYBOOKS, all_patched, cpu_of_lab, lab, pilots, play
from ..measure import Usage
from ..row import Row
from . import Bench

PLAIN = Path(__file__).with_name("plain.yml")
RING = PLAYBOOKS / "ring.yml"
FORKS = 10


def measure(bench: Bench) -> Iterator[Row]:
    used: dict[str, Usage] = {}
    for name, playbook in (("ring", RING), ("plain", PLAIN)):
        with lab(pilots(60, 30), 5) as client:
            used[name] = play(client, playbook, "-e", "ring=pilot", forks=FORKS)
            share = cpu_of_lab(client)
            all_patched(client)
        bench.say(f"{name}: {used[name].wall:.0f} s, {used[name].cpu:.0f} s of CPU, the lab's {share:.0f} s")
    ring, plain = used["ring"], used["plain"]
    what = f"60 endpoints, installs of 30 s, {FORKS} forks"
    yield Row(
        case="in flight",
        what=what,
        ours=ring.wall,
        plain=plain.wall,
        unit="s",
        at_most=1 / 3,
        n=60,
        curve="in flight, installs of 30 s",
    )
    yield Row(case="in flight", what=f"{what}: CPU", ours=ring.cpu, plain=plain.cpu, unit="s")
    yield Row(case="in flight", what=f"{what}: memory", ours=ring.memory, plain=plain.memory, unit="MB", at_most=1.3)
