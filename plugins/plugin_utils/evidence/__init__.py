# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what Ansible saw to what the ledger holds.

``outcomes`` turns a raw result into an observation, ``judge`` turns observation and standing into events,
``aftermath`` says what else follows from a failure, ``recorder`` writes them as they happen, ``spool`` keeps them where
the ledger cannot. The callback plugin ``msp.patching.evidence`` only connects these to Ansible.
"""
