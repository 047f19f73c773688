# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that a technician is to restart is on a ticket, once a wait, until it is restarted."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event, Ledger, text_of
from ansible_collections.msp.patching.plugins.plugin_utils.planning.by_hand import restart_tickets
from ansible_collections.msp.patching.plugins.plugin_utils.planning.plan import decided_events, make_plan
from ansible_collections.msp.patching.plugins.plugin_utils.planning.steps import ACTING
from tests.unit.flow.build import DAY, NIGHT, server, update

NAME = "ACME-FS01"
BY_HAND = server(policy_group="auto_install_manual_reboot", unattended_reboot=False, id=7)
PENDING = {"results": [{"update": "u1", "ok": True, "hresult": None}], "reboot_required": True}


@pytest.fixture
def ledger() -> Ledger:
    """Installed in the night, and to be restarted."""
    found = Ledger.open("sqlite://")
    searched = Event("scan.finished", NAME, NIGHT, {"updates": [update().as_record()]})
    found.append([searched, Event("install.finished", NAME, NIGHT, PENDING)], run="r")
    return found


def run(ledger: Ledger, endpoint: Endpoint, now: datetime) -> list[Event]:
    """The tickets that a run at `now` wants; it puts its plan on the ledger."""
    plan = make_plan(ledger, load_policy({}), {NAME: endpoint}, now, run=None, actions=ACTING)
    wanted = restart_tickets(plan)
    ledger.append([*decided_events(plan), *wanted], run="r")
    return wanted


def test_it_is_wanted_once_however_many_runs_look(ledger: Ledger) -> None:
    (ticket,) = run(ledger, BY_HAND, NIGHT + timedelta(minutes=10))
    assert ticket.body["action"] == "tell"
    assert ticket.body["endpoint_name"] == NAME
    assert ticket.body["priority"] == 2, "a file server"
    assert "a technician reboots it" in ticket.body["text"]
    for day in range(1, 4):
        assert run(ledger, BY_HAND, NIGHT + day * DAY) == []


def test_it_gets_a_note_when_the_machine_was_restarted(ledger: Ledger) -> None:
    (wanted,) = run(ledger, BY_HAND, NIGHT + timedelta(minutes=10))
    boot = {"boot_id": "2", "boot_time": text_of(NIGHT + DAY), "now": text_of(NIGHT + DAY), "reboot_pending": False}
    ledger.append([Event("posture.observed", NAME, NIGHT + DAY, boot)], run="r")
    (note,) = run(ledger, BY_HAND, NIGHT + DAY)
    assert (note.body["action"], note.body["xref"]) == ("note", wanted.body["xref"])
    assert note.body["id"] != wanted.body["id"]
    assert run(ledger, BY_HAND, NIGHT + 2 * DAY) == []


def test_a_restart_that_automation_makes_is_on_no_ticket(ledger: Ledger) -> None:
    assert run(ledger, server(), NIGHT + timedelta(minutes=10)) == []
    assert run(ledger, server(), NIGHT + timedelta(hours=12)) == []
