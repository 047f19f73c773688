# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What the modules have in common that run once, on the control node."""

    DOCUMENTATION = r"""
attributes:
  action:
    description: Has an action plugin on the control node, and nothing on the endpoints.
    support: full
  bypass_host_loop:
    description: Runs once for all hosts of the play.
    support: full
  platform:
    description: Where it runs.
    support: full
    platforms: posix
author:
  - the msp.patching contributors (@msp-patching)
"""
