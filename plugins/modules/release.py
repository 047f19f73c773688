# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Release holds
version_added: 0.1.0
description:
  - Puts on the ledger that holds are over, who says so and why.
  - Name one of O(hold), O(endpoint), or the scope that the holds have, with any of O(client), O(ring), O(kind) and
    O(cycle).
  - The scope is met exactly. A client alone, for one, does not name the holds on its tiers, for which ring and kind
    are wanted too. Only the cycle may be left out.
options:
  hold:
    description: The hold by its id.
    type: str
  endpoint:
    description: The endpoint whose failures have placed the holds.
    type: str
  client:
    description: The client in the scope of the holds.
    type: str
  ring:
    description: The ring in the scope of the holds.
    type: str
  kind:
    description: The kind in the scope of the holds.
    type: str
  cycle:
    description:
      - The cycle in the scope of the holds, such as V(2026-11).
      - Without it, the holds of that scope in each cycle, and those in none. A failure holds its tier in its cycle.
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
- name: The pilot goes on
  msp.patching.release:
    endpoint: ACME-WS02
    reason: disk cleaned up, update installed by hand

- name: Production of a client goes on, whatever holds that tier
  msp.patching.release:
    client: Acme Dental
    ring: production
    kind: server
    reason: cause found, and it concerns the pilot only

- name: The same, but only what holds it in one cycle
  msp.patching.release:
    client: Acme Dental
    ring: production
    kind: server
    cycle: 2026-11
    reason: cause found, and it concerns the pilot only
"""

RETURN = r"""
recorded:
  description: The events that were put on the ledger; none where the decision stood there already.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: hold.released
      by: j.doe
"""
