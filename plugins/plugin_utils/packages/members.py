# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a package beside the ledger's events: `MEMBERS` is the list, and a report joins it by one function.

A member's function gets a `Making` and gives names and contents. The same making gives the same bytes: no clock, no
random number, nothing that is not on the ledger, in the policy or among the options.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import oscal
from ..account import Account, Scope
from ..flow import Policy
from ..ledger.checkpoints import Checkpoint
from ..report.render import rendered
from ..report.tabular import as_text
from .readme import readme
from .seal import Content
from .sight import SECTIONS, names_others

CSV, JSON = "text/csv", "application/json"
POLICY = "The policy in force, with every default"
EVIDENCE = (
    ("policy.json", JSON, POLICY, "ace"),
    ("tables/flaws.csv", CSV, "Each flaw: released, identified, reported, corrected, and by when each was due", "bdf"),
    ("tables/endpoints.csv", CSV, "Where each endpoint stands, and its last search in the cycle", "bf"),
    ("tables/boots.csv", CSV, "Each boot that was confirmed", "f"),
    ("tables/tickets.csv", CSV, "What was put on which ticket, and when", "d"),
    ("tables/validations.csv", CSV, "The checks after each install and reboot, with what was seen", "f"),
    ("tables/closure.csv", CSV, "The proof of each closed tier: each endpoint in exactly one place", "f"),
    ("tables/exceptions.csv", CSV, "Exceptions: who signed for the client, and until when", "f"),
    ("tables/failures.csv", CSV, "What failed, and its documented root cause", "f"),
    ("tables/approvals.csv", CSV, "Engineers' decisions for updates", "f"),
)
"""What the assessment results point to: file, media type, title, and the objectives of 3.14.1 it is evidence of."""


@dataclass(frozen=True, slots=True)
class Making:
    """What a package is made of. `checkpoint` is the one it ends with, `account` tells of its instant; `made` is what
    the members before this one have made."""

    scope: Scope
    account: Account
    policy: Policy
    checkpoint: Checkpoint
    made: Mapping[str, Content]


Member = Callable[[Making], Mapping[str, Content]]


def as_json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def as_csv(rows: Iterable[Any], *columns: str) -> bytes:
    """A table of records, with a line of names, as spreadsheets read it (UTF-8 with its mark)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        record = row.as_record()
        writer.writerow([_cell(record, column) for column in columns])
    return text.getvalue().encode("utf-8-sig")


def _cell(record: Mapping[str, Any], column: str) -> str:
    value: Any = record
    for part in column.split("."):
        value = None if value is None else value[part]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return as_text(", ".join(str(item) for item in value))
    return as_text(value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False))


def _account(making: Making) -> dict[str, Content]:
    return {"account.json": as_json(making.account.as_record())}


def policy_in_force(policy: Policy, account: Account) -> dict[str, Any]:
    """The policy document; of one client's account without what is said in it of other clients. Where its event is
    shown, it is as it stands there."""
    document, client = dict(policy.document), account.scope.client
    if client is not None and names_others(document, client):
        names = {endpoint.name for endpoint in account.endpoints}
        places = {endpoint.location for endpoint in account.endpoints}
        wanted: tuple[set[str | None], ...] = ({client}, {client, *places}, {*names})
        for section, keys in zip(SECTIONS, wanted, strict=True):
            document[section] = {key: row for key, row in document.get(section, {}).items() if key in keys}
        document["freezes"] = [
            row
            for row in document.get("freezes", ())
            if row.get("client") in (None, client) and row.get("location") in (None, *places)
        ]
    return document


def policy_title(account: Account) -> str:
    """What the policy's file holds; where the ledger has none of then, it says so."""
    return POLICY if account.policies else "The policy that this was made with: the ledger has none of then on record"


def _policy(making: Making) -> dict[str, Content]:
    return {"policy.json": as_json(policy_in_force(making.policy, making.account))}


def _tables(making: Making) -> dict[str, Content]:
    of = making.account
    validations = [_Validated(endpoint.name, one) for endpoint in of.endpoints for one in endpoint.validations]
    boots = [_Booted(endpoint.name, endpoint.client, one) for endpoint in of.endpoints for one in endpoint.boots]
    closure = [_Proven(tier, row) for tier in of.tiers for row in tier.proof]
    return {
        "tables/flaws.csv": as_csv(
            of.flaws,
            *("endpoint", "client", "ring", "kind", "criticality", "label", "title", "severity", "cvss", "cves"),
            *("released", "since", "identified", "reported", "ticket"),
            *("decision.outcome", "decision.rule", "decision.by"),
            *("installed", "reboot_needed", "boot.boot_time", "boot.boot_id", "corrected", "state", "reason"),
            *("identify.due", "identify.met", "report.due", "report.met", "correct.due", "correct.met"),
        ),
        "tables/endpoints.csv": as_csv(
            of.endpoints,
            *("name", "client", "location", "ring", "kind", "role", "criticality", "stands", "reason"),
            *("node", "proven", "known_since", "searched", "missed_windows"),
        ),
        "tables/boots.csv": as_csv(boots, "endpoint", "client", "boot_id", "boot_time", "seen"),
        "tables/validations.csv": as_csv(validations, "endpoint", "at", "healthy", "checks"),
        "tables/closure.csv": as_csv(closure, "client", "ring", "kind", "closed", "endpoint", "stands", "reason"),
        "tables/approvals.csv": as_csv(
            of.approvals, "label", "decision", "client", "by", "at", "reason", "code", "until", "promote"
        ),
        "tables/exceptions.csv": as_csv(
            of.exceptions,
            *("scope", "state", "reason", "code", "granted_by", "granted", "signed_by", "signed", "expires", "revoked"),
        ),
        "tables/failures.csv": as_csv(
            of.failures, "endpoint", "at", "step", "label", "hresult", "name", "cls", "text", "cause", "tickets"
        ),
        "tables/tickets.csv": as_csv(of.tickets, "ticket", "client", "endpoint", "summary", "wanted", "sent", "xref"),
    }


@dataclass(frozen=True, slots=True)
class _Validated:
    endpoint: str
    validation: Any

    def as_record(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, **self.validation.as_record()}


@dataclass(frozen=True, slots=True)
class _Booted:
    endpoint: str
    client: str | None
    boot: Any

    def as_record(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "client": self.client, **self.boot.as_record()}


@dataclass(frozen=True, slots=True)
class _Proven:
    tier: Any
    row: Mapping[str, str]

    def as_record(self) -> dict[str, Any]:
        return {**self.tier.as_record(), **self.row}


def _oscal(making: Making) -> dict[str, Content]:
    """Nothing where there is nothing to assess: a cycle that has seen no endpoint."""
    if not making.account.endpoints:
        return {}
    shown = [
        oscal.Evidence(f"../{name}", _title(making, title), hashlib.sha256(content).hexdigest(), media_type, objectives)
        for name, media_type, title, objectives in EVIDENCE
        if isinstance(content := making.made.get(name), bytes)
    ]
    assessment = oscal.assess(making.account, making.policy, ledger=making.checkpoint.ledger, evidence=shown)
    return {f"oscal/{name}": content for name, content in oscal.files(assessment).items()}


def _title(making: Making, title: str) -> str:
    return policy_title(making.account) if title == POLICY else title


def _report(making: Making) -> dict[str, Content]:
    """The page, and for a client or all of them the document too."""
    formats = ["html"] if making.scope.ring else ["html", "pdf"]
    return {f"report/{one.name}": one.content for one in rendered(making.account, formats)}


def _readme(making: Making) -> dict[str, Content]:
    return {"README.txt": readme(making.account, making.checkpoint, policy_title(making.account))}


MEMBERS: tuple[Member, ...] = (_readme, _account, _policy, _tables, _oscal, _report)
