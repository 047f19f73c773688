# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network face of one machine: a listener that opens and closes with it, and lean HTTP/1.1.

A web framework cannot do what absent Windows machines do: refuse, reset, or never answer.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from lab.faults import FaultBook
from lab.machine import Machine

from .execute import Missing
from .service import AnswerLostError, Service

MAX_HEADER = 64 * 1024
MAX_BODY = 2 * 1024 * 1024
REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 413: "Too Large", 429: "Too Many", 500: "Error"}


@dataclass(frozen=True)
class Place:
    """Where an endpoint listens, and who may log on."""

    host: str
    port: int
    user: str
    password: str
    tls: ssl.SSLContext | None = None

    def admits(self, authorization: str) -> bool:
        scheme, dummy, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded)
        except binascii.Error:
            return False
        wanted = f"{self.user}:{self.password}".encode()
        return scheme.lower() == "basic" and hmac.compare_digest(given, wanted)


class Endpoint:
    def __init__(
        self, machine: Machine, place: Place, faults: FaultBook, tell: Callable[..., Any], missing: Missing
    ) -> None:
        self.place = place
        self.faults = faults
        self.tell = tell
        self._missing = missing
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.opening: asyncio.Task[None] | None = None
        self._become(machine)

    def _become(self, machine: Machine) -> None:
        self.machine = machine
        self._boot_id = machine.boot_id
        self.service = Service(
            machine,
            self.tell,
            self._missing,
            loses=lambda told: self.faults.take_answer(machine.name, told),
            holds=lambda told: self.faults.holds_answer(machine.name, told),
        )

    @property
    def silent(self) -> bool:
        """Nobody is there, and the network does not say so."""
        return not self.machine.reachable and self.machine.absence == "hang"

    def _wanted(self) -> bool:
        if self.faults.peek(self.machine.name, "refuse"):
            return False
        return self.machine.reachable or self.silent

    async def open(self) -> None:
        """Listens if the machine is there. Raises OSError if the port is taken."""
        if self._server is None and self._wanted():
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self), self.place.host, self.place.port, ssl=self.place.tls, backlog=16
            )

    def close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for connection in list(self.connections):
            connection.reset()

    def renew(self, machine: Machine) -> None:
        """Another machine has the place, of which none knows: a listener that is opening right now becomes its own."""
        self.service.forget()
        self.close()
        self._become(machine)
        self.sync()

    def sync(self) -> None:
        """After the machine or its faults changed: what listens follows."""
        if self.machine.boot_id != self._boot_id or self.machine.power != "on":
            self._boot_id = self.machine.boot_id
            self.service.forget()
        if not self._wanted():
            self.close()
        elif self._server is None and (self.opening is None or self.opening.done()):
            self.opening = asyncio.get_running_loop().create_task(self._reopen())

    async def _reopen(self) -> None:
        await self.open()
        if not self._wanted():
            self.close()


class Connection(asyncio.Protocol):
    """One TCP connection. Requests come one after the other, each with a Content-Length."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answering: asyncio.Task[None] | None = None
        self._deaf = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._endpoint.connections.add(self)
        name = self._endpoint.machine.name
        if self._endpoint.faults.take(name, "reset", at="connection"):
            self._endpoint.tell(machine=name, fault="reset")
            self.reset()
        elif self._endpoint.silent or self._endpoint.faults.take(name, "hang", at="connection"):
            self._endpoint.tell(machine=name, fault="hang")
            self._deaf = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._endpoint.connections.discard(self)
        if self._answering:
            self._answering.cancel()

    def reset(self) -> None:
        """Ends it with a RST, as a dying machine or a firewall does."""
        if self._transport is None:
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._buffer += data
        if self._answering is None:
            self._next()

    def _next(self) -> None:
        """Starts on the next request, once all of it is there."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEADER:
                self.reset()
            return
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {
            key.strip().lower(): value.strip() for key, dummy, value in (line.partition(":") for line in lines[1:])
        }
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            self._write(413)
            self._deaf = True
            if self._transport:
                self._transport.close()
            return
        total = end + 4 + int(length)
        if len(self._buffer) < total:
            return
        body = bytes(self._buffer[end + 4 : total])
        del self._buffer[:total]
        path = [*lines[0].split(" "), ""][1]
        self._answering = asyncio.get_running_loop().create_task(self._answer(path, headers, body))
        self._answering.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering = None
        if task.cancelled():
            return
        if task.exception():
            self._write(500)
            raise cast("Exception", task.exception())
        if self._buffer:
            self._next()

    async def _answer(self, path: str, headers: dict[str, str], body: bytes) -> None:
        endpoint, faults, name = self._endpoint, self._endpoint.faults, self._endpoint.machine.name
        slow = faults.take(name, "slow")
        if slow:
            await endpoint.machine.clock.sleep(slow.seconds)
        if endpoint.service.is_receive(body) and faults.take(name, "reset", at="command"):
            endpoint.tell(machine=name, fault="reset", at="command")
            self.reset()
        elif faults.take(name, "error"):
            self._write(500)
        elif throttle := faults.take(name, "throttle"):
            self._write(429, extra=f"Retry-After: {throttle.retry_after}\r\n")
        elif faults.take(name, "unauthorized") or not endpoint.place.admits(headers.get("authorization", "")):
            endpoint.tell(machine=name, refused="credentials")
            self._write(401, extra='WWW-Authenticate: Basic realm="WSMAN"\r\n')
        elif path.partition("?")[0] != "/wsman":
            self._write(404)
        else:
            try:
                status, envelope = await endpoint.service.answer(body, path.partition("?")[2])
            except AnswerLostError:
                endpoint.tell(machine=name, fault="reset", at="answer")
                self.reset()
            else:
                self._write(status, envelope)

    def _write(self, status: int, body: bytes = b"", extra: str = "") -> None:
        if self._transport is None or self._transport.is_closing():
            return
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\nServer: Microsoft-HTTPAPI/2.0\r\n{extra}"
            f"Content-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
