# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotate_key
short_description: Replace the key that signs the ledger
version_added: 0.1.0
description:
  - Puts a new key on the ledger, signed by the one it replaces, so that whoever trusts the old public key trusts the
    new one too. What the old key has signed stays signed; its public key stays on the ledger and in every package.
  - Where the key is a file, the new one takes its place, and the old one is kept beside it with its id and C(.old) at
    the end of its name. Where the key comes from the environment, the new one is given as O(new_key), and comes from
    the environment from the next run on.
  - With O(lost) nothing vouches for the new key, and M(msp.patching.verify) says so. It is for a key that is gone for
    good.
  - Two people who rotate at once cannot both succeed; the second is told that the key has been replaced.
options:
  new_key:
    description:
      - The file of the new private key. Made where it is not there.
      - Needed where the key comes from the environment.
    type: path
  lost:
    description: The old key is lost, and cannot sign its successor's introduction.
    type: bool
    default: false
  reason:
    description: Why, in words.
    type: str
    required: true
  by:
    description: Who decided it. Without it, who runs this.
    type: str
extends_documentation_fragment:
  - msp.patching.control_node
attributes:
  check_mode:
    description: Says which key would be replaced, and replaces none.
    support: full
  diff_mode:
    description: A key is shown nowhere.
    support: none
requirements:
  - cryptography
  - the callback P(msp.patching.evidence#callback), whose settings say where ledger and key are
"""

EXAMPLES = r"""
- name: A new key every year
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Replace the key
      msp.patching.rotate_key:
        reason: yearly rotation
        by: t.brandt
"""

RETURN = r"""
rotated:
  description: What was replaced by what, and what is to be done about it.
  returned: success
  type: str
  sample: >-
    key 21fe31dfa154a261626bf854046fd227 is replaced by 5c0e8c1f9c1a4f3a8b2d7e6f5a4b3c2d; copy /var/lib/patching/key
    to a safe place now, and hand out /var/lib/patching/key.pub
"""
