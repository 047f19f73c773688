# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX says no to, in its own form: field to what is wrong with it."""

from __future__ import annotations

from typing import Any


class AwxError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


class RefusedError(AwxError):
    """400: `field` is wrong, `why` says how."""

    def __init__(self, field: str, *why: str) -> None:
        super().__init__(400, {field: list(why)})


class NotThereError(AwxError):
    """404."""

    def __init__(self) -> None:
        super().__init__(404, {"detail": "Not found."})
