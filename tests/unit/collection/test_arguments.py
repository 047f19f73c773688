# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook takes by ``-e`` it takes from nowhere else.

An MSP's inventory may well have a variable `client` or `ring`, and each playbook reads its arguments on the first host:
of a group's variable it would be the argument of all.
"""

from __future__ import annotations

from typing import Any

import yaml

from tests.unit.collection.commands import ROOT
from tests.unit.collection.roles import OF_ANSIBLE, names_in

OURS = ("scope_", "cycle_", "flow_", "ansible_")
KEYWORDS = {"until", "register"}
"""Keywords of tasks: Ansible warns of a variable of such a name, wherever it stands."""


def plays() -> list[tuple[str, dict[str, Any]]]:
    paths = sorted((ROOT / "playbooks").glob("*.yml"))
    found = [(path.stem, play) for path in paths for play in yaml.safe_load(path.read_text())]
    return [(name, play) for name, play in found if "tasks" in play]


def arguments(play: dict[str, Any]) -> set[str]:
    used = names_in(play["tasks"], None) - OF_ANSIBLE - KEYWORDS
    return {name for name in used if not name.startswith(OURS)}


def test_an_argument_is_a_variable_of_its_play() -> None:
    """Which comes before those of an inventory; after it come the extra vars, and the `vars` of import_playbook."""
    others = [(playbook, arguments(play) - play.get("vars", {}).keys()) for playbook, play in plays()]
    assert [(playbook, sorted(names)) for playbook, names in others if names] == []


def test_there_are_arguments() -> None:
    assert {"client", "ring", "updates", "state", "soak_days", "package"} <= {
        name for _playbook, play in plays() for name in arguments(play)
    }
