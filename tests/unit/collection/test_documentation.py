# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that has a name for users is documented, in a form that ansible-doc renders."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.msp.patching.plugins.filter.patching import FilterModule
from tests.unit.collection.commands import ROOT, Documents, ansible
from tests.unit.collection.roles import ROLES

KINDS = {"module": "modules", "callback": "callback", "inventory": "inventory", "filter": "filter"}
"""What ansible-doc calls a kind of plugin, and its folder. (An action is documented as the module of its name.)"""


def plugins(kind: str) -> set[str]:
    """The names that the files of the collection give users."""
    if kind == "filter":
        return set(FilterModule().filters())
    folder = ROOT / "plugins" / KINDS[kind]
    return {path.stem for path in folder.iterdir() if path.is_file() and path.suffix in (".py", ".ps1")} - {"__init__"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_plugin_is_documented(documents: Documents, kind: str) -> None:
    assert set(documents[kind]) == {f"msp.patching.{name}" for name in plugins(kind)} != set()


def test_every_role_is_documented(documents: Documents) -> None:
    assert set(documents["role"]) == {f"msp.patching.{name}" for name in ROLES}
    assert [name for name, role in documents["role"].items() if "main" not in role["entry_points"]] == []


def test_every_action_is_a_module() -> None:
    actions = {path.stem for path in (ROOT / "plugins" / "action").glob("*.py")} - {"__init__"}
    assert actions - plugins("module") == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_yaml(documents: Documents, kind: str) -> None:
    for name, document in documents[kind].items():
        examples = list(yaml.safe_load_all(document["examples"] or ""))
        assert any(examples), name


@pytest.mark.parametrize("kind", ["module", "filter"])
def test_what_is_returned_is_described(documents: Documents, kind: str) -> None:
    assert [name for name, document in documents[kind].items() if not document["return"]] == []


def test_modules_are_rendered_for_people(documents: Documents) -> None:
    done = ansible("ansible-doc", "-t", "module", *documents["module"])
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr
