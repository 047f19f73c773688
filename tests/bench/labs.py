# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab for as long as a measurement takes, and playbooks run on it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

from lab.client import LabClient

from .measure import ROOT, Usage, command

PLAYBOOKS = ROOT / "playbooks"


@contextmanager
def lab(fleet: Mapping[str, Any], speed: float = 1, *options: str) -> Iterator[LabClient]:
    """A lab of a fleet (what a fleet file says), in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.yml"
        file.write_text(yaml.safe_dump(dict(fleet), sort_keys=False))
        words, place = [sys.executable, "-m", "lab"], ["--state-dir", folder]
        up = ["up", "--fleet", str(file), "--speed", str(speed), "--port-base", "0", "--detach"]
        subprocess.run([*words, *up, *options, *place], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            yield LabClient.from_state_dir(folder)
        finally:
            subprocess.run([*words, "down", *place], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def play(client: LabClient, playbook: Path, *words: str, forks: int, **environment: str) -> Usage:
    """A playbook on all of the lab. Raises CommandError where it fails."""
    return command(
        ["ansible-playbook", "-i", str(client.inventory), str(playbook), *words],
        {**client.environment(), "ANSIBLE_FORKS": str(forks), **environment},
    )


def cpu_of_lab(client: LabClient) -> float:
    """Seconds of CPU that the lab has taken so far: it runs on the same cores."""
    times = psutil.Process(client.info["pid"]).cpu_times()
    return float(times.user + times.system)


def pilots(endpoints: int, install_seconds: float, *, boot_seconds: float = 20) -> dict[str, Any]:
    """A fleet of overnight pilot workstations with one update that needs a reboot."""
    return {
        "seed": endpoints,
        "clock": {"start": "2026-11-11T07:05:00Z", "speed": 1},
        "updates": [
            {
                "kb": "5091211",
                "title": "2026-11 Cumulative Update for Windows 11 Version 24H2 for x64-based Systems (KB5091211)",
                "categories": ["Security Updates", "Windows 11"],
                "severity": "Critical",
                "released": "2026-11-10T18:00:00Z",
                "cvss": 8.8,
                "os": ["Windows"],
                "reboot": "always",
                "download_mb": 25,
                "install_seconds": install_seconds,
            }
        ],
        "clients": [
            {
                "name": "Acme Dental",
                "psa": {"identifier": "AcmeDental"},
                "edfs": {"Time Zone": "America/New_York"},
                "locations": [
                    {"name": "Main Office", "computers": [_pilot(n, boot_seconds) for n in range(endpoints)]}
                ],
            }
        ],
    }


def _pilot(number: int, boot_seconds: float) -> dict[str, Any]:
    return {
        "id": number + 1,
        "name": f"WS{number + 1:04d}",
        "os": "Microsoft Windows 11 Pro x64",
        "boot_seconds": boot_seconds,
        "groups": ["Patching.Ring.Pilot", "Patching.Track.Overnight", "Patching.Policy.Auto"],
    }


def all_patched(client: LabClient) -> None:
    """However it was done, it must end the same: nothing pending and one boot, by each machine's own account."""
    for name, machine in client.machines().items():
        state = client.machine(name)
        boots = [entry for entry in state["history"] if entry["event"] == "boot"]
        pending = state["updates"]["pending"]
        if pending or machine["reboot_pending"] or len(boots) != 1:
            raise RuntimeError(f"{name} is not patched: pending {pending}, boots {boots}")


def tasks_of(client: LabClient, since: int = 0) -> Sequence[dict[str, Any]]:
    """What the endpoints were asked to do, by the lab's journal."""
    return client.journal(since=since, limit=100_000, face="winrm")
