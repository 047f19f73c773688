# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role on its own in a play with ``serial``: a batch is done before the next is touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from .conftest import ansible_in, running_lab
from .ring import BIG, SMALL, Night, single, workstation, write_fleet

CANARY, SECOND, THIRD = GOOD = ("CANARY", "SECOND", "THIRD")
BROKEN, REST = BAD = ("BROKEN", "REST")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("batches")
    fleet = write_fleet(folder / "fleet.yml", single({name: workstation() for name in (*GOOD, *BAD)}), speed=40)
    with running_lab(folder / "lab", fleet) as lab:
        yield Night(lab, ansible_in(folder), folder)


def deployed(night: Night, *machines: str, serial: Any) -> Any:
    play = {"hosts": ":".join(machines), "order": "sorted", "gather_facts": False, "serial": serial}
    path = night.folder / f"{machines[0]}.yml"
    path.write_text(yaml.safe_dump([play | {"roles": ["msp.patching.deploy"]}]))
    return night.run(playbook=path)


def test_a_batch_is_done_before_the_next_is_touched(night: Night) -> None:
    run = deployed(night, *GOOD, serial=[1, 2]).ok()
    asked = [entry["machine"] for entry in night.lab.journal(limit=100_000, face="winrm")]
    before = asked.count(CANARY)
    assert set(asked[:before]) == {CANARY}
    assert set(asked[before:]) == {SECOND, THIRD}
    for machine in GOOD:
        assert sorted(night.installed(machine)) == [BIG, SMALL]
        assert run.stats[machine]["changed"] > 0
    night.agrees(*GOOD)


def test_a_canary_that_failed_is_the_last(night: Night) -> None:
    mark = night.mark()
    night.lab.inject({"target": BROKEN, "kind": "update_fails", "kb": BIG, "hresult": "0x80070643", "times": 1})
    run = deployed(night, *BAD, serial=1)
    assert run.returncode == 2, run.output
    assert night.touched(mark) == {BROKEN}
    assert night.decision(REST) == ("", ""), "it is not even planned for"
