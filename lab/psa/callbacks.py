# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callbacks: a POST to whoever asked for it, signed, after a record was added, updated or deleted.

``x-content-signature`` is base64(HMAC-SHA256(SHA256(signing key), body)); the key is told at
``Metadata.key_url``. Only loopback addresses are called: the lab talks to nobody else.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .errors import PsaError, invalid
from .table import Row, Table

TYPES = ("ticket", "company", "configuration")
LEVELS = {"owner": None, "board": "board", "company": "company"}
RETRIED = (404, 409, 419, 429)
RETRY_AFTER_SECONDS = (2.0, 4.0)
TIMEOUT_SECONDS = 5.0
KEY_PATH = "/system/callbacks/key"


def sign(key: str, body: bytes) -> str:
    digest = hmac.new(hashlib.sha256(key.encode()).digest(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class Callbacks:
    def __init__(self, table: Table, company_id: str) -> None:
        self._table = table
        self._company_id = company_id
        self._key = secrets.token_urlsafe(32)
        self._sending: set[asyncio.Task[None]] = set()
        self.base_url = ""
        """Where the API was last reached; the key's address is told relative to it."""
        table.check = _check

    def routes(self) -> list[Route]:
        return [Route(KEY_PATH, self._tell_key, methods=["GET"])]

    async def _tell_key(self, _request: Request) -> Response:
        return JSONResponse({"signing_key": self._key})

    def tell(self, kind: str, action: str, row: Row) -> None:
        """To all that want it, without waiting for them."""
        for entry in self._table:
            if entry["type"] == kind and not entry["inactiveFlag"] and _concerns(entry, row):
                # what the lab's one API member changed is its own doing
                if entry["isSelfSuppressedFlag"]:
                    continue
                body = self._body(kind, action, row)
                task = asyncio.get_running_loop().create_task(self._send(entry["url"], body))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    def _body(self, kind: str, action: str, row: Row) -> bytes:
        told: dict[str, Any] = {
            "MessageId": secrets.token_hex(16),
            "FromUrl": urlsplit(self.base_url).netloc,
            "CompanyId": self._company_id,
            "MemberId": row["_info"]["updatedBy"],
            "Action": action,
            "Type": kind,
            "ID": row["id"],
            "ProductInstanceId": None,
            "PartnerId": None,
            "Entity": json.dumps(row),
            "Metadata": {"key_url": f"{self.base_url}{KEY_PATH}"},
            "CallbackObjectRecId": 1,
        }
        return json.dumps(told).encode()

    async def _send(self, url: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "x-content-signature": sign(self._key, body)}
        for wait in (*RETRY_AFTER_SECONDS, None):
            status = await asyncio.to_thread(_post, url, body, headers)
            if status not in RETRIED or wait is None:
                return
            await asyncio.sleep(wait)


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status, or 0 where there was no answer."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands before loopback
            return session.post(url, data=body, headers=dict(headers), timeout=TIMEOUT_SECONDS).status_code
    except requests.RequestException:
        return 0


def _concerns(entry: Row, row: Row) -> bool:
    field = LEVELS[entry["level"]]
    return field is None or (row.get(field) or {}).get("id") == entry["objectId"]


def _check(row: Row) -> None:
    if row["type"] not in TYPES:
        raise invalid("callbackEntry", ("InvalidEnum", f"{row['type']!r}: the lab knows {', '.join(TYPES)}.", "type"))
    if row["level"] not in LEVELS:
        said = f"{row['level']!r}: the lab knows {', '.join(LEVELS)}."
        raise invalid("callbackEntry", ("InvalidEnum", said, "level"))
    host = urlsplit(str(row["url"])).hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise PsaError(400, f"the lab calls loopback addresses only, not {host!r}")
