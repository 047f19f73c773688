# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ed25519 keys: making them, reading them from files and texts, signing and checking.

A key's id is the SHA-256 of its raw public key, of which the first 32 hex digits: short enough to be compared by
people. A signature is written in base64. The private key is a PEM file (PKCS #8, not encrypted: runs have nobody to
ask) that only its owner may read; beside it lies a file of the public key, ``.pub``, to give to who is to check.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import os
import re
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import PatchingError
from ..requirements import cryptography

PEM = re.compile(r"-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----")
RAW_BYTES = 32
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
"""What a file system says that has no hard links: SMB, exFAT, a shared folder of a virtual machine."""


class SigningKeyError(PatchingError):
    """A signing key that is missing, unreadable, not the ledger's, or that others may read."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What signatures are checked with; `raw` are its 32 bytes."""

    raw: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:32]

    @property
    def text(self) -> str:
        """Base64, as the ledger keeps it."""
        return base64.b64encode(self.raw).decode()

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """From what `text` gives; raises SigningKeyError."""
        raw = _decoded(text)
        if raw is None or len(raw) != RAW_BYTES:
            raise SigningKeyError("a public key is 32 bytes in base64")
        return cls(raw)

    def pem(self) -> str:
        kinds = cryptography.hazmat.primitives.serialization
        key = cryptography.hazmat.primitives.asymmetric.ed25519.Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(kinds.Encoding.PEM, kinds.PublicFormat.SubjectPublicKeyInfo).decode()

    def verifies(self, signature: object, statement: bytes) -> bool:
        """Whether `signature`, in base64, is this key's under `statement`."""
        raw = _decoded(signature) if isinstance(signature, str) else None
        if raw is None:
            return False
        try:
            key = cryptography.hazmat.primitives.asymmetric.ed25519.Ed25519PublicKey.from_public_bytes(self.raw)
            key.verify(raw, statement)
        except (cryptography.exceptions.InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """A private key; it shows itself in no text."""

    def __init__(self, key: Any) -> None:
        self._key = key
        kinds = cryptography.hazmat.primitives.serialization
        self.public = PublicKey(key.public_key().public_bytes(kinds.Encoding.Raw, kinds.PublicFormat.Raw))

    def __repr__(self) -> str:
        return f"SigningKey({self.public.id})"

    @classmethod
    def make(cls) -> SigningKey:
        return cls(cryptography.hazmat.primitives.asymmetric.ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str, named: str) -> SigningKey:
        """From PEM, or from its 32 bytes in base64; `named` is where it comes from, for the error."""
        kinds = cryptography.hazmat.primitives
        private = kinds.asymmetric.ed25519.Ed25519PrivateKey
        raw = _decoded(text.strip())
        if raw is not None and len(raw) == RAW_BYTES:
            return cls(private.from_private_bytes(raw))
        try:
            key = kinds.serialization.load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, cryptography.exceptions.UnsupportedAlgorithm):
            key = None
        if not isinstance(key, private):
            raise SigningKeyError(f"{named} is no Ed25519 private key: PEM (PKCS #8, without a passphrase) is wanted")
        return cls(key)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that would give the key away."""
        pem = self._pem()
        kinds = cryptography.hazmat.primitives.serialization
        raw = self._key.private_bytes(kinds.Encoding.Raw, kinds.PrivateFormat.Raw, kinds.NoEncryption())
        return (pem.splitlines()[1], base64.b64encode(raw).decode(), raw.hex())

    def sign(self, statement: bytes) -> str:
        """The signature under `statement`, in base64."""
        return base64.b64encode(self._key.sign(statement)).decode()

    def write(self, path: Path) -> None:
        """To a new file that only its owner may read, and the public key beside it. Raises SigningKeyError where one is
        there already, or it cannot be written.

        Both are on the disk before the key gets its name: half a key under it would keep every later run from signing.
        Where there are no hard links it is written under its name, and gone again where that fails.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _written(path, self._pem(), 0o600) as private, _written(path, self.public.pem(), 0o644) as public:
                try:
                    os.link(private, path)  # unlike a rename, this replaces no key that is there
                except OSError as exc:
                    if exc.errno not in NO_LINKS:
                        raise
                    _write_new(path, self._pem(), 0o600)
                public.replace(public_file(path))
        except OSError as exc:
            raise SigningKeyError(f"the signing key {path} cannot be written: {exc.strerror or exc}") from exc

    def _pem(self) -> str:
        kinds = cryptography.hazmat.primitives.serialization
        pem: bytes = self._key.private_bytes(kinds.Encoding.PEM, kinds.PrivateFormat.PKCS8, kinds.NoEncryption())
        return pem.decode()


def read_signing_key(path: Path) -> SigningKey:
    """The private key in the file `path`. Raises SigningKeyError where it is not there, is none, or others may
    read it."""
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            mode = stat.S_IMODE(os.fstat(handle).st_mode)
            text = os.read(handle, 1 << 16)
        finally:
            os.close(handle)
    except OSError as exc:
        raise SigningKeyError(f"the signing key {path} cannot be read: {exc.strerror or exc}") from exc
    if mode & 0o077:
        raise SigningKeyError(
            f"the signing key {path} may be read by others (mode {mode:04o}), who could sign in your name: "
            f"chmod 600 {path}; if somebody may have read it, replace it with msp.patching.rotate_key"
        )
    return SigningKey.parse(text.decode(errors="replace"), f"the signing key {path}")


def read_public_keys(path: Path) -> list[PublicKey]:
    """Every public key in the PEM file `path`, at least one; raises SigningKeyError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SigningKeyError(f"the public key {path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    if "PRIVATE KEY" in text:
        raise SigningKeyError(
            f"{path} holds a private key: a public key is wanted, the file {public_file(path).name} beside it"
        )
    found = []
    for block in PEM.findall(text):
        with suppress(ValueError, cryptography.exceptions.UnsupportedAlgorithm):
            key = cryptography.hazmat.primitives.serialization.load_pem_public_key(block.encode())
            kinds = cryptography.hazmat.primitives.serialization
            if isinstance(key, cryptography.hazmat.primitives.asymmetric.ed25519.Ed25519PublicKey):
                found.append(PublicKey(key.public_bytes(kinds.Encoding.Raw, kinds.PublicFormat.Raw)))
    if not found:
        raise SigningKeyError(f"{path} holds no Ed25519 public key in PEM")
    return found


def public_file(path: Path) -> Path:
    """Where the public key of the private key in `path` is."""
    return path.with_name(path.name + ".pub")


@contextmanager
def _written(path: Path, text: str, mode: int) -> Iterator[Path]:
    """A file beside `path`, to be given its name; it is gone afterwards."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    _write_new(beside, text, mode)
    try:
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _write_new(path: Path, text: str, mode: int) -> None:
    """A new file, on the disk; where that raises OSError, none is left."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _decoded(text: str) -> bytes | None:
    """The bytes of a base64 text, if it is written in the one way that they are written."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None
