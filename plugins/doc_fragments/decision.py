# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What the modules have in common by which a person's decision is put on the ledger."""

    DOCUMENTATION = r"""
options:
  by:
    description:
      - The person who decides.
      - By default the AWX user, or the account that runs Ansible.
    type: str
attributes:
  check_mode:
    description: Tells what would be recorded, and records nothing.
    support: full
  diff_mode:
    description: Shows what is added to the ledger, or would be in check mode.
    support: full
requirements:
  - the callback P(msp.patching.evidence#callback), which knows where the ledger is
"""
