# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate authorities of one's own, as options name them."""

from __future__ import annotations

from pathlib import Path

from .errors import PatchingError


class AuthorityError(PatchingError):
    """The file is not there."""


def own_authorities(option: str, path: str | None) -> str | None:
    """The file or folder to trust, or None for the usual ones.

    An empty file counts as none: AWX hands one over where a credential has nothing for it. Raises AuthorityError.
    """
    if not path:
        return None
    there = Path(path)
    if not there.exists():
        raise AuthorityError(
            f"option {option}: there is no file or folder {path!r}; it must hold the CA certificates as PEM"
        )
    return None if there.is_file() and not there.stat().st_size else path
