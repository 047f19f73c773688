# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: a month of patching at a small MSP, from Patch Tuesday to the closure of the last tier, to watch.

Starts the lab and plays ``lab/month/story.py`` on it: the playbook ``cycle`` is called at those hours of the month at
which something is due, as a scheduler would call it at any hour, and people decide what is theirs. At the end stand the
tables, and what the machines, the PSA and the ledger say of the month, held against each other; where they do not agree
the demo ends red.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

from .client import LabClient
from .demo_report import Report
from .month.script import Act, Decides, Step
from .month.stage import Stage
from .month.story import CYCLE, STORY
from .month.watch import Watch, worth_reading

ROOT = Path(__file__).parent.parent
STATE = Path(".lab/demo")
WIDTH = 150
INTRODUCTION = """
[bold]A month of patching at a small MSP[/]: three clients in three time zones, from Patch Tuesday of October 2026 on.
A scheduler would call the playbook [bold]cycle[/] every half hour; here it is called at the hours at which
something is due. What people decide they decide by playbook. The lab's clock runs while a run does, and then jumps."""
QUIET = {"ANSIBLE_STDOUT_CALLBACK": "quiet", "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "lab" / "callback")}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=STATE, help="lab, ledger and logs (default: %(default)s)")
    parser.add_argument("--port-base", default="0", help="first port of the lab (default: wherever ports are free)")
    options = parser.parse_args()
    console = Console(width=max(Console().width, WIDTH), highlight=False)
    began = time.monotonic()
    shutil.rmtree(options.state_dir, ignore_errors=True)
    where = ["--state-dir", str(options.state_dir)]
    first = ["--start", STORY[0].hour.instant.isoformat(), "--speed", "0"]
    _lab("up", "--detach", "--fleet", "lab/fleets/demo.yml", "--port-base", options.port_base, *first, *where)
    try:
        client = LabClient.from_state_dir(options.state_dir)
        console.print(INTRODUCTION)
        viewer = Viewer(client, console, options.state_dir)
        stage = Stage(client, viewer)
        stage.play(STORY)
        viewer.close_the_books()
        problems = Report(client, console, stage.decided).show()
    finally:
        _lab("down", *where)
    console.print(f"{time.monotonic() - began:.0f} seconds", style="dim")
    return 1 if problems else 0


@dataclass(frozen=True)
class Call:
    """A playbook that was called, and the log of everything that Ansible says."""

    process: subprocess.Popen[bytes]
    log: Path

    def over(self, within: float) -> bool:
        """Whether it is over at the latest in so many seconds."""
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True


class Viewer:
    """Calls the playbooks for somebody who watches; everything that Ansible says is in a log for each call."""

    def __init__(self, client: LabClient, console: Console, folder: Path) -> None:
        self._client = client
        self._console = console
        self._logs = folder / "runs"
        self._report = folder / "report"
        self._calls = 0
        self._warned: set[str] = set()
        self._told: set[str] = set()
        self._watch = Watch(client)
        self._logs.mkdir(parents=True, exist_ok=True)

    def announce(self, step: Step) -> None:
        self._console.print()
        self._console.print(Rule(f"[bold]{step.hour}", align="left"))
        self._console.print(f"{step.why}.", style="bold")

    def happens(self, act: Act) -> None:
        self._console.print(f"  · {escape(str(act))}", style="cyan")

    def decide(self, decisions: Sequence[Decides]) -> None:
        calls = [self._begin(decision.playbook, decision.words) for decision in decisions]
        for call in calls:
            self._end(call, allowed=(0,))

    def cycle(self, step: Step) -> None:
        said = self._end(self._begin("cycle", []), allowed=(0, 2) if step.red else (0,))
        for line in worth_reading(said, self._told):
            self._console.print(line, markup=False)
        for line in self._watch.closed():
            self._console.print(f"[green]closed:[/] {escape(line)}")

    def close_the_books(self) -> None:
        """The month's compliance report, and the ledger checked as somebody else would check it."""
        self._console.print()
        self._console.print(Rule("[bold]The month is reported", align="left"))
        for playbook, words in (
            ("report", ["-e", f"cycle={CYCLE}", "-e", f"dest={self._report}", "-e", "formats=html"]),
            ("verify", []),
        ):
            for line in self._end(self._begin(playbook, words), allowed=(0,)).splitlines():
                self._console.print(line, markup=False)

    def _begin(self, playbook: str, words: list[str]) -> Call:
        typed = ["ansible-playbook", f"playbooks/{playbook}.yml", *(f'"{one}"' if " " in one else one for one in words)]
        self._console.print(f"$ {' '.join(typed)}", markup=False)
        self._calls += 1
        log = self._logs / f"{self._calls:02d}-{playbook}.log"
        command = ["ansible-playbook", "-i", str(self._client.inventory), f"playbooks/{playbook}.yml", *words]
        with log.open("w", encoding="utf-8") as out, log.with_suffix(".err").open("w", encoding="utf-8") as err:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | self._client.environment() | QUIET, stdout=out, stderr=err
            )
        return Call(process, log)

    def _end(self, call: Call, allowed: tuple[int, ...]) -> str:
        with self._console.status("") as status:
            while not call.over(within=0.5):
                status.update(escape(self._watch.now()))
        self._warn(call.log.with_suffix(".err").read_text(encoding="utf-8"))
        said = call.log.read_text(encoding="utf-8")
        if call.process.returncode not in allowed:
            self._console.print(said, markup=False)
            raise SystemExit(f"the demo stops: {call.log.stem} ended with {call.process.returncode}, see {call.log}")
        return said

    def _warn(self, told: str) -> None:
        for line in told.splitlines():
            if line.strip() and line not in self._warned:
                self._warned.add(line)
                self._console.print(line, style="yellow", markup=False)


def _lab(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "lab", *words], cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())
