# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line, the state directory and the control API of a running lab."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from lab.client import LabClient
from lab.errors import LabError

LabStarter = Callable[..., LabClient]

ROOT = Path(__file__).parent.parent.parent
FLEET = str(ROOT / "lab" / "fleets" / "small.yml")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_up_status_and_down(tmp_path: Path, free_ports: Callable[[], int]) -> None:
    base = str(free_ports())
    state_dir = str(tmp_path / "detached")
    up = command("up", "--detach", "--fleet", FLEET, "--state-dir", state_dir, "--port-base", base, "--speed", "0")
    try:
        assert up.returncode == 0, up.stderr
        assert "6, 5 reachable" in command("status", "--state-dir", state_dir).stdout
        again = command("up", "--fleet", FLEET, "--state-dir", state_dir)
        assert again.returncode == 1
        assert "a lab is up" in again.stderr
    finally:
        down = command("down", "--state-dir", state_dir)
    assert down.returncode == 0, down.stderr
    gone = command("status", "--state-dir", state_dir)
    assert gone.returncode == 1
    assert "python -m lab up" in gone.stderr


def test_ports_that_are_taken_are_named(tmp_path: Path, lab: LabClient) -> None:
    port = lab.info["winrm"]["port_base"] + 3
    base = str(port - 103)
    done = command("up", "--fleet", FLEET, "--state-dir", str(tmp_path / "second"), "--port-base", base)
    assert done.returncode == 1
    assert f"127.0.0.1:{base} (control) cannot be opened" in done.stderr
    other = str(port - 104)  # its control port is free, and the WinRM of its machine 4 is not
    done = command("up", "--fleet", FLEET, "--state-dir", str(tmp_path / "third"), "--port-base", other)
    assert done.returncode == 1
    assert "cannot be opened: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--host", "0.0.0.0"], "not a loopback address"),  # noqa: S104 - what must be refused
        (["--port-base", "32760"], "choose another --port-base"),
        (["--start", "tomorrow"], "is no instant"),
        (["--speed", "-1"], "out of range"),
    ],
)
def test_what_cannot_be_is_refused_in_words(tmp_path: Path, words: list[str], says: str) -> None:
    done = command("up", "--fleet", FLEET, "--state-dir", str(tmp_path), *words)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_fleet_is_refused_in_words(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yml"
    fleet.write_text("seed: seven\n")
    done = command("up", "--fleet", str(fleet), "--state-dir", str(tmp_path / "lab"))
    assert done.returncode == 1
    assert "seed is 'seven'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start_lab: LabStarter, number: int) -> None:
    lab = start_lab()
    os.kill(lab.info["pid"], number)
    path = lab.state_dir / "lab.json"
    wait_for_gone(path)
    with pytest.raises(LabError, match="is it still up"):
        lab.clock()


def test_down_clears_up_after_a_lab_that_died(start_lab: LabStarter) -> None:
    lab = start_lab()
    os.kill(lab.info["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while command("down", "--state-dir", str(lab.state_dir)).returncode != 0:
        assert time.monotonic() < deadline
    assert not (lab.state_dir / "lab.json").exists()


def wait_for_gone(path: Path) -> None:
    deadline = time.monotonic() + 10
    while path.exists():
        assert time.monotonic() < deadline, f"{path} is still there"
        time.sleep(0.02)


def test_the_state_directory_tells_all(shared_lab: LabClient) -> None:
    info = json.loads((shared_lab.state_dir / "lab.json").read_text())
    for face in ("control", "automate", "psa"):
        assert urlsplit(info[face]["url"]).hostname == "127.0.0.1"
    for key in ("ca", "inventory", "inventory_static", "policy", "journal"):
        assert Path(info[key]).exists(), key
    assert (shared_lab.state_dir / "lab.json").stat().st_mode & 0o077 == 0
    assert (shared_lab.state_dir / "server.key").stat().st_mode & 0o077 == 0


def test_only_the_clock_may_be_read_without_the_token(shared_lab: LabClient) -> None:
    assert set(requests.get(shared_lab.info["clock_url"], timeout=5).json()) == {"now", "speed"}
    for method, path in (("GET", "journal"), ("GET", "machines"), ("POST", "clock"), ("POST", "shutdown")):
        url = f"{shared_lab.info['control']['url']}/lab/{path}"
        assert requests.request(method, url, json={}, timeout=5).status_code == 401
        wrong = {"Authorization": "Bearer wrong"}
        assert requests.request(method, url, json={}, headers=wrong, timeout=5).status_code == 401


def test_the_apis_are_served_over_https_with_the_labs_authority(shared_lab: LabClient) -> None:
    for face, path in (("automate", "/cwa/api/v1/Computers"), ("psa", "/v4_6_release/apis/3.0/service/tickets")):
        answer = requests.get(shared_lab.info[face]["https_url"] + path, verify=shared_lab.info["ca"], timeout=5)
        assert answer.status_code == 401


def test_time_moves_faults_strike_and_a_reset_undoes_it_all(shared_lab: LabClient) -> None:
    shared_lab.speed(0)
    start = shared_lab.clock()["now"]
    shared_lab.inject({"target": "ACME-WS01", "kind": "hang"})
    shared_lab.update_machine("ACME-WS02", online=False, users=[])
    shared_lab.advance(3600)
    assert shared_lab.clock()["now"] > start
    assert not shared_lab.machines()["ACME-WS02"]["reachable"]
    assert [fault["kind"] for fault in shared_lab.faults()] == ["hang"]
    shared_lab.reset()
    assert shared_lab.faults() == []
    assert shared_lab.machines()["ACME-WS02"]["reachable"]
    assert shared_lab.machine("ACME-WS02")["history"] == []
    assert shared_lab.journal(face="winrm") == []


def test_who_refused_before_a_reset_listens_after_it_and_goes_with_its_machine(shared_lab: LabClient) -> None:
    """The reset ends the refusal of the machine that was, which is not to open in place of the one that is."""
    place = ("127.0.0.1", shared_lab.info["winrm"]["port_base"] + shared_lab.machine("ACME-WS01")["id"])
    shared_lab.inject({"target": "ACME-WS01", "kind": "refuse"})
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place, timeout=5)
    shared_lab.reset()
    with socket.create_connection(place, timeout=5):
        pass
    shared_lab.update_machine("ACME-WS01", online=False)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place, timeout=5)


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (lambda lab: lab.machine("NOBODY"), "no machine 'NOBODY'"),
        (lambda lab: lab.inject({"target": "ACME-WS01", "kind": "explode"}), "unknown kind 'explode'"),
        (lambda lab: lab.inject({"target": "ACME-WS99", "kind": "hang"}), "no such machine"),
        (lambda lab: lab.advance(-5), "only goes forward"),
        (lambda lab: lab.set_clock("2001-01-01T00:00:00Z"), "cannot go back"),
        (lambda lab: lab.update_machine("ACME-WS01", mood="good"), "cannot set 'mood'"),
        (lambda lab: lab.update_machine("ACME-WS01", pending=["KB1"]), "catalogue lacks"),
    ],
)
def test_what_cannot_be_done_is_told(shared_lab: LabClient, attempt: Callable[[LabClient], object], says: str) -> None:
    with pytest.raises(LabError, match=says):
        attempt(shared_lab)


def test_there_is_no_client_without_a_lab(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no lab is up"):
        LabClient.from_state_dir(tmp_path)
