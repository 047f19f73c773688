# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the workflows of AWX ask is enough for what they decide."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.flow.failures import consequences
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, people

ROLE = Path(__file__).parent.parent.parent.parent / "roles" / "awx_setup"
NOW = datetime(2026, 11, 11, 2, 0, tzinfo=UTC)
SERVER = {"name": "ACME-FS01", "client": "Acme", "kind": "server", "role": "file_server"}


def asked(workflow: str) -> set[str]:
    """The variables that the survey of a workflow asks for."""
    told = yaml.safe_load((ROLE / "vars" / "main" / "templates.yml").read_text())
    (found,) = (one for one in told["awx_setup_workflows"] if one["name"] == workflow)
    return {re.sub(r".*awx_setup_ask_(any_|held_)?(\w+).*", r"\2", question) for question in found["survey"]}


@pytest.mark.parametrize("ring", ["pilot", "regular"])
def test_the_workflow_of_releases_can_release_whatever_a_failure_holds(tmp_path: Path, ring: str) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    failing = Endpoint.parse({**SERVER, "ring": ring})
    holds = consequences(failing, load_policy({}), NOW, cycle="2026-11").holds
    assert len(holds) == (2 if ring == "pilot" else 1)
    for number, scope in enumerate(holds):
        body = {"id": f"hold-{number}", "scope": scope, "reason": "it failed", "failure": "f1"}
        ledger.append([Event("hold.placed", failing.name, NOW, body)], run="r1")
    questions = asked("release with a second person")
    for number, scope in enumerate(holds):
        answers = {name: value for name, value in scope.items() if name in questions}
        (event,) = people.release(ledger, NOW, scope=answers, by="j.doe", reason="cause found")
        assert event.body["id"] == f"hold-{number}"
