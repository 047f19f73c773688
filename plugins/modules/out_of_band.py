# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: out_of_band
short_description: Open an out-of-band cycle by hand
version_added: 0.1.0
description:
  - Puts an emergency lane on the ledger. While it is open, its updates have a soak of their own, so that they leave the
    pilot sooner than in the month's cycle. Who opened it and why is the record of that trade-off.
  - It approves nothing and opens no window. Its updates are approved by the policy's rules or by
    M(msp.patching.approve), go to the pilot first, and are installed in the windows. Servers that need a technician's
    go get it for this cycle by M(msp.patching.authorize), which is then one for its updates alone.
  - An out-of-band cycle may stand in the policy document as well, under C(out_of_band).
options:
  state:
    description: V(open) opens one; V(ended) ends one before its time.
    type: str
    choices: [open, ended]
    default: open
  cycle:
    description:
      - Its name, a month with a suffix such as V(2026-11-oob1). By default the month of its start with the first suffix
        that is free.
      - Required for O(state=ended).
    type: str
  updates:
    description: The updates that it is for, each as a KB number, with or without C(KB), or as its id.
    type: list
    elements: str
  soak_days:
    description: How many days they soak in the pilot, from 0 to 365; fractions of a day are allowed.
    type: float
  start:
    description: When it begins, an instant in ISO 8601 with an offset; by default now.
    type: str
  end:
    description: When it ends; by default seven days after its start.
    type: str
  client:
    description: The client that it is for; without one, all clients.
    type: str
  reason:
    description: Why, in words - the trade-off that is accepted by shortening the soak.
    type: str
    required: true
extends_documentation_fragment:
  - msp.patching.control_node
  - msp.patching.decision
"""

EXAMPLES = r"""
- name: An update that is exploited in the wild leaves the pilot after a day
  msp.patching.out_of_band:
    updates: [KB5046700]
    soak_days: 1
    reason: CVE-2026-1234 is exploited; a day in the pilot is all we wait

- name: At once, for one client, for two days
  msp.patching.out_of_band:
    updates: [KB5046700]
    soak_days: 0
    client: Acme Dental
    end: '2026-11-14T00:00:00-05:00'
    reason: asked for by the client's security lead, risk accepted

- name: The emergency is over
  msp.patching.out_of_band:
    state: ended
    cycle: 2026-11-oob1
    reason: withdrawn by the vendor
"""

RETURN = r"""
recorded:
  description: The events that were put on the ledger; none where the decision stood there already.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: cycle.opened
      cycle: 2026-11-oob1
      by: j.doe
"""
