# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where evidence packages are kept: what every such place can do, and the local folder.

A package is written once and never changed. The ledger remembers what `put` gave, the event package.written, and
hands it to the other methods again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ..errors import PatchingError

CHUNK = 1 << 20


class StoreError(PatchingError):
    """A package cannot be written, read or deleted; the text names the package and the place."""


class RetainedError(StoreError):
    """The place itself keeps the package for now, and nobody deletes it."""


class PackageStore(Protocol):
    """A place for packages. `where` is what `put` gave: a path or a URL, for people too."""

    def put(self, name: str, content: bytes | Path, sha256: str, retain_until: datetime | None) -> str:
        """Keep `content` as `name` (a relative path with ``/``), and give where it is, read back and checked against
        `sha256`, in hex.

        Once it returns the package is there for good. The same content under the same name again is no error and
        changes nothing; another content is one: StoreError. `retain_until`, aware, is how long nobody may delete it,
        None for no such time; a place that can lock what it keeps locks it until then.
        """

    def get(self, where: str) -> bytes:
        """The package; StoreError where it cannot be had."""

    def retained_until(self, where: str) -> datetime | None:
        """How long the place itself refuses to delete it; None where it does not, or is not able to."""

    def delete(self, where: str) -> None:
        """Delete it; one that is not there any more is no error. RetainedError where the place refuses."""


def store_for(place: str) -> PackageStore:
    """The store at `place`: a path is a folder, ``s3://bucket/prefix`` a bucket. Raises StoreError for what is none."""
    scheme, separator, dummy = place.partition("://")
    if not separator:
        return LocalFolder(Path(place).expanduser())
    if scheme == "s3":
        from .s3 import Bucket  # it is made of what is here

        return Bucket.at(place)
    raise StoreError(f"there is no place for packages of the kind {scheme}://; there is: a folder, s3://bucket/prefix")


class LocalFolder:
    """Packages as read-only files below one folder. A file system cannot lock: retention is the caller's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: bytes | Path, sha256: str, retain_until: datetime | None) -> str:  # noqa: ARG002
        path = self._path(name)
        try:
            if path.exists():
                if _digest(path) == sha256:
                    return str(path)
                raise StoreError(f"the package {path} is there already with another content; it is never overwritten")
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content, sha256)
        except OSError as exc:
            raise StoreError(f"the package {path} cannot be written: {exc.strerror or exc}") from exc
        return str(path)

    def get(self, where: str) -> bytes:
        try:
            return Path(where).read_bytes()
        except OSError as exc:
            raise StoreError(f"the package {where} cannot be read: {exc.strerror or exc}") from exc

    def retained_until(self, where: str) -> datetime | None:  # noqa: ARG002
        return None

    def delete(self, where: str) -> None:
        try:
            Path(where).unlink(missing_ok=True)
        except OSError as exc:
            raise StoreError(f"the package {where} cannot be deleted: {exc.strerror or exc}") from exc

    def _path(self, name: str) -> Path:
        path = self._folder / name
        if not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise StoreError(f"{name!r} is no name of a package: it has to stay below {self._folder}")
        return path


def _write(path: Path, content: bytes | Path, sha256: str) -> None:
    """All of it or nothing: a file of another name first, on the disk before it gets its own."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                with content.open("rb") as source:
                    while piece := source.read(CHUNK):
                        file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        _same(Path(temporary), sha256, path)
        Path(temporary).chmod(0o440)
        Path(temporary).replace(path)
        _sync(path.parent)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _same(written: Path, sha256: str, path: Path) -> None:
    if _digest(written) != sha256:
        raise StoreError(f"the package {path} was not written as it is: its SHA-256 is not {sha256}")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
