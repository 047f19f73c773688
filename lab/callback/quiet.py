# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows of a run what its plugins print, and what went wrong; of the tasks nothing."""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: quiet
type: stdout
short_description: Prints failures, and nothing else of the tasks
description:
  - For the demonstration, whose runs are watched by their own tables and not by their tasks.
"""


class CallbackModule(CallbackBase):
    """A failure in one line; an endpoint that does not answer is in the run's own table."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "quiet"

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self._display.display(f"failed: {result.host.name}: {result.result.get('msg', 'the task did not say why')}")
