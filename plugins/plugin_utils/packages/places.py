# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which place for packages a setting means: the one choice between a folder and a bucket."""

from __future__ import annotations

from pathlib import Path

from .s3 import Bucket
from .store import LocalFolder, PackageStore, StoreError


def store_at(place: str) -> PackageStore:
    """The store at a path, or at an address such as ``s3://bucket/prefix``; raises StoreError for any other."""
    scheme, separator, _ = place.partition("://")
    if not separator:
        return LocalFolder(Path(place).expanduser())
    if scheme == "s3":
        return Bucket.at(place)
    raise StoreError(f"there is no place for packages of the kind {scheme}://; there is: a folder, s3://bucket/prefix")
