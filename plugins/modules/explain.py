# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: explain
short_description: Tell why endpoints will or will not be patched
version_added: 0.1.0
description:
  - Prints for one endpoint its path through the flow of the operating model, node by node, with the answer and the
    fact it rests on; what would change the decision, and the command for it; each update that is left out, by which
    node, why and until when; failures without a root cause and holds that the walk has not come to; what is in flight
    on it; and when it is looked at next.
  - Of several endpoints it prints how many each node settled, with one of them as an example, or with O(detail) each
    of them in full.
  - Reads the inventory, the policy and the ledger as they are, and changes nothing anywhere. Connects to no endpoint
    and asks the RMM for nothing but the inventory.
  - With the extra var C(as_of) it tells what would be decided at that instant, from what is known now. That is
    allowed with the real clock too, since nothing is done.
options:
  ring:
    description: Only the endpoints of this ring.
    type: str
  client:
    description: Only the endpoints of this client.
    type: str
  detail:
    description: Tell of each endpoint in full, also where there are several.
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
"""

EXAMPLES = r"""
- name: Why is this machine not patched?
  hosts: ACME-DC01
  gather_facts: false
  tasks:
    - name: Ask
      msp.patching.explain:
      run_once: true

# The playbook of the same name, for one endpoint, for a ring, and for what will be at two at night:
# ansible-playbook msp.patching.explain -l ACME-DC01
# ansible-playbook msp.patching.explain -e ring=pilot
# ansible-playbook msp.patching.explain -l ACME-WS01 -e as_of=2026-11-12T02:00:00-05:00
"""

RETURN = r"""
counts:
  description: How many endpoints each action was decided for.
  type: dict
  returned: success
  sample: {install: 8, wait: 2}
explanations:
  description:
    - By endpoint, what was printed of it, where it was printed in full.
    - The keys V(action), V(node), V(reason), V(until), V(updates) and V(left_out) are those of a decision; V(path) has
      V(fact) and V(updates) beside V(node) and V(answer).
  type: dict
  returned: success
  sample:
    ACME-DC01:
      action: manual
      node: gate.authorization
      would_change:
        - what: a technician's go, which is for 2026-11 and ends with it
          command: ansible-playbook msp.patching.authorize -e endpoint=ACME-DC01 -e "reason='…'"
      still_open: []
      in_flight: []
      next_look: from Thu 12 Nov 03:05 on for its next search for updates
"""
