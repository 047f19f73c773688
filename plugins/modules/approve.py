# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: approve
short_description: Record an engineer's decision on updates
version_added: 0.1.0
description:
  - Puts on the ledger that updates are approved, declined or deferred. A recorded decision comes before every
    rule of the policy.
  - The same decision given again changes nothing; another one takes the place of the first, which stays in the
    ledger. That is so by whichever of its names an update is called, its id or a KB number; of several decisions on it
    the last one stands, and a client's own goes before one for all clients.
options:
  updates:
    description: The updates, each as a KB number, with or without C(KB), or as its id.
    type: list
    elements: str
    required: true
  decision:
    description: What is decided.
    type: str
    choices: [approved, declined, deferred]
    default: approved
  client:
    description: The client that it holds for; without one, all clients.
    type: str
  until:
    description: For V(deferred), the instant at which the updates are looked at again, ISO 8601 with an offset.
      Then their review begins anew.
    type: str
  promote:
    description: With V(approved), let the updates leave the pilot without the soak; the waiver is on the ledger.
    type: bool
    default: false
  code:
    description:
      - A reason code of yours, one of the policy's C(reason_codes) where these list any for C(approve). Required for
        O(decision=declined) and O(decision=deferred).
    type: str
  reason:
    description: Why, in words.
    type: str
    required: true
extends_documentation_fragment:
  - msp.patching.control_node
  - msp.patching.decision
"""

EXAMPLES = r"""
- name: Approve an update that awaits review
  msp.patching.approve:
    updates: [KB5046613]
    reason: tested on our own machines

- name: Decline a driver for one client
  msp.patching.approve:
    updates: [5f1d9b1e-6f0e-4d0c-9c5c-3c1f2c3f4a5b]
    decision: declined
    client: Acme Dental
    code: VENDOR
    reason: breaks the panoramic x-ray

- name: Let an emergency update leave the pilot at once
  msp.patching.approve:
    updates: [KB5046700]
    promote: true
    reason: exploited in the wild, risk accepted by the security lead
"""

RETURN = r"""
recorded:
  description: The events that were put on the ledger; none where the decision stood there already.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: approval.recorded
      by: j.doe
"""
