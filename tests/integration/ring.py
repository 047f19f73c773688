# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nights of the playbook ring on the lab: fleets to order, runs, and three accounts of what happened.

The machines' own history (`Night.happened`), the lab's journal (`Night.touched`) and the PSA (`Night.tickets`) are
what the ledger is held against; none of them is ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import PsaSettings
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import PsaClient
from lab.client import LabClient

ROOT = Path(__file__).parent.parent.parent
RING = ROOT / "playbooks" / "ring.yml"
CONFIG = ROOT / "ansible.cfg"
ZONE = "America/New_York"
START = "2026-11-11T07:01:00Z"
"""02:01 in New York: workstations' and servers' windows are open."""
BIG, SMALL = "5091211", "5091231"
"""KBs of the fleets made here: the first takes effect with a reboot, the second needs none."""
IMPATIENT = ("-e", "ansible_winrm_operation_timeout_sec=1", "-e", "ansible_winrm_read_timeout_sec=2")
"""An endpoint that never answers costs two seconds."""
LOOK = "msp.patching.win_posture agent_service=LTService"
"""What an install begins with. A search begins with the question who is there, which names no agent."""
LONGEST = 90.0
POLICY = {
    "failure": {"retry_after": "30s"},
    "reboot_time_limit": "6m",
    "validation": {"deadline": "4m"},
}
"""Shorter waits than a real night has; everything else is the default."""

UPDATES = [
    {
        "kb": BIG,
        "title": f"2026-11 Cumulative Update (KB{BIG})",
        "categories": ["Security Updates"],
        "severity": "Critical",
        "released": "2026-11-10T18:00:00Z",
        "os": ["Windows"],
        "reboot": "always",
        "download_mb": 60,
        "install_seconds": 90,
    },
    {
        "kb": SMALL,
        "title": f"2026-11 .NET Framework Update (KB{SMALL})",
        "categories": ["Security Updates"],
        "severity": "Important",
        "released": "2026-11-10T18:00:00Z",
        "os": ["Windows"],
        "reboot": "never",
        "download_mb": 12,
        "install_seconds": 30,
    },
]

Ansible = Callable[..., Any]


def workstation(*, ring: str = "Pilot", track: str = "Overnight", **more: Any) -> dict[str, Any]:
    groups = [f"Patching.Ring.{ring}", f"Patching.Track.{track}", "Patching.Policy.Auto"]
    return {"os": "Microsoft Windows 11 Pro x64", "boot_seconds": 30, "groups": groups, **more}


def server(role: str, *, ring: str = "Pilot", policy: str = "Auto Install Auto Reboot", **more: Any) -> dict[str, Any]:
    groups = [f"Patching.Ring.{ring}", f"Patching.Role.{role}", f"Patching.Policy.{policy}"]
    groups += ["Patching.Unattended Reboot"] if policy == "Auto Install Auto Reboot" else []
    return {"os": "Microsoft Windows Server 2022 Standard x64", "boot_seconds": 30, "groups": groups, **more}


def write_fleet(
    path: Path,
    clients: Mapping[str, Mapping[str, dict[str, Any]]],
    *,
    speed: float = 60,
    updates: list[dict[str, Any]] | None = None,
) -> Path:
    """A fleet file: `clients` maps client to machine name to what `workstation` and `server` give."""
    numbers = iter(range(1, 90))
    rows = [
        {
            "name": client,
            "psa": {"identifier": client.upper().replace(" ", "")[:20]},
            "edfs": {"Time Zone": ZONE},
            "locations": [
                {
                    "name": "Office",
                    "computers": [{"name": name, "id": next(numbers), **what} for name, what in machines.items()],
                }
            ],
        }
        for client, machines in clients.items()
    ]
    document = {
        "seed": 3,
        "clock": {"start": START, "speed": speed},
        "updates": updates or UPDATES,
        "clients": rows,
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def single(machines: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Each machine with a client of its own, so that the hold of one tier is none of the others' business."""
    return {f"Client {name}": {name: what} for name, what in machines.items()}


@dataclass
class Night:
    """A lab, a ledger and the runs that are made on them."""

    lab: LabClient
    ansible: Ansible
    folder: Path
    policy: dict[str, Any] = field(default_factory=lambda: dict(POLICY))
    environment: dict[str, str] = field(default_factory=dict)
    ledger_url: str = ""
    """Where the ledger is; in a file of the folder where nothing is said."""

    def __post_init__(self) -> None:
        policy = self.folder / "policy.yml"
        policy.write_text(yaml.safe_dump({"clock": "simulated", **self.policy}))
        self.environment = {
            "MSP_PATCHING_LEDGER": str(self.ledger_file),
            "MSP_PATCHING_POLICY": str(policy),
            **self.environment,
        }

    @property
    def ledger_file(self) -> Path:
        return self.folder / "ledger.sqlite"

    @property
    def ledger(self) -> Ledger:
        return Ledger.open(self.ledger_url or f"sqlite:///{self.ledger_file}", create=False)

    # -- what people do -------------------------------------------------------------------------------------------

    def run(self, *words: str, ring: str | None = "pilot", playbook: Path = RING, **given: Any) -> Any:
        """A run of the playbook, to its end."""
        chosen = ["-e", f"ring={ring}"] if ring and playbook == RING else []
        env = {**self.environment, **given.pop("env", {})}
        given = {"inventory": self.lab.inventory, "config": CONFIG, "timeout": 240, **given}
        return self.ansible(self.lab, playbook, *chosen, *IMPATIENT, *words, env=env, **given)

    def decide(self, playbook: str, **arguments: str) -> None:
        """A person's decision, such as `decide('authorize', endpoint='DC01', reason='tonight')`; it takes no lab time,
        or a window would be over on a slow machine."""
        words = [word for key, value in arguments.items() for word in ("-e", f"{key}='{value}'")]
        speed = self.lab.clock()["speed"]
        self.lab.speed(0)
        self.run(*words, "-e", "by=t.brandt", playbook=ROOT / "playbooks" / f"{playbook}.yml").ok()
        self.lab.speed(speed)

    @contextmanager
    def held(self, machine: str, module: str, *words: str, **given: Any) -> Iterator[subprocess.Popen[str]]:
        """A run for one machine, `running`, at the point where it waits for the answer of its first `module`, with the
        arguments that follow on its name after a space each; it comes when the lab's faults are cleared."""
        mark, end = self.mark(), time.monotonic() + LONGEST
        self.lab.inject({"target": machine, "kind": "hang", "at": "answer", "module": module})
        with self.running("-l", machine, *words, **given) as run:
            while not any(is_call(module, entry) for entry in self.lab.journal(since=mark, face="winrm")):
                assert run.poll() is None, run.communicate()[0]
                assert time.monotonic() < end, f"{machine} was not asked"
                time.sleep(0.05)
            yield run

    @contextmanager
    def running(
        self, *words: str, playbook: Path = RING, env: Mapping[str, str] | None = None, inside: Sequence[str] = ()
    ) -> Iterator[subprocess.Popen[str]]:
        """A run in a process group of its own; what is left of it is killed at the end. `inside` is the command that it
        is started by."""
        chosen = ["-e", "ring=pilot"] if playbook == RING else []
        command = [*inside, str(Path(sys.executable).parent / "ansible-playbook"), str(playbook), *chosen]
        process = subprocess.Popen(
            [*command, "-i", str(self.lab.inventory), *IMPATIENT, *words],
            cwd=ROOT,
            env={
                **os.environ,
                **self.lab.environment(),
                **self.environment,
                "ANSIBLE_CONFIG": str(CONFIG),
                "ANSIBLE_HOME": str(self.folder / "ansible-home"),
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            kill(process)

    # -- what the machines, the network and the PSA say -----------------------------------------------------------

    def happened(self, machine: str, *events: str) -> list[dict[str, Any]]:
        """What the machine itself has in its history of these kinds."""
        return [entry for entry in self.lab.machine(machine)["history"] if entry["event"] in events]

    def installed(self, machine: str) -> list[str]:
        """KBs in the order in which the machine installed them; one that it installed twice is in it twice."""
        return [entry["kb"] for entry in self.happened(machine, "install.succeeded")]

    def boots(self, machine: str) -> int:
        return len(self.happened(machine, "boot"))

    def mark(self) -> int:
        """The number of the journal's last entry, for `touched`."""
        return max((entry["number"] for entry in self.lab.journal(limit=1)), default=0)

    def touched(self, since: int = 0) -> set[str]:
        """The machines that were connected to since then, with or without success."""
        return {entry["machine"] for entry in self.lab.journal(since=since, limit=100_000, face="winrm")}

    def changing(self, since: int = 0) -> list[tuple[str, str]]:
        """Method and path of the requests since then that change something at the RMM or the PSA."""
        return [
            (entry["method"], entry["path"])
            for face in ("automate", "psa")
            for entry in self.lab.journal(since=since, limit=100_000, face=face)
            if entry["method"] != "GET" and not entry["path"].endswith(("/apitoken", "/ping"))
        ]

    @property
    def psa(self) -> PsaClient:
        info = self.lab.info["psa"]
        keys = ("url", "company", "public_key", "private_key", "client_id")
        return PsaClient(PsaSettings(**{key: info[key] for key in keys}, board="Patch Management"))

    def tickets(self, machine: str) -> list[dict[str, Any]]:
        found = self.psa.all("service/tickets")
        return [ticket for ticket in found if f"/{machine}/" in (ticket.get("externalXRef") or "")]

    def notes(self, ticket: Mapping[str, Any]) -> list[str]:
        return [note["text"] for note in self.psa.all(f"service/tickets/{ticket['id']}/notes")]

    # -- what the ledger says -------------------------------------------------------------------------------------

    def events(self, *kinds: str, endpoint: str | None = None) -> list[Any]:
        return [event for _seq, _run, event in self.ledger.events(kinds=kinds, endpoint=endpoint)]

    def bodies(self, kind: str, endpoint: str | None = None) -> list[dict[str, Any]]:
        return [dict(event.body) for event in self.events(kind, endpoint=endpoint)]

    def ledger_is_there(self) -> bool:
        """Whether a run has made it already."""
        return self.ledger.head()[0] > 0

    def decision(self, machine: str) -> tuple[str, str]:
        """Action and node of the decision that stands."""
        last = self.ledger.progress([machine])[machine].last_decision or {}
        return last.get("action", ""), last.get("node", "")

    def agrees(self, *machines: str) -> None:
        """The ledger and the machines' own histories tell one story, all of it inside the windows."""
        self.ledger.verify()
        assert self.lab.unsimulated() == []
        for machine in machines:
            told = [
                row["update"]
                for body in self.bodies("install.finished", machine)
                for row in body["results"]
                if row["ok"]
            ]
            assert sorted(told) == sorted(entry["update"] for entry in self.happened(machine, "install.succeeded")), (
                machine
            )
            asked = self.happened(machine, "reboot.requested")
            boots = self.happened(machine, "boot")
            assert len(self.events("reboot.started", endpoint=machine)) == len(asked), machine
            confirmed = [body["boot_id"] for body in self.bodies("reboot.confirmed", machine)]
            assert confirmed == [entry["boot_id"] for entry in boots], machine
            for entry in (*self.happened(machine, "install.started"), *asked, *boots):
                assert in_window(entry["at"]), (machine, entry)


def is_call(call: str, entry: Mapping[str, Any]) -> bool:
    """Whether an entry of the lab's journal is of that module with these arguments."""
    module, *words = call.split(" ")
    arguments = entry.get("args")
    known = {f"{key}={value}" for key, value in arguments.items()} if isinstance(arguments, Mapping) else set()
    return entry.get("module") == module and known.issuperset(words)


def in_window(instant: str, start: str = "02:00", end: str = "04:00") -> bool:
    local = datetime.fromisoformat(instant).astimezone(ZoneInfo(ZONE))
    return start <= f"{local:%H:%M:%S}" < end


def between(first: str, last: str) -> timedelta:
    return datetime.fromisoformat(last) - datetime.fromisoformat(first)


def kill(process: subprocess.Popen[str]) -> None:
    """As a power cut does it: the whole group, at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def sentence(output: str) -> str:
    """Output that a terminal wrapped, as one line."""
    return " ".join(output.split())
