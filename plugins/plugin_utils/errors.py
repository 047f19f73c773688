# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of every error the collection raises on purpose.

Errors are raised where they are understood and become an ``AnsibleError`` once, at the plugin's edge.
A message names the thing, the value it had, and what would be right; it never holds a secret.
"""

from __future__ import annotations

from .visible import visible


class PatchingError(Exception):
    """Something the person running the collection can act on; ``str(error)`` is the whole message.

    It quotes endpoints, other people's servers and files that nobody has vouched for yet, and it is read in a terminal.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


class RequirementMissingError(PatchingError):
    """A Python library that the control node needs is not installed."""


class UnavailableError(PatchingError):
    """Another system is down, overloaded or silent: what was wanted of it may be asked for again later.

    `retry_after` is the number of seconds that it asked to wait, where it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
