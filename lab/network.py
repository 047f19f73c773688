# Copyright (c) 2026, the msp.patching contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loopback addresses of the lab, and one WinRM endpoint for each machine."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import random
import resource
import socket
import ssl
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from .errors import LabError
from .machine import Machine
from .winrm.endpoint import Endpoint, Place
from .world import World

FACES = 7  # control, Automate and PSA twice each, on-call
WINRM_OFFSET = 100
TLS_OFFSET = 7000
HIGHEST_PORT = 32_767  # above it the kernel hands out ports to whoever connects
HTTP_PORT, HTTPS_PORT = 5985, 5986
LOWEST_FREE_BASE = 10_000
ATTEMPTS = 100


def loopback(host: str) -> str:
    """`host` if it is a loopback address. The lab takes any password for granted: it must stay inside."""
    try:
        if ipaddress.IPv4Address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise LabError(f"{host!r} is not a loopback address: the lab listens on 127.0.0.0/8 alone")


@dataclass(frozen=True)
class Layout:
    """Who listens where. With `addresses`, each machine has its own 127.x.y.z and the usual port. Without `winrm` none
    listens: tens of thousands of machines are an inventory, and more than a process may have sockets."""

    host: str = "127.0.0.1"
    port_base: int = 18_000
    addresses: bool = False
    tls: bool = False
    winrm_listens: bool = True

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def winrm_base(self) -> int:
        return self.port_base + WINRM_OFFSET + (TLS_OFFSET if self.tls else 0)

    @property
    def _ports(self) -> bool:
        """Whether each machine has a port of the one address."""
        return self.winrm_listens and not self.addresses

    def winrm(self, machine_id: int) -> tuple[str, int]:
        if not self.addresses:
            return self.host, self.winrm_base + machine_id
        address = f"127.{10 + (machine_id >> 16)}.{machine_id >> 8 & 255}.{machine_id & 255}"
        return address, HTTPS_PORT if self.tls else HTTP_PORT

    def check(self, ids: Iterable[int]) -> None:
        loopback(self.host)
        highest = max(ids, default=0)
        if self._ports and not 1024 <= self.port_base <= self.winrm_base + highest <= HIGHEST_PORT:
            raise LabError(
                f"port base {self.port_base} and the highest machine id {highest} give ports outside "
                f"1024..{HIGHEST_PORT}: choose another --port-base, or --addresses"
            )

    def on_free_ports(self, ids: Collection[int]) -> Layout:
        """The same on ports that nobody else has right now."""
        highest = HIGHEST_PORT - (self.winrm_base - self.port_base) - (max(ids, default=0) if self._ports else 0)
        for _attempt in range(ATTEMPTS):
            # at random, so that labs that start at once do not all go for the same
            layout = replace(self, port_base=random.randrange(LOWEST_FREE_BASE, max(highest, LOWEST_FREE_BASE + 1)))
            places = [(self.host, layout.port_base + offset) for offset in range(FACES)]
            places += [layout.winrm(machine_id) for machine_id in ids if self._ports]
            if all(_is_free(host, port) for host, port in places):
                return layout
        raise LabError(f"found no free ports in {ATTEMPTS} attempts: choose a --port-base")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class Network:
    def __init__(self, world: World, layout: Layout, user: str, password: str, tls: ssl.SSLContext | None) -> None:
        self.world = world
        self.layout = layout
        self._access = (user, password, tls)
        self.endpoints: dict[str, Endpoint] = {}

    async def open(self) -> None:
        """Raises LabError naming the address that is taken."""
        if not self.layout.winrm_listens:
            return
        allow_open_files(2 * len(self.world.machines) + 500)
        self._build()
        self.world.on_machine_change = self._changed
        self.world.on_reset.append(self._reset)
        for endpoint in self.endpoints.values():
            try:
                await endpoint.open()
            except OSError as error:
                self.close()
                place = endpoint.place
                raise LabError(
                    f"{place.host}:{place.port} (WinRM of {endpoint.machine.name}) cannot be opened: "
                    f"{os.strerror(error.errno or 0)}; is another lab up? choose another --port-base"
                ) from error

    def close(self) -> None:
        for endpoint in self.endpoints.values():
            endpoint.close()

    async def settled(self) -> None:
        """Once every listener that should be open is open."""
        opening = [endpoint.opening for endpoint in self.endpoints.values() if endpoint.opening]
        if opening:
            await asyncio.wait(opening)

    def _build(self) -> None:
        user, password, tls = self._access
        for name, machine in self.world.machines.items():
            host, port = self.layout.winrm(machine.computer.id)
            place = Place(host, port, user, password, tls)
            self.endpoints[name] = Endpoint(
                machine,
                place,
                self.world.faults,
                lambda **told: self.world.journal.write("winrm", **told),
                self.world.missing,
            )

    def _changed(self, machine: Machine) -> None:
        endpoint = self.endpoints.get(machine.name)
        if endpoint is not None and endpoint.machine is machine:
            endpoint.sync()

    def _reset(self) -> None:
        for name, endpoint in self.endpoints.items():
            endpoint.renew(self.world.machines[name])


def allow_open_files(wanted: int) -> None:
    """Each endpoint holds a socket, and each caller another."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        if limit < wanted:
            raise LabError(f"this fleet needs {wanted} open files, the limit is {hard}: raise it (ulimit -n)")
