# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of AWX's API as its own modules (awx.awx 24.6.1) need to set it up, and what it refuses."""

from __future__ import annotations

from .app import awx_app

__all__ = ["awx_app"]
