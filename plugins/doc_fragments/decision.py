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
  action:
    description: Has an action plugin on the control node, and nothing on the endpoints.
    support: full
  bypass_host_loop:
    description: Runs once for all hosts of the play.
    support: full
  check_mode:
    description: Tells what would be recorded, and records nothing.
    support: full
  diff_mode:
    description: Returns details on what has changed.
    support: none
  platform:
    description: Where it runs.
    support: full
    platforms: posix
requirements:
  - the callback P(msp.patching.evidence#callback), which knows where the ledger is
author:
  - the msp.patching contributors (@msp-patching)
"""
