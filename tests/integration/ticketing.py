# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets that a run wants of the lab's PSA, and what is there of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.deliveries import tickets as channel
from ansible_collections.msp.patching.plugins.plugin_utils.deliveries.outbox import Outbox
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.recorder import Recorder
from ansible_collections.msp.patching.plugins.plugin_utils.evidence.settings import PsaSettings, Settings
from ansible_collections.msp.patching.plugins.plugin_utils.ledger import Event
from ansible_collections.msp.patching.plugins.plugin_utils.psa.client import PsaClient
from lab.client import LabClient

NOW = datetime(2026, 11, 11, 3, 0, tzinfo=UTC)
XREF = "msp.patching/Acme-Dental/ACME-DC01/install"


def psa_settings(lab: LabClient, **changes: Any) -> PsaSettings:
    info = lab.info["psa"]
    given = {key: info[key] for key in ("url", "company", "public_key", "private_key", "client_id")}
    boards = {"board": "Patch Management", "on_call_board": "On-Call"}
    return PsaSettings(**{**given, **boards, "rate": 100_000, **changes})


Run = Callable[..., Recorder]


def runs(lab: LabClient, tmp_path: Path) -> Run:
    """Starts another run on the same ledger."""

    def start(psa: PsaSettings | None = None, **changes: Any) -> Recorder:
        settings = Settings(
            ledger=f"sqlite:///{tmp_path / 'ledger.sqlite'}",
            psa=psa or psa_settings(lab, **changes),
            by="a test",
        )
        return Recorder(settings)

    return start


def wanted(number: int = 1, **changes: Any) -> Event:
    body = {
        "id": f"wanted-{number}",
        "xref": XREF,
        "summary": "Patching: ACME-DC01: the install failed (0x80070643)",
        "text": f"What failed: KB5046613, attempt {number}",
        "priority": 1,
        "client": "Acme Dental",
        "endpoint_id": 1,
        "endpoint_name": "ACME-DC01",
        "on_call": False,
        **changes,
    }
    return Event("ticket.wanted", "ACME-DC01", NOW, body)


def tickets(psa: PsaClient, xref: str = XREF) -> list[dict[str, Any]]:
    return psa.all("service/tickets", conditions=f'externalXRef="{xref}"')


def notes(psa: PsaClient, ticket: Mapping[str, Any]) -> list[str]:
    return [note["text"] for note in psa.all(f"service/tickets/{ticket['id']}/notes")]


def close(psa: PsaClient, ticket: Mapping[str, Any]) -> None:
    statuses = psa.all(f"service/boards/{ticket['board']['id']}/statuses")
    closed = next(status["id"] for status in statuses if status["closedStatus"])
    patch = [{"op": "replace", "path": "status", "value": {"id": closed}}]
    psa._call("PATCH", f"service/tickets/{ticket['id']}", json=patch)


def send(recorder: Recorder, *events: Event) -> Outbox:
    recorder.append(recorder.ledger, events)
    outbox = Outbox(recorder)
    outbox.send(10)
    return outbox


def pending(recorder: Recorder) -> list[str]:
    return [one.id for one in recorder.ledger.pending("ticket")]


def bundled(number: int, **changes: Any) -> Event:
    parent = {"xref": "msp.patching/cause", "summary": "the install fails on several machines", "text": "What to check"}
    return wanted(number, xref=f"msp.patching/child/{number}", parent=parent, **changes)


class Spoils(PsaClient):
    """The fault `kind` strikes each POST whose path ends so: ``cut`` loses an answer that the PSA has carried out."""

    lab: LabClient
    path_end: str
    kind: str

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path.endswith(self.path_end):
            self.lab.inject({"target": "psa", "kind": self.kind, "times": 1})
        return super().post(path, body)


def spoiled(patched: pytest.MonkeyPatch, lab: LabClient, kind: str, path_end: str) -> None:
    """Until `patched` is undone, tickets are brought by a client that has this happen to it."""
    patched.setattr(channel, "PsaClient", type("Spoiled", (Spoils,), {"lab": lab, "kind": kind, "path_end": path_end}))
