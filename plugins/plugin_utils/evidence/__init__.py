# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what Ansible saw to what the ledger holds.

``outcomes`` turns a raw result into an observation, ``judge`` turns observation and standing into events; ``failing``
says what a failure opens, and ``aftermath`` what else follows from it. ``witness`` does all that for many endpoints at
once, ``recorder`` writes it down, ``spool`` keeps what the ledger cannot take. ``run`` is what the callback plugin
``msp.patching.evidence`` has of all this in Ansible's main process; ``observer`` closes the run and has delivered what
follows, and ``clerk`` is the process in which one records what tasks of people's own saw, gathered by ``scribe``.
"""
