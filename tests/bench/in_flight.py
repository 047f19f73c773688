"""How long a ring takes beside plain win_updates on the same lab: endpoints in flight are not bounded by forks."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.client import LabClient

from .row import Row

ROOT = Path(__file__).parents[2]
FORKS = 5
SPEED = 5  # lab seconds a second: all waiting shrinks, what Ansible itself costs does not
THIRD = 1 / 3


def measure(say: Callable[[str], None]) -> list[Row]:
    """Sixty pilot workstations, one update of 20 lab seconds and a reboot, five forks, five lab seconds in a second."""
    wall, cpu = {}, {}
    for name, playbook in (("ring", "playbooks/ring.yml"), ("plain", "tests/bench/plain.yml")):
        with lab(ROOT / "lab/fleets/sixty.yml") as client:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            began = time.monotonic()
            play(client, playbook)
            wall[name] = time.monotonic() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            patched(client)
        say(f"  {name}: {wall[name]:.0f} s")
    ratio, work = wall["ring"] / wall["plain"], cpu["ring"] / cpu["plain"]
    return [
        Row(
            "in flight",
            f"60 endpoints, installs of 20 s, forks {FORKS}: wall",
            f"{wall['ring']:.0f} s",
            f"{wall['plain']:.0f} s",
            ratio,
            "under a third",
            reached=ratio < THIRD,
        ),
        Row(
            "in flight",
            "the same: CPU of the control node",
            f"{cpu['ring']:.0f} s",
            f"{cpu['plain']:.0f} s",
            work,
            "(told)",
            reached=True,
        ),
    ]


@contextmanager
def lab(fleet: Path) -> Iterator[LabClient]:
    """A lab in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--state-dir", folder]
        command = [sys.executable, "-m", "lab"]
        up = ["up", "--fleet", str(fleet), "--speed", str(SPEED), "--port-base", "0", "--detach"]
        subprocess.run([*command, *up, *options], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            yield LabClient.from_state_dir(folder)
        finally:
            subprocess.run([*command, "down", *options], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def play(client: LabClient, playbook: str) -> None:
    """Run a playbook on all of the lab; raises where it fails: what did not work is not measured."""
    environment = os.environ | client.environment() | {"ANSIBLE_FORKS": str(FORKS)}
    command = ["ansible-playbook", "-i", str(client.inventory), playbook, "-e", "ring=pilot"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{playbook} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")


def patched(client: LabClient) -> None:
    """Both ways must end the same: every machine has nothing pending and booted once, by its own account."""
    for name, machine in client.machines().items():
        state = client.machine(name)
        boots = [entry for entry in state["history"] if entry["event"] == "boot"]
        pending = state["updates"]["pending"]
        if pending or machine["reboot_pending"] or len(boots) != 1:
            raise RuntimeError(f"{name} is not patched: pending {pending}, boots {boots}")
