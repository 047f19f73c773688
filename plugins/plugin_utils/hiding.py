# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts without the secrets in them."""

from __future__ import annotations

from collections.abc import Iterable

HIDDEN = "***"


def longest_first(secrets: Iterable[str | None]) -> list[str]:
    """Those that are any, in the order to hide them in: of one that begins another, the rest would be left to read."""
    return sorted(filter(None, secrets), key=len, reverse=True)


def hidden(text: str, secrets: Iterable[str | None], mark: str = HIDDEN) -> str:
    """`text` with `mark` in the place of each of the `secrets`."""
    for secret in longest_first(secrets):
        text = text.replace(secret, mark)
    return text
