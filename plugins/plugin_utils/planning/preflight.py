# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be in order before a run may plan."""

from __future__ import annotations

from ..errors import PatchingError
from ..evidence.recorder import Recorder


class NotReadyError(PatchingError):
    """The run may not go on: nothing would be recorded, or something it rests on is wrong."""


def ready(recorder: Recorder | None) -> Recorder:
    """The recorder of the evidence callback; NotReadyError where there is none, or where it has a problem."""
    if recorder is None:
        raise NotReadyError(
            "the callback msp.patching.evidence is not enabled, so nothing this run does would be recorded: "
            "add the line  callbacks_enabled = msp.patching.evidence  to the section [defaults] of the ansible.cfg "
            "in use (in AWX: the one at the project's root), or set ANSIBLE_CALLBACKS_ENABLED=msp.patching.evidence"
        )
    if recorder.problem:
        raise NotReadyError(recorder.problem)
    return recorder
