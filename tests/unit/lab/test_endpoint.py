# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listener of a machine, over real sockets: it comes and goes with the machine, and takes no nonsense."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from lab.clock import LabClock
from lab.faults import FaultBook
from lab.fleet_model import Computer
from lab.machine import Machine
from lab.winrm.endpoint import Endpoint, Place


def with_endpoint(scenario: Callable[[Endpoint], Awaitable[None]]) -> None:
    async def run() -> None:
        computer = Computer(
            id=1,
            name="PC1",
            key="PC1",
            kind="workstation",
            os="Microsoft Windows 11 Pro x64",
            release="24H2",
            os_version="10.0.26100",
            client="A",
            location="M",
            client_id=1,
            location_id=1,
        )
        faults = FaultBook()
        machine = Machine(computer, {}, LabClock(datetime(2026, 11, 11, 8, tzinfo=UTC)), faults)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        endpoint = Endpoint(
            machine, Place("127.0.0.1", port, "u", "p"), faults, lambda **_told: None, lambda _m, _w: None
        )
        machine.on_change = lambda _machine: endpoint.sync()
        faults.on_change = lambda _target: endpoint.sync()
        await endpoint.open()
        try:
            await scenario(endpoint)
        finally:
            endpoint.close()
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(run(), 10))


async def send(endpoint: Endpoint, data: bytes) -> bytes:
    """All that comes back until the lab hangs up, or a second of silence after an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.place.port)
    writer.write(data)
    answer = b""
    try:
        while chunk := await asyncio.wait_for(reader.read(65536), 0.3):
            answer += chunk
    except TimeoutError:
        pass
    finally:
        writer.close()
    return answer


def post(body: bytes = b"", authorization: str = "Basic dTpw", path: str = "/wsman") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nAuthorization: {authorization}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(authorization="Basic eDp5"), b"401"),
        (post(path="/"), b"404"),
        (post(b"no envelope"), b"500"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"413"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
    ],
)
def test_answers_by_status(request_bytes: bytes, status: bytes) -> None:
    async def scenario(endpoint: Endpoint) -> None:
        answer = await send(endpoint, request_bytes)
        assert answer.startswith(b"HTTP/1.1 " + status)

    with_endpoint(scenario)


def test_two_requests_in_one_packet_get_two_answers() -> None:
    async def scenario(endpoint: Endpoint) -> None:
        answer = await send(endpoint, post(b"x") + post(b"y"))
        assert answer.count(b"HTTP/1.1 500") == 2

    with_endpoint(scenario)


def test_endless_headers_are_cut_off() -> None:
    async def scenario(endpoint: Endpoint) -> None:
        with pytest.raises(ConnectionResetError):
            await send(endpoint, b"POST /wsman HTTP/1.1\r\n" + b"x" * 100_000)

    with_endpoint(scenario)


def test_the_port_closes_and_opens_with_the_machine() -> None:
    async def scenario(endpoint: Endpoint) -> None:
        machine = endpoint.machine
        machine.update({"online": False})
        with pytest.raises(ConnectionRefusedError):
            await send(endpoint, post())
        machine.update({"online": True})
        assert endpoint.opening
        await endpoint.opening
        assert await send(endpoint, post())
        machine.update({"asleep": True, "absence": "hang"})
        assert endpoint.opening
        await endpoint.opening
        assert await send(endpoint, post()) == b""

    with_endpoint(scenario)


def test_a_refusal_ends_with_its_fault() -> None:
    async def scenario(endpoint: Endpoint) -> None:
        fault = endpoint.faults.add({"target": "PC1", "kind": "refuse"})
        with pytest.raises(ConnectionRefusedError):
            await send(endpoint, post())
        endpoint.faults.remove(fault.id)
        assert endpoint.opening
        await endpoint.opening
        assert await send(endpoint, post())

    with_endpoint(scenario)


def test_a_reset_strikes_once_and_is_over() -> None:
    async def scenario(endpoint: Endpoint) -> None:
        endpoint.faults.add({"target": "PC1", "kind": "reset", "times": 1})
        with pytest.raises(ConnectionResetError):
            await send(endpoint, post())
        assert await send(endpoint, post())

    with_endpoint(scenario)
