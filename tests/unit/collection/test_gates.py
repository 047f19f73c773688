# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates can fail: what the importer says against a collection is seen, and it has to find all there is."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from tests.gates.importer import DONE, complaints, contents
from tests.gates.sanity import FINDS, PLANTED, PLANTED_MODULE
from tests.gates.tree import tracked
from tests.unit.collection.commands import ROOT


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (f"Loading role flow\n{DONE}\n", []),
        (
            f"WARNING: roles/flow/tasks/main.yml:1: name[casing]\n{DONE}\n",
            ["WARNING: roles/flow/tasks/main.yml:1: name[casing]"],
        ),
        (f"Loading module plan\nERROR: no documentation\n{DONE}\n", ["ERROR: no documentation"]),
        ("Loading module plan\n", ["it did not come to its end"]),
    ],
)
def test_what_the_importer_says_is_seen(log: str, found: list[str]) -> None:
    assert complaints(log) == found


def test_everything_that_users_can_name_has_to_be_found() -> None:
    assert {("role", "flow"), ("module", "plan"), ("playbook", "ring.yml"), ("callback", "evidence")} < contents()


def test_each_sort_of_fault_is_planted_where_it_is_looked_for() -> None:
    planted = {*PLANTED, *PLANTED_MODULE}
    assert {line.split(":")[0] for line in FINDS.values()} == planted
    assert planted.isdisjoint(tracked()), "a planted file takes the place of none of ours"


def test_each_gate_is_in_make_test() -> None:
    """By what `make test` would do: what it leaves out nobody would miss."""
    told = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    gates = [
        *("ruff", "mypy", "yamllint", "ansible-lint", "antsibull-changelog", "antsibull-docs", "pytest tests/unit"),
        *("pytest tests/integration", "molecule test", "tests.gates.sanity", "tests.gates.importer", "matrix.sh"),
    ]
    assert [gate for gate in gates if gate not in told] == []


def test_nothing_is_ignored() -> None:
    """An ignore file hides findings for ever, and Galaxy warns of each."""
    assert list((ROOT / "tests").glob("sanity/ignore-*.txt")) == []
    assert "sanity_ignore" not in yaml.safe_load((ROOT / "galaxy.yml").read_text())
