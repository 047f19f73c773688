# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the action plugin of the same name does the work, on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Check that the ledger or an evidence package is as it was written
version_added: 0.1.0
description:
  - Of a package it checks, with nothing but the file and a public key, without network, ledger and settings, the seal
    over the whole file, the signed manifest, the SHA-256 of every file in it, the keys and the checkpoints, and every
    event's place in the chain.
  - Of the ledger it checks every event, the chain, the checkpoints and the keys; that it still has the checkpoints that
    were kept elsewhere; the database's own consistency; and that every row of the register follows from the events.
  - The first thing that is not right is named, and the task fails. Else one line says how far everything is signed.
  - Whoever can write to the database and has no key can alter, drop, reorder or add nothing as far as the last
    checkpoint without being found here. What came after the last checkpoint is signed by nobody yet, and a tail that is
    cut off together with its checkpoints shows only against one that was kept elsewhere, which is why each run prints
    its checkpoint, each package names one, and a key's file C(.seen) remembers its last one.
options:
  package:
    description: The package to check, or several. Without one, the ledger is checked.
    type: list
    elements: path
  public_key:
    description:
      - Files of the public keys to trust, in PEM, such as the file C(.pub) beside the signing key. Keys that one of
        them has vouched for when the key was replaced are trusted too.
      - Needed for a package. Of a ledger without one, its own first key is believed, which shows that it was not
        altered by anybody without the key, and not whose it is.
    type: list
    elements: path
    default: []
  checkpoint:
    description:
      - Checkpoints that were kept elsewhere, as runs print them, C(NUMBER:HASH). The ledger has to have them.
      - A package has to have one of them at least, so that an older package does not pass for a newer one. Without any,
        look at the instant as of which a package is.
    type: list
    elements: str
    default: []
  register:
    description:
      - Also make the register anew from the events, in memory, and compare it. Takes the most time on a large ledger.
    type: bool
    default: true
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
  - cryptography
  - for the ledger, the callback P(msp.patching.evidence#callback), whose settings say where it is
"""

EXAMPLES = r"""
- name: Check a package, on any machine
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Check it
      msp.patching.verify:
        package: ~/Downloads/Acme-Dental_0f3a5b7c9d1e.zip
        public_key: provider.pem

- name: Check the ledger, every night
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Check it
      msp.patching.verify:
        public_key: /etc/patching/key.pub
"""

RETURN = r"""
verified:
  description: What was checked, a line each.
  returned: success
  type: list
  elements: str
  sample:
    - >-
      package.zip: package of Acme Dental, 2026-11: whole and unaltered, 19 files, 812 events shown and 2204 by their
      hash, as of 2026-11-19T09:05 UTC (event 3016), signed with the key
      21fe31dfa154a261626bf854046fd227; policy.json is as event 1811 has it
"""
