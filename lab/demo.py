# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: one ring of a small MSP, patched on its night, for people to watch.

Starts the lab, lets a technician authorise the pilot servers, and runs the playbook ``ring`` for the ring pilot at
three hours of one night, as a scheduler would: the windows of New York, of Chicago and of Los Angeles. One update
fails on one machine. At the end stands what happened, by the ledger, the PSA and the machines' own account.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from .client import LabClient
from .demo_report import Report

ROOT = Path(__file__).parent.parent
STATE = Path(".lab/demo")
NIGHT = (
    ("2026-11-11T07:05:00Z", "02:05 in New York: its overnight workstations; every zone's servers are in their window"),
    ("2026-11-11T08:05:00Z", "02:05 in Chicago"),
    ("2026-11-11T10:05:00Z", "02:05 in Los Angeles"),
)
SPEED = 60  # lab seconds per second: an install of ten minutes takes ten seconds
PILOT_SERVERS = ("ACME-UTIL01", "HARB-FS01")
TECHNICIAN = "t.brandt"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=STATE, help="lab and ledger (default: %(default)s)")
    parser.add_argument("--port-base", default="0", help="first port of the lab (default: wherever ports are free)")
    options = parser.parse_args()
    console = Console(width=max(Console().width, 130))
    began = time.monotonic()
    shutil.rmtree(options.state_dir, ignore_errors=True)
    where = ["--state-dir", str(options.state_dir)]
    first = ["--start", NIGHT[0][0], "--speed", "0"]
    _lab("up", "--detach", "--fleet", "lab/fleets/demo.yml", "--port-base", options.port_base, *first, *where)
    try:
        client = LabClient.from_state_dir(options.state_dir)
        _night(client, console)
        problems = Report(client, console).show()
    finally:
        _lab("down", *where)
    console.print(f"{time.monotonic() - began:.0f} seconds", style="dim")
    return 1 if problems else 0


def _night(client: LabClient, console: Console) -> None:
    """The lab's clock stands still between runs, so that a slow machine sees the same night."""
    console.print(Rule("A technician lets the pilot servers go"))
    for server in PILOT_SERVERS:
        _play(client, "authorize", "-e", f"endpoint={server}", "-e", f"by={TECHNICIAN}", "-e", "reason='pilot night'")
    for instant, words in NIGHT:
        if datetime.fromisoformat(client.clock()["now"]) < datetime.fromisoformat(instant):
            client.set_clock(instant)
        console.print(Rule(f"{words} ({instant})"))
        client.speed(SPEED)
        # one update fails on one machine on purpose: the run that meets it ends red, and the night goes on
        _play(client, "ring", "-e", "ring=pilot", red_is_fine=True)
        client.speed(0)


def _play(client: LabClient, playbook: str, *words: str, red_is_fine: bool = False) -> None:
    command = ["ansible-playbook", "-i", str(client.inventory), f"playbooks/{playbook}.yml", *words]
    print("$", " ".join(command), flush=True)  # noqa: T201 - what a person would type
    done = subprocess.run(command, cwd=ROOT, env=os.environ | client.environment(), check=False)
    if done.returncode not in ((0, 2) if red_is_fine else (0,)):
        raise SystemExit(f"the demo stops: playbook {playbook} ended with {done.returncode}")


def _lab(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "lab", *words], cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())
