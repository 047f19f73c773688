# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is changed in a package is found, whoever changes it, as long as he has no key of it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.packages.check import check_package
from ansible_collections.msp.patching.plugins.plugin_utils.packages.seal import (
    MANIFEST,
    SIGNATURE,
    PackageError,
    write_package,
)
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import SigningKey
from tests.examples import examples

from .ledgers import ACME, KEY, made, told

Files = dict[str, bytes]
STRANGER = SigningKey.make()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("made") / "package.zip"
    made(told(), ACME, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("changed")


def refused(folder: Path, content: bytes) -> str:
    path = folder / "package.zip"
    path.write_bytes(content)
    with pytest.raises(PackageError) as found:
        check_package(path, [KEY.public])
    assert str(path) in str(found.value)
    return str(found.value)


every = settings(
    max_examples=examples(80),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@every
@given(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
def test_a_byte_flipped(package: bytes, folder: Path, place: float, bits: int) -> None:
    at = int(place * len(package))
    refused(folder, package[:at] + bytes([package[at] ^ bits]) + package[at + 1 :])


@every
@given(ends=st.tuples(st.floats(0, 1), st.floats(0, 1)), more=st.binary(max_size=4))
def test_bytes_cut_out_or_put_in(package: bytes, folder: Path, ends: tuple[float, float], more: bytes) -> None:
    first, last = sorted(int(end * len(package)) for end in ends)
    changed = package[:first] + more + package[last:]
    if changed != package:
        refused(folder, changed)


@pytest.mark.parametrize("more", [b"\n", b"\0" * 200, b"PK"])
def test_something_at_the_end(package: bytes, folder: Path, more: bytes) -> None:
    refused(folder, package + more)


def files_of(package: bytes, folder: Path) -> Files:
    (folder / "read.zip").write_bytes(package)
    with zipfile.ZipFile(folder / "read.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files: Files, folder: Path) -> bytes:
    """Somebody without the key has zipped the files again."""
    with zipfile.ZipFile(folder / "zipped.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return (folder / "zipped.zip").read_bytes()


def test_every_file_is_named_when_it_is_not_there(package: bytes, folder: Path) -> None:
    files = files_of(package, folder)
    for name in set(files) - {MANIFEST, SIGNATURE}:
        rest = {other: content for other, content in files.items() if other != name}
        said = refused(folder, zipped(rest, folder))
        assert f"{name} is missing" in said or f"{name} cannot be read" in said
    assert "holiday.jpg was added" in refused(folder, zipped(files | {"holiday.jpg": b""}, folder))


@pytest.mark.parametrize("flip", [0, -2])
def test_every_file_is_named_when_it_is_altered(package: bytes, folder: Path, flip: int) -> None:
    files = files_of(package, folder)
    for name, content in files.items():
        if not content:
            continue
        at = flip % len(content)
        altered = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        assert name in refused(folder, zipped(files | {name: altered}, folder))


def lines_changed(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        rows = [json.loads(line) for line in content.splitlines()]
        change(rows)
        return b"".join(
            json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n" for row in rows
        )

    return changed


def other_boot(rows: list[dict[str, Any]]) -> None:
    (row,) = [row for row in rows if row["kind"] == "reboot.confirmed"]
    row["body"]["boot_time"] = "2026-11-11T00:00:00+00:00"


def swapped(rows: list[dict[str, Any]]) -> None:
    rows[3]["body"], rows[4]["body"] = rows[4]["body"], rows[3]["body"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_boot, r"event 15 \(reboot.confirmed, .*\) was altered"),
        (lambda rows: rows.pop(2), "event .* is missing from events.jsonl"),
        (lambda rows: rows.append(rows[0]), "has an event that chain.txt does not have"),
        (swapped, "was altered"),
        (lambda rows: rows.reverse(), "is missing from events.jsonl"),
        (lambda rows: rows.clear(), "event 1 is missing"),
    ],
)
def test_the_first_bad_event_is_named(package: bytes, folder: Path, change: Any, words: str) -> None:
    files = files_of(package, folder)
    files["events.jsonl"] = lines_changed(change)(files["events.jsonl"])
    said = refused(folder, zipped(files, folder))
    assert "events.jsonl was altered" in said
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(said)


def test_a_package_made_anew_by_a_stranger(package: bytes, folder: Path) -> None:
    """With a manifest, signatures and a seal of his own: nobody vouches for his key."""
    files = {name: content for name, content in files_of(package, folder).items() if not name.startswith("manifest")}
    manifest = json.loads(files_of(package, folder)[MANIFEST])
    about = {name: manifest[name] for name in ("ledger", "scope", "checkpoint")}
    write_package(folder / "his.zip", files, about, STRANGER)
    assert "its signature proves nothing" in refused(folder, (folder / "his.zip").read_bytes())
