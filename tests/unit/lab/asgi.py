# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``requests`` against an ASGI application, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from starlette.types import ASGIApp
from urllib3 import HTTPHeaderDict, HTTPResponse


class AsgiAdapter(BaseAdapter):
    """One event loop for all requests: what they leave running goes on in `run_pending`."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app
        self.loop = asyncio.new_event_loop()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        del stream, timeout, verify, cert, proxies
        status, headers, body = self.loop.run_until_complete(self._exchange(request))
        raw = HTTPResponse(BytesIO(body), HTTPHeaderDict(headers), status, preload_content=False)
        response: requests.Response = requests.adapters.HTTPAdapter().build_response(request, raw)
        return response

    def run_pending(self) -> None:
        """Until nothing that requests have started is left."""
        while tasks := asyncio.all_tasks(self.loop):
            self.loop.run_until_complete(asyncio.gather(*tasks))

    def close(self) -> None:
        if self.loop.is_closed():
            return
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    async def _exchange(self, request: requests.PreparedRequest) -> tuple[int, list[tuple[str, str]], bytes]:
        url = urlsplit(str(request.url))
        body = request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")
        headers = [(name.lower().encode(), _bytes(value)) for name, value in request.headers.items()]
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": unquote(url.path),
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "headers": [(b"host", url.netloc.encode()), *headers],
            "server": (url.hostname, url.port),
            "client": ("127.0.0.1", 1),
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        told = [(name.decode(), value.decode()) for name, value in sent[0].get("headers", [])]
        return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])


class Client(requests.Session):
    """Paths are taken below ``base_url``."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        super().__init__()
        self.trust_env = False
        self._base_url = base_url
        self.adapter = AsgiAdapter(app)
        self.mount("http://", self.adapter)
        self.mount("https://", self.adapter)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **more: Any) -> requests.Response:
        path = url.decode() if isinstance(url, bytes) else url
        return super().request(method, path if "://" in path else self._base_url + path, *args, **more)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")
