# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody who watches a month is shown of it: what is going on in a run, and of its words those worth reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..client import LabClient
from .ledgers import open_ledger
from .script import NEW_YORK

DOING = {
    "scan.started": "is searched",
    "install.started": "installs",
    "install.finished": "has installed",
    "reboot.started": "restarts",
    "reboot.confirmed": "is up again",
    "validation.finished": "is validated",
    "reminder.shown": "tells its user",
    "failure.opened": "has FAILED",
    "tier.closed": "",
}
"""What is told of an endpoint while a run is at it, by kind of event."""

HEADINGS = ("Soak:",)
"""Lines that stand over a list of what has changed little since the run before."""


class Watch:
    """Reads the ledger while a run writes it."""

    def __init__(self, client: LabClient) -> None:
        self._client = client
        self._seq = 0
        self._doing = ""
        self._closed: list[str] = []

    def now(self) -> str:
        """One line: what time it is in the lab, and what happened last."""
        self._read()
        local = datetime.fromisoformat(self._client.clock()["now"]).astimezone(ZoneInfo(NEW_YORK))
        return f"{local:%a %d %b, %H:%M} in New York  {self._doing}"

    def closed(self) -> list[str]:
        """The tiers that closed since this was asked last, each with its counts."""
        self._read()
        found, self._closed = self._closed, []
        self._doing = ""
        return found

    def _read(self) -> None:
        # opened anew each time: one that is not there yet reads as an empty one for good
        ledger = open_ledger(self._client.environment()["MSP_PATCHING_LEDGER"])
        for seq, _run, event in ledger.events(kinds=DOING, after=self._seq):
            self._seq = seq
            if event.kind == "tier.closed":
                self._closed.append(_tier(event.body))
            else:
                self._doing = f"{event.endpoint} {DOING[event.kind]}"


def _tier(body: dict[str, Any]) -> str:
    places: dict[str, int] = {}
    for row in body["proof"]:
        places[row["stands"]] = places.get(row["stands"], 0) + 1
    counts = ", ".join(f"{count} {place}" for place, count in places.items())
    return f"{body['client']}, {body['ring']} {body['kind']}s, {body['cycle']}: {counts}"


def worth_reading(said: str, told: set[str]) -> Iterator[str]:
    """The lines of a run's output without the two long tables, whose titles stay, without what its summary tells again,
    and without what an earlier run said in the same words: `told`, which is added to."""
    skipping = False
    heading = ""
    for line in said.splitlines():
        if line.startswith(("All rings at", "Tiers: ")):
            skipping = True
            yield line
        elif skipping and line.strip() and not line.startswith(" "):
            skipping = False
        if skipping or not line.strip() or line.startswith(("failed: ", "Ledger signed")):
            continue
        if line in HEADINGS:
            heading = line
        elif line.startswith(("  ", "In no ring")) and line in told:
            continue
        else:
            if heading and line.startswith("  "):
                yield heading
            heading = ""
            told.add(line)
            yield line
