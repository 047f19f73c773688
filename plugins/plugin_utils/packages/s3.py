# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages in a bucket of an S3-compatible store, locked there until their retention ends.

The address is ``s3://bucket/prefix``, with ``?endpoint=https://…`` for a store that is not Amazon's and
``&lock=governance`` where somebody with the right to do so may delete earlier (else ``compliance``: nobody may).
Credentials, region and certificate authorities come from where every program for such stores has them:
``AWS_ACCESS_KEY_ID`` and its like in the environment, a profile, the machine's own role.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, quote, unquote, urlsplit

from ..requirements import boto3, botocore
from .store import CHUNK, RetainedError, StoreError

PART = 64 << 20
"""Bytes of one part of an upload; what is larger goes in several."""
LOCKS = ("compliance", "governance")
KEYS = ("endpoint", "lock", "region")
ABSENT = ("404", "NoSuchKey", "NoSuchVersion", "NotFound")
CAUSES = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "access is denied to these credentials",
    "403": "access is denied to these credentials",
    "InvalidAccessKeyId": "the access key is not known there (AWS_ACCESS_KEY_ID)",
    "SignatureDoesNotMatch": "the secret key is not the access key's (AWS_SECRET_ACCESS_KEY)",
    "ExpiredToken": "the credentials have expired",
    "RequestTimeTooSkewed": "this node's clock differs too much from the store's: set it by NTP",
}
"""What the codes of refusals mean to who has to act on them."""


class Bucket:
    """Packages below `prefix` in a bucket. `where` is ``s3://bucket/key?versionId=…``: one version, as locks are."""

    def __init__(self, bucket: str, prefix: str = "", *, lock: str = "compliance", **client: str | None) -> None:
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._lock = lock.upper()
        self._made = client
        self._client: Any = None

    @classmethod
    def at(cls, url: str) -> Bucket:
        """The bucket of an address; raises StoreError for what is none."""
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        unknown = sorted(set(options) - set(KEYS))
        lock = options.get("lock", LOCKS[0])
        if parts.scheme != "s3" or not parts.netloc or set(parts.netloc) & set("@:"):
            raise StoreError(f"the place for packages {_safe(url)} is no bucket: write s3://bucket/prefix")
        if "@" in urlsplit(options.get("endpoint", "")).netloc:
            raise StoreError(
                f"the place for packages {_safe(url)}: its endpoint has credentials in it, which come from "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        if unknown:
            raise StoreError(f"the place for packages {_safe(url)} has {unknown[0]!r}; there is: {', '.join(KEYS)}")
        if lock not in LOCKS:
            raise StoreError(f"the place for packages {_safe(url)}: lock is {lock!r}; there is: {', '.join(LOCKS)}")
        more = {"endpoint_url": options.get("endpoint"), "region_name": options.get("region")}
        return cls(parts.netloc, unquote(parts.path), lock=lock, **more)

    def put(self, name: str, content: bytes | Path, sha256: str, retain_until: datetime | None) -> str:
        key = self._key(name)
        with self._asking(f"the package {self._url(key)} cannot be written"):
            if retain_until is not None:
                self._check_lock()
            version = self._version(key)
            if version is None:
                version = self._upload(key, content, sha256, retain_until)
            if self._digest(key, version) != sha256:
                raise StoreError(
                    f"the package {self._url(key)} is there already with another content, or was not written as it "
                    f"is: its SHA-256 is not {sha256}; it is never overwritten"
                )
            if retain_until is not None:
                self._extend(key, version, retain_until)
        return self._url(key, version)

    def get(self, where: str) -> bytes:
        key, version = self._parse(where)
        with self._asking(f"the package {where} cannot be read"):
            found = self._s3.get_object(Bucket=self._bucket, Key=key, **version)
            content: bytes = found["Body"].read()
        return content

    def retained_until(self, where: str) -> datetime | None:
        key, version = self._parse(where)
        with self._asking(f"the package {where} cannot be read"):
            head = self._s3.head_object(Bucket=self._bucket, Key=key, **version)
        return _until(head)

    def delete(self, where: str) -> None:
        key, version = self._parse(where)
        with self._asking(f"the package {where} cannot be deleted"):
            head: dict[str, Any] = {}
            try:
                head = self._s3.head_object(Bucket=self._bucket, Key=key, **version)
                self._s3.delete_object(Bucket=self._bucket, Key=key, **version)
            except botocore.exceptions.ClientError as exc:
                if _code(exc) in ABSENT:
                    return
                until = _until(head) if head else None
                if _code(exc) != "AccessDenied" or until is None:
                    raise
                raise RetainedError(
                    f"the package {where} cannot be deleted: the store keeps it until {until.isoformat()} "
                    f"({head.get('ObjectLockMode', '').lower()} lock)"
                ) from exc

    # -- one request each -------------------------------------------------------------------------------------------

    def _check_lock(self) -> None:
        try:
            found = self._s3.get_object_lock_configuration(Bucket=self._bucket)
        except botocore.exceptions.ClientError as exc:
            if _code(exc) != "ObjectLockConfigurationNotFoundError":
                raise
            found = {}
        if found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise StoreError(
                f"the bucket {self._bucket} has no object lock, so nothing in it can be retained: make one with object "
                "lock (it is switched on when a bucket is made), or set no retention"
            )

    def _version(self, key: str) -> str | None:
        """The newest version that is there; empty in a bucket without versions, None where the key is not there."""
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=key)
        except botocore.exceptions.ClientError as exc:
            if _code(exc) not in ABSENT:
                raise
            self._s3.head_bucket(Bucket=self._bucket)  # "not found" is said of a bucket, too
            return None
        return str(head.get("VersionId") or "")

    def _upload(self, key: str, content: bytes | Path, sha256: str, retain_until: datetime | None) -> str:
        """The version that was written, by this call or by another process meanwhile."""
        settings: dict[str, Any] = {"Bucket": self._bucket, "Key": key, "Metadata": {"sha256": sha256}}
        if retain_until is not None:
            settings |= {"ObjectLockMode": self._lock, "ObjectLockRetainUntilDate": retain_until.astimezone(UTC)}
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        try:
            with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as source:
                if size > PART:
                    done = self._in_parts(source, settings)
                else:
                    checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
                    settings |= {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum}
                    done = self._s3.put_object(Body=source, IfNoneMatch="*", **settings)
        except botocore.exceptions.ClientError as exc:
            if _code(exc) != "PreconditionFailed":
                raise
            return self._version(key) or ""
        return str(done.get("VersionId") or "")

    def _in_parts(self, source: BinaryIO, settings: dict[str, Any]) -> Any:
        begun = self._s3.create_multipart_upload(ChecksumAlgorithm="SHA256", **settings)
        upload = {"Bucket": self._bucket, "Key": settings["Key"], "UploadId": begun["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            while piece := source.read(PART):
                number = len(parts) + 1
                checksum = base64.b64encode(hashlib.sha256(piece).digest()).decode()
                done = self._s3.upload_part(Body=piece, PartNumber=number, ChecksumSHA256=checksum, **upload)
                parts.append({"ETag": done["ETag"], "PartNumber": number, "ChecksumSHA256": checksum})
            return self._s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, IfNoneMatch="*", **upload)
        except BaseException:
            self._s3.abort_multipart_upload(**upload)
            raise

    def _digest(self, key: str, version: str) -> str:
        """Of what the store gives back."""
        found = self._s3.get_object(Bucket=self._bucket, Key=key, **_of_version(version))
        digest = hashlib.sha256()
        for piece in found["Body"].iter_chunks(CHUNK):
            digest.update(piece)
        return digest.hexdigest()

    def _extend(self, key: str, version: str, retain_until: datetime) -> None:
        """Lock what was there before for as long as is wanted now; a lock is never shortened."""
        until = _until(self._s3.head_object(Bucket=self._bucket, Key=key, **_of_version(version)))
        if until is None or until < retain_until.replace(microsecond=0):
            retention = {"Mode": self._lock, "RetainUntilDate": retain_until.astimezone(UTC)}
            self._s3.put_object_retention(Bucket=self._bucket, Key=key, Retention=retention, **_of_version(version))

    # -- addresses and errors ---------------------------------------------------------------------------------------

    @property
    def _s3(self) -> Any:
        if self._client is None:
            patience = botocore.config.Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard"})
            made = {name: value for name, value in self._made.items() if value}
            self._client = boto3.session.Session().client("s3", config=patience, **made)
        return self._client

    def _key(self, name: str) -> str:
        if not name or name.startswith("/") or ".." in name.split("/"):
            raise StoreError(f"{name!r} is no name of a package: it has to stay below {self._url(self._prefix)}")
        return f"{self._prefix}/{name}".lstrip("/")

    def _url(self, key: str, version: str = "") -> str:
        return f"s3://{self._bucket}/{quote(key)}" + (f"?versionId={quote(version)}" if version else "")

    def _parse(self, where: str) -> tuple[str, dict[str, str]]:
        """Key and version of what `put` gave."""
        parts = urlsplit(where)
        if parts.scheme != "s3" or parts.netloc != self._bucket:
            raise StoreError(f"the package {where} is not in the bucket {self._bucket}, where packages are kept now")
        return unquote(parts.path).lstrip("/"), _of_version(parse_qs(parts.query).get("versionId", [""])[-1])

    @contextmanager
    def _asking(self, failed: str) -> Iterator[None]:
        try:
            yield
        except botocore.exceptions.ClientError as exc:
            code = _code(exc)
            said = exc.response.get("Error", {}).get("Message") or code
            raise StoreError(f"{failed}: {CAUSES.get(code, said)} ({code})") from exc
        except botocore.exceptions.NoCredentialsError as exc:
            raise StoreError(
                f"{failed}: there are no credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment)"
            ) from exc
        except (botocore.exceptions.BotoCoreError, ValueError) as exc:
            raise StoreError(f"{failed}: {' '.join(str(exc).split())}") from exc
        except OSError as exc:
            raise StoreError(f"{failed}: {exc.strerror or exc}") from exc


def _of_version(version: str) -> dict[str, str]:
    return {"VersionId": version} if version else {}


def _until(head: dict[str, Any]) -> datetime | None:
    found: datetime | None = head.get("ObjectLockRetainUntilDate")
    return found


def _code(exc: Any) -> str:
    return str(exc.response.get("Error", {}).get("Code", ""))


def _safe(url: str) -> str:
    """The address without what somebody may have put before an @."""
    scheme, dummy, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
