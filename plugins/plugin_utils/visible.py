# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of endpoints and of other people's servers, for people to read: what would command a terminal or turn a line
around is shown as what it is, a character that does not belong there."""

from __future__ import annotations

import re

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""PowerShell colours its errors."""
LINE_ENDS = re.compile(r"\r\n?")
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but for tab and newline
    "\u202a-\u202e\u2066-\u2069\ufeff"  # what turns the direction of the text around it, and byte order marks
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # what is no character
    "|[" + "".join(chr(plane << 16 | end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF)) + "]"
)
STAND_IN = "\ufffd"


def visible(text: str, at_most: int | None = None) -> str:
    """`text` without colours, a stand-in for each character that cannot be seen; cut after `at_most` characters."""
    shown = UNSEEN.sub(STAND_IN, LINE_ENDS.sub("\n", COLOURS.sub("", text)))
    return _cut(shown, at_most)


def one_line(text: str, at_most: int | None = None) -> str:
    """`text` as `visible` has it, on one line: a name in a sentence, or what must not pass for a line of its own."""
    return _cut(" ".join(visible(text).split()), at_most)


def _cut(text: str, at_most: int | None) -> str:
    return text if at_most is None or len(text) <= at_most else f"{text[: at_most - 1]}…"
