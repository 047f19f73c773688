# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as people watch it: as lines of a log with a failure in it, in a terminal, and broken off there by Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyte
import pytest

from lab.client import LabClient

from .conftest import ansible_in, running_lab
from .ring import BIG, CONFIG, IMPATIENT, RING, ROOT, UPDATES, Night, single, workstation, write_fleet

LINES, COLUMNS = 40, 140
PROGRESS = {"ANSIBLE_STDOUT_CALLBACK": "msp.patching.progress"}
LARGE = "5091241"
"""An update that is not installed before somebody has looked at it, however busy the machine is."""
SLOW = 200.0
"""Lab seconds for which WS04 keeps its first pass waiting: some pictures long."""
TERMINAL_WORDS = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""What would tell a program of another terminal than the one it has here."""
STAMPED = re.compile(r"^\d\d:\d\d:\d\d  (.*)$", re.MULTILINE)


def _aborted(terminal: int, process: subprocess.Popen[bytes]) -> str:
    """Where its threads were, as it tells when it is aborted."""
    process.send_signal(signal.SIGABRT)
    told = b""
    with suppress(OSError):  # the other end is closed
        while select.select([terminal], [], [], 2)[0]:
            told += os.read(terminal, 65536)
    process.kill()
    process.wait(timeout=60)
    return told[-8000:].decode(errors="replace")


@dataclass
class Terminal:
    """A terminal in which a run is watched, and what was on its screen, a picture for each change."""

    night: Night
    seen: list[str] = field(default_factory=list)

    def watch(self, *words: str, interrupt_at: str) -> int:
        """Runs the ring until `interrupt_at` is on the screen, and presses Ctrl-C; gives the exit status.

        The view is drawn before a task, so that this is when Ansible forks for it.
        """
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        lab = self.night.lab
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(RING), "-i", str(lab.inventory)]
        process = subprocess.Popen(
            [*command, "-e", "ring=pilot", *IMPATIENT, *words],
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if name not in TERMINAL_WORDS},
                **lab.environment(),
                **self.night.environment,
                **PROGRESS,
                "ANSIBLE_CONFIG": str(CONFIG),
                "ANSIBLE_HOME": str(self.night.folder / "ansible-home"),
                "TERM": "xterm-256color",
                "PYTHONFAULTHANDLER": "1",
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._read(ours, process, interrupt_at)
        os.close(ours)
        return process.wait(timeout=60)

    def _read(self, ours: int, process: subprocess.Popen[bytes], interrupt_at: str) -> None:
        screen = pyte.Screen(COLUMNS, LINES)
        stream = pyte.ByteStream(screen)
        deadline, pressed = time.monotonic() + 120, False
        while time.monotonic() < deadline:
            ended = process.poll() is not None  # before it is looked for words, for its last ones come before its end
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    stream.feed(os.read(ours, 65536))
                except OSError:  # the other end is closed
                    break
                self.seen.append("\n".join(line.rstrip() for line in screen.display).rstrip())
                if not pressed and re.search(interrupt_at, self.seen[-1]):
                    pressed = True
                    os.killpg(process.pid, signal.SIGINT)
            elif ended:
                break
        else:
            pytest.fail(f"the run did not end:\n{self.seen[-1]}\n{_aborted(ours, process)}")
        assert pressed, f"{interrupt_at} was never seen:\n{self.seen[-1]}\n{self.rows()}"

    def rows(self) -> list[str]:
        """The rows of endpoints that the view has shown, each once."""
        pictures = "\n".join(self.seen)
        return list(dict.fromkeys(re.findall(r"^WS\d\d .*$", pictures, re.MULTILINE)))


@dataclass
class Watched:
    logged: subprocess.CompletedProcess[str]
    terminal: Terminal
    status: int
    other: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("progress")
    machines = {name: workstation() for name in ("WS01", "WS02")}
    machines |= {name: workstation(os="Microsoft Windows 10 Pro x64") for name in ("WS03", "WS04")}
    large = {**UPDATES[0], "kb": LARGE, "title": f"2026-11 Cumulative Update (KB{LARGE})", "install_seconds": 9000}
    large["os"] = ["Windows 10"]
    fleet = write_fleet(folder / "fleet.yml", single(machines), updates=[*UPDATES, large])
    with running_lab(folder / "lab", fleet) as lab:
        night = Night(lab, ansible_in(folder), folder)
        lab.inject({"target": "WS02", "kind": "update_fails", "kb": BIG, "hresult": "0x80070643"})
        logged = logs(night, lab, RING, "-e", "ring=pilot", "-l", "WS01,WS02")
        lab.inject({"target": "WS04", "kind": "slow", "seconds": SLOW, "times": 1})
        terminal = Terminal(night)
        status = terminal.watch("-l", "WS03,WS04", interrupt_at=r"installing +([6-9]|\d\d|\dm)")
        (folder / "other.yml").write_text(OTHER)
        other = logs(night, lab, folder / "other.yml")
        yield Watched(logged, terminal, status, other)


OTHER = """
- name: Somebody else's play
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Their task
      ansible.builtin.debug: {msg: their words}
    - name: Their failure
      ansible.builtin.fail: {msg: their reason}
"""


def logs(night: Night, lab: LabClient, playbook: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **lab.environment(), **night.environment, **PROGRESS}
    env |= {"ANSIBLE_CONFIG": str(CONFIG), "ANSIBLE_HOME": str(night.folder / "ansible-home")}
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            str(playbook),
            "-i",
            str(lab.inventory),
            *words,
            *IMPATIENT,
        ],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_log_has_a_line_for_each_change_and_the_failure_with_its_words(watched: Watched) -> None:
    assert watched.logged.returncode == 2, watched.logged.stdout
    told = STAMPED.findall(watched.logged.stdout)
    assert told[0] == "2 due: WS01, WS02"
    for line in ("2 searching: WS01, WS02", "1 patched: WS01"):
        assert line in told
    assert any("restarting: " in line for line in told)
    (failed,) = [line for line in told if line.startswith("FAILED")]
    for part in ("WS02", "0x80070643", "ERROR_INSTALL_FAILURE", "msp.patching.root_cause -e endpoint=WS02"):
        assert part in failed
    assert re.fullmatch(r"1 patched, 1 FAILED in \d+.*", told[-1])


def test_a_log_has_no_line_for_each_task_and_the_summary_is_in_it(watched: Watched) -> None:
    assert not re.search(r"TASK|PLAY|RECAP|ok: |changed: |\x1b\[", watched.logged.stdout)
    assert "What this run did: 1 FAILED, 1 patched" in watched.logged.stdout


def test_in_a_terminal_a_view_stands_below_what_is_printed(watched: Watched) -> None:
    drawn = re.compile("^WS04 +installing", re.MULTILINE)  # its last row: what is read may end amid a picture
    (first, *_more) = [picture for picture in watched.terminal.seen if drawn.search(picture)]
    lines = first.splitlines()
    (heading,) = [number for number, line in enumerate(lines) if re.match("ring +through", line)]
    assert "0 of 2 through" in lines[heading - 1]
    assert lines[heading + 1].split()[:2] == ["pilot", "0/2"]
    assert any(line.startswith("WS0") and "installing" in line for line in lines[heading + 2 :])
    assert "2 due: WS03, WS04" in "\n".join(lines[:heading])


def test_who_has_answered_is_seen_while_others_keep_the_pass_waiting(watched: Watched) -> None:
    passes = [re.findall(r"0 of 2 through, (\d of \d) visited now", picture) for picture in watched.terminal.seen]
    told = [found for (found,) in filter(None, passes)]
    assert "1 of 2" in told
    assert told.index("0 of 2") < told.index("1 of 2")


def test_what_is_looked_at_again_and_again_goes_on_being_what_it_is(watched: Watched) -> None:
    rows = [row.split()[:3] for row in watched.terminal.rows() if row.startswith("WS03")]
    first = [state for _name, state, _since in rows].index("installing")
    assert {state for _name, state, _since in rows[first:]} == {"installing"}
    seconds = [int(since.removesuffix("s")) for _name, _state, since in rows[first:]]
    assert seconds == sorted(seconds), "and since when is not forgotten"


def test_a_run_that_is_broken_off_says_what_is_left_and_leaves_the_terminal(watched: Watched) -> None:
    last = watched.terminal.seen[-1]
    assert watched.status == 99, last
    assert "ended before its end; the next run takes up" in last
    assert not re.search("^ring +through", last, re.MULTILINE), "the view is gone"
    events = watched.terminal.night.ledger.events(endpoint="WS03")
    assert "install.started" in {event.kind for _seq, _run, event in events}


def test_other_peoples_playbooks_look_as_ever(watched: Watched) -> None:
    assert watched.other.returncode == 2
    for words in ("PLAY [Somebody else's play]", "TASK [Their task]", "their words", "their reason", "PLAY RECAP"):
        assert words in watched.other.stdout
