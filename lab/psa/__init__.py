# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's ConnectWise PSA: the REST API at ``/v4_6_release/apis/3.0``, with tickets, documents, callbacks.

Everything is in memory; companies and configurations come from the fleet.
"""

from __future__ import annotations

from .app import psa_app

__all__ = ["psa_app"]
