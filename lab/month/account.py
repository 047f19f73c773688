# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened in a month, by accounts that do not ask each other, and where they do not agree.

- The machines: what each installed and when, when it was asked to restart and when it booted.
- The people: what was decided, and when; the play itself wrote it down.
- The PSA's tickets, the RMM's cycle tracker, and what woke whoever is on call.
- The ledger: its events, and the proofs with which tiers were closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import requests

from ..client import LabClient
from .ledgers import open_ledger
from .machines import Machines, awaited_boot
from .script import Decides

REBUILT = (
    "endpoints",
    "applicable",
    "updates",
    "approvals",
    "exceptions",
    "authorizations",
    "failures",
    "holds",
    "soak",
    "cycles",
    "tiers",
    "runs",
)
"""Tables of the register that are what the events add up to, and nothing else."""
TRACKER = ("Patching Cycle", "Patching Cycle State", "Patching Cycle Closed")
"""Titles of the extra data fields of a client that tell how far its month is."""
SETTLED = ("patched", "excluded", "held", "failed", "unreachable")


class Account(Machines):
    """The account of the lab behind `client` and of its ledger; `decided` is what people decided, with the instants."""

    def __init__(
        self, client: LabClient, decided: Sequence[tuple[datetime, Decides]], ledger: str | None = None
    ) -> None:
        super().__init__(client, decided)
        self.ledger = open_ledger(ledger or client.environment()["MSP_PATCHING_LEDGER"])

    def bodies(self, kind: str, endpoint: str | None = None) -> list[dict[str, Any]]:
        return [dict(event.body) for _seq, _run, event in self.ledger.events(kinds=[kind], endpoint=endpoint)]

    def ledger_and_machines(self) -> Iterator[str]:
        """Every install stands in both, and so does the last boot that somebody waited for."""
        rows = {row["name"]: row for row in self.ledger.rows("endpoints")}
        for name, entries in self.histories.items():
            theirs = sorted(entry.told["update"] for entry in entries if entry.event == "install.succeeded")
            ours = [
                row["update"] for body in self.bodies("install.finished", name) for row in body["results"] if row["ok"]
            ]
            ours += [update for body in self.bodies("install.found", name) for update in body["updates"]]
            if sorted(ours) != theirs:
                yield f"{name}: the ledger has {len(ours)} installs, the machine {len(theirs)}"
            boot = awaited_boot(entries)
            known = {body["boot_id"] for body in self.bodies("posture.observed", name)}
            known |= {body["boot_id"] for body in self.bodies("reboot.confirmed", name)}
            if boot and boot not in known:
                yield f"{name}: the ledger does not know of the last boot that an install or a run wanted"
            if boot and not rows[name]["rebooted_at"]:
                yield f"{name}: the machine has booted, and the register does not say so"

    def ledger_and_psa(self) -> Iterator[str]:
        """No ticket is lost and none is doubled."""
        sent = self.bodies("ticket.sent")
        told = {body["id"] for body in sent}
        for body in self.bodies("ticket.wanted"):
            if body["id"] not in told:
                yield f"the ticket {body['summary']!r} was wanted and never sent"
        theirs = {ticket["id"] for ticket in self.tickets}
        # a note that was wanted for a ticket that never was is settled without one
        ours = {body[key] for body in sent for key in ("ticket", "parent") if body.get(key) is not None}
        for ticket in sorted(theirs - ours):
            yield f"the PSA has a ticket #{ticket} that the ledger does not know of"
        for ticket in sorted(ours - theirs):
            yield f"the ledger has a ticket #{ticket} that the PSA does not know of"
        still_open = Counter(ticket.get("externalXRef") for ticket in self.tickets if not ticket.get("closedFlag"))
        for xref, count in still_open.items():
            if count > 1:
                yield f"the PSA has {count} open tickets for {xref}"

    @cached_property
    def tickets(self) -> list[dict[str, Any]]:
        psa = self.client.info["psa"]
        answer = requests.get(
            f"{psa['url']}/v4_6_release/apis/3.0/service/tickets",
            params={"pageSize": 1000},
            auth=(f"{psa['company']}+{psa['public_key']}", psa["private_key"]),
            headers={"clientId": psa["client_id"]},
            timeout=10,
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found

    @cached_property
    def tracker(self) -> dict[str, dict[str, str]]:
        """By client, the RMM's extra data fields of its cycle tracker."""
        rmm = self.client.info["automate"]
        base, session = f"{rmm['url']}/cwa/api/v1", requests.Session()
        session.headers["ClientId"] = rmm["client_id"]
        login = session.post(
            f"{base}/apitoken", json={"UserName": rmm["user"], "Password": rmm["password"]}, timeout=10
        )
        login.raise_for_status()
        session.headers["Authorization"] = f"Bearer {login.json()['AccessToken']}"
        found = {}
        for client in session.get(f"{base}/clients", timeout=10).json():
            rows = session.get(f"{base}/clients/{client['Id']}/extrafields", timeout=10).json()
            texts = {row["Title"]: (row.get("TextFieldSettings") or {}).get("Value") for row in rows}
            found[client["Name"]] = {title: texts.get(title) or "" for title in TRACKER}
        return found

    def ledger_and_rmm(self) -> Iterator[str]:
        """The cycle tracker of each client says what the ledger last wanted it to say of the latest cycle."""
        wanted: dict[str, dict[str, Any]] = {}
        for body in self.bodies("tracker.wanted"):
            if body["cycle"] >= wanted.get(body["client"], body)["cycle"]:
                wanted[body["client"]] = body
        for client, body in sorted(wanted.items()):
            says = [self.tracker.get(client, {}).get(title) for title in TRACKER]
            if says != [body["cycle"], body["state"], (body["closed_at"] or "")[:19]]:
                yield f"the RMM's cycle tracker of {client} says {says}, and not {body['state']} of {body['cycle']}"

    def ledger_and_on_call(self) -> Iterator[str]:
        """Whoever is on call was woken once for each incident that the ledger alerted of."""
        wanted = Counter(body["incident"] for body in self.bodies("alert.wanted") if body["action"] == "trigger")
        woken = Counter(row["incident"] for row in self.client.alerts() if row["opened"])
        for incident in sorted({*wanted, *woken}):
            if min(1, wanted[incident]) != woken[incident]:
                yield f"on-call was woken {woken[incident]} times for the incident {incident}"

    def places(self, cycle: str) -> dict[str, tuple[str, str]]:
        """Where each endpoint stands by the proofs of the cycle's tiers, and why; those in no ring are in no tier."""
        found: dict[str, tuple[str, str]] = {}
        for body in self.bodies("tier.closed"):
            if body["cycle"] == cycle:
                found |= {row["endpoint"]: (row["stands"], row["reason"]) for row in body["proof"]}
        return found

    def incomplete(self, cycle: str) -> Iterator[str]:
        """Section 9: each endpoint of a ring stands in exactly one place of exactly one closed tier."""
        seen: Counter[str] = Counter()
        for body in self.bodies("tier.closed"):
            if body["cycle"] == cycle:
                for row in body["proof"]:
                    seen[row["endpoint"]] += 1
                    if row["stands"] not in SETTLED:
                        yield f"{row['endpoint']} stands as {row['stands']} in a tier that is closed"
        for name, one in self.fleet.computers.items():
            wanted = 1 if one.in_group("Patching.Ring.") else 0
            if seen[name] != wanted:
                yield f"{name} stands in {seen[name]} closed tiers of {cycle} and not in {wanted}"
        for row in self.ledger.rows("tiers"):
            if row["cycle"] == cycle and row["closed_at"] is None:
                yield f"the tier {row['client']}, {row['ring']} {row['kind']}s, {cycle} is not closed"

    def broken_ledger(self) -> Iterator[str]:
        """The chain holds, and the register is what the events add up to."""
        self.ledger.verify()
        before = {name: self.ledger.rows(name) for name in REBUILT}
        self.ledger.rebuild()
        for name in REBUILT:
            if self.ledger.rows(name) != before[name]:
                yield f"the register's table {name} is not what the events add up to"

    def unsimulated(self) -> Iterator[str]:
        """What was asked of the lab that it cannot answer."""
        yield from (str(row["what"]) for row in self.client.unsimulated())

    def problems(self, cycle: str) -> list[str]:
        """All that is not as it should be."""
        checks: Iterable[Iterator[str]] = (
            self.outside_a_window(),
            self.not_due(),
            self.twice_at_once(),
            self.ledger_and_machines(),
            self.ledger_and_psa(),
            self.ledger_and_rmm(),
            self.ledger_and_on_call(),
            self.incomplete(cycle),
            self.broken_ledger(),
            self.unsimulated(),
        )
        return [problem for check in checks for problem in check]
