# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is handed to the process that records is recorded, in order, however the one that hands it over ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.errors import PatchingError
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.clerk import Clerk, ClerkDiedError, Tell
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.closing import Closing
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.look import Look
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.trouble import Trouble
from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 11, 7, 5, tzinfo=UTC)
LONGEST = 30.0


class Fellow:
    """Has troubles, and others' words."""

    def __init__(self) -> None:
        self.trouble = Trouble()
        self.told: list[str] = []

    def share(self, trouble: Trouble) -> None:
        self.trouble = self.trouble.then(trouble)

    def tell(self, words: str) -> None:
        self.told.append(words)


class Book(Fellow):
    """A desk that writes a line for all it is asked, and says who wrote it."""

    def __init__(self, tell: Tell, path: Path) -> None:
        super().__init__()
        self._tell = tell
        self._path = path

    def _write(self, words: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{os.getpid()} {words}\n")

    def record(self, looks: Sequence[Look], secrets: Iterable[str] = ()) -> bool:
        for one in looks:
            self._write(one.tag)
            if one.tag == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if one.tag == "fail":
                raise ZeroDivisionError("a mistake")
            if one.tag == "spool":
                self.share(Trouble("the ledger is away", spooling=True))
            if one.tag == "tell":
                self._tell("this takes long")
        for secret in secrets:
            self._write(f"secret {secret}")
        return any(one.tag == "urgent" for one in looks)

    def deliver(self) -> None:
        self._write("deliver")

    def close(self, hosts: Mapping[str, Mapping[str, int]], zones: Mapping[str, Any]) -> Closing:
        self._write(f"close {sorted(hosts)} {dict(zones)} {self.trouble.problem}")
        return Closing(["words"], "summary", is_red=True)

    @property
    def news(self) -> list[str]:
        return ["news"]


def look(tag: str) -> Look:
    return Look(tag, Endpoint.parse({"name": "WS01"}), {"rc": 0}, NOW)


@pytest.fixture
def main() -> Fellow:
    return Fellow()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book"


@pytest.fixture
def clerk(main: Fellow, path: Path) -> Clerk:
    return Clerk(main, lambda tell: Book(tell, path))


def lines(path: Path) -> list[str]:
    return [line.partition(" ")[2] for line in path.read_text().splitlines()] if path.exists() else []


def writers(path: Path) -> set[int]:
    return {int(line.split()[0]) for line in path.read_text().splitlines()}


def waited_for(path: Path, count: int) -> None:
    end = time.monotonic() + LONGEST
    while len(lines(path)) < count:
        assert time.monotonic() < end, f"only this was written: {lines(path)}"
        time.sleep(0.01)


def test_another_process_records_all_in_order(clerk: Clerk, path: Path) -> None:
    for number in range(200):
        clerk.put(look(f"{number:03}"))
    clerk.settle()
    assert lines(path) == [f"{number:03}" for number in range(200)]
    assert os.getpid() not in writers(path)
    assert not clerk.unsaid
    assert clerk.end() == ["news"]


def test_it_records_without_being_asked(clerk: Clerk, path: Path) -> None:
    clerk.put(look("posture"), ["hunter2"])
    waited_for(path, 2)
    assert lines(path) == ["posture", "secret hunter2"]
    clerk.end()


def test_what_is_asked_comes_after_what_was_seen(clerk: Clerk, path: Path) -> None:
    clerk.put(look("posture"))
    clerk.deliver()
    assert clerk.close({"WS01": {"ok": 1}}) == Closing(["words"], "summary", is_red=True)
    assert lines(path) == ["posture", "deliver", "close ['WS01'] {} None"]
    clerk.end()


def test_what_is_urgent_is_said_once(clerk: Clerk) -> None:
    clerk.put(look("urgent"))
    clerk.settle()
    assert clerk.take_urgent()
    assert not clerk.take_urgent()
    clerk.end()


def test_its_troubles_are_the_runs_and_the_runs_are_its(clerk: Clerk, main: Fellow, path: Path) -> None:
    main.trouble = Trouble("a plug-in failed")
    clerk.put(look("posture"))
    clerk.close({})
    assert lines(path)[-1].endswith("a plug-in failed")
    clerk.put(look("spool"))
    clerk.settle()
    assert main.trouble == Trouble("a plug-in failed", spooling=True)
    clerk.end()


def test_what_takes_long_is_told_by_the_main_process(clerk: Clerk, main: Fellow) -> None:
    clerk.put(look("tell"))
    clerk.settle()
    assert main.told == ["this takes long"]
    clerk.end()


def _put_and_settled(clerk: Clerk, one: Look, *secrets: str) -> None:
    """Either call may be the one that hears what has become of the other process."""
    clerk.put(one, secrets)
    clerk.settle()


def test_of_one_that_dies_all_is_kept_that_it_has_not_said_to_have_recorded(clerk: Clerk) -> None:
    clerk.put(look("first"))
    clerk.settle()
    with pytest.raises(ClerkDiedError, match="has ended by itself"):
        _put_and_settled(clerk, look("die"), "hunter2")
    assert [(one.tag, secrets) for one, secrets in clerk.unsaid] == [("die", ("hunter2",))]


def test_one_that_fails_says_why(clerk: Clerk, main: Fellow) -> None:
    with pytest.raises(ClerkDiedError, match="could not go on: ZeroDivisionError: a mistake"):
        _put_and_settled(clerk, look("fail"))

    def begin(_tell: Tell) -> Book:
        raise PatchingError("a library is missing")

    unable = Clerk(main, begin)
    with pytest.raises(ClerkDiedError, match="could not go on: PatchingError: a library is missing"):
        unable.settle()


SCRIPT = """
import os, signal, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.unit.evidence.test_clerk import Book, Fellow, look
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.clerk import Clerk
clerk = Clerk(Fellow(), lambda tell: Book(tell, Path({path!r})))
for number in range(50):
    clerk.put(look(str(number)))
if {worker}:
    if os.fork() == 0:  # has the pipe open, as workers of Ansible's have
        os.setsid()
        time.sleep({longest})
        os._exit(0)
os.killpg(os.getpgid(0), signal.SIGKILL)
time.sleep({longest})
"""


@pytest.mark.parametrize("worker", [False, True])
def test_a_run_that_is_killed_with_all_its_group_leaves_what_it_has_seen(path: Path, worker: bool) -> None:
    script = SCRIPT.format(root=str(ROOT), path=str(path), worker=worker, longest=LONGEST)
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / '.ansible' / 'collections'}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
        start_new_session=True,
    )
    assert run.returncode != 0
    waited_for(path, 50)
    assert lines(path) == [str(number) for number in range(50)]
