# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is on call: takes alerts as PagerDuty does, and as a plain webhook."""

from __future__ import annotations

from .app import oncall_app

__all__ = ["oncall_app"]
