# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling people, at a run's opening: what is due to be told is found once, and put on the ledger once."""

from __future__ import annotations

from collections.abc import Mapping

from ..evidence.recorder import Recorder
from ..flow import Endpoint, Policy
from ..ledger.overview import Place, overview, tickets_wanted, told_since
from ..notices.outlook import Outlook
from ..notices.told import Told, tell

TRIES = 5
"""How often it is looked again because another run told people of something in between."""


def tell_people(recorder: Recorder, policy: Policy, fleet: Mapping[str, Endpoint], before: Mapping[str, Place]) -> Told:
    """What people are told now by the `policy`, `fleet` being the whole inventory, and `before` where its
    endpoints were before this run; in check mode nothing is put on the
    ledger.

    Where other runs are faster time after time, the next run tells what is left.
    """
    ledger, now = recorder.ledger, recorder.clock.now()
    for dummy in range(TRIES):
        known = overview(ledger)
        outlook = Outlook(known, fleet, policy, now, before)
        told = tell(outlook)
        ids = {letter.id for letter in told.letters}
        events = told.events(outlook, tickets_wanted(ledger, ids))
        fresh = {str(event.body["id"]) for event in events if event.kind == "ticket.wanted"}
        if not events or recorder.check_mode or recorder.append(ledger, events, unless=told_since(known, fresh)):
            break
    return told
