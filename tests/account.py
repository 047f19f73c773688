# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.account STATE_DIR LEDGER`: what a lab and a ledger say of the same runs, as one JSON object.

For the playbooks that verify Molecule's scenarios. Checks the ledger's whole chain first, so that one that does not
hold together fails whoever asks. ``endpoints`` sets side by side, for each machine of the lab,

- what the machine says: ``installed`` and ``failed`` (KB numbers in order), ``boots`` (how many), ``reboot_pending``,
  ``told`` (how often its users were told something), and ``reached`` (whether anybody ran anything on it at all);
- what the ledger says: ``action`` and ``node`` of its last decision (null: it was in no plan), and of its last
  validation ``healthy`` (null: none) and ``checked`` (the names of all its checks).

``events`` counts the ledger's by kind, ``register`` is the register as the filters take it, ``tickets`` are the
PSA's, and ``unsimulated`` is what was asked of the lab and could not be answered.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from ansible.plugins.loader import init_plugin_loader

from lab.client import LabClient


def account(lab: LabClient, url: str) -> dict[str, Any]:
    init_plugin_loader([])
    from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger

    ledger = Ledger.open(url, create=False)
    ledger.verify()
    events = [event for _seq, _run, event in ledger.events()]
    decisions = {event.endpoint: event.body["decision"] for event in events if event.kind == "plan.decided"}
    validated = {event.endpoint: event.body for event in events if event.kind == "validation.finished"}
    return {
        "endpoints": {
            name: {
                **_by_the_machine(lab, name),
                "action": decisions.get(name, {}).get("action"),
                "node": decisions.get(name, {}).get("node"),
                "healthy": validated.get(name, {}).get("healthy"),
                "checked": [check["name"] for check in validated.get(name, {}).get("checks", ())],
            }
            for name in lab.machines()
        },
        "events": Counter(event.kind for event in events),
        "register": ledger.register_record(),
        "tickets": _tickets(lab.info["psa"]),
        "unsimulated": lab.unsimulated(),
    }


def _by_the_machine(lab: LabClient, name: str) -> dict[str, Any]:
    machine = lab.machine(name)
    history = [(entry["event"], entry) for entry in machine["history"]]
    return {
        "installed": [entry["kb"] for event, entry in history if event == "install.succeeded"],
        "failed": [entry["kb"] for event, entry in history if event == "install.failed"],
        "boots": sum(event == "boot" for event, _entry in history),
        "reboot_pending": machine["reboot_pending"],
        "told": sum(event == "notice" for event, _entry in history),
        "reached": bool(lab.journal(face="winrm", machine=name, limit=1)),
    }


def _tickets(psa: Mapping[str, str]) -> list[dict[str, Any]]:
    """The tickets of the lab's PSA, each with what a scenario asks of it."""
    answer = requests.get(
        f"{psa['url']}/v4_6_release/apis/3.0/service/tickets",
        auth=(f"{psa['company']}+{psa['public_key']}", psa["private_key"]),
        headers={"clientId": psa["client_id"]},
        timeout=10,
    )
    answer.raise_for_status()
    return [
        {
            "company": ticket["company"]["identifier"],
            "priority": ticket["priority"]["name"],
            "summary": ticket["summary"],
        }
        for ticket in answer.json()
    ]


if __name__ == "__main__":
    state, ledger_url = sys.argv[1:]
    json.dump(account(LabClient.from_state_dir(Path(state)), ledger_url), sys.stdout)
