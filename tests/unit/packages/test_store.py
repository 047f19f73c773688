# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local folder keeps a package once, whole, and below itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ansible_collections.msp.patching.plugins.plugin_utils.packages.store import LocalFolder, PackageStore, StoreError

CONTENT = b"evidence" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> PackageStore:
    return LocalFolder(tmp_path / "packages")


@pytest.mark.parametrize("as_file", [False, True])
def test_a_package_is_kept_and_found(store: PackageStore, tmp_path: Path, as_file: bool) -> None:
    source = tmp_path / "made.zip"
    source.write_bytes(CONTENT)
    where = store.put("2026-11/acme.zip", source if as_file else CONTENT, SHA256, None)
    assert where == str(tmp_path / "packages" / "2026-11" / "acme.zip")
    assert store.get(where) == CONTENT
    assert Path(where).stat().st_mode & 0o777 == 0o440
    assert store.put("2026-11/acme.zip", CONTENT, SHA256, None) == where
    assert [path.name for path in Path(where).parent.iterdir()] == ["acme.zip"]
    store.delete(where)
    store.delete(where)
    with pytest.raises(StoreError, match="cannot be read: No such file"):
        store.get(where)


def test_a_package_is_never_overwritten(store: PackageStore) -> None:
    where = store.put("acme.zip", CONTENT, SHA256, None)
    with pytest.raises(StoreError, match="is there already with another content"):
        store.put("acme.zip", b"other", hashlib.sha256(b"other").hexdigest(), None)
    assert store.get(where) == CONTENT


def test_what_is_not_what_it_should_be_is_not_kept(store: PackageStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="was not written as it is"):
        store.put("acme.zip", CONTENT, "0" * 64, None)
    assert list((tmp_path / "packages").iterdir()) == []


@pytest.mark.parametrize("name", ["", "../acme.zip", "/etc/acme.zip", "2026-11/../../acme.zip"])
def test_a_package_stays_in_the_folder(store: PackageStore, name: str) -> None:
    with pytest.raises(StoreError, match="it has to stay below"):
        store.put(name, CONTENT, SHA256, None)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/packages/acme.zip cannot be written: Not a directory"):
        LocalFolder(tmp_path / "file" / "packages").put("acme.zip", CONTENT, SHA256, None)
