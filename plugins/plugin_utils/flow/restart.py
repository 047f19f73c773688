# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Windows waits for the restart of an install: what node 8 asks, and a check of section 7."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

CLOCK_STEP = timedelta(hours=1)
"""How much earlier than it was a boot may seem to have been, by clocks that are not ours. Windows reckons its boot time
anew when its clock is set, and the boot's id is made of that: another id whose boot lies further back is no other boot.
"""

OF_NO_INSTALL = frozenset({"file renames", "computer rename"})
"""Reasons that ``msp.patching.win_posture`` tells and that are no install's. Updaters of browsers, printer drivers and
virus scanners note file renames minutes after every boot, on machine after machine: who restarted for them would
restart for ever, and who called such a machine unhealthy would hold a tier for nothing."""


def is_wanted(posture: Mapping[str, Any], *, asked: bool = False) -> bool:
    """Whether Windows waits for a restart because of an install, by the result of ``msp.patching.win_posture``;
    ``asked``: an install has asked for it since the last boot, so that any reason is one of it.

    Where it does not tell what for, it is taken to be an install: a restart too many is seen, one too few is not. So is
    a posture that does not tell whether it waits at all.
    """
    if posture.get("reboot_pending") is False:
        return False
    reasons = posture.get("reboot_pending_reasons")
    return asked or not reasons or not OF_NO_INSTALL.issuperset(reasons)
