# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a run of Molecule's at a play of the scenario's own that is for nobody."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: nobody
type: aggregate
short_description: A play of a scenario that matches no host fails
description:
  - For Ansible such a play is skipped, and what was skipped passes for what has worked.
  - Only for plays that stand below the folder C(molecule). Those of playbooks that a scenario imports may well be for
    nobody, as where no endpoint is due.
"""


class CallbackModule(CallbackBase):
    """Tells the play and leaves: what a callback raises is a warning only."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "nobody"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play

    def v2_playbook_on_no_hosts_matched(self) -> None:
        where = str(self._play.get_path())
        if Path(where).is_relative_to(Path(os.environ["MOLECULE_PROJECT_DIRECTORY"], "molecule")):
            self._display.error(f"the play {self._play.get_name()!r} ({where}) matches no host: it would show nothing")
            sys.exit(1)
