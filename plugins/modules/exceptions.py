# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exceptions
short_description: Show the exception register
version_added: 0.1.0
description:
  - Prints, as one table, everything that is not patched because somebody said so. Exceptions with their signature and
    expiry, updates that were declined or deferred, drivers that were approved, endpoints in Do Not Patch, and agents
    and locations on which patching is disabled; each with who, why, since when, until when and where it comes from.
  - Reads the inventory, the policy and the ledger as they are, and changes nothing anywhere. Connects to no endpoint.
  - With the extra var C(as_of) it tells how the register stands at that instant, from what is on it now.
options:
  client:
    description: Only what concerns this client, with what holds for all clients.
    type: str
  revoked:
    description: Also the exceptions that were ended or replaced.
    type: bool
    default: false
extends_documentation_fragment:
  - msp.patching.control_node
attributes:
  check_mode:
    description: The same as without it.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
requirements:
  - the callback P(msp.patching.evidence#callback), whose settings say where the ledger and the policy are
seealso:
  - module: msp.patching.except
  - module: msp.patching.approve
"""

EXAMPLES = r"""
- name: Show the exception register of one client
  hosts: all
  gather_facts: false
  tasks:
    - name: Show it
      msp.patching.exceptions:
        client: Acme Dental
      run_once: true
"""

RETURN = r"""
register:
  description: The rows of the register, what needs somebody first.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: One of C(exception), C(do_not_patch), C(agent_disabled), C(location_disabled), C(declined),
        C(deferred) and C(driver).
      type: str
    state:
      description: Of an exception C(signed), C(lapsing), C(unsigned), C(expired) or C(revoked); of an update
        C(declined), C(deferred), C(back in review) or C(approved); else C(set).
      type: str
    scope:
      description: What it is for, C(client), C(location), C(endpoint) or C(role); empty for all.
      type: dict
    source:
      description: Where it comes from, the ledger or the RMM.
      type: str
    client:
      description: The client that it concerns, null for all.
      type: str
    update:
      description: The update, as a KB number or an id.
      type: str
    title:
      description: The update's title.
      type: str
    code:
      description: The reason code.
      type: str
    reason:
      description: Why, in words.
      type: str
    by:
      description: Who recorded it.
      type: str
    since:
      description: When it was recorded, or first known from the RMM.
      type: str
    until:
      description: When it ends.
      type: str
    signed_by:
      description: The client's signatory.
      type: str
    signed_at:
      description: When the client signed.
      type: str
    endpoints:
      description: The endpoints of the inventory that it covers.
      type: list
      elements: str
  sample:
    - kind: exception
      state: signed
      scope: {endpoint: ACME-CNC01}
      until: '2027-05-01T00:00:00+00:00'
"""
