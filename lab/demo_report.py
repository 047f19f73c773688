# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of the demo: what the ledger says of the night, what the machines themselves say, and the PSA's tickets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import requests
from ansible.plugins.loader import init_plugin_loader
from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from .client import LabClient

NEXT = """\
What to try next
  make lab                     the same MSP, up until Ctrl-C, with an inventory to play with
  sqlite3 {ledger} 'select seq, kind, endpoint, at from events'
                               what was decided and done, event by event
  ansible-playbook -i INVENTORY playbooks/explain.yml -l ACME-WS01
                               on that lab: why a machine will or will not be patched, and what would change it
"""


class Report:
    """Reads the ledger of the demo and the lab while it is still up."""

    def __init__(self, client: LabClient, console: Console) -> None:
        init_plugin_loader([])
        from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Ledger

        self._client = client
        self._console = console
        self._url = client.environment()["MSP_PATCHING_LEDGER"]
        self._ledger = Ledger.open(self._url)

    def show(self) -> list[str]:
        """Print it all; gives what is wrong: where ledger and machines do not agree."""
        self._console.print(Rule("What happened, by the ledger and by the machines"))
        problems = self._endpoints()
        self._tickets()
        count, head = self._ledger.verify()
        self._console.print(f"The ledger: {self._url.removeprefix('sqlite:///')}, {count} events, head {head[:16]}…")
        for problem in [*problems, *(row["what"] for row in self._client.unsimulated())]:
            self._console.print(f"[bold red]not as it should be:[/] {problem}")
        self._console.print(NEXT.format(ledger=self._url.removeprefix("sqlite:///")), markup=False)
        return problems

    def _endpoints(self) -> list[str]:
        from ansible_collections.msp.patching.plugins.plugin_utils.planning.summary import outcomes

        found = outcomes(event for _, _, event in self._ledger.events())
        rows = {row["name"]: row for row in self._ledger.rows("endpoints")}
        table = Table("endpoint", "client", "state", "installed, it says", "booted (local)", "by the ledger", "ticket")
        problems = []
        for name, outcome in sorted(found.items()):
            machine = self._client.machine(name)
            installs, boots = _history(machine)
            booted = ", ".join(_local(boot, machine) for boot in boots)
            health = {True: "healthy", False: "not healthy", None: ""}[outcome.healthy]
            told = outcome.failure or health or outcome.reason
            table.add_row(name, machine["client"], outcome.state, ", ".join(installs), booted, told, outcome.ticket)
            if len(set(outcome.installed)) != len(installs):
                problems.append(f"{name}: the ledger knows the installs {outcome.installed}, the machine {installs}")
            if bool(rows[name]["rebooted_at"]) != bool(boots):
                problems.append(f"{name}: the ledger has a boot at {rows[name]['rebooted_at']}, the machine {boots}")
        self._console.print(table)
        return problems

    def _tickets(self) -> None:
        psa = self._client.info["psa"]
        tickets = requests.get(
            f"{psa['url']}/v4_6_release/apis/3.0/service/tickets",
            auth=(f"{psa['company']}+{psa['public_key']}", psa["private_key"]),
            headers={"clientId": psa["client_id"]},
            timeout=10,
        )
        tickets.raise_for_status()
        table = Table("ticket", "company", "priority", "summary", title="Tickets in the PSA", title_justify="left")
        for ticket in tickets.json():
            table.add_row(
                f"#{ticket['id']}", ticket["company"]["identifier"], ticket["priority"]["name"], ticket["summary"]
            )
        self._console.print(table)


def _history(machine: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What the machine says it installed, and when it booted."""
    installs = ["KB" + entry["kb"] for entry in machine["history"] if entry["event"] == "install.succeeded"]
    return installs, [entry["at"] for entry in machine["history"] if entry["event"] == "boot"]


def _local(instant: str, machine: Mapping[str, Any]) -> str:
    zone = ZoneInfo(machine["time_zone"] or "UTC")
    return datetime.fromisoformat(instant).astimezone(zone).strftime("%a %H:%M")
