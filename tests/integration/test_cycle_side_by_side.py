# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs of the playbook cycle started together over two hundred endpoints: no endpoint is touched by both.

The lab's journal is the witness: each run asks under a path of its own. Most of the endpoints are up to date, so that
the test is over in a minute; both runs plan for all of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger
from lab.client import LabClient

from .conftest import LabStarter
from .ring import BIG, ROOT, SMALL, START, UPDATES, ZONE, Ansible, Night, server

CYCLE = ROOT / "playbooks" / "cycle.yml"
ENDPOINTS = 200
DUE = 16
SERVERS = ("FS01", "FS02")
"""Of one client and two roles, in one redundancy group by its name. Each run has one of them, and both all others."""
GROUP = "Patching.Redundancy.front"
RUNS = {"first": SERVERS[1], "second": SERVERS[0]}


def fleet(path: Path) -> Path:
    front = []
    for number, (name, role) in enumerate(zip(SERVERS, ("File Server", "Web Server"), strict=True), 1):
        one = server(role)
        front.append({"name": name, "id": number, **one, "groups": [*one["groups"], GROUP]})
    acme = {
        "name": "Acme",
        "psa": {"identifier": "ACME"},
        "edfs": {"Time Zone": ZONE},
        "locations": [{"name": "Office", "computers": front}],
    }
    nobody_odd = dict.fromkeys(("servers_share", "unclassified_share", "disabled_share", "offline_share"), 0)
    generate = {
        **nobody_odd, "clients": 3, "endpoints": ENDPOINTS - len(SERVERS), "rings": {"Pilot": 1}, "track": "Overnight",
        "time_zones": [ZONE], "prefix_names": True,
    }  # fmt: skip
    document = {
        "seed": 200,
        "clock": {"start": START, "speed": 60},
        "updates": [UPDATES[0] | {"os": ["Server"]}, UPDATES[1] | {"os": ["Windows 10", "Windows 11"]}],
        "groups": [{"name": GROUP}],
        "clients": [acme],
        "generate": generate,
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


@pytest.fixture
def night(start_lab: LabStarter, ansible: Ansible, tmp_path: Path) -> Night:
    """All but a few of the workstations were searched an hour ago, and had nothing."""
    night = Night(start_lab(fleet(tmp_path / "fleet.yml")), ansible, tmp_path)
    workstations = sorted(name for name in night.lab.machines() if name not in SERVERS)
    before = datetime.fromisoformat(START) - timedelta(hours=1)
    done = [Event("scan.finished", name, before, {"updates": []}) for name in workstations[DUE:]]
    person = {"by": "t.brandt", "reason": "pilot night", "cycle": "2026-11"}
    goes = [Event("authorization.given", None, before, {"scope": {"endpoint": name}, **person}) for name in SERVERS]
    Ledger.open(f"sqlite:///{night.ledger_file}").append([*done, *goes], run="earlier")
    return night


def touched(lab: LabClient) -> dict[str, set[str]]:
    """By run, the machines that it ran something on."""
    found: dict[str, set[str]] = {name: set() for name in RUNS}
    for entry in lab.journal(limit=100_000, face="winrm"):
        found[entry["via"].removeprefix("run=")].add(entry["machine"])
    return found


def test_no_endpoint_is_touched_by_both_and_each_that_is_due_by_one(night: Night) -> None:
    words = {
        name: ("-l", f"all:!{other}", "-e", f"ansible_winrm_path=/wsman?run={name}") for name, other in RUNS.items()
    }
    with (
        night.running(*words["first"], playbook=CYCLE) as first,
        night.running(*words["second"], playbook=CYCLE) as second,
    ):
        outputs = [run.communicate(timeout=240)[0] for run in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], "\n".join(outputs)

    by_run = touched(night.lab)
    workstations = sorted(name for name in night.lab.machines() if name not in SERVERS)
    assert len(workstations) + len(SERVERS) == ENDPOINTS
    assert by_run["first"] & by_run["second"] == set()
    assert by_run["first"] | by_run["second"] == {*workstations[:DUE], *SERVERS}
    assert all(by_run.values()), "each had its server, and no more than the other left it"

    for name in workstations[:DUE]:
        assert (night.installed(name), night.boots(name)) == ([SMALL], 0), name
    for name in workstations[DUE:]:
        assert night.lab.machine(name)["history"] == [], name
    assert night.run(playbook=CYCLE).returncode == 0, "what one left to the other: a server whose turn had not come"
    never_down_together(night)
    night.agrees(*workstations[:DUE], *SERVERS)


def never_down_together(night: Night) -> None:
    """R6 across both runs: the second server went down when the first was validated."""
    spans = []
    for name in SERVERS:
        assert night.installed(name) == [BIG]
        (down,), (up,) = night.happened(name, "shutdown"), night.happened(name, "boot")
        spans.append((down["at"], up["at"], name))
    (dummy, up, first), (down, dummy, dummy) = sorted(spans)
    validated = night.events("validation.finished", endpoint=first)[0].at
    assert datetime.fromisoformat(up) < validated < datetime.fromisoformat(down)
