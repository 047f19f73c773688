# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab says when it cannot do what it is told."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot be started, or cannot be reached; the message says what to do."""
