# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package
short_description: Write the evidence package of a cycle, a client or a tier
version_added: 0.1.0
description:
  - Writes one signed and sealed zip with the events of the ledger that concern the cycle, the client in it, or the
    tier; with what the chain of these events is recomputed from; and with the results, decisions, tickets and the
    closure that follow from them. Its C(README.txt) tells an assessor what answers which objective.
  - It shows nothing of another client. The same ledger, policy and key give the same bytes.
  - Runs write the packages of tiers, clients and cycles by themselves when they close; this is for one in between.
  - Signs the ledger first, so that the package reaches to the present. Of a scope whose tiers are closed it ends with
    their closure, whatever has happened since; such a package, once kept, is not written again.
  - M(msp.patching.verify) checks it.
options:
  cycle:
    description: The cycle, such as V(2026-11); without it, the one that opened last.
    type: str
  client:
    description: Only this client.
    type: str
  ring:
    description: Only this ring.
    type: str
  kind:
    description: Only endpoints of this kind, V(server) or V(workstation).
    type: str
extends_documentation_fragment:
  - msp.patching.control_node
attributes:
  check_mode:
    description: Writes nothing.
    support: full
  diff_mode:
    description: A package is new or it is not.
    support: none
requirements:
  - cryptography
  - the callback P(msp.patching.evidence#callback), whose settings say where ledger, key and packages are
"""

EXAMPLES = r"""
- name: What an assessor of this client gets today
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Write it
      msp.patching.package:
        cycle: 2026-11
        client: Acme Dental
"""

RETURN = r"""
package:
  description: Where the package is kept.
  returned: success
  type: str
  sample: /var/lib/patching/packages/2026-11/Acme-Dental_0f3a5b7c9d1e.zip
sha256:
  description: Its SHA-256, in hex.
  returned: success
  type: str
  sample: 0f3a5b7c9d1e2f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8
summary:
  description: Both, in one line.
  returned: success
  type: str
  sample: "evidence package of Acme Dental, 2026-11: /var/lib/patching/packages/2026-11/Acme-Dental_0f3a5b7c9d1e.zip"
"""
