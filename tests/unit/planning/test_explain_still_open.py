# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an explanation tells beside the node that settled the walk: a failure without a root cause, and holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.planning.explain import page
from tests.unit.planning.test_explain import RUN, at_node

FAILED = {
    "failures": [{"endpoint": "ACME-WS01", "update": None, "at": "2026-11-11T08:00:00Z"}],
    "holds": [
        {"scope": {"ring": "pilot", "client": "Acme"}, "at": "2026-11-11T08:00:00Z", "reason": "ACME-WS01 failed"}
    ],
}
ROOT_CAUSE = f"{RUN}root_cause -e endpoint=ACME-WS01 -e \"code='…'\" -e \"text='…'\""
RELEASE = f"{RUN}release -e ring=pilot -e client=Acme -e \"reason='…'\""


@pytest.mark.parametrize(
    ("node", "commands"),
    [
        ("validate.due", [ROOT_CAUSE, RELEASE]),
        ("reboot.overnight", [ROOT_CAUSE, RELEASE]),
        ("scan.due", [ROOT_CAUSE, RELEASE]),
        ("gate.failure_open", [RELEASE]),
        ("scope.do_not_patch", [ROOT_CAUSE]),
    ],
)
def test_a_failure_and_its_hold_are_told_whatever_node_settled_the_walk(node: str, commands: list[str]) -> None:
    """A failed validation is validated again: `validate.due` comes before the gates, at which it is held later."""
    words = "the validation after the reboot failed: antivirus: WinDefend is stopped."
    told = replace(at_node(node), register=FAILED).explained(failures=[words])
    assert told.decision.node == node
    assert [one.command for one in told.still_open] == commands
    text = " ".join(page(told).split())
    assert words in text
    assert "ring pilot, client Acme is held since Wed 11 Nov 03:00: ACME-WS01 failed" in text or RELEASE not in commands
    assert [row["command"] for row in told.as_record()["still_open"]] == commands


def test_where_nothing_else_is_open_nothing_is_said_of_it() -> None:
    for node in ("validate.due", "gate.failure_open", "gate.tier_held", "deploy.install"):
        assert at_node(node).explained().still_open == ()
        assert "Still open" not in page(at_node(node).explained())
