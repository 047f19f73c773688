# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which policy an account is held: the one that the ledger has in force at its instant, and not that of today.

Who relaxes a deadline in January and asks for November's package gets November's deadline.
"""

from __future__ import annotations

from datetime import datetime

from ..flow import Policy, PolicyError
from ..ledger import Ledger
from ..ledger.kept import policy_at, policy_digest


def in_force(ledger: Ledger, given: Policy, at: datetime, until: int | None = None) -> Policy:
    """The policy that the ledger has in force at the instant `at`, with `until` of its events up to that one; where it
    has none of then, the one `given`.

    Raises PolicyError where what is on record cannot be read any more.
    """
    found = policy_at(ledger, at, until)
    if found is None:
        return given
    seq, event = found
    document = event.body["document"]
    if policy_digest(document) == policy_digest(given.document):
        return given
    try:
        return Policy.recorded(document)
    except (PolicyError, AttributeError, LookupError, TypeError, ValueError) as exc:
        raise PolicyError(
            f"the policy that came into force on {event.at:%Y-%m-%d %H:%M} UTC (event {seq} of the ledger) cannot be "
            f"read by this version of the collection: {exc}"
        ) from exc
