# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a package: a zip that is the same for the same content, with a manifest, and sealed.

Its members are sorted, bear one fixed time, and are compressed at one fixed level. `manifest.json` lists the SHA-256
and the size of each, `manifest.sig` is the signature under it. The seal is the archive's comment, at the very end of
the file: the signature under the SHA-256 of every byte before it, so that not even a byte between members can change.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import PatchingError
from ..ledger.event import canonical
from ..signing.keys import PublicKey, SigningKey

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FORMAT = "msp.patching package 1"
SEAL_FORMAT = "msp.patching seal 1"
SEAL = re.compile(rb"msp\.patching sealed ed25519 ([0-9a-f]{32}) ([A-Za-z0-9+/]{86}==)\n")
SEAL_LENGTH = len(f"msp.patching sealed ed25519 {'0' * 32} {'0' * 88}\n")
TIME = (1980, 1, 1, 0, 0, 0)
LEVEL = 9
CHUNK = 1 << 20
LARGEST = 1 << 20
"""Bytes of a member that nothing signed tells the size of."""


class PackageError(PatchingError):
    """A package that cannot be made, or is not as it was made: the text names the package and what is wrong in it."""


Content = bytes | Iterable[bytes]
"""A member: as a whole, or in pieces where it may be large."""


def write_package(path: Path, members: Mapping[str, Content], about: Mapping[str, Any], key: SigningKey) -> str:
    """Write the package of `members` to `path`, and give its SHA-256; `about` is what the manifest says beside them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        listed = [_add(archive, name, members[name]) for name in sorted(members)]
        manifest = {"format": FORMAT, "key": key.public.id, **about, "members": listed}
        text = (json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
        _add(archive, MANIFEST, text)
        _add(archive, SIGNATURE, (key.sign(text) + "\n").encode())
        archive.comment = b" " * SEAL_LENGTH
    return _seal(path, key)


def _add(archive: zipfile.ZipFile, name: str, content: Content) -> dict[str, Any]:
    info = zipfile.ZipInfo(name, TIME)
    info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
    digest, size = hashlib.sha256(), 0
    with archive.open(info, "w") as file:
        for piece in [content] if isinstance(content, bytes) else content:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
    return {"name": name, "sha256": digest.hexdigest(), "size": size}


def _seal(path: Path, key: SigningKey) -> str:
    whole = hashlib.sha256()
    with path.open("r+b") as file:
        size = path.stat().st_size - SEAL_LENGTH
        for piece in _pieces(file, size):
            whole.update(piece)
        statement = _statement(key.public.id, size, whole.hexdigest())
        seal = f"msp.patching sealed ed25519 {key.public.id} {key.sign(statement)}\n".encode()
        file.seek(size)
        file.write(seal)
    whole.update(seal)
    return whole.hexdigest()


def _statement(key: str, size: int, sha256: str) -> bytes:
    return canonical({"format": SEAL_FORMAT, "key": key, "size": size, "sha256": sha256}).encode()


def _pieces(file: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (piece := file.read(min(CHUNK, size))):
        size -= len(piece)
        yield piece


@dataclass(frozen=True, slots=True)
class Seal:
    """What a package's last bytes say: which key sealed it, and how its content is signed."""

    key: str
    signature: str
    statement: bytes

    def fits(self, key: PublicKey) -> bool:
        return key.id == self.key and key.verifies(self.signature, self.statement)


def read_seal(path: Path) -> Seal | None:
    """The seal of the package; None where it has none: it is no package, was cut short, or something was appended."""
    size = path.stat().st_size - SEAL_LENGTH
    if size <= 0:
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in _pieces(file, size):
            digest.update(piece)
        found = SEAL.fullmatch(file.read())
    if found is None:
        return None
    key, signature = found[1].decode(), found[2].decode()
    return Seal(key, signature, _statement(key, size, digest.hexdigest()))


class Members:
    """The members of a package that is read; every error names the member.

    A few bytes of a zip can be made to unpack to gigabytes: nothing is unpacked beyond `LARGEST` bytes of a member, or
    what `expect` was told.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Raises PackageError where two names are the same to some program, or one is no plain file below a folder."""
        self._archive = archive
        self.names = archive.namelist()
        self._largest: dict[str, int] = {}
        seen: dict[str, str] = {}
        for info in archive.infolist():
            _check_name(info)
            plain = unicodedata.normalize("NFC", info.filename).casefold()
            if seen.get(plain) == info.filename:
                raise PackageError(f"{info.filename} is in it twice")
            if plain in seen:
                raise PackageError(f"{info.filename} and {seen[plain]} are one name but for its case or its writing")
            seen[plain] = info.filename

    def expect(self, sizes: Mapping[str, int]) -> None:
        """What the signed manifest says; a little more is read, so that what was added can be named."""
        self._largest |= {name: 2 * size + LARGEST for name, size in sizes.items()}

    def read(self, name: str) -> bytes:
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        left = self._largest.get(name, LARGEST)
        for piece in self._unpacked(name):
            left -= len(piece)
            if left < 0:
                raise PackageError(f"{name} is larger than it can be: it is not unpacked")
            yield piece

    def _unpacked(self, name: str) -> Iterator[bytes]:
        try:
            with self._archive.open(name) as file:
                while piece := file.read(CHUNK):
                    yield piece
        except Exception as exc:  # zipfile raises errors of many kinds for bytes that are not as they were
            raise PackageError(f"{name} cannot be read: {exc}") from exc

    def lines(self, name: str) -> Iterator[str]:
        rest: list[bytes] = []
        for piece in self.pieces(name):
            first, *others = piece.split(b"\n")
            rest.append(first)
            for line in others:
                yield _text(name, b"".join(rest))
                rest = [line]
        if any(rest):
            yield _text(name, b"".join(rest))


def _text(name: str, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as exc:
        raise PackageError(f"{name} was altered: {exc}") from exc


def _check_name(info: zipfile.ZipInfo) -> None:
    """A name that means the same to every program that unpacks it, and stays below the folder it is unpacked into."""
    name = info.orig_filename
    parts = name.split("/")
    odd = any(
        unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn") or letter in '\\:*?"<>|' for letter in name
    )
    if odd or any(part in ("", ".", "..") for part in parts):
        raise PackageError(f"{name!r} is no name of a file in a package")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise PackageError(f"{name} is no plain file, but a link or the like")


@contextmanager
def opened(path: Path) -> Iterator[Members]:
    """The package's members. Raises PackageError where the file cannot be read or is no zip."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as exc:
        raise PackageError(f"the package {path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    with archive:
        try:
            members = Members(archive)
        except PackageError as exc:
            raise PackageError(f"the package {path} is not as it was made: {exc}") from exc
        yield members
