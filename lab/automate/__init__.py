# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's ConnectWise Automate: the REST API at ``/cwa/api/v1``, over the lab's machines.

Built from ConnectWise's published description and from what clients of live servers do; where neither says
(error bodies, some values) it is our guess, marked in the code as such.
"""

from __future__ import annotations

from .app import automate_app

__all__ = ["automate_app"]
