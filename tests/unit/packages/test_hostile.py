# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that somebody made to harm or to deceive who checks them: each is refused, in words, and at no great cost."""

from __future__ import annotations

import json
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.msp.patching.plugins.plugin_utils.ledger.event import canonical
from ansible_collections.msp.patching.plugins.plugin_utils.ledger.keyring import key_statement
from ansible_collections.msp.patching.plugins.plugin_utils.packages.check import check_package
from ansible_collections.msp.patching.plugins.plugin_utils.packages.seal import (
    MANIFEST,
    SIGNATURE,
    PackageError,
    write_package,
)
from ansible_collections.msp.patching.plugins.plugin_utils.signing.keys import SigningKey
from tests.examples import examples
from tests.unit.account.story import DAY
from tests.unit.collection.commands import ansible

from .ledgers import ACME, KEY, goes_on, made, told

STRANGER = SigningKey.make()
BOMB = b"\0" * (24 << 20)
"""A hundred thousandth of it in a zip."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("made") / "package.zip"
    made(told(), ACME, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def files(package: bytes, folder: Path) -> dict[str, bytes]:
    (folder / "read.zip").write_bytes(package)
    with zipfile.ZipFile(folder / "read.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            if isinstance(name, zipfile.ZipInfo):
                archive.writestr(name, content)
            else:
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def refused(path: Path, *, expected: tuple[tuple[int, str], ...] = ()) -> str:
    with pytest.raises(PackageError) as found:
        check_package(path, [KEY.public], expected)
    said = str(found.value)
    del found  # it and its traceback hold each other, and in between the file that was being read
    assert str(path) in said
    return said


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE, "keys.jsonl", "events.jsonl", "README.txt", "holiday.jpg"])
@pytest.mark.parametrize("filler", [b"\0", b'{"a":1}\n', b"["], ids=["zeros", "lines", "brackets"])
def test_a_file_that_unpacks_to_much_is_not_unpacked(
    files: dict[str, bytes], folder: Path, name: str, filler: bytes
) -> None:
    path = zipped(folder / "bomb.zip", *(files | {name: filler * (len(BOMB) // len(filler))}).items())
    tracemalloc.start()
    try:
        said = refused(path)
        assert tracemalloc.get_traced_memory()[1] < len(BOMB) / 2
    finally:
        tracemalloc.stop()
    assert name in said


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE, "keys.jsonl", "README.txt"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_file_that_is_there_twice(files: dict[str, bytes], folder: Path, name: str, order: int) -> None:
    """Programs differ in which of the two they take."""
    twice = [(name, files[name].replace(b"2026", b"2027")), *files.items()]
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(folder / "twice.zip", *twice[::order])
    assert "twice" in refused(path)


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/x",
        "a/../../x",
        "C:\\x",
        "C:x",
        "a\\b",
        "a//b",
        "./a",
        "a\nb",
        "readme.TXT",
        "a/",
        "tables\u202e/x",
    ],
)
def test_names_that_lead_elsewhere_or_pass_for_others(files: dict[str, bytes], folder: Path, name: str) -> None:
    """Not even where the one who made it has the key: whoever unpacks what was verified is safe."""
    about = {one: json.loads(files[MANIFEST])[one] for one in ("ledger", "scope", "checkpoint")}
    members = {one: content for one, content in files.items() if one not in (MANIFEST, SIGNATURE)}
    path = folder / "names.zip"
    write_package(path, members | {name: b""}, about, KEY)
    assert "no name of a file in a package" in refused(path) or "but for its case" in refused(path)


def test_a_link_is_no_file(files: dict[str, bytes], folder: Path) -> None:
    rest = [(name, content) for name, content in files.items() if name != "README.txt"]
    path = zipped(folder / "link.zip", (link("README.txt"), b"/etc/passwd"), *rest)
    assert "README.txt is no plain file" in refused(path)


@pytest.mark.parametrize(
    "changed",
    [
        lambda whole: b"#!/bin/sh\nrm -rf /\n" + whole,
        lambda whole: whole + b"PK\5\6" + b"\0" * 18,
        lambda whole: whole + whole,
        lambda whole: whole[: whole.rindex(b"PK\5\6")],
        lambda whole: whole.replace(b"msp.patching sealed", b"MSP.patching sealed"),
        lambda whole: whole[:-1] + b" ",
    ],
)
def test_data_around_the_archive(package: bytes, folder: Path, changed: Any) -> None:
    path = folder / "around.zip"
    path.write_bytes(changed(package))
    refused(path)


def test_the_seal_of_another_package(package: bytes, folder: Path) -> None:
    story = told()
    made(story, ACME, folder / "other.zip")
    other = (folder / "other.zip").read_bytes()
    length = len(package) - package.rindex(b"msp.patching sealed")
    (folder / "swapped.zip").write_bytes(package[:-length] + other[-length:])
    assert "its seal does not fit" in refused(folder / "swapped.zip")


def test_a_file_of_another_package(files: dict[str, bytes], folder: Path) -> None:
    """The report of a better cycle, say: both were signed by the same key."""
    story = told()
    made(story, ACME, folder / "other.zip")
    with zipfile.ZipFile(folder / "other.zip") as archive:
        for name in set(archive.namelist()) - {"keys.jsonl"}:
            if archive.read(name) != files[name]:
                said = refused(zipped(folder / "mixed.zip", *(files | {name: archive.read(name)}).items()))
                assert "was altered" in said or "does not fit" in said or "of the ledger" in said, name


def test_keys_of_a_stranger_beside_ours(files: dict[str, bytes], folder: Path) -> None:
    """He introduces his own after ours, as if ours had been lost, and signs with it: ours does not vouch for it."""
    about = {one: json.loads(files[MANIFEST])[one] for one in ("ledger", "scope", "checkpoint")}
    members = {one: content for one, content in files.items() if one not in (MANIFEST, SIGNATURE)}
    row = json.loads(files["keys.jsonl"])
    his = {"key": STRANGER.public.id, "public": STRANGER.public.text, "replaces": KEY.public.id}
    for lost, signer in ((True, STRANGER.public.id), (False, STRANGER.public.id), (False, KEY.public.id)):
        body = row["body"] | his | {"lost": lost, "signed_by": signer, "seq": row["body"]["seq"] + 1}
        body["signature"] = STRANGER.sign(key_statement(row["at"], body))
        keys = files["keys.jsonl"] + canonical({"at": row["at"], "body": body, "seq": 99}).encode() + b"\n"
        write_package(folder / "his.zip", members | {"keys.jsonl": keys}, about, STRANGER)
        said = refused(folder / "his.zip")
        assert "proves nothing" in said or "line 2 of keys.jsonl is not right" in said


COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
PAINTED = (
    "x\x1b[2K\r\x1b[1A\x1b[2K\n\x1b[32mVERIFIED forged.zip: package of Acme: whole and unaltered\x1b[8m\x9b2J\u202e"
)
"""Clears the line on which it stands and the one above it, and writes another."""


def forged(files: dict[str, bytes], path: Path, name: str, change: Any) -> Path:
    """The package with a file whose first line is another; nothing of it is signed anew."""
    first, *rest = [files[name]] if name == MANIFEST else files[name].splitlines()
    row = json.loads(first)
    change(row)
    lines = [json.dumps(row).encode() if name == MANIFEST else canonical(row).encode(), *rest]
    return zipped(path, *(files | {name: b"\n".join(lines)}).items())


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (MANIFEST, lambda row: row.update(key=PAINTED)),
        (MANIFEST, lambda row: row.update(key=PAINTED * 10_000)),
        (MANIFEST, lambda row: row.update(ledger=PAINTED)),
        (MANIFEST, lambda row: row["members"].append({"name": PAINTED, "sha256": PAINTED, "size": 0})),
        (MANIFEST, lambda row: row["members"].append({"name": "a", "sha256": "", "size": PAINTED})),
        ("keys.jsonl", lambda row: row["body"].update(ledger=PAINTED)),
        ("keys.jsonl", lambda row: row["body"].update(key=PAINTED)),
        ("keys.jsonl", lambda row: row["body"].update(replaces=PAINTED)),
        ("keys.jsonl", lambda row: row["body"].update(signed_by=PAINTED)),
        ("keys.jsonl", lambda row: row.update(at=PAINTED)),
        ("checkpoints.jsonl", lambda row: row.update({PAINTED: 1})),
        ("checkpoints.jsonl", lambda row: row.update(seq=PAINTED)),
        ("events.jsonl", lambda row: row.update(kind=PAINTED)),
    ],
)
def test_a_forgery_commands_no_terminal(files: dict[str, bytes], folder: Path, name: str, change: Any) -> None:
    """Whoever checks it has nothing but its own word for these texts, and reads NOT VERIFIED all the same."""
    said = refused(forged(files, folder / "painted.zip", name, change))
    assert not COMMANDS.search(said)
    assert len(said) < 2_000


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("checkpoints.jsonl", lambda row: row.update({PAINTED: 1})),
        ("checkpoints.jsonl", lambda row: row.update(seq=PAINTED)),
        ("events.jsonl", lambda row: row.update(kind=PAINTED, at=PAINTED)),
        ("events.jsonl", lambda row: row.update(seq=PAINTED)),
    ],
)
def test_nor_does_one_by_who_has_the_key(files: dict[str, bytes], folder: Path, name: str, change: Any) -> None:
    about = {one: json.loads(files[MANIFEST])[one] for one in ("ledger", "scope", "checkpoint")}
    first, *rest = files[name].splitlines()
    row = json.loads(first)
    change(row)
    members = {one: content for one, content in files.items() if one not in (MANIFEST, SIGNATURE)}
    path = folder / "signed.zip"
    write_package(path, members | {name: b"\n".join([canonical(row).encode(), *rest])}, about, KEY)
    assert not COMMANDS.search(refused(path))


@pytest.mark.slow
def test_nor_does_the_playbook_that_checks_it(files: dict[str, bytes], folder: Path) -> None:
    """Ansible tells the causes of an error too, and those have the forger's words as he wrote them."""
    path = forged(files, folder / "painted.zip", "keys.jsonl", lambda row: row["body"].update(signed_by=PAINTED))
    (folder / "key.pub").write_text(KEY.public.pem())
    given = {"package": str(path), "public_key": str(folder / "key.pub")}
    run = ansible("ansible-playbook", "-i", "localhost,", "playbooks/verify.yml", "-e", json.dumps(given))
    told = run.stdout + run.stderr
    assert run.returncode != 0
    assert "NOT VERIFIED: " in told
    assert "VERIFIED forged.zip" in told
    assert not COMMANDS.search(told.replace("\n", ""))
    assert not any(re.match(r"\W*\[?(?:1A|2K|32m)?VERIFIED", line) for line in told.splitlines())


def test_nor_what_a_sound_package_says_of_itself(files: dict[str, bytes], folder: Path) -> None:
    about = {one: json.loads(files[MANIFEST])[one] for one in ("ledger", "scope", "checkpoint")}
    members = {one: content for one, content in files.items() if one not in (MANIFEST, SIGNATURE)}
    write_package(folder / "sound.zip", members, about | {"scope": {"client": PAINTED * 99, "cycle": "2026-11"}}, KEY)
    words = check_package(folder / "sound.zip", [KEY.public]).in_words()
    assert not COMMANDS.search(words)
    assert words.startswith("package of x�")
    assert f"signed with the key {KEY.public.id}; policy.json is" in words
    assert len(words) < 2_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(), some, max_size=3),
    max_leaves=8,
)
KEYS_OF = {
    MANIFEST: st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("format", "key", "ledger", "scope", "checkpoint", "members"), JSON)
    ),
    "keys.jsonl": st.fixed_dictionaries(
        {},
        optional={
            "at": JSON,
            "seq": JSON,
            "body": JSON
            | st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(
                    ("ledger", "seq", "hash", "key", "public", "replaces", "signed_by", "lost", "by", "signature"), JSON
                ),
            ),
        },
    ),
}


@pytest.mark.slow
@settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_what_is_read_before_any_signature_is_refused_in_words(
    files: dict[str, bytes], folder: Path, data: st.DataObject
) -> None:
    """Whatever stands there: bytes that are no text, JSON that is something else, values that do not exist."""
    name = data.draw(st.sampled_from(sorted(KEYS_OF)))
    known = json.loads(files[name])
    content = data.draw(
        st.binary(max_size=40)
        | JSON.map(lambda value: json.dumps(value).encode())
        | KEYS_OF[name].map(lambda some: json.dumps(known | some).encode())
        | KEYS_OF[name].map(lambda some: json.dumps(known | some, sort_keys=True, separators=(",", ":")).encode())
    )
    if content.strip() != files[name].strip():
        refused(zipped(folder / "fuzzed.zip", *(files | {name: content}).items()))


def test_texts_that_are_none(files: dict[str, bytes], folder: Path) -> None:
    for name in (MANIFEST, SIGNATURE, "keys.jsonl", "chain.txt", "checkpoints.jsonl", "events.jsonl"):
        for content in (b"\xff\xfe\n", b"[" * 100_000, b'{"a":' * 50_000, b"\n\n\n", b"1" * 10_000):
            assert name in refused(zipped(folder / "none.zip", *(files | {name: content}).items()))


def test_an_older_package_is_known_by_a_checkpoint_that_was_kept(tmp_path: Path) -> None:
    story = told()
    older = made(story, ACME, tmp_path / "older.zip")
    story.scan("WS01", 3 * DAY)
    goes_on(story, 3 * DAY)
    newer = made(story, ACME, tmp_path / "newer.zip")
    assert newer.checkpoint.seq >= older.checkpoint.seq
    _key, last = story.ledger.signing()
    assert last is not None
    kept = ((last.seq, last.hash),)
    assert f"ends with the checkpoint of event {older.checkpoint.seq}" in refused(tmp_path / "older.zip", expected=kept)
    same = ((older.checkpoint.seq, older.checkpoint.hash),)
    assert check_package(tmp_path / "older.zip", [KEY.public], same).at == older.checkpoint.at
    assert f"{older.checkpoint.at[:16]}" in check_package(tmp_path / "older.zip", [KEY.public]).in_words()
    other = ((older.checkpoint.seq, "0" * 64),)
    assert f"the one that was kept is {'0' * 64}" in refused(tmp_path / "older.zip", expected=other)
