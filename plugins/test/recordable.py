# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test of the collection. It is documented in the file of its name beside this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils.evidence.recorder import active


def recordable(dummy: Any) -> bool:
    """Whether what is done now would be recorded as it has to be. Asked where a task begins, in a process forked from
    the one that records, so that it knows of every earlier result."""
    recorder = active()
    return recorder is None or recorder.problem is None


class TestModule:
    """What Ansible looks for."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        return {"recordable": recordable}
