# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys: written for their owner only, read back, refused where others may read them, checked against RFC 8032."""

from __future__ import annotations

import base64
import errno
import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import (
    PublicKey,
    SigningKey,
    SigningKeyError,
    public_file,
    read_public_keys,
    read_signing_key,
)

SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
"""RFC 8032, 7.1, test 1."""
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
SIGNATURE = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
    "d25bf5f0595bbe24655141438e7a100b"
)


def base64_of(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


def test_signatures_are_those_of_the_standard() -> None:
    key = SigningKey.parse(base64_of(SEED), "the test")
    assert key.public.raw.hex() == PUBLIC
    assert key.sign(b"") == base64_of(SIGNATURE)
    assert key.public.verifies(base64_of(SIGNATURE), b"")
    assert not key.public.verifies(base64_of(SIGNATURE), b"x")
    assert not key.public.verifies(base64_of(SIGNATURE) + "\n", b"")
    assert not key.public.verifies("", b"")
    assert not key.public.verifies(None, b"")
    assert PublicKey.parse(key.public.text) == key.public


def test_a_key_is_written_for_its_owner_and_read_back(tmp_path: Path) -> None:
    key = SigningKey.make()
    path = tmp_path / "new" / "key"
    key.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_signing_key(path).public == key.public
    assert read_public_keys(public_file(path)) == [key.public]
    with pytest.raises(SigningKeyError, match="cannot be written: File exists"):
        SigningKey.make().write(path)
    assert key.public.id in repr(key)
    for secret in key.secrets:
        assert secret not in repr(key) + str(vars(key))


def disk_full(_handle: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_key_that_does_not_fit_the_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", disk_full)
        with pytest.raises(SigningKeyError, match=f"the signing key {path} cannot be written: No space left"):
            SigningKey.make().write(path)
    assert list(tmp_path.iterdir()) == []
    SigningKey.make().write(path)
    assert read_signing_key(path)


def test_a_run_that_is_killed_while_it_writes_its_key_leaves_none(tmp_path: Path) -> None:
    path = tmp_path / "key"
    child = os.fork()
    if not child:
        os.fsync = lambda _handle: os._exit(9)  # type: ignore[assignment]
        SigningKey.make().write(path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not path.exists()
    assert {one.stat().st_mode & 0o077 for one in tmp_path.iterdir()} == {0}
    SigningKey.make().write(path)
    assert read_signing_key(path)


def test_a_key_that_is_there_stays_with_its_public_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = SigningKey.make()
    key.write(path)
    with pytest.raises(SigningKeyError, match="File exists"):
        SigningKey.make().write(path)
    assert read_signing_key(path).public == key.public
    assert read_public_keys(public_file(path)) == [key.public]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["key", "key.pub"]


NO_LINKS = [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS]
"""What file systems without hard links say: SMB, exFAT, shared folders of virtual machines."""


def links_fail(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def link(_source: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number), str(target))

    monkeypatch.setattr(os, "link", link)


@pytest.mark.parametrize("number", NO_LINKS)
def test_a_key_is_made_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    links_fail(monkeypatch, number)
    path = tmp_path / "key"
    key = SigningKey.make()
    key.write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SigningKeyError, match="cannot be written: File exists"):
        SigningKey.make().write(path)
    assert read_signing_key(path).public == key.public
    assert read_public_keys(public_file(path)) == [key.public]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["key", "key.pub"]


def test_a_key_that_does_not_fit_leaves_nothing_there_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full once the file of the key's own name is written; its public key and its copy were before."""
    links_fail(monkeypatch, errno.EPERM)
    synced: list[int] = []

    def third_does_not_fit(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 3:
            disk_full(handle)

    monkeypatch.setattr(os, "fsync", third_does_not_fit)
    with pytest.raises(SigningKeyError, match="cannot be written: No space left"):
        SigningKey.make().write(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_fails_for_another_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links_fail(monkeypatch, errno.EACCES)
    with pytest.raises(SigningKeyError, match="cannot be written: Permission denied"):
        SigningKey.make().write(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    SigningKey.make().write(path)
    path.chmod(mode)
    with pytest.raises(SigningKeyError, match=rf"may be read by others \(mode {mode:04o}\).*chmod 600 {path}"):
        read_signing_key(path)


def test_a_key_made_with_openssl(tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, capture_output=True)
    path.chmod(0o600)
    key = read_signing_key(path)
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, capture_output=True).stdout
    (tmp_path / "pub").write_bytes(public)
    assert read_public_keys(tmp_path / "pub") == [key.public]


@pytest.mark.parametrize(
    "text", ["", "hello", "AAAA", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SigningKeyError, match=f"the signing key {path} is no Ed25519 private key"):
        read_signing_key(path)


def test_public_keys_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "key"
    SigningKey.make().write(path)
    with pytest.raises(SigningKeyError, match="holds a private key"):
        read_public_keys(path)
    path.write_text("nothing")
    with pytest.raises(SigningKeyError, match="holds no Ed25519 public key"):
        read_public_keys(path)
    with pytest.raises(SigningKeyError, match="cannot be read: No such file"):
        read_public_keys(tmp_path / "nowhere")
