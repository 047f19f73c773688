# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: root_cause
short_description: Document why something failed
version_added: 0.1.0
description:
  - Puts the root cause of failures on the ledger. Without one, the endpoint is not patched again.
  - Holds that the failure has placed stay until somebody releases them.
options:
  failure:
    description: The failure by its id.
    type: str
  endpoint:
    description: The endpoint, for all its failures that have no root cause yet.
    type: str
  update:
    description: With O(endpoint), only its failures of this update, a KB number or an id.
    type: str
  code:
    description:
      - A code of yours for the cause, one of the policy's C(reason_codes) where these list any for C(root_cause).
    type: str
    required: true
  text:
    description: The cause, in words.
    type: str
    required: true
  retired:
    description:
      - The O(endpoint) never comes back, whether or not something failed on it. No other of its redundancy group waits
        for it to be validated, and the proof of its tier has it as excluded once the inventory no longer has it. It is
        the root cause of its failures that have none.
      - Whatever is heard of it by that name later takes this back.
    type: bool
    default: false
extends_documentation_fragment:
  - msp.patching.control_node
  - msp.patching.decision
"""

EXAMPLES = r"""
- name: The disk was full
  msp.patching.root_cause:
    endpoint: ACME-WS02
    code: DISK
    text: the system drive was full; cleaned up, 40 GB free now

- name: It died in its restart and was rebuilt under another name
  msp.patching.root_cause:
    endpoint: ACME-DC01
    retired: true
    code: HARDWARE
    text: the RAID controller died; replaced by ACME-DC03
"""

RETURN = r"""
recorded:
  description: The events that were put on the ledger; none where the decision stood there already.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: failure.root_cause
      by: j.doe
"""
