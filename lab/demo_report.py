# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of the demo: the month by its tiers and endpoints, the PSA's tickets, and what four accounts add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from .client import LabClient
from .month.account import SETTLED, Account
from .month.machines import Entry
from .month.script import Decides
from .month.story import CYCLE

NEXT = """\
What to try next
  {state}/report/compliance-{cycle}.html
                               the compliance report, for a browser
  less {state}/runs/*.log
                               all that Ansible said, call by call
  make lab                     the same MSP, up until Ctrl-C, in its pilot's night, with an inventory to play with
"""


class Report:
    """Reads the ledger of the demo, and the lab while it is still up."""

    def __init__(self, client: LabClient, console: Console, decided: Sequence[tuple[datetime, Decides]]) -> None:
        self._client = client
        self._console = console
        self._account = Account(client, decided)

    def show(self) -> list[str]:
        """Print it all; gives what is wrong: where the accounts do not agree."""
        self._console.print()
        self._console.print(Rule("[bold]The month, by its machines, its people, the PSA and the ledger", align="left"))
        self._tiers()
        self._endpoints()
        self._tickets()
        problems = self._account.problems(CYCLE)
        self._counts()
        for problem in problems:
            self._console.print(f"not as it should be: {problem}", style="bold red", markup=False)
        if not problems:
            self._console.print(
                "Every install approved, soaked and let go; every install and every restart by the automation inside "
                "the window of its machine; ledger, machines and PSA agree.",
                style="green",
            )
        self._console.print(NEXT.format(cycle=CYCLE, state=self._client.state_dir), markup=False)
        return problems

    def _tiers(self) -> None:
        table = Table("tier", *SETTLED, "closed", title=f"Tiers of the cycle {CYCLE}", title_justify="left")
        closed = {(body["client"], body["ring"], body["kind"]): body for body in self._closings()}
        at = {
            (event.body["client"], event.body["ring"], event.body["kind"]): event.at
            for _seq, _run, event in self._account.ledger.events(kinds=["tier.closed"])
            if event.body["cycle"] == CYCLE
        }
        for key in sorted(closed):
            counts = Counter(row["stands"] for row in closed[key]["proof"])
            client, ring, kind = key
            when = f"{at[key].astimezone(ZoneInfo('America/New_York')):%a %d %b}"
            table.add_row(f"{client}, {ring} {kind}s", *(str(counts[place] or "–") for place in SETTLED), when)
        self._console.print(table)

    def _closings(self) -> list[dict[str, Any]]:
        return [body for body in self._account.bodies("tier.closed") if body["cycle"] == CYCLE]

    def _endpoints(self) -> None:
        account = self._account
        places = account.places(CYCLE)
        asked, by_hand = account.restarts()
        title = "Endpoints, by the machines' own account and the ledger's proof"
        table = Table(
            "endpoint", "stands", "installed, it says", "restarted (local)", "why", title=title, title_justify="left"
        )
        for name in sorted(account.histories):
            zone = ZoneInfo(account.fleet.computers[name].time_zone or "UTC")
            installs = [entry for entry in account.histories[name] if entry.event == "install.succeeded"]
            boots = [_boot(one, zone) for one in asked if one.machine == name]
            boots += [f"{_boot(one, zone)} by hand" for one in by_hand if one.machine == name]
            stands, why = places.get(name, ("in no tier", "it has no ring: it is held as unclassified"))
            told = "" if stands == "patched" else why
            table.add_row(name, stands, ", ".join(account.label(one) for one in installs), ", ".join(boots), told)
        self._console.print(table)

    def _tickets(self) -> None:
        table = Table("ticket", "company", "priority", "summary", title="Tickets in the PSA", title_justify="left")
        for ticket in self._account.tickets:
            table.add_row(
                f"#{ticket['id']}", ticket["company"]["identifier"], ticket["priority"]["name"], ticket["summary"]
            )
        self._console.print(table)

    def _counts(self) -> None:
        account = self._account
        asked, by_hand = account.restarts()
        places = Counter(stands for stands, _why in account.places(CYCLE).values())
        installs = account.happened("install.succeeded")
        healthy = sum(body["healthy"] for body in account.bodies("validation.finished"))
        events, head = account.ledger.verify()
        outside = len(account.histories) - sum(places.values())
        self._console.print(
            f"{len(account.histories)} endpoints: "
            + ", ".join(f"{places[place]} {place}" for place in SETTLED if places[place])
            + f", {outside} in no tier.\n"
            f"{len(installs)} updates installed, {len(account.happened('install.failed'))} failed; "
            f"{len(asked)} restarts by the automation, {len(by_hand)} by hand; {healthy} validations passed; "
            f"{len(account.happened('notice'))} reminders; {len(account.tickets)} ticket(s).\n"
            f"The ledger: {events} events, its chain holds, head {head[:16]}…"
        )


def _boot(entry: Entry, zone: ZoneInfo) -> str:
    return f"{entry.at.astimezone(zone):%a %d %b %H:%M}"
