# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: authorize
short_description: Record a technician's go
version_added: 0.1.0
description:
  - Puts on the ledger that an endpoint, or a tier of a client, may be patched in one cycle. P1 servers, pilot
    servers and single servers need that each cycle.
  - It expires with the cycle.
options:
  endpoint:
    description: The endpoint that may be patched.
    type: str
  client:
    description: The client of the tier; goes with O(ring) and O(kind).
    type: str
  ring:
    description: The ring of the tier.
    type: str
  kind:
    description: The kind of the tier, V(server) or V(workstation).
    type: str
  cycle:
    description:
      - The cycle that it is for, such as V(2026-11); by default the one that is open.
      - One that is over, not open yet, or out of band and unknown is taken with a warning.
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
- name: The domain controller may go
  msp.patching.authorize:
    endpoint: ACME-DC01
    reason: backup verified, client informed

- name: All production servers of a client may go
  msp.patching.authorize:
    client: Acme Dental
    ring: production
    kind: server
    cycle: 2026-11
    reason: change 4711 approved
"""

RETURN = r"""
recorded:
  description: The events that were put on the ledger; none where the decision stood there already.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: authorization.given
      by: j.doe
"""
