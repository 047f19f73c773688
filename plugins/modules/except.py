# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: except
short_description: Record an exception from patching
version_added: 0.1.0
description:
  - Puts an exception of a client, a location, an endpoint or a role on the ledger, its signature, or its end.
  - An exception counts only while the client has signed it and it has not expired. Until then what it covers is
    held, neither patched nor left out.
  - Another O(expires) or O(code) makes it another exception, which has to be signed anew. That is how one is renewed.
  - An exception that is about to expire (30 days ahead, C(notices) in the policy), has expired or is not signed is put
    on a ticket.
options:
  state:
    description: Whether there is to be an exception.
    type: str
    choices: [present, absent]
    default: present
  client:
    description: The client that it covers, or whose O(location) it covers.
    type: str
  location:
    description: A location of O(client).
    type: str
  endpoint:
    description: The endpoint that it covers.
    type: str
  role:
    description: The role that it covers, at all clients.
    type: str
  reason:
    description: Why, in words.
    type: str
    required: true
  code:
    description:
      - A reason code of yours, one of the policy's C(reason_codes) where these list any for C(except). Required for
        O(state=present).
    type: str
  expires:
    description: When it ends, ISO 8601 with an offset, not in the past; without it, it has no end.
    type: str
  signed_by:
    description: The client's signatory. Goes with O(signed_at).
    type: str
  signed_at:
    description: When the client signed, ISO 8601 with an offset, not in the future.
    type: str
extends_documentation_fragment:
  - msp.patching.control_node
  - msp.patching.decision
"""

EXAMPLES = r"""
- name: Leave a controller of a milling machine alone for half a year
  msp.patching.except:
    endpoint: ACME-CNC01
    code: VENDOR
    reason: the vendor supports no later build
    expires: '2027-05-01T00:00:00Z'

- name: The client has signed
  msp.patching.except:
    endpoint: ACME-CNC01
    code: VENDOR
    reason: the vendor supports no later build
    expires: '2027-05-01T00:00:00Z'
    signed_by: Dana Reyes
    signed_at: '2026-11-03T15:00:00Z'

- name: It is over
  msp.patching.except:
    endpoint: ACME-CNC01
    state: absent
    reason: replaced by a newer controller
"""

RETURN = r"""
recorded:
  description: The events that were put on the ledger; none where the decision stood there already.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: exception.granted
      by: j.doe
"""
