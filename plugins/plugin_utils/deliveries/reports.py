# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance report on the compliance ticket (section 9): a document and a picture, when tiers of a client close.

Which reports are due is read off the ledger, not off what a run just did: one that was killed after it closed a tier,
or that had no time left, leaves the report to the next.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from ..account import Account, Scope, account_of
from ..errors import PatchingError
from ..flow import Policy
from ..ledger.deliveries import rows_of, wanted_xrefs
from ..planning.prose import playbook
from .attachments import Attachment, attach
from .compliance import xref_of

if TYPE_CHECKING:
    from ..evidence.recorder import Recorder
    from ..ledger import Ledger

FORMATS = ("pdf", "png")
SECONDS = 300
"""How long one run makes reports; what is left the next one makes."""


class NoTicketError(PatchingError):
    """There is no compliance ticket that the report could be put on."""


def due(ledger: Ledger, clients: Collection[str]) -> list[tuple[str, str]]:
    """Cycle and client of each compliance ticket that lacks a report since a tier last closed, the oldest first."""
    told: dict[str, str] = {}
    for row in rows_of(ledger, "attachment"):
        told[row["subject"]] = max(row["wanted_at"], told.get(row["subject"], ""))
    closed: dict[tuple[str, str], str] = {}
    for row in ledger.rows("tiers", "cycle", "client", "closed_at"):
        if row["closed_at"] is not None and row["client"] in clients:
            key = row["cycle"], row["client"]
            closed[key] = max(row["closed_at"], closed.get(key, ""))
    lacking = [key for key, at in closed.items() if told.get(xref_of(*key), "") < at]
    tickets = wanted_xrefs(ledger, (xref_of(*key) for key in lacking))
    return sorted((key for key in lacking if xref_of(*key) in tickets), key=lambda key: (closed[key], key))


def attach_due(recorder: Recorder, policy: Policy, clients: Collection[str], now: datetime) -> list[str]:
    """Make the reports that are due and want them on their tickets; gives what went wrong, a sentence each.

    Without a PSA none is made: its bytes would wait in the ledger for good.
    """
    if recorder.settings.psa is None or recorder.check_mode:
        return []
    wanted, troubles, end = due(recorder.ledger, clients), [], time.monotonic() + SECONDS
    for number, (cycle, client) in enumerate(wanted):
        if time.monotonic() > end:
            troubles.append(f"{len(wanted) - number} compliance report(s) wait for the next run, which makes them")
            break
        try:
            attach_report(recorder, policy, cycle, client, now)
        except PatchingError as exc:
            again = playbook("report", cycle=cycle, client=client, attach="true")
            troubles.append(
                f"the report of {client}, {cycle}, is not on its ticket: {exc}; once that is right: {again}"
            )
    return troubles


def attach_report(recorder: Recorder, policy: Policy, cycle: str, client: str, now: datetime) -> int:
    """Want the client's report on its compliance ticket; gives how many files are new there.

    Raises AccountError, LedgerError, and DocumentError where it cannot be made.
    """
    return attach_account(recorder, account_of(recorder.ledger, policy, Scope(cycle, client=client), now))


def attach_account(recorder: Recorder, account: Account) -> int:
    """The same for an account that is there already. Raises NoTicketError too."""
    from ..report.render import rendered  # loads the charts' library, which most runs have no use for

    client, cycle = account.scope.client, account.scope.cycle
    if client is None or account.scope != Scope(cycle, client=client):
        raise NoTicketError(
            "a report is put on the ticket of a client and cycle: client, and no ring or kind, is wanted"
        )
    if recorder.settings.psa is None:
        raise NoTicketError("no PSA is set (psa_url)")
    if not wanted_xrefs(recorder.ledger, [xref_of(cycle, client)]):
        raise NoTicketError(f"the ledger has no compliance ticket of {client}, {cycle}: no run has opened a tier of it")
    as_of = "final" if account.final else f"as of {account.at:%Y-%m-%d %H:%M} UTC"
    title = f"Patch compliance {cycle}: {client}, {as_of}"
    mark = "" if account.final else f"-{account.at:%Y%m%dT%H%M}"
    files = []
    for made in rendered(account, FORMATS):
        stem, dot, ending = made.name.rpartition(".")
        files.append(Attachment(f"{stem}{mark}{dot}{ending}", title, made.content, made.media_type))
    return attach(recorder, xref_of(cycle, client), files)
