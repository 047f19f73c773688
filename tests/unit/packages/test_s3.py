# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages in a bucket: once, whole, locked; held against a real server of the protocol that the test starts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # it ships no types
import pytest
from moto.server import ThreadedMotoServer

from ansible_collections.msp.patching.plugins.plugin_utils.packages import s3
from ansible_collections.msp.patching.plugins.plugin_utils.packages.store import (
    LocalFolder,
    PackageStore,
    RetainedError,
    StoreError,
    store_for,
)

pytestmark = pytest.mark.slow

CONTENT = b"evidence" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)
SECRET = "canary-of-the-secret-key"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def talking(endpoint: str) -> Iterator[Any]:
    """A client of the tests' own; to make one is more than a test does with it."""
    session = boto3.session.Session("AKIATEST", SECRET, region_name="us-east-1")
    client = session.client("s3", endpoint_url=endpoint)
    yield client
    client.close()


@pytest.fixture
def client(talking: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    client = talking
    settings = {"ACCESS_KEY_ID": "AKIATEST", "SECRET_ACCESS_KEY": SECRET, "DEFAULT_REGION": "us-east-1"}
    for name, value in {**settings, "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    client.create_bucket(Bucket="plain")
    yield client
    for bucket in ("locked", "plain"):
        for version in client.list_object_versions(Bucket=bucket).get("Versions", []):
            of = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            client.delete_object(**of, BypassGovernanceRetention=True)
        client.delete_bucket(Bucket=bucket)


@pytest.fixture
def store(client: Any, endpoint: str) -> PackageStore:  # noqa: ARG001 -- the buckets and the credentials are there
    """Governance: what a test has locked, it can take away again."""
    return store_for(f"s3://locked/evidence/2026?endpoint={endpoint}&lock=governance")


def versions(client: Any, bucket: str = "locked") -> list[Any]:
    found: list[Any] = client.list_object_versions(Bucket=bucket).get("Versions", [])
    return found


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://AK:C4n4ry@bucket", "s3://bucket is no bucket"),
        ("s3://AK:C4n/4ry@bucket/x", "s3://bucket/x is no bucket"),
        ("s3://AK:C4n?4ry@bucket/x", "s3://bucket/x is no bucket"),
        ("s3://AK:C4n#4ry@bucket/x", "s3://bucket/x is no bucket"),
        ("s3://bucket/x?endpoint=http://u:C4n4ry@127.0.0.1:1", "its endpoint has credentials in it"),
        ("s3://bucket/x?endpoint=http://u:C4n@4ry@127.0.0.1:1", "its endpoint has credentials in it"),
    ],
)
def test_credentials_in_an_address_are_refused_and_not_shown(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=re.escape(words)) as found:
        store_for(url)
    assert "C4n" not in str(found.value)
    assert "4ry" not in str(found.value)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_package_is_kept_locked_and_found(store: PackageStore, client: Any, tmp_path: Path, as_file: bool) -> None:
    source = tmp_path / "made.zip"
    source.write_bytes(CONTENT)
    where = store.put("2026-11/Acmé & Co.zip", source if as_file else CONTENT, SHA256, LATER)
    (kept,) = versions(client)
    assert kept["Key"] == "evidence/2026/2026-11/Acmé & Co.zip"
    assert where.startswith("s3://locked/evidence/2026/2026-11/Acm%C3%A9%20%26%20Co.zip?versionId=")
    assert store.get(where) == CONTENT
    assert store.retained_until(where) == LATER
    head = client.head_object(Bucket="locked", Key=kept["Key"], ChecksumMode="ENABLED")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert head["Metadata"] == {"sha256": SHA256}


def test_compliance_is_what_is_locked_with_unless_said_otherwise(endpoint: str) -> None:
    assert s3.Bucket.at(f"s3://locked?endpoint={endpoint}")._lock == "COMPLIANCE"


def test_the_same_again_changes_nothing(store: PackageStore, client: Any) -> None:
    where = store.put("a.zip", CONTENT, SHA256, LATER)
    assert store.put("a.zip", CONTENT, SHA256, LATER) == where
    assert store.put("a.zip", CONTENT, SHA256, LATER - timedelta(days=9)) == where
    assert len(versions(client)) == 1
    assert store.retained_until(where) == LATER, "a lock is not shortened"
    assert store.put("a.zip", CONTENT, SHA256, LATER + timedelta(days=9)) == where
    assert store.retained_until(where) == LATER + timedelta(days=9)


def test_other_bytes_under_the_same_name_are_refused(store: PackageStore, client: Any) -> None:
    where = store.put("a.zip", CONTENT, SHA256, None)
    with pytest.raises(StoreError, match="is there already with another content"):
        store.put("a.zip", b"other", hashlib.sha256(b"other").hexdigest(), None)
    assert store.get(where) == CONTENT
    assert len(versions(client)) == 1


def test_of_two_that_write_at_once_one_version_stands(store: PackageStore, client: Any) -> None:
    """The other comes between the look and the write."""
    look = store._version  # type: ignore[attr-defined]

    def overtaken(key: str) -> str | None:
        seen: str | None = look(key)
        if seen is None:
            client.put_object(Bucket="locked", Key=key, Body=CONTENT)
        return seen

    store._version = overtaken  # type: ignore[attr-defined]
    where = store.put("a.zip", CONTENT, SHA256, LATER)
    assert len(versions(client)) == 1
    assert store.retained_until(where) == LATER


def test_what_is_not_what_it_should_be_is_told(store: PackageStore) -> None:
    with pytest.raises(StoreError, match=r"cannot be written|not written as it is"):
        store.put("a.zip", CONTENT, "0" * 64, None)


def test_a_large_one_goes_in_parts(store: PackageStore, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PART", 5 << 20)
    content = bytes(range(256)) * (11 << 12)
    where = store.put("large.zip", content, hashlib.sha256(content).hexdigest(), LATER)
    assert store.get(where) == content
    assert store.retained_until(where) == LATER
    assert versions(client)[0]["ETag"].strip('"').endswith("-3")
    assert client.list_multipart_uploads(Bucket="locked").get("Uploads", []) == []


def test_what_is_locked_is_not_deleted(store: PackageStore) -> None:
    where = store.put("a.zip", CONTENT, SHA256, LATER)
    until = re.escape(LATER.isoformat())
    with pytest.raises(RetainedError, match=rf"keeps it until {until} \(governance lock\)"):
        store.delete(where)
    assert store.get(where) == CONTENT


def test_what_is_not_locked_is_deleted_and_stays_so(store: PackageStore, client: Any) -> None:
    where = store.put("a.zip", CONTENT, SHA256, None)
    store.delete(where)
    store.delete(where)
    assert versions(client) == []
    with pytest.raises(StoreError, match="cannot be read"):
        store.get(where)


def test_a_bucket_without_object_lock_retains_nothing(client: Any, endpoint: str) -> None:
    store = store_for(f"s3://plain?endpoint={endpoint}")
    with pytest.raises(StoreError, match=r"the bucket plain has no object lock.*make one with object lock"):
        store.put("a.zip", CONTENT, SHA256, LATER)
    assert versions(client, "plain") == []
    where = store.put("a.zip", CONTENT, SHA256, None)
    assert (where, store.get(where), store.retained_until(where)) == ("s3://plain/a.zip", CONTENT, None)
    store.delete(where)
    assert versions(client, "plain") == []


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("retain", [None, LATER])
def test_a_bucket_that_is_not_there_is_named(endpoint: str, retain: datetime | None) -> None:
    with pytest.raises(StoreError, match=r"s3://nowhere/a.zip cannot be written: .*(no such bucket|404)"):
        store_for(f"s3://nowhere?endpoint={endpoint}").put("a.zip", CONTENT, SHA256, retain)


@pytest.mark.usefixtures("client")
def test_without_credentials(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match=r"there are no credentials .AWS_ACCESS_KEY_ID"):
        store_for(f"s3://locked?endpoint={endpoint}").put("a.zip", CONTENT, SHA256, None)


@pytest.mark.usefixtures("client")
def test_a_store_that_does_not_answer() -> None:
    with pytest.raises(StoreError) as failed:
        store_for("s3://locked?endpoint=http://127.0.0.1:1").put("a.zip", CONTENT, SHA256, None)
    assert "s3://locked/a.zip cannot be written: Could not connect" in str(failed.value)
    assert SECRET not in str(failed.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("RequestTimeTooSkewed", "this node's clock differs too much from the store's"),
        ("AccessDenied", "access is denied"),
        ("InvalidAccessKeyId", "the access key is not known there"),
        ("SlowDown", "said by the store"),
    ],
)
def test_a_refusal_is_told_in_words_with_its_code(
    client: Any, store: PackageStore, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    def refuse(**_kwargs: Any) -> None:
        raise client.exceptions.ClientError({"Error": {"Code": code, "Message": "said by the store"}}, "PutObject")

    monkeypatch.setattr(store._s3, "put_object", refuse)  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match=rf"cannot be written: {words}.*\({code}\)"):
        store.put("a.zip", CONTENT, SHA256, None)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("ftp://host/folder", "no place for packages of the kind ftp://; there is: a folder, s3://bucket/prefix"),
        ("s3:///prefix", "is no bucket: write s3://bucket/prefix"),
        ("s3://key:canary@bucket/prefix", "the place for packages s3://bucket/prefix is no bucket"),
        ("s3://bucket?lock=never", "lock is 'never'; there is: compliance, governance"),
        ("s3://bucket?colour=red", "has 'colour'; there is: endpoint, lock, region"),
    ],
)
def test_a_place_that_is_none_is_refused(place: str, words: str) -> None:
    with pytest.raises(StoreError) as refused:
        store_for(place)
    assert words in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_path_is_a_folder(tmp_path: Path) -> None:
    store = store_for(str(tmp_path / "packages"))
    assert isinstance(store, LocalFolder)
    assert store.get(store.put("a.zip", CONTENT, SHA256, None)) == CONTENT


@pytest.mark.parametrize("name", ["", "../acme.zip", "/etc/acme.zip", "2026-11/../../acme.zip"])
def test_a_package_stays_below_the_prefix(store: PackageStore, name: str) -> None:
    with pytest.raises(StoreError, match="it has to stay below s3://locked/evidence/2026"):
        store.put(name, CONTENT, SHA256, None)


def test_one_of_another_bucket_is_not_looked_for(store: PackageStore) -> None:
    with pytest.raises(StoreError, match="is not in the bucket locked"):
        store.get("s3://elsewhere/a.zip")
