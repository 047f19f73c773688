# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecule's scenarios cannot pass without having looked at anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.collection.commands import ROOT

SCENARIOS = sorted((ROOT / "molecule").glob("*/molecule.yml"))

scenario_by_scenario = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)


@scenario_by_scenario
def test_no_scenario_goes_back_on_what_all_share(path: Path) -> None:
    settings = yaml.safe_load(path.read_text()) or {}
    assert set(settings) <= {"scenario"}
    sequence = settings.get("scenario", {}).get("test_sequence", ["create", "converge", "idempotence", "verify"])
    assert {"create", "converge", "idempotence", "verify"} <= set(sequence)


@scenario_by_scenario
def test_every_scenario_names_every_machine_it_expects_something_of(path: Path) -> None:
    """shared/tasks/compare.yml refuses a list that leaves one out; so every verify has to go through it."""
    assert (path.parent / "verify.yml").exists(), "without one Molecule verifies nothing, and is green"
    for verify in path.parent.glob("verify*.yml"):
        assert "../shared/tasks/compare.yml" in verify.read_text(), verify.name
