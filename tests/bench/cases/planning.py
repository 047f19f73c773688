# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deciding for a fleet beside reading its records, and the planning action beside a filter for each host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.msp.patching.plugins.plugin_utils.flow import Endpoint, Planner, Register, Update, load_policy
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import text_of

from ..ledgers import DAY, MONTHS, NOW, OFFERED, fleet, hostvars, ledger_of, updates_of
from ..measure import command, cpu
from ..row import Row
from . import Bench

DECIDED, DECIDED_QUICK = 100_000, 5_000
PLANNED, PLANNED_QUICK = 10_000, 1_000
BY_FILTER, BY_FILTER_QUICK = 200, 50
"""Hosts that the filter is measured with; more take as many times longer."""
PLAY = Path(__file__).with_suffix(".yml")


def measure(bench: Bench) -> Iterator[Row]:
    yield decided(bench, DECIDED_QUICK if bench.quick else DECIDED)
    yield planned(bench, PLANNED_QUICK if bench.quick else PLANNED)


def decided(bench: Bench, count: int) -> Row:
    """From records to decisions, the register's among them, beside `json.loads` of the text that they stand in."""
    text = json.dumps(records(count))
    policy = load_policy({})
    found: dict[str, Any] = {}
    runs = 3 if bench.quick else 1
    plain = cpu(lambda: found.update(json.loads(text)), runs)
    made: list[Any] = []

    def decide() -> None:
        cases = [
            (Endpoint.parse(row["endpoint"]), [Update.parse(update) for update in row["updates"]])
            for row in found["endpoints"]
        ]
        planner = Planner(policy, Register.parse(found["register"]), NOW, [one for one, _updates in cases])
        made[:] = [planner.decide(endpoint, updates) for endpoint, updates in cases]

    ours = cpu(decide, runs)
    if len({decision.action for decision in made}) < 3:
        raise RuntimeError("what was decided is too much of one kind to be a measure")
    bench.say(f"{count:,} decisions from {len(text) / 1e6:,.0f} MB of records: {ours:.1f} s; read in {plain:.1f} s")
    return Row(
        case="planning", what=f"{count:,} endpoints × {OFFERED} updates, a register of {MONTHS} months: CPU", ours=ours,
        plain=plain, unit="s", against="json.loads of the records", at_most=10, n=count,
    )  # fmt: skip


def records(count: int) -> dict[str, Any]:
    """Endpoints with what applies to them, and the register of the months before."""
    endpoints = fleet(count)
    names, clients = list(endpoints), sorted({one.client for one in endpoints.values()})
    pilots = [one for one in endpoints.values() if one.ring == "pilot"]
    person = {"by": "t.brandt", "at": text_of(NOW - DAY)}
    month = {number: text_of(NOW - timedelta(days=9 + 30 * number)) for number in range(MONTHS)}
    register = {
        "approvals": [
            {"update": update["kb"][0], "decision": "approved", "reason": "tested", **person}
            for number in range(MONTHS)
            for update in updates_of(number)
        ],
        "exceptions": [
            {"scope": {"endpoint": name}, "reason": "LOB", "signed_by": "CFO", "signed_at": text_of(NOW - DAY)}
            for name in names[::100]
        ],
        "failures": [
            {"endpoint": name, "update": updates_of(0)[0]["id"], "at": text_of(NOW - DAY), "root_cause": None}
            for name in names[50::100]
        ],
        "holds": [
            {
                "scope": {"client": client, "ring": "production", "kind": "server", "cycle": "2026-10"},
                "reason": "a failure",
                "at": month[1],
                "released": {**person, "reason": "explained"},
            }
            for client in clients
        ],
        "soak": [
            {"update": update["id"], "endpoint": one.name, "client": one.client, "healthy": True}
            | {"installed_at": month[number], "validated_at": month[number]}
            for number in range(MONTHS)
            for update in updates_of(number)
            for one in pilots
        ],
        "authorizations": [
            {"scope": {"client": client, "ring": "regular", "kind": "server"}, "cycle": "2026-11", **person}
            for client in clients[::2]
        ],
        "endpoints": {
            name: {"scanned_at": text_of(NOW - DAY / 4), "installed_at": month[1], "validated_at": month[1]}
            for name in names
        },
    }
    rows = [{"endpoint": one.as_record(), "updates": updates_of(0)} for one in endpoints.values()]
    return {"endpoints": rows, "register": register}


def planned(bench: Bench, count: int) -> Row:
    """What the task takes, in a playbook with nothing else."""
    by_filter = BY_FILTER_QUICK if bench.quick else BY_FILTER
    endpoints = fleet(count)
    ledger = bench.folder / "ledger.sqlite"
    ledger_of(f"sqlite:///{ledger}", endpoints, 5 * count)
    (bench.folder / "policy.yml").write_text("clock: simulated\n")
    inventory = inventory_of(bench.folder / "all.json", endpoints)
    few = inventory_of(bench.folder / "few.json", dict(list(endpoints.items())[:by_filter]))
    environment = {
        "MSP_PATCHING_LEDGER": str(ledger),
        "MSP_PATCHING_POLICY": str(bench.folder / "policy.yml"),
        "ANSIBLE_FORKS": "10",
    }

    variables = bench.folder / "variables.json"
    variables.write_text(json.dumps({"updates": updates_of(0), "instant": text_of(NOW), "as_of": text_of(NOW)}))

    def task(name: str, hosts: Path) -> float:
        marks = bench.folder / f"{name}.marks"
        words = ["-i", str(hosts), "-e", f"@{variables}", "-e", f"marks={marks}", "--tags", name]
        command(["ansible-playbook", str(PLAY), *words], environment)
        began, ended = map(float, marks.read_text().split())
        return ended - began

    ours = task("action", inventory)
    plain = task("filter", few)
    bench.say(f"{count:,} hosts by the action: {ours:.1f} s; {by_filter} by the filter: {plain:.1f} s")
    return Row(
        case="planning", what=f"{count:,} hosts, the planning action: wall", ours=ours, plain=plain / by_filter * count,
        unit="s", against=f"set_fact with the filter, without a register, from {by_filter} hosts by their number",
        at_most=None if bench.quick else 1 / 50, n=count, curve="planning action",
    )  # fmt: skip


def inventory_of(path: Path, endpoints: dict[str, Endpoint]) -> Path:
    """An inventory file of the endpoints as the inventory plugin gives them."""
    pilots: dict[str, Any] = {name: {} for name, one in endpoints.items() if one.ring == "pilot"}
    path.write_text(json.dumps({"all": {"hosts": hostvars(endpoints), "children": {"ring_pilot": {"hosts": pilots}}}}))
    return path
