# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of the report by tone. Each is told in words as well: nothing rests on a colour alone.

Text on a tone's own tint, and white on it, has a contrast of 4.5 to 1 or more, in light and in dark.
"""

from __future__ import annotations

FONT = "'Source Sans Pro', 'Segoe UI', system-ui, sans-serif"
TONES = ("patched", "excluded", "held", "failed", "unreachable", "open")
LIGHT = {
    "ink": "#1b2430",
    "soft": "#51606f",
    "paper": "#ffffff",
    "raised": "#f5f7f9",
    "line": "#d5dce3",
    "accent": "#0b5cad",
    "patched": "#1a7f5a",
    "excluded": "#66717d",
    "held": "#9a6200",
    "failed": "#b3261e",
    "unreachable": "#7a3e9d",
    "open": "#2468b4",
}
DARK = {
    "ink": "#e6ebf0",
    "soft": "#a3b1bf",
    "paper": "#12181f",
    "raised": "#1b242e",
    "line": "#35424f",
    "accent": "#7db8f2",
    "patched": "#4fc08d",
    "excluded": "#9aa7b4",
    "held": "#e0a83c",
    "failed": "#f2877f",
    "unreachable": "#c79be6",
    "open": "#78b0f0",
}
DOCUMENT = LIGHT
"""Paper is white."""
